/** Schema of base images: what DSS builds with `build-base-image`, as a declaration. */
import { z } from 'zod';
import {
  cudaVersion,
  files,
  fragment,
  glibcVersion,
  httpUrl,
  imageRef,
  line,
  name,
  packages,
  path,
  platform,
  proxy,
  pythonVersion,
  repository,
  systemPackage,
  tag,
} from './schema-parts.ts';

const suite = z.string().regex(/^[a-z][a-z0-9.-]{0,39}$/, 'a suite such as `bookworm`');

const from = z
  .union([
    z.strictObject({ image: imageRef.describe('Image of somebody else, followed by its reference.') }),
    z.strictObject({ rootfs: path.describe('Tar archive with a whole root file system.') }),
    z.strictObject({
      layout: path.describe('Folder with an OCI image layout, or a tar archive of one or of `docker save`.'),
      name: line.optional().describe('Which image of it, where there are several.'),
    }),
    z.strictObject({
      dockerfile: path.describe('Dockerfile of your own.'),
      context: path.optional().describe('Folder that the Dockerfile may COPY from. Without it nothing can be copied.'),
      target: name.optional().describe('Stage to build, when it is not the last.'),
      args: z
        .record(z.string().regex(/^[A-Za-z_]\w*$/, 'a name of a build argument'), line)
        .optional()
        .describe('Build arguments.'),
    }),
    z.strictObject({ base: name.describe('Another base image of this file.') }),
    z.strictObject({
      debian: z
        .strictObject({
          suite: suite.describe('Debian suite, such as `bookworm`.'),
          packages: z.array(systemPackage).default([]).describe('Packages on top of the smallest system.'),
          mirror: httpUrl
            .optional()
            .describe('Mirror to take packages from; a fact of the machine. Default: that of this machine.'),
          security: httpUrl.optional().describe('Mirror of security updates, for a `mirror` of your own.'),
          keyring: path
            .optional()
            .describe("Keyring that signs the index of the mirror. Default: Debian's own on this machine."),
        })
        .describe('A root file system made of Debian packages.'),
    }),
  ])
  .describe('What the image starts from: exactly one of `image`, `rootfs`, `layout`, `dockerfile`, `base`, `debian`.');

/** User that containers run as. */
const user = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'a user name')
      .default('dataiku')
      .describe('Its name.'),
    uid: z.int().min(1).max(4_294_967_294).default(500).describe('Its number (`dku.container.dataiku.uid` of DSS).'),
  })
  .prefault({})
  .describe('User that containers run as; its group is 0.');

/** One base image. */
export const baseImage = z
  .strictObject({
    type: z.enum(['container-exec', 'cde', 'spark', 'api-deployer']).describe('What DSS uses it for.'),
    from,
    release: name.optional().describe('Release of `releases` whose DSS it carries. Needed when there are several.'),
    python: z
      .array(pythonVersion)
      .optional()
      .describe('Python versions in the image, in quotes. Default: that of the DSS release, or of the base it is on.'),
    r: z.boolean().optional().describe('Whether R is in the image. Default: that of the base it is on, else no.'),
    cuda: cudaVersion.optional().describe('CUDA version in the image, in quotes.'),
    cudnn: cudaVersion.optional().describe('cuDNN version in the image, in quotes.'),
    systemPackages: z.array(systemPackage).default([]).describe('Packages of the operating system to install.'),
    platform: platform.optional().describe('Platform; default that of the configs that use it, else linux/amd64.'),
    distribution: z
      .string()
      .regex(/^[a-z][a-z0-9.-]{0,39}$/, 'a distribution such as `almalinux9`')
      .optional()
      .describe('Distribution of the operating system, such as `almalinux9`, as `--distrib` of DSS.'),
    family: z
      .enum(['debian', 'rhel'])
      .optional()
      .describe(
        'Family of the distribution, which decides between apt and dnf. Default: guessed from `from` and `distribution`.',
      ),
    glibc: glibcVersion
      .optional()
      .describe(
        'Version of glibc in the image, in quotes: which wheels fit. Default: that of the Debian lock or the base it is on, else guessed from the distribution.',
      ),
    user,
    fragments: z
      .strictObject({
        prepend: fragment.optional().describe('Instructions before everything else (`--dockerfile-prepend`).'),
        append: fragment.optional().describe('Instructions after everything else (`--dockerfile-append`).'),
        files,
      })
      .prefault({})
      .describe('Dockerfile instructions of your own.'),
    copyToBuildenv: z
      .array(
        z.strictObject({
          from: path.describe('File or folder, relative to the config.'),
          to: path.describe('Path in the build context.'),
        }),
      )
      .default([])
      .describe('Files put into the build context for the instructions (`--copy-to-buildenv`).'),
    packages: packages.optional().describe('Python packages added to the environment that comes with the image.'),
    buildOptions: z.array(line).default([]).describe('Options handed to the engine (`--docker-build-opt`).'),
    cranMirror: httpUrl.optional().describe('Mirror of CRAN (`--cran-mirror`); a fact of the machine.'),
    proxy: proxy.optional(),
    plugins: z.array(path).default([]).describe('Folders of DSS plugins for the image of plugins on a `cde` base.'),
    drivers: z
      .array(path)
      .default([])
      .describe('Folders of database drivers for the image of plugins on a `cde` base.'),
    tags: z
      .array(tag)
      .default([])
      .describe('Tags of the base in the engine of its builder, under `repository`, for a DSS that uses this engine.'),
    repository: repository
      .optional()
      .describe('Repository name of the base in the engine of its builder, such as `dku-exec-base-INSTALLID`.'),
    builder: name.optional().describe('Builder of this image. Default: `builders.default`.'),
  })
  .describe('A base image.');
