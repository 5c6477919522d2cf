/** What a run that needs no engine pays for this plugin: nothing of its libraries. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const SCRIPT = `
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
const { plugin } = await import('./src/index.ts');
const before = loaded.length;
const builder = plugin.builders.docker.create({ host: 'unix:///nowhere/docker.sock' }, { dir: '/nowhere', env: {} });
await builder.close();
const idle = loaded.filter((url) => /dockerode|protobuf|docker-builder/.test(url)).length;
const ctx = { signal: new AbortController().signal };
const { seen } = await builder.inspect({ key: 'sha256:' + '0'.repeat(64) }, ctx);
const used = loaded.filter((url) => /dockerode|protobuf|docker-builder/.test(url)).length;
console.log(JSON.stringify({ before: before > 0, idle, used: used > 0, seen }));
`;

it('loads dockerode and protobuf with the first call on a builder, and lets the process end without being closed', () => {
  const args = ['--conditions=@rebake/source', '--input-type=module', '--eval', SCRIPT];
  const output = execFileSync(process.execPath, args, { cwd: join(import.meta.dirname, '..'), encoding: 'utf8' });
  expect(JSON.parse(output)).toEqual({ before: true, idle: 0, used: true, seen: 'unknown' });
});
