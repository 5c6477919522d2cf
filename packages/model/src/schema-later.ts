/** Schema of the sections that are accepted and validated today and acted on by later versions. */
import { z } from 'zod';
import {
  files,
  fragment,
  httpUrl,
  line,
  name,
  path,
  platform,
  prePush,
  repository,
  secretRef,
  tag,
  verbatim,
} from './schema-parts.ts';
import { RELEASE_VERSION } from './schema-words.ts';

const placing = {
  base: name.describe('Base image that it is built on.'),
  registry: name
    .optional()
    .describe('Registry to publish to. Without one, images stay in the engine of their builder.'),
  repository: repository.optional().describe('Repository path below the registry, before the name of the image.'),
  platform: platform.optional().describe('Platform. Default: that of its base.'),
  tags: z
    .array(tag)
    .min(1)
    .default([`dss-${RELEASE_VERSION}`])
    .describe('Tags of published images.'),
};

/** A Spark config: the second family of configs that env images are made for. */
export const sparkConfig = z
  .strictObject({
    ...placing,
    instance: name.optional().describe('Instance of `instances` that has it.'),
    dssName: line.optional().describe('Its name in DSS, where that is another one.'),
    description: line.optional().describe('What it is for.'),
    managedKubernetes: z.boolean().default(true).describe('Whether DSS manages Spark on Kubernetes.'),
    properties: z.record(line, verbatim).default({}).describe('Spark properties.'),
    prePush: prePush.optional(),
  })
  .describe('A Spark config.');

/** A Code Studio template: an image of its own on a base. */
export const codeStudioTemplate = z
  .strictObject({
    ...placing,
    codeEnvs: z.array(name).default([]).describe('Code envs that are in the image.'),
    fragments: z
      .strictObject({
        atStart: fragment.optional().describe('Before everything.'),
        atEnd: fragment.optional().describe('After everything.'),
        files,
      })
      .prefault({})
      .describe('Dockerfile instructions of your own.'),
    builder: name.optional().describe('Builder of its image.'),
  })
  .describe('A Code Studio template.');

/** An API service: a base and one layer of service data. */
export const apiService = z
  .strictObject({
    ...placing,
    package: path.describe('Archive with the data of the service.'),
    codeEnvs: z.array(name).default([]).describe('Code envs that are in the image.'),
    builder: name.optional().describe('Builder of its image.'),
  })
  .describe('An API service.');

/** A running DSS node. */
export const instance = z
  .strictObject({
    url: httpUrl.describe('Address of the node.'),
    apiKey: secretRef.describe('Admin API key, as a secret.'),
    type: z.enum(['design', 'automation', 'api', 'deployer', 'govern']).default('design').describe('Type of node.'),
    release: name.optional().describe('Release of `releases` that it runs.'),
    dataDir: line.optional().describe('Data directory on its host.'),
    installId: line.optional().describe('Install id, as in the default names of its images.'),
    ca: path.optional().describe('PEM file with the CA of the node, for private ones.'),
    insecure: z.boolean().optional().describe('Skip the check of its certificate.'),
  })
  .describe('A DSS node.');
