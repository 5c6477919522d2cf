/** A socket of another machine as one of this machine, through the user's own ssh. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { BuildFailure } from '@rebake/image';
import { commandDuplex } from './command-duplex.ts';
import type { CommandDuplex } from './command-duplex.ts';
import { failure } from './failures.ts';
import { sshArgv, sshFailure } from './ssh.ts';
import type { SshOptions } from './ssh.ts';
import { isSocketPath, showSshTarget } from './ssh-target.ts';
import type { SshTarget } from './ssh-target.ts';

/** A socket that leads to another machine. */
export interface Forward {
  /** The socket on this machine. */
  readonly path: string;
  /** Resolves when it leads nowhere any more and is gone: with the failure, or with null after {@link Forward.close}. */
  readonly ended: Promise<BuildFailure | null>;
  /** Ends it and removes the socket. */
  close(): Promise<void>;
}

// Runs ssh until it ends or standard input does: that is when this program has ended, however it did.
const UNTIL_WE_END = `exec 3<&0
"$@" </dev/null 3<&- &
ssh=$!
{ cat <&3; kill -TERM 0; } >/dev/null 2>&1 &
exec 3<&-
wait "$ssh"`;

const NAME = 'engine.sock';

/** The kernel takes no longer names of sockets; some have room for fewer. */
const LONGEST_PATH = 100;

const POLL_MS = 25;

/** Enough for ssh's own limit, and an engine that is started by the first request to its socket. */
const ANSWER_MS = 60_000;

/**
 * Makes the engine's socket `remotePath` of another machine one of this machine, in a folder of its own below `localDir` (or below the
 * system's folder for temporary files, where the name would be too long for a socket). Resolves when the engine has answered through it;
 * rejects with `ENGINE_UNREACHABLE` in the words of ssh.
 */
export async function forwardUnixSocket(
  target: SshTarget,
  remotePath: string,
  localDir: string,
  options: SshOptions,
): Promise<Forward> {
  if (!isSocketPath(remotePath))
    throw failure('ENGINE_UNREACHABLE', 'never', `${remotePath} cannot be the path of a socket`);
  const folder = await mkdtemp(await folderFor(localDir));
  const path = join(folder, NAME);
  // Through a master of the user's, the socket would outlive us. Local names are relative: ssh would expand signs in others.
  const own = ['-N', '-o', 'ControlPath=none', '-o', 'ExitOnForwardFailure=yes', '-L', `./${NAME}:${remotePath}`];
  const command = ['sh', '-c', UNTIL_WE_END, 'sh', ...sshArgv(target, options, ...own)];
  const ssh = commandDuplex(command, {
    env: options.env,
    cwd: folder,
    explain: (end) => sshFailure(target, end, undefined),
  });
  const { promise: ended, resolve: end } = Promise.withResolvers<BuildFailure | null>();
  ssh.once('error', () => undefined);
  ssh.once('close', () => {
    const why = ssh.errored instanceof BuildFailure ? ssh.errored : null;
    void rm(folder, { recursive: true, force: true }).finally(() => end(why));
  });
  const close = async () => {
    ssh.destroy();
    await ended;
  };
  const { signal } = options;
  const abort = () => ssh.destroy(signal?.reason as Error);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    signal?.throwIfAborted();
    await answer(path, ssh, `${showSshTarget(target)}${remotePath}`);
    ssh.unref();
    return { path, ended, close };
  } catch (error) {
    const why = ssh.errored;
    await close();
    throw why ?? error;
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** Resolves when the engine has answered something through the socket, which ssh makes when it has connected. */
async function answer(path: string, ssh: CommandDuplex, shown: string): Promise<void> {
  const until = Date.now() + ANSWER_MS;
  while (!ssh.destroyed) {
    const outcome = await ask(path);
    if (outcome === 'answer') return;
    await wait(POLL_MS);
    if (outcome === 'end')
      throw failure('ENGINE_UNREACHABLE', 'backoff', `${shown}: ${ssh.words || 'nothing answers'}`);
    if (Date.now() > until)
      throw failure('ENGINE_UNREACHABLE', 'backoff', `${shown} has not answered for ${ANSWER_MS / 1_000} s`);
  }
  throw ssh.errored ?? failure('ENGINE_UNREACHABLE', 'backoff', `${shown}: ssh has ended`);
}

/** Every engine answers this, if only to say that it knows no such path. */
const REQUEST = 'GET /_ping HTTP/1.0\r\n\r\n';

function ask(path: string): Promise<'answer' | 'end' | 'no socket'> {
  return new Promise((tell) => {
    const socket = connect(path);
    let outcome: 'end' | 'no socket' = 'no socket';
    socket.once('connect', () => {
      outcome = 'end';
      socket.write(REQUEST);
    });
    socket.once('data', () => {
      tell('answer');
      socket.destroy();
    });
    socket.on('error', () => undefined);
    socket.once('close', () => tell(outcome));
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
  });
}

/** What the names of folders for sockets begin with. */
async function folderFor(localDir: string): Promise<string> {
  const name = 'ssh-';
  if (Buffer.byteLength(join(localDir, `${name}XXXXXX`, NAME)) > LONGEST_PATH) return join(tmpdir(), `rebake-${name}`);
  await mkdir(localDir, { recursive: true });
  return join(localDir, name);
}
