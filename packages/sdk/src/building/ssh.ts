/** Commands on other machines, through the user's own ssh: their config, keys, agent and known hosts are what counts. */
import { resolve } from 'node:path';
import type { BuildFailure } from '@rebake/image';
import { commandDuplex } from './command-duplex.ts';
import type { BrokenCommand, CommandDuplex, CommandDuplexOptions } from './command-duplex.ts';
import { failure } from './failures.ts';
import { showSshTarget } from './ssh-target.ts';
import type { SshTarget } from './ssh-target.ts';

/** How ssh is run. */
export interface SshOptions {
  /** All of its environment: where it is, its agent, whose config it reads. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Path of a config file, in place of the user's and the machine's (`-F`). */
  readonly config?: string;
  /** Path of a key, besides those that the config names (`-i`). */
  readonly identity?: string;
  readonly signal?: AbortSignal;
}

/**
 * Never ask: an apply has nobody to answer. A machine that has gone without a word is noticed after three intervals, where TCP alone would
 * take hours. All in seconds.
 */
const ALWAYS = ['BatchMode=yes', 'ConnectTimeout=30', 'ServerAliveInterval=10'];

/** The arguments of ssh before what it is to do there: options, the target, and nothing that could be read as another option. */
export function sshArgv(target: SshTarget, options: SshOptions, ...more: readonly string[]): string[] {
  const { host, user, port } = target;
  return [
    'ssh',
    '-T',
    ...ALWAYS.flatMap((option) => ['-o', option]),
    ...(options.config === undefined ? [] : ['-F', resolve(options.config)]),
    ...(options.identity === undefined ? [] : ['-i', resolve(options.identity)]),
    ...more,
    ...(user === undefined ? [] : ['-l', user]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    '--',
    host,
  ];
}

/**
 * Runs a command on another machine, and returns its standard input and output as a stream. It fails in the words of ssh or of the command.
 * `more`: as for any command.
 */
export function sshCommandDuplex(
  target: SshTarget,
  remoteArgv: readonly string[],
  options: SshOptions,
  more: Pick<CommandDuplexOptions, 'accept'> = {},
): CommandDuplex {
  const { env, signal } = options;
  return commandDuplex([...sshArgv(target, options), remoteArgv.map(quoted).join(' ')], {
    env,
    ...more,
    ...(signal ? { signal } : {}),
    explain: (end) => sshFailure(target, end, remoteArgv[0]),
  });
}

/** Exit code of ssh when it is ssh that failed. */
const OF_SSH = 255;

/** Exit code of a shell that knows no such command. */
const NO_COMMAND = 127;

/** What no second try mends. */
const HOPELESS =
  /permission denied|host key verification failed|identification has changed|no matching (host key|key exchange|cipher)|bad configuration option|too many authentication failures/i;

/** Why a connection by ssh ended, `remote` being the command over there; where there is none, a shell has started ssh here. */
export function sshFailure(target: SshTarget, end: BrokenCommand, remote: string | undefined): BuildFailure {
  const { code, words, hasSpoken } = end;
  const shown = showSshTarget(target);
  const how = code === null ? 'ssh was ended by a signal' : `ssh ended with exit code ${code}`;
  const why = words === '' ? how : words;
  if (hasSpoken) return failure('ENGINE_LOST', 'backoff', `lost the connection to ${shown}: ${why}`);
  if (code === NO_COMMAND) {
    const missing = remote === undefined ? 'there is no command ssh on the PATH' : `${shown} has no command ${remote}`;
    return failure('ENGINE_UNREACHABLE', 'never', `${missing}: ${why}`);
  }
  const hint =
    code === OF_SSH && /host key verification failed/i.test(words)
      ? ' (rebake answers no questions: connect once with ssh, or add the host to known_hosts)'
      : '';
  return failure('ENGINE_UNREACHABLE', HOPELESS.test(words) ? 'never' : 'backoff', `${shown}: ${why}${hint}`);
}

/** One word for the shell over there: ssh hands all of a command to it as one text. */
function quoted(word: string): string {
  return /^[A-Za-z0-9_./:=@+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
