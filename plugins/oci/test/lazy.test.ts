/** What a run that builds nothing pays for this plugin: nothing of what it builds with. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const dir = mkdtempSync(join(tmpdir(), 'rebake-oci-lazy-'));
afterAll(() => rmSync(dir, { recursive: true }));

const SCRIPT = `
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
const own = /oci-builder|packages\\/(cache|layers|python|debian|lock)\\//;
const heavy = /openpgp|undici|lzma|yauzl|packages\\/(layers|python|debian|lock)\\//;
const count = (pattern) => loaded.filter((url) => pattern.test(url)).length;
const { plugin } = await import('./src/index.ts');
const { options, create } = plugin.builders.oci;
const { value } = await options['~standard'].validate({});
const builder = create(value, { dir: process.env.PLACE, env: { REBAKE_CACHE_DIR: process.env.PLACE + '/cache' } });
await builder.close();
const idle = count(own);
const ctx = { signal: new AbortController().signal };
const { seen } = await builder.inspect({ key: 'sha256:' + '0'.repeat(64) }, ctx);
console.log(JSON.stringify({ idle, used: count(own) > 0, heavy: count(heavy), seen }));
`;

it('loads its parts with the first call on a builder, and what fetches and unpacks only with a step that does', () => {
  const args = ['--conditions=@rebake/source', '--input-type=module', '--eval', SCRIPT];
  const options = {
    cwd: join(import.meta.dirname, '..'),
    env: { ...process.env, PLACE: dir },
    encoding: 'utf8',
  } as const;
  const output = execFileSync(process.execPath, args, options);
  expect(JSON.parse(output)).toEqual({ idle: 0, used: true, heavy: 0, seen: 'no' });
});
