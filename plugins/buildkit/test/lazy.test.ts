/** What a run that needs no daemon pays for this plugin: nothing of its libraries. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const dir = mkdtempSync(join(tmpdir(), 'rebake-buildkit-lazy-'));
afterAll(() => rmSync(dir, { recursive: true }));

const SCRIPT = `
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
const heavy = () => loaded.filter((url) => /protobuf|packages\\/buildkit|buildkit-builder|http2/.test(url)).length;
const { plugin } = await import('./src/index.ts');
const { options, create } = plugin.builders.buildkit;
const { value } = await options['~standard'].validate({ address: 'unix:///nowhere/buildkitd.sock' });
const builder = create(value, { dir: process.env.PLACE, env: {} });
await builder.close();
const idle = heavy();
const ctx = { signal: new AbortController().signal };
const { seen } = await builder.inspect({ key: 'sha256:' + '0'.repeat(64) }, ctx);
const failed = await builder.probe(ctx).catch(({ error }) => error.code);
console.log(JSON.stringify({ idle, used: heavy() > 0, seen, failed }));
`;

it('loads the client and protobuf with the first call on a builder, and lets the process end without being closed', () => {
  const args = ['--conditions=@rebake/source', '--input-type=module', '--eval', SCRIPT];
  const options = {
    cwd: join(import.meta.dirname, '..'),
    env: { ...process.env, PLACE: dir },
    encoding: 'utf8',
  } as const;
  const output = execFileSync(process.execPath, args, options);
  expect(JSON.parse(output)).toEqual({ idle: 0, used: true, seen: 'no', failed: 'ENGINE_UNREACHABLE' });
});
