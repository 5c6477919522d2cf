/** Schema of code envs: the settings that DSS keeps of one, under names of their own. */
import { z } from 'zod';
import { files, fragment, interpreter, line, name, packages, path, platform } from './schema-parts.ts';

const resources = z
  .union([
    z.literal('none'),
    z.strictObject({
      mode: z.literal('copy').describe('Copies a folder.'),
      dir: path.describe('Folder whose files are copied into the image.'),
    }),
    z.strictObject({
      mode: z.literal('script').describe('Runs a script.'),
      script: path.describe('Initialization script that runs while the image is built.'),
    }),
  ])
  .default('none')
  .describe('Resources directory: `none`, `{mode: copy, dir}` or `{mode: script, script}`.');

const fragments = z
  .strictObject({
    atStart: fragment.optional().describe('Before everything.'),
    beforePackages: fragment.optional().describe('Before the packages.'),
    afterCondaPackages: fragment.optional().describe('After the Conda packages.'),
    afterPackages: fragment.optional().describe('After the packages.'),
    atEnd: fragment.optional().describe('After everything.'),
    files,
  })
  .prefault({})
  .describe("Dockerfile instructions at DSS's five places.");

/** Container runtime additions, as DSS calls them. */
export const RUNTIME_ADDITIONS = [
  'SYSTEM_LEVEL_CUDA_112_CUDNN_811',
  'SYSTEM_LEVEL_CUDA_122_CUDNN_897',
  'CUDA_SUPPORT_FOR_TORCH2_WITH_PYPI_NVIDIA_PACKAGES',
  'BASIC_GPU_ENABLING',
  'PYTHON36_SUPPORT',
  'PYTHON37_SUPPORT',
  'PYTHON38_SUPPORT',
  'HUGGING_FACE_LOCAL_CPU',
  'HUGGING_FACE_LOCAL_GPU',
] as const;

/** Deployment modes of DSS, in lower case. */
export const DEPLOYMENTS = [
  'design-managed',
  'design-non-managed',
  'external-conda-named',
  'plugin-managed',
  'plugin-non-managed',
  'automation-single',
  'automation-versioned',
  'automation-non-managed-path',
  'automation-external-conda-named',
  'business-app-managed',
  'business-app-non-managed',
] as const;

// What differs between the versions of a versioned env.
const contents = {
  interpreter: interpreter
    .optional()
    .describe('Python version of the env, in quotes; `custom` is an interpreter from the PATH of the DSS host.'),
  packages: packages.default([]).describe('Packages: a list, or `{file}`.'),
  conda: z
    .strictObject({ packages: packages.default([]).describe('Conda packages: a list, or `{file}`.') })
    .optional()
    .describe('Makes it a Conda env.'),
  corePackages: z
    .strictObject({
      install: z.boolean().default(true).describe('Whether the packages that DSS itself needs are installed.'),
      set: z
        .string()
        .regex(/^[A-Z][A-Z0-9_]{0,39}$/, 'a set such as `AUTO` or `PANDAS10`')
        .default('AUTO')
        .describe('Which set of them, such as `AUTO` or `PANDAS10`.'),
    })
    .prefault({})
    .describe('Core packages of DSS.'),
  jupyter: z.boolean().default(false).describe('Whether notebooks can use it (installs ipykernel or IRkernel).'),
  resources,
  fragments,
  cacheBusting: z
    .enum(['beginning', 'after-start-dockerfile', 'after-packages', 'after-after-packages-dockerfile', 'end', 'none'])
    .default('after-start-dockerfile')
    .describe('Where DSS breaks the layer cache.'),
  runtimeAdditions: z
    .array(z.enum(RUNTIME_ADDITIONS))
    .default([])
    .describe('Container runtime additions, by the names of DSS.'),
  lock: path
    .optional()
    .describe(
      'Lock with exact versions and hashes, relative to the config. Default: `pylock.NAME.toml` beside the config, where it is there.',
    ),
  pins: path
    .optional()
    .describe(
      'File with the versions that run today, one `name==version` a line: a first lock takes these versions where they fit. They count for nothing once there is a lock.',
    ),
  bytecode: z
    .boolean()
    .default(true)
    .describe('Whether modules are compiled while the image is built: a larger image that starts faster.'),
};

const version = z.strictObject(contents).describe('One version of the env; it inherits nothing from the env.');

const selection = (what: string): z.ZodUnion<[z.ZodLiteral<'all'>, z.ZodLiteral<'none'>, z.ZodArray<typeof name>]> =>
  z.union([z.literal('all'), z.literal('none'), z.array(name).describe(`Names of ${what}.`)]);

/** One code env. */
export const codeEnv = z
  .strictObject({
    language: z.enum(['python', 'r']).describe('Language.'),
    ...contents,
    versions: z
      .record(name, version)
      .optional()
      .describe('Versions, for `automation-versioned`: each gets its own images.'),
    containerConfigs: selection('container configs')
      .default('all')
      .describe('Container configs for which it gets images: `all`, `none`, or a list of names.'),
    sparkConfigs: selection('Spark configs')
      .default('none')
      .describe('Spark configs for which it gets images: `all`, `none`, or a list of names.'),
    deployment: z.enum(DEPLOYMENTS).default('design-managed').describe('How DSS manages it.'),
    acceptedInterpreters: z
      .array(interpreter)
      .optional()
      .describe('Python versions that the plugin of this env accepts.'),
    extraPythonPath: z.array(line).default([]).describe('Additional PYTHONPATH entries; not available in containers.'),
    instance: name.optional().describe('Instance of `instances` that has it.'),
    dssName: line.optional().describe('Its name in DSS, where that is another one.'),
    owner: line.optional().describe('Who owns it in DSS.'),
    contact: line.optional().describe('Whom to ask about it.'),
    platform: platform.optional().describe('Platform. Default: that of each config.'),
    builder: name.optional().describe('Builder of its images. Default: `builders.default`.'),
  })
  .describe('A code env.');
