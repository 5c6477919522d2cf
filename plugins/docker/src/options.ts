/** The options of a builder of kind `docker`, checked by hand: two keys are not worth a library on the way of every plan. */
import type { OptionsResult, OptionsSchema } from '@rebake/sdk';

/** PEM files for an engine behind TLS. Paths are absolute, or relative to the working directory. */
export interface TlsFiles {
  /** Authorities that the engine's certificate is checked against. */
  readonly ca: string;
  /** Our own certificate. */
  readonly cert: string;
  readonly key: string;
}

/** Where the engine is. Both default to what the `docker` command takes from the environment. */
export interface DockerOptions {
  /** `unix:///path` or `tcp://host[:port]`. Default: `$DOCKER_HOST`, else `unix:///var/run/docker.sock`. */
  readonly host?: string;
  /** Only with tcp. Default: the files of `$DOCKER_CERT_PATH` if `$DOCKER_TLS_VERIFY` is set. */
  readonly tls?: TlsFiles;
}

interface Issue {
  readonly message: string;
  readonly path: readonly string[];
}

const TLS_KEYS = ['ca', 'cert', 'key'] as const;

/** Standard Schema of {@link DockerOptions}; nothing at all counts as no options. */
export const dockerOptions: OptionsSchema<DockerOptions> = {
  '~standard': { version: 1, vendor: 'rebake', validate },
};

function validate(value: unknown): OptionsResult<DockerOptions> {
  if (value === undefined) return { value: {} };
  if (!isRecord(value)) return { issues: [{ message: 'must be an object' }] };
  const issues: Issue[] = unknownKeys(value, ['host', 'tls'], []);
  const { host, tls } = value;
  if (host !== undefined && (typeof host !== 'string' || !isHost(host))) {
    issues.push({ message: 'must be unix:///path or tcp://host[:port]', path: ['host'] });
  }
  if (tls !== undefined && typeof host === 'string' && host.startsWith('unix:')) {
    issues.push({ message: 'a unix socket has no TLS', path: ['tls'] });
  }
  if (tls !== undefined) issues.push(...tlsIssues(tls));
  if (issues.length > 0) return { issues };
  return { value: { ...(host === undefined ? {} : { host }), ...(tls === undefined ? {} : { tls }) } as DockerOptions };
}

function tlsIssues(tls: unknown): Issue[] {
  if (!isRecord(tls)) return [{ message: 'must be an object with ca, cert and key', path: ['tls'] }];
  const missing = TLS_KEYS.filter((key) => typeof tls[key] !== 'string' || tls[key] === '');
  return [
    ...unknownKeys(tls, TLS_KEYS, ['tls']),
    ...missing.map((key) => ({ message: 'must be the path of a PEM file', path: ['tls', key] })),
  ];
}

function unknownKeys(record: Record<string, unknown>, known: readonly string[], path: readonly string[]): Issue[] {
  return Object.keys(record)
    .filter((key) => !known.includes(key))
    .map((key) => ({ message: `unknown option; there are: ${known.join(', ')}`, path: [...path, key] }));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a text names an engine in a way that this builder can follow. */
export function isHost(text: string): boolean {
  if (text.startsWith('unix://')) return /^unix:\/\/\/[^\0]+$/.test(text);
  if (!text.startsWith('tcp://') || !URL.canParse(text)) return false;
  const { hostname, pathname, search, hash, username } = new URL(text);
  return hostname !== '' && (pathname === '' || pathname === '/') && search === '' && hash === '' && username === '';
}
