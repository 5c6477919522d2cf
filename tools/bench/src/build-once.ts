// A whole process that builds one image: makes the builder, builds, and prints the image's identity. It loads what `npm run build` has made, as
// the command does, and so is run without the condition that leads to sources. Argument: a file with a `BuildOnce`.
import { readFileSync } from 'node:fs';
import module from 'node:module';
import type { Job, Plugin } from '@rebake/sdk';

/** What to build, and with what. */
export interface BuildOnce {
  readonly kind: 'docker' | 'podman' | 'buildkit';
  readonly options: unknown;
  /** Where the builder may keep things. */
  readonly dir: string;
  readonly job: Job;
}

const PLUGINS: Readonly<Record<BuildOnce['kind'], () => Promise<{ readonly plugin: Plugin }>>> = {
  docker: () => import('@rebake/plugin-docker'),
  podman: () => import('@rebake/plugin-podman'),
  buildkit: () => import('@rebake/plugin-buildkit'),
};

// As the command's launcher does.
module.enableCompileCache();
const [file] = process.argv.slice(2);
if (file === undefined) throw new Error('usage: build-once.ts FILE');
const { kind, options, dir, job } = JSON.parse(readFileSync(file, 'utf8')) as BuildOnce;
const { plugin } = await PLUGINS[kind]();
const { builderOf } = await import('./made-builders.ts');
const { context } = await import('./context.ts');
const builder = await builderOf(plugin, kind, options, dir);
try {
  const { identity } = await builder.build(job, context(dir));
  process.stdout.write(`${identity}\n`);
} finally {
  await builder.close();
}
