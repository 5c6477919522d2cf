/** What the real `dataiku-api-client` sends and reads, by letting it drive a server. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { generateInstance } from './generate.ts';
import { startFakeDss } from './server.ts';
import type { FakeDss } from './server.ts';
import type { RecordedCall } from './server-types.ts';
import type { Json } from './types.ts';

const run = promisify(execFile);
const CLIENT = 'dataiku-api-client==15.2.0';
const CACHE = join(import.meta.dirname, '..', '.cache');

/** One call of the real client. */
export interface ClientCall {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly bodyKeys: readonly string[];
}

/** What Python printed for an operation. */
export interface ClientResult {
  readonly operation: string;
  readonly result?: Json;
  readonly error?: string;
}

/** Lets the real client do each operation on one env (or build one version's images). */
export async function driveRealClient(
  server: FakeDss,
  env: { readonly language: string; readonly name: string; readonly version?: string },
): Promise<{ results: ClientResult[]; calls: Record<string, ClientCall[]> }> {
  const python = await clientPython();
  const from = server.calls.length;
  const { stdout } = await run(
    python,
    [join(import.meta.dirname, 'real-client.py'), server.url, env.language, env.name, env.version ?? ''],
    { env: { ...process.env, FAKE_DSS_KEY: server.apiKey }, maxBuffer: 64 * 1024 * 1024 },
  );
  const results = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as ClientResult);
  return { results, calls: byOperation(server.calls.slice(from)) };
}

/** The calls of the real client for each operation, on `PYTHON/env` of a server of its own. */
export async function realClientCalls(): Promise<Record<string, ClientCall[]>> {
  const made = generateInstance({ seed: 1, version: '14.3.2', node: 'design', envs: 1 });
  const first = made.envs[0];
  if (first === undefined) throw new Error('the generator made no env');
  const env = { ...first, language: 'PYTHON' as const, name: 'env' };
  const server = await startFakeDss({ ...made, envs: [env] });
  try {
    return (await driveRealClient(server, env)).calls;
  } finally {
    await server.close();
  }
}

function byOperation(calls: readonly RecordedCall[]): Record<string, ClientCall[]> {
  const found: Record<string, ClientCall[]> = {};
  let operation: ClientCall[] = [];
  for (const { method, path, query, body } of calls) {
    const mark = query['operation'];
    if (mark !== undefined) {
      operation = found[mark] = [];
      continue;
    }
    const bodyKeys = typeof body === 'object' && body !== null ? Object.keys(body).toSorted() : [];
    // The id of a future differs from run to run.
    operation.push({ method, path: path.replace(/^\/futures\/.+$/u, '/futures/ID'), query, bodyKeys });
  }
  return found;
}

/** Python with the real client; made once, and whole before it gets its name. */
async function clientPython(): Promise<string> {
  const home = join(CACHE, CLIENT.replace('==', '-'));
  const python = join(home, 'bin', 'python3');
  if (existsSync(python)) return python;
  await mkdir(CACHE, { recursive: true });
  const making = `${home}-${process.pid}`;
  await run('python3', ['-m', 'venv', making]);
  // The client imports six without asking for it.
  await run(join(making, 'bin', 'python3'), ['-m', 'pip', 'install', '--quiet', CLIENT, 'six']);
  // Another process may have been first: then its Python is the one to use.
  await rename(making, home).catch(async (error: unknown) => {
    await rm(making, { recursive: true, force: true });
    if (!existsSync(python)) throw error;
  });
  return python;
}
