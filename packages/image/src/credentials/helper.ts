/** The protocol of docker-credential-* helpers: `get`, the host on standard input, JSON on standard output. Their output is not trusted. */
import { spawn } from 'node:child_process';
import { BuildFailure, type Credentials } from '../types.ts';

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const MAX_OUTPUT_BYTES = 1 << 20;
const TIMEOUT_MS = 60_000;
const MAX_WORDS = 500;

/** What helpers answer when they hold nothing for a host; it is an exit code 1 like any failure, so only the words tell. */
const NOT_FOUND = /credentials not found|no credentials|could not be found in the keychain|element not found/i;

/** The user name under which a helper hands out an OAuth refresh token instead of a password. */
const IDENTITY_USER = '<token>';

/** Asks one helper for a host's login. Null: it holds none. Rejects with a `BuildFailure` if it is missing, fails or answers nonsense. */
export async function askHelper(
  helper: string,
  host: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Credentials | null> {
  if (!NAME.test(helper))
    throw failed('CREDENTIALS_CONFIG', `${JSON.stringify(helper)} is not the name of a credential helper`);
  const command = `docker-credential-${helper}`;
  const { code, out } = await run(command, host, env);
  if (code !== 0) {
    if (NOT_FOUND.test(out)) return null;
    throw failed('CREDENTIALS_HELPER_FAILED', `${command} get ${host}: exit code ${code}: ${readable(out)}`);
  }
  return parse(out, command, host);
}

function parse(out: string, command: string, host: string): Credentials | null {
  // What the helper said is never quoted here: it may be the secret.
  const nonsense = failed(
    'CREDENTIALS_HELPER_FAILED',
    `${command} get ${host}: the answer is not JSON with Username and Secret`,
  );
  let answer: unknown;
  try {
    answer = JSON.parse(out);
  } catch {
    throw nonsense;
  }
  if (typeof answer !== 'object' || answer === null) throw nonsense;
  const { Username: username, Secret: secret } = answer as Record<string, unknown>;
  if (typeof username !== 'string' || typeof secret !== 'string') throw nonsense;
  if (secret === '') return null;
  if (username === IDENTITY_USER) return { identityToken: secret };
  return username === '' ? null : { username, password: secret };
}

async function run(
  command: string,
  host: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ code: number; out: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, ['get'], { env: { ...env }, stdio: ['pipe', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
    const chunks: Buffer[] = [];
    let size = 0;
    let problem: string | undefined;
    const collect = (chunk: Buffer): void => {
      size += chunk.byteLength;
      if (size <= MAX_OUTPUT_BYTES) chunks.push(chunk);
      else {
        problem = `it wrote more than ${MAX_OUTPUT_BYTES} bytes`;
        child.kill('SIGKILL');
      }
    };
    child.stdout.on('data', collect);
    // Helpers say "not found" on either stream; on success only standard output counts.
    const errors: Buffer[] = [];
    child.stderr.on('data', (chunk: Buffer) => {
      if (errors.length < 16) errors.push(chunk);
    });
    child.on('error', (error) => {
      const isMissing = 'code' in error && error.code === 'ENOENT';
      const words = isMissing
        ? `${command}, which the docker config names for ${host}, is not on the PATH`
        : `${command} cannot be run: ${error.message}`;
      reject(failed(isMissing ? 'CREDENTIALS_HELPER_MISSING' : 'CREDENTIALS_HELPER_FAILED', words));
    });
    child.on('close', (code, signal) => {
      const out = Buffer.concat(chunks).toString('utf8');
      if (problem === undefined && code !== null)
        resolve({ code, out: code === 0 ? out : `${out}${Buffer.concat(errors).toString('utf8')}` });
      else
        reject(
          failed('CREDENTIALS_HELPER_FAILED', `${command} get ${host}: ${problem ?? `ended by ${String(signal)}`}`),
        );
    });
    // A helper may end without reading: the exit code says what went wrong, not the broken pipe.
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${host}\n`);
  });
}

function readable(out: string): string {
  return out
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, MAX_WORDS);
}

function failed(code: string, words: string): BuildFailure {
  return new BuildFailure({ code, retry: 'never', words });
}
