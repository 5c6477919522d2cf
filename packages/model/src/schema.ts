/** Schema of a declaration: the whole of it, with the fields that later versions act on, so that configs do not change shape. */
import type { Plugin } from '@rebake/sdk';
import { z } from 'zod';
import { codeEnv } from './schema-envs.ts';
import { baseImage } from './schema-images.ts';
import {
  dssVersion,
  duration,
  line,
  name,
  packages,
  path,
  platform,
  prePush,
  proxy,
  registryUrl,
  repository,
  secretRef,
  tag,
  verbatim,
} from './schema-parts.ts';
import { apiService, codeStudioTemplate, instance, sparkConfig } from './schema-later.ts';
import { RELEASE_VERSION } from './schema-words.ts';

const release = z
  .strictObject({
    version: dssVersion.describe('DSS version, in quotes where it has only one dot.'),
    kit: path.optional().describe('Folder of the DSS installation, relative to the config: what images take from it.'),
  })
  .describe('A DSS release.');

const registry = z
  .strictObject({
    url: registryUrl.describe(
      '`host[:port][/path]` that is pulled from, and pushed to unless `pushUrl` says otherwise.',
    ),
    pushUrl: registryUrl.optional().describe('`host[:port][/path]` to push to, where it differs.'),
    ca: path.optional().describe('PEM file with the CA of the registry, for private ones.'),
    insecure: z.boolean().optional().describe('Plain HTTP.'),
    parallel: z
      .int()
      .min(1)
      .max(64)
      .optional()
      .describe('Requests at once, for registries that limit how much they are asked. Default: 16.'),
    prePush: prePush.optional(),
  })
  .describe('A registry. Logins come from the docker config of the user and its helpers.');

const containerConfig = z
  .strictObject({
    engine: z.enum(['kubernetes', 'docker']).describe('What runs the containers.'),
    base: name.describe('Base image that env images of this config are built on.'),
    registry: name
      .optional()
      .describe('Registry to publish to. Without one, images stay in the engine of their builder.'),
    repository: repository.optional().describe('Repository path below the registry, before the name of the image.'),
    platform: platform.optional().describe('Platform. Default: that of its base.'),
    tags: z
      .array(tag)
      .min(1)
      .default([`dss-${RELEASE_VERSION}`])
      .describe('Tags of published images; `${release.version}` stands for the version of the release.'),
    instance: name.optional().describe('Instance of `instances` that has it.'),
    dssName: line.optional().describe('Its name in DSS, where that is another one.'),
    usableBy: z.enum(['all', 'allowed']).default('all').describe('Who may use it in DSS.'),
    allowedGroups: z.array(line).default([]).describe('Groups that may use it, for `usableBy: allowed`.'),
    workloadType: line.optional().describe('Workloads that it is for, such as `ANY`.'),
    properties: z.record(line, verbatim).default({}).describe('Properties of the config in DSS.'),
    prePush: prePush.optional(),
  })
  .describe('A container execution config of DSS.');

const builder = z
  .strictObject({
    type: name.describe('Kind of builder: a built-in one, or one that a plugin brings.'),
    parallel: z
      .int()
      .min(1)
      .max(1024)
      .optional()
      .describe('How many builds it runs at a time. Default: what it says of itself, else 4.'),
    timeout: duration.optional().describe('How long one build, fetch or push may take. Default: two hours.'),
    options: z.record(z.string(), z.unknown()).default({}).describe('Options of its kind.'),
  })
  .describe('A builder.');

const build = z
  .strictObject({
    ca: secretRef.optional().describe('PEM bundle that builds trust, as a secret.'),
    pipConfig: secretRef.optional().describe('pip.conf that builds see, as a secret.'),
    secrets: z.record(name, secretRef).default({}).describe('Other secrets, by the id that a build mounts.'),
    proxy: proxy.optional(),
    network: z.enum(['default', 'host', 'none']).default('default').describe('Network of builds.'),
  })
  .prefault({})
  .describe('How builds reach the world: facts of the machine, which never make anything stale.');

/** What a plugin does for the declaration: which kind of it, and its options. */
const use = (what: string, text: string) =>
  z
    .strictObject({
      type: name.describe(`Kind of ${what}, as its plugin calls it.`),
      options: z.record(z.string(), z.unknown()).default({}).describe('Options of its kind.'),
    })
    .describe(text);

const section = <T extends z.ZodType>(value: T, text: string): z.ZodDefault<z.ZodRecord<typeof name, T>> =>
  z.record(name, value).default({}).describe(text);

/** The declaration. */
export const configSchema = z.strictObject({
  $schema: z.string().optional().describe('Address of this schema, for editors.'),
  version: z.literal(1).describe('Version of the shape of this file.'),
  release: release.optional(),
  releases: z
    .record(name, release)
    .optional()
    .describe('Several releases by name, instead of `release`; each base names its own.'),
  registries: section(registry, 'Registries by name.'),
  baseImages: section(baseImage, 'Base images by name.'),
  containerConfigs: section(containerConfig, 'Container configs by name.'),
  codeEnvs: section(codeEnv, 'Code envs by name.'),
  sparkConfigs: section(sparkConfig, 'Spark configs by name.'),
  codeStudioTemplates: section(codeStudioTemplate, 'Code Studio templates by name.'),
  apiServices: section(apiService, 'API services by name.'),
  instances: section(instance, 'DSS nodes by name.'),
  builtinEnv: z
    .strictObject({ packages: packages.default([]).describe('Packages added by hand.') })
    .optional()
    .describe('Packages added by hand to the environment that comes with DSS; not available in containers.'),
  locks: z
    .enum(['required', 'optional'])
    .default('optional')
    .describe(
      'Whether everything that can be locked has to be. Builders that install from locks only (`oci`) need them anyway.',
    ),
  builders: z
    .record(name, z.union([name, builder]))
    .default({ default: 'oci' })
    .describe(
      'Builders by name; `default` names the one that is used where nothing else is said. A text is short for `{type: …}`.',
    ),
  build,
  plugins: z
    .array(line)
    .default([])
    .describe(
      'Plugins, which bring kinds of builders, sources, states and nodes: names of packages that are installed beside this file, or paths that begin with `./`. A `rebake.config.ts` may list plugins themselves.',
    ),
  sources: section(
    use('source', 'A source.'),
    'Sources by name: parts of the declaration that are kept elsewhere, and read each time.',
  ),
  nodes: section(
    use('nodes', 'Nodes of a plugin.'),
    'Further nodes by name, of kinds that plugins bring; they may stand on base images and env images.',
  ),
  state: use('state', 'A state of a plugin.')
    .optional()
    .describe('Where state, history and the lock are kept. Default: in `.rebake/state.db` (`type: sqlite`).'),
});

/** Sections of named things: what a source may declare. */
export const SOURCE_SECTIONS = [
  'releases',
  'registries',
  'baseImages',
  'containerConfigs',
  'codeEnvs',
  'sparkConfigs',
  'codeStudioTemplates',
  'apiServices',
  'instances',
  'builders',
  'nodes',
] as const satisfies readonly (keyof Config)[];

/** A validated declaration, with all defaults filled in. */
export type Config = z.output<typeof configSchema>;
/** What a user writes. Plugins as objects are there only where the declaration is a program. */
export type ConfigInput = Omit<z.input<typeof configSchema>, 'plugins'> & {
  readonly plugins?: readonly (string | Plugin)[];
};

export type BaseImageConfig = Config['baseImages'][string];
export type CodeEnvConfig = Config['codeEnvs'][string];
export type ContainerConfig = Config['containerConfigs'][string];
export type RegistryConfig = Config['registries'][string];
export type ReleaseConfig = NonNullable<Config['release']>;
