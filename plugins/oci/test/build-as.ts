/** Builds a base and an image on it as whoever runs this, and prints what came of it. Arguments: a file with the two jobs, a folder. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openLayout } from '@rebake/image';
import type { Job } from '@rebake/sdk';
import { plugin } from '../src/index.ts';

const [file = '', folder = ''] = process.argv.slice(2);
const [base, job] = JSON.parse(readFileSync(file, 'utf8')) as [Job, Job];
const layout = join(folder, 'layout');
const settings = { compression: 'gzip', cache: join(folder, 'cache'), maxLayers: 100, layout };
const builder = plugin.builders['oci']!.create(settings as never, { dir: folder, env: process.env });
const ctx = {
  signal: new AbortController().signal,
  scratch: folder,
  emit: () => undefined,
  secret: async () => null,
  credentials: async () => null,
  registry: (host: string) => ({ host }),
  now: () => Date.now(),
};
const parent = await builder.build(base, ctx);
const { identity, at } = await builder.build({ ...job, parent }, ctx);
const [place] = at;
const name = place !== undefined && 'name' in place ? place.name : '';
const found = await openLayout(layout).image(name);
await builder.close();
process.stdout.write(JSON.stringify({ identity, manifest: found?.manifest.digest }));
