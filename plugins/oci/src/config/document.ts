/** Configs and manifests as they are written: nothing in them that is no function of what is in the image. */
import { canonicalJson, digestOfBytes, type ImageSpec, type Platform } from '@rebake/image';
import { CONTENTS } from '../contents.ts';
import type { ConfigDocument, Documents, Image, ImageLayer } from '../image.ts';
import { mergeEnv } from './env.ts';

/** One line of a history. */
export interface HistoryEntry {
  readonly created_by: string;
  readonly empty_layer?: true;
}

const EPOCH = '1970-01-01T00:00:00Z';
const MANIFEST_TYPE = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG_TYPE = 'application/vnd.oci.image.config.v1+json';
/** What Docker gives images that begin with nothing. */
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Fields of a config document that say something of the image, and not of how it came to be. */
const KEPT = ['author', 'variant', 'os.version', 'os.features'] as const;
/** The same within `config`: the others belong to a container that it was made in. */
const OF_A_CONTAINER = new Set([
  'Hostname',
  'Domainname',
  'AttachStdin',
  'AttachStdout',
  'AttachStderr',
  'Tty',
  'OpenStdin',
  'StdinOnce',
  'Image',
  'ArgsEscaped',
  'OnBuild',
  'MacAddress',
  'NetworkDisabled',
]);

/** Media types of Docker's layers, as OCI calls the same. */
const OCI_LAYERS: Readonly<Record<string, string>> = {
  'application/vnd.docker.image.rootfs.diff.tar': 'application/vnd.oci.image.layer.v1.tar',
  'application/vnd.docker.image.rootfs.diff.tar.gzip': 'application/vnd.oci.image.layer.v1.tar+gzip',
  'application/vnd.docker.image.rootfs.diff.tar.zstd': 'application/vnd.oci.image.layer.v1.tar+zstd',
  'application/vnd.docker.image.rootfs.foreign.diff.tar': 'application/vnd.oci.image.layer.nondistributable.v1.tar',
  'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip':
    'application/vnd.oci.image.layer.nondistributable.v1.tar+gzip',
};

/** What is under `config` of an image that begins with nothing. */
export function configOfNothing(): ConfigDocument {
  return { config: { Env: [`PATH=${DEFAULT_PATH}`], WorkingDir: '/' } };
}

/** The part of a config document that says how the image is run. */
export function runConfig(document: ConfigDocument): Readonly<Record<string, unknown>> {
  const config = document['config'];
  return typeof config === 'object' && config !== null ? (config as Record<string, unknown>) : {};
}

/** The environment while steps run. */
export function buildEnvironment(document: ConfigDocument, spec: ImageSpec): readonly string[] {
  return mergeEnv(envOf(document), spec.buildEnv ?? {});
}

function envOf(document: ConfigDocument): readonly string[] {
  const env = runConfig(document)['Env'];
  return Array.isArray(env) ? env.filter((one) => typeof one === 'string') : [];
}

/** What an image is made of. */
export interface Parts {
  readonly spec: ImageSpec;
  readonly platform: Platform;
  /** Its config begins with this one's. */
  readonly below: ConfigDocument;
  /** The image below, where there is one. */
  readonly parent: Image | null;
  /** Whether there are steps besides one that brings the ground. */
  readonly hasSteps: boolean;
  readonly layers: readonly ImageLayer[];
  /** Of all layers, those of the image below included. */
  readonly history: readonly HistoryEntry[];
}

/** Writes the documents of an image. */
export function writeDocuments(parts: Parts): Documents {
  const config = Buffer.from(canonicalJson(configDocument(parts)));
  return { config, manifest: Buffer.from(canonicalJson(manifestDocument(parts, config))) };
}

function configDocument({ spec, platform, below, hasSteps, layers, history }: Parts): unknown {
  const [os, architecture] = platform.split('/');
  const kept = Object.fromEntries(KEPT.flatMap((name) => (name in below ? [[name, below[name]]] : [])));
  const run = Object.fromEntries(Object.entries(runConfig(below)).filter(([name]) => !OF_A_CONTAINER.has(name)));
  const emptied = Object.fromEntries(Object.keys(spec.buildEnv ?? {}).map((name) => [name, '']));
  const env = mergeEnv(buildEnvironment(below, spec), { ...emptied, ...spec.env });
  const user = spec.user ?? (hasSteps ? 'root' : undefined);
  const workdir = workdirOf(spec);
  return {
    ...kept,
    os,
    architecture,
    created: EPOCH,
    config: {
      ...run,
      ...(env.length > 0 ? { Env: env } : {}),
      ...(user === undefined ? {} : { User: user }),
      ...(workdir === undefined ? {} : { WorkingDir: workdir }),
      // A command of the image below was for its entrypoint.
      ...(spec.entrypoint === undefined ? {} : { Entrypoint: spec.entrypoint, Cmd: undefined }),
    },
    history: history.map((entry) => ({ created: EPOCH, ...entry })),
    rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
  };
}

/** The working directory that a spec sets: a link is made in its folder, which must not stay where others would begin. */
export function workdirOf({ workdir, steps }: ImageSpec): string | undefined {
  return workdir ?? (steps.some(({ step }) => step === 'link') ? '/' : undefined);
}

function manifestDocument({ parent, layers }: Parts, config: Uint8Array): unknown {
  const base: Record<string, string> =
    parent === null
      ? {}
      : {
          'org.opencontainers.image.base.digest': parent.manifest.digest,
          'dev.rebake.base.identity': parent.identity,
          'dev.rebake.base.layers': String(parent.layers.length),
        };
  return {
    schemaVersion: 2,
    mediaType: MANIFEST_TYPE,
    config: { mediaType: CONFIG_TYPE, digest: digestOfBytes(config), size: config.byteLength },
    layers: layers.map(({ mediaType, digest, size, urls }) => ({
      mediaType: OCI_LAYERS[mediaType] ?? mediaType,
      digest,
      size,
      ...(urls === undefined ? {} : { urls }),
    })),
    annotations: { 'dev.rebake.contents': CONTENTS, ...base },
  };
}

/** The history of an image below, with exactly one entry for each of its layers. */
export function historyOf(document: ConfigDocument, layers: number): readonly HistoryEntry[] {
  const given: readonly unknown[] = Array.isArray(document['history']) ? document['history'] : [];
  const entries = given.map(historyEntry);
  const filled = entries.filter((entry) => entry.empty_layer !== true);
  if (filled.length === layers) return entries;
  return Array.from({ length: layers }, () => ({ created_by: 'a layer of the image below' }));
}

function historyEntry(value: unknown): HistoryEntry {
  const record = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const by = typeof record['created_by'] === 'string' ? record['created_by'] : '';
  return { created_by: by, ...(record['empty_layer'] === true ? { empty_layer: true } : {}) };
}
