/** What a run that needs no engine pays for this plugin: nothing of its libraries. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const SCRIPT = `
import { registerHooks } from 'node:module';
const loaded = [];
registerHooks({ load: (url, context, next) => { loaded.push(url); return next(url, context); } });
const heavy = () => loaded.filter((url) => /modern-tar|smol-toml|podman-builder/.test(url)).map((url) => url.match(/modern-tar|smol-toml|podman-builder/)[0]);
const { plugin } = await import('./src/index.ts');
const before = loaded.length;
const env = { HOME: '/nowhere' };
const builder = plugin.builders.podman.create({ host: 'unix:///nowhere/podman.sock' }, { dir: '/nowhere', env });
await builder.close();
const idle = heavy();
const ctx = { signal: new AbortController().signal };
const { seen } = await builder.inspect({ key: 'sha256:' + '0'.repeat(64) }, ctx);
console.log(JSON.stringify({ before: before > 0, idle, used: [...new Set(heavy())], seen }));
`;

it('loads the builder with the first call, no TOML without a file for it, and lets the process end without being closed', () => {
  const args = ['--conditions=@rebake/source', '--input-type=module', '--eval', SCRIPT];
  const output = execFileSync(process.execPath, args, { cwd: join(import.meta.dirname, '..'), encoding: 'utf8' });
  const { used, ...rest } = JSON.parse(output) as { used: string[] };
  expect(rest).toEqual({ before: true, idle: [], seen: 'unknown' });
  expect(used).toContain('podman-builder');
  expect(used).not.toContain('smol-toml');
});
