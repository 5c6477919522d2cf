// A fleet whose images are really built, and once built come out of the engine's cache: one base on a real root file system, and env images that
// share an empty environment and differ in one instruction.
import { copyFileSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readContextFile, renderDockerfile } from '@rebake/image';
import { apply } from '@rebake/rebake';
import type { Builder, Job, Location, Output } from '@rebake/sdk';
import { tar } from './tar.ts';

/** An image that was built, and the job that it was built by. */
export interface Built {
  readonly job: Job;
  readonly output: Output;
}

/** Declares `envs` code envs below `dir`. `mark` tells this run's images from those of every other. */
export function declare(
  dir: string,
  options: { readonly envs: number; readonly rootfs: string; readonly parallel: number; readonly mark: string },
): void {
  const { envs, rootfs, parallel, mark } = options;
  mkdirSync(dir, { recursive: true });
  copyFileSync(rootfs, join(dir, 'rootfs.tar'), constants.COPYFILE_FICLONE);
  const common = 'language: python, interpreter: "3.11", corePackages: { install: false }';
  const yaml = [
    'version: 1',
    'release: { version: 14.1.2 }',
    'baseImages:',
    '  python: { type: container-exec, from: { rootfs: ./rootfs.tar }, python: ["3.11"] }',
    'containerConfigs:',
    `  local: { engine: docker, base: python, repository: bench-${mark} }`,
    'codeEnvs:',
    ...Array.from(
      { length: envs },
      (_, index) =>
        `  env-${index}: { ${common}, fragments: { atEnd: "RUN echo ${mark} ${index} > /opt/dataiku/bench" } }`,
    ),
    `builders: { default: { type: docker, parallel: ${parallel} } }`,
    // The engine of the tests has no network but the host's.
    'build: { network: host }',
  ];
  writeFileSync(join(dir, 'rebake.yaml'), `${yaml.join('\n')}\n`);
}

/**
 * Applies the project with `builder`, and gives every image that was built with its job. What this leaves in the engine is put into `left`, also
 * when it fails half-way.
 */
export async function buildAll(dir: string, builder: Builder, left: Location[]): Promise<readonly Built[]> {
  const built: Built[] = [];
  const recorder: Builder = {
    ...bound(builder),
    async build(job, ctx) {
      const output = await builder.build(job, ctx);
      built.push({ job, output });
      left.push(...output.at);
      return output;
    },
    async tag(image, name, ctx) {
      const at = await builder.tag(image, name, ctx);
      left.push(at);
      return at;
    },
  };
  const failures: string[] = [];
  const result = await apply({
    cwd: dir,
    env: {},
    builders: { default: recorder },
    confirm: async () => 'yes',
    emit: (event) => {
      if (event.type === 'node-settled' && event.error !== undefined)
        failures.push(`${event.node}: ${event.error.words}`);
    },
  });
  if (result.status !== 'ran' || failures.length > 0)
    throw new Error(`building ${dir}: ${result.status}\n${failures.slice(0, 3).join('\n')}`);
  return built;
}

/** Writes for every image with a parent the context that the engine's API takes: the same Dockerfile, the same files. */
export async function writeContexts(folder: string, built: readonly Built[]): Promise<readonly Built[]> {
  mkdirSync(folder, { recursive: true });
  const children = built.filter(({ job }) => job.parent !== null);
  for (const [index, { job }] of children.entries()) {
    const from = job.parent?.at.find((at) => 'engine' in at);
    if (from === undefined) throw new Error(`${job.key} was not built from an image of the engine`);
    const { dockerfile, files } = renderDockerfile(job.spec, { parent: from.name, froms: {} });
    const entries = [{ path: 'Dockerfile', bytes: Buffer.from(dockerfile), mode: 0o644 }];
    for (const file of files) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of readContextFile(file)) chunks.push(chunk);
      entries.push({ path: file.path, bytes: Buffer.concat(chunks), mode: file.exec ? 0o755 : 0o644 });
    }
    writeFileSync(join(folder, contextName(index)), tar(entries));
  }
  return children;
}

/** Name of the file with the context of the image with this number. */
export function contextName(index: number): string {
  return `${String(index).padStart(4, '0')}.tar`;
}

/** The methods of a builder as functions: a builder may be a class. */
function bound(builder: Builder): Builder {
  return {
    probe: (ctx) => builder.probe(ctx),
    build: (job, ctx) => builder.build(job, ctx),
    fetch: (image, key, ctx) => builder.fetch(image, key, ctx),
    push: (image, to, ctx) => builder.push(image, to, ctx),
    tag: (image, name, ctx) => builder.tag(image, name, ctx),
    inspect: (at, ctx) => builder.inspect(at, ctx),
    remove: (at, ctx) => builder.remove(at, ctx),
    close: () => builder.close(),
  };
}
