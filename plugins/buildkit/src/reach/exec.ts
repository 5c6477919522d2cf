/** Connections to daemons in containers, through the API of the engine that runs them: no `docker` and no `podman` is needed here. */
import { BuildFailure } from '@rebake/image';
import { engineFailure, failure, showEndpoint } from '@rebake/sdk/building';
import type { EngineEndpoint } from '@rebake/sdk/building';
import { NotUpgraded, upgrade } from '@rebake/sdk/engine-http';
import { askEngine, fieldOf, refusal } from './ask-engine.ts';
import { DIAL } from './dial.ts';
import { ExecStream } from './exec-stream.ts';
import { acceptGreeting } from './greeting.ts';

/** What comes before the paths of an API that both engines have alike. */
const PREFIXES = { docker: '', podman: '/v4.0.0/libpod' } as const;

/** Both answer from memory; the connection as a whole is given little more. */
const ANSWER_MS = 8_000;

const JSON_OF_START = JSON.stringify({ Detach: false, Tty: false });

/** Runs BuildKit's client in a container, whose standard input and output then are the connection. */
export async function connectToContainer(
  endpoint: EngineEndpoint,
  engine: keyof typeof PREFIXES,
  container: string,
  shown: string,
): Promise<ExecStream> {
  const prefix = PREFIXES[engine];
  try {
    const wish = { AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: false, Cmd: DIAL };
    const created = await askEngine(endpoint, {
      method: 'POST',
      path: `${prefix}/containers/${encodeURIComponent(container)}/exec`,
      body: wish,
      withinMs: ANSWER_MS,
    });
    const exec = `${prefix}/exec/${idOf(created)}`;
    const start = { method: 'POST', path: `${exec}/start`, withinMs: ANSWER_MS };
    const connection = await upgrade(endpoint, start, 'tcp', JSON_OF_START).catch(notStarted);
    return new ExecStream(connection, {
      accept: acceptGreeting(shown),
      explain: async (words, hasSpoken) => explain(await exitCode(endpoint, exec), words, hasSpoken, shown),
    });
  } catch (error) {
    const why = engineFailure(error, showEndpoint(endpoint));
    if (!(why instanceof BuildFailure)) throw why;
    const { code, retry, words } = why.error;
    throw failure(code, retry, `${shown}: ${words}`, why);
  }
}

async function notStarted(error: unknown): Promise<never> {
  throw error instanceof NotUpgraded ? await refusal(error.response) : error;
}

/** Null where the engine does not say: it may be gone, too. */
async function exitCode(endpoint: EngineEndpoint, exec: string): Promise<number | null> {
  try {
    const code = fieldOf(
      await askEngine(endpoint, { method: 'GET', path: `${exec}/json`, withinMs: ANSWER_MS }),
      'ExitCode',
    );
    return typeof code === 'number' ? code : null;
  } catch {
    return null;
  }
}

/** What a shell and the engines answer where there is no such command, or where it cannot be run. */
const NO_COMMAND = new Set([126, 127]);

function explain(code: number | null, words: string, hasSpoken: boolean, shown: string): BuildFailure | null {
  if (code === 0 && hasSpoken) return null;
  const how = code === null ? 'the connection ended' : `${DIAL.join(' ')} ended with exit code ${code}`;
  const why = words === '' ? how : `${how}: ${words}`;
  if (hasSpoken) return failure('ENGINE_LOST', 'backoff', `lost the connection to ${shown}: ${why}`);
  const isHopeless = code !== null && NO_COMMAND.has(code);
  return failure('ENGINE_UNREACHABLE', isHopeless ? 'never' : 'backoff', `${shown}: ${why}`);
}

function idOf(created: unknown): string {
  const id = fieldOf(created, 'Id');
  if (typeof id === 'string' && /^[A-Za-z0-9]{1,128}$/.test(id)) return id;
  throw failure('ENGINE_ANSWER_INVALID', 'never', 'unexpected answer of the engine: a command without an id');
}
