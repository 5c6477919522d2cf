/** Packages that are there as source only: built by the uv that locks are made with, with the declaration's index and login. Real uv, an index of our own. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { createDownloader, openCache } from '@rebake/cache';
import { BuildFailure, digestOfBytes, type LockedPackage, type Step } from '@rebake/image';
import { findUv, pipLogins, readPipSettings } from '@rebake/lock';
import type { BuildAccess, Builder } from '@rebake/sdk';
import { writeWheel } from '@rebake/tool-engines';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { plugin, type OciOptions } from '../src/index.ts';
import { layersOf } from './files.ts';
import { context, jobOf, temporaryFolder } from './kit.ts';
import { rootfsOf } from './tar.ts';

const MINUTES = 60_000;
const folder = temporaryFolder();
const layout = join(folder, 'layout');
const shelf = join(folder, 'shelf');
const asked: string[] = [];
const LOGIN = `Basic ${Buffer.from('me:secret').toString('base64')}`;

/** Pages of PEP 503 over a folder, behind a password. */
const server = createServer((request, answer) => {
  const { pathname } = new URL(request.url ?? '/', 'http://x');
  const [, kind, name = ''] = pathname.split('/');
  const isKnown = request.headers.authorization === LOGIN;
  if (!isKnown) return answer.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
  asked.push(pathname);
  const files = readdirSync(shelf);
  if (kind === 'files' && files.includes(name)) return answer.end(readFileSync(join(shelf, name)));
  const links = files
    .filter((file) => file.slice(0, file.search(/-\d/)).replaceAll('_', '-') === name)
    .map((file) => `<a href="/files/${file}">${file}</a>`);
  if (kind !== 'simple' || links.length === 0) return answer.writeHead(404).end();
  return answer.writeHead(200, { 'content-type': 'text/html' }).end(`<!DOCTYPE html><body>${links.join('\n')}</body>`);
});

let address: string;
let access: BuildAccess;
let builder: Builder;

beforeAll(async () => {
  mkdirSync(shelf);
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const conf = join(folder, 'pip.conf');
  writeFileSync(conf, `[global]\nindex-url = http://me:secret@${address}/simple\n`);
  access = { network: 'default', secrets: { 'pip-conf': { file: conf } } };
  writeWheel(shelf, { name: 'tiny_backend', version: '1.0', code: BACKEND });
  const kind = plugin.builders['oci']!;
  const options: OciOptions = { cache: join(folder, 'cache'), store: { layout } };
  const checked = await kind.options['~standard'].validate(options);
  if (checked.issues) throw new Error(JSON.stringify(checked.issues));
  // Nothing of this machine's configuration, no pip on PATH, and another home.
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  const python = execFileSync('python3', ['-I', '-c', 'import sys; print(sys.executable)'], {
    encoding: 'utf8',
  }).trim();
  writeFileSync(join(bin, 'python3'), `#!/bin/sh\nexec ${python} "$@"\n`, { mode: 0o755 });
  const env = {
    HOME: join(folder, 'home'),
    PATH: `${bin}:/usr/bin:/bin`,
    PIP_CONFIG_FILE: '/dev/null',
    REBAKE_UV: await uvOfMachine(),
    UV_CACHE_DIR: join(folder, 'uv'),
    NO_PROXY: '127.0.0.1',
  };
  builder = kind.create(checked.value as never, { dir: folder, env });
}, 5 * MINUTES);
afterAll(async () => {
  await builder.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** The uv of this machine, or one from its own index. */
async function uvOfMachine(): Promise<string> {
  const { env } = process;
  const cache = openCache(join(folder, 'uv-cache'));
  const download = createDownloader(cache, { env, ca: null, login: pipLogins({ env, pipConfig: null }) });
  const pip = await readPipSettings({ env, home: null, first: null });
  const { signal } = new AbortController();
  const { path } = await findUv({ cache, download, env, signal, log: () => undefined, pip });
  await download.close();
  await cache.close();
  return path.includes('/') ? path : execFileSync('sh', ['-c', `command -v ${path}`], { encoding: 'utf8' }).trim();
}

/** A backend that only the index has. The wheel's tag is what the project's `tag` file says. */
const BACKEND = `
import base64, hashlib, os, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    tag = open("tag").read().strip()
    name = os.path.basename(os.getcwd()).rsplit("-", 1)[0]
    file = f"{name}-1.0-{tag}.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(os.path.join(folder, file), "w") as out:
        rows = []
        def add(path, text):
            out.writestr(zipfile.ZipInfo(path), text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=")
            rows.append(f"{path},sha256={digest},{len(text)}\\n")
        add(f"{name}.py", "value = 1\\n")
        add(f"{info}/METADATA", f"Metadata-Version: 2.1\\nName: {name}\\nVersion: 1.0\\n")
        add(f"{info}/WHEEL", f"Wheel-Version: 1.0\\nGenerator: tiny\\nRoot-Is-Purelib: true\\nTag: {tag}\\n")
        add(f"{info}/RECORD", "".join(rows) + f"{info}/RECORD,,\\n")
    return file
`;

/** A source archive on the index, as a lock has it. */
function source(name: string, tag: string): LockedPackage {
  const archive = `${name}-1.0`;
  const files = {
    'PKG-INFO': `Metadata-Version: 2.1\nName: ${name}\nVersion: 1.0\n`,
    'pyproject.toml':
      '[build-system]\nrequires = ["tiny-backend"]\nbuild-backend = "tiny_backend"\n[project]\n' +
      `name = "${name}"\nversion = "1.0"\n`,
    tag,
  };
  for (const [path, text] of Object.entries(files)) {
    const at = join(folder, 'sources', archive, path);
    mkdirSync(dirname(at), { recursive: true });
    writeFileSync(at, text);
  }
  const file = `${archive}.tar.gz`;
  execFileSync('tar', ['-czf', join(shelf, file), '-C', join(folder, 'sources'), archive]);
  const bytes = readFileSync(join(shelf, file));
  const sdist = {
    name: file,
    url: `http://${address}/files/${file}`,
    size: bytes.length,
    digest: digestOfBytes(bytes),
  };
  return { name: name.replaceAll('_', '-'), version: '1.0', marker: null, direct: false, wheels: [], sdist };
}

const stepOf = (locked: readonly LockedPackage[]): Step => ({
  step: 'python-env',
  prefix: '/opt/env',
  interpreter: '3.11',
  packages: { locked, glibc: '2.36' },
  bytecode: false,
});
const base = () => rootfsOf(folder, { 'usr/bin/python3.11': { text: 'a program', mode: 0o755 } });
const spec = { env: { PATH: '/usr/bin' } };

it(
  'one of Python alone becomes part of the environment, by what the declaration’s index has',
  async () => {
    const job = jobOf(null, [base(), stepOf([source('pure_source', 'py3-none-any')])], spec, { access });
    const ctx = context();
    const built = await builder.build(job, ctx);
    expect(asked).toContain('/simple/tiny-backend/');
    const lines = (await layersOf(layout, built, 1)).flat();
    expect(lines).toContain('opt/env/lib/python3.11/site-packages/pure_source.py file 644 0:0');
    expect(JSON.stringify(ctx.seen)).not.toContain('secret');
  },
  5 * MINUTES,
);

it(
  'one that has to be compiled is refused by its name',
  async () => {
    const job = jobOf(null, [base(), stepOf([source('native_source', 'cp311-cp311-linux_x86_64')])], spec, { access });
    const failed: unknown = await builder.build(job, context()).catch((thrown: unknown) => thrown);
    expect(failed).toBeInstanceOf(BuildFailure);
    expect((failed as BuildFailure).error).toMatchObject({
      code: 'SDIST_COMPILES',
      words: expect.stringMatching(/^native-source is there as source only/) as string,
    });
  },
  5 * MINUTES,
);
