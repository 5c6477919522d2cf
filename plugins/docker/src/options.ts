/** The options of a builder of kind `docker`, checked by hand: a few keys are not worth a library on the way of every plan. */
import type { OptionsResult, OptionsSchema } from '@rebake/sdk';
import { isContextName, parseEngineHost } from '@rebake/sdk/building';

/** PEM files for an engine behind TLS. Paths are absolute, or relative to the working directory. */
export interface TlsFiles {
  /** Authorities that the engine's certificate is checked against. */
  readonly ca: string;
  /** Our own certificate. */
  readonly cert: string;
  readonly key: string;
}

/** Files for ssh, besides what the user's own config says. Paths are absolute, or relative to the working directory. */
export interface SshFiles {
  /** A config in place of the user's and the machine's, as `ssh -F`. */
  readonly config?: string;
  /** A key besides those of the config, as `ssh -i`. */
  readonly identity?: string;
}

/** Where the engine is. What is left out comes from where the `docker` command takes it: environment, contexts, config file. */
export interface DockerOptions {
  /** `unix:///path`, `tcp://host[:port]` or `ssh://[user@]host[:port][/socket]`. Default: `$DOCKER_HOST`, else the context in use. */
  readonly host?: string;
  /** A context of the `docker` command; not with `host`. Default: `$DOCKER_CONTEXT`, else the current one. */
  readonly context?: string;
  /** Only with tcp. Default: the files of the context, or of `$DOCKER_CERT_PATH` if `$DOCKER_TLS_VERIFY` is set. */
  readonly tls?: TlsFiles;
  /** Only with ssh. */
  readonly ssh?: SshFiles;
}

interface Issue {
  readonly message: string;
  readonly path: readonly string[];
}

const KEYS = ['host', 'context', 'tls', 'ssh'] as const;
const TLS_KEYS = ['ca', 'cert', 'key'] as const;
const SSH_KEYS = ['config', 'identity'] as const;

/** Standard Schema of {@link DockerOptions}; nothing at all counts as no options. */
export const dockerOptions: OptionsSchema<DockerOptions> = {
  '~standard': { version: 1, vendor: 'rebake', validate },
};

function validate(value: unknown): OptionsResult<DockerOptions> {
  if (value === undefined) return { value: {} };
  if (!isRecord(value)) return { issues: [{ message: 'must be an object' }] };
  const { host, context, tls, ssh } = value;
  const issues: Issue[] = [
    ...unknownKeys(value, KEYS, []),
    ...hostIssues(host),
    ...contextIssues(context, host),
    ...fileIssues('tls', tls, TLS_KEYS, TLS_KEYS, 'must be the path of a PEM file'),
    ...fileIssues('ssh', ssh, SSH_KEYS, [], 'must be the path of a file'),
    ...schemeIssues(host, tls, ssh),
  ];
  if (issues.length > 0) return { issues };
  const given = Object.entries({ host, context, tls, ssh }).filter(([, one]) => one !== undefined);
  return { value: Object.fromEntries(given) as DockerOptions };
}

function hostIssues(host: unknown): Issue[] {
  if (host === undefined) return [];
  const parsed = typeof host === 'string' ? parseEngineHost(host) : { error: 'must be the address of an engine' };
  return 'error' in parsed ? [{ message: parsed.error, path: ['host'] }] : [];
}

function contextIssues(context: unknown, host: unknown): Issue[] {
  if (context === undefined) return [];
  if (typeof context !== 'string' || !isContextName(context)) {
    return [{ message: 'must be the name of a Docker context', path: ['context'] }];
  }
  return host === undefined
    ? []
    : [{ message: 'names an engine, as host does: leave one of them out', path: ['context'] }];
}

function schemeIssues(host: unknown, tls: unknown, ssh: unknown): Issue[] {
  if (typeof host !== 'string') return [];
  return [
    ...(tls !== undefined && !host.startsWith('tcp:') ? [{ message: 'only goes with tcp', path: ['tls'] }] : []),
    ...(ssh !== undefined && !host.startsWith('ssh:') ? [{ message: 'only goes with ssh', path: ['ssh'] }] : []),
  ];
}

function fileIssues(
  name: string,
  files: unknown,
  known: readonly string[],
  needed: readonly string[],
  message: string,
): Issue[] {
  if (files === undefined) return [];
  if (!isRecord(files)) return [{ message: `must be an object with ${known.join(', ')}`, path: [name] }];
  const wrong = known.filter((key) =>
    files[key] === undefined ? needed.includes(key) : typeof files[key] !== 'string' || files[key] === '',
  );
  return [...unknownKeys(files, known, [name]), ...wrong.map((key) => ({ message, path: [name, key] }))];
}

function unknownKeys(record: Record<string, unknown>, known: readonly string[], path: readonly string[]): Issue[] {
  return Object.keys(record)
    .filter((key) => !known.includes(key))
    .map((key) => ({ message: `unknown option; there are: ${known.join(', ')}`, path: [...path, key] }));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
