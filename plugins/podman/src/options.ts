/** The options of a builder of kind `podman`, checked by hand: four keys are not worth a library on the way of every plan. */
import type { OptionsResult, OptionsSchema } from '@rebake/sdk';
import { hostError } from './host.ts';

/** PEM files for a service behind TLS (Podman 5.7 and later). Paths are absolute, or relative to the working directory. */
export interface TlsFiles {
  /** Authorities that the service's certificate is checked against, in place of the system's. */
  readonly ca?: string;
  /** Our own certificate; with `key`. */
  readonly cert?: string;
  readonly key?: string;
}

/** Where the service is. Without `host` and `connection`: where the `podman` command would look for it. */
export interface PodmanOptions {
  /** `unix:///path`, `ssh://[user@]host[:port]/path of the socket there`, or `tcp://host:port`. */
  readonly host?: string;
  /** Name of a connection, as `podman system connection list` shows it. */
  readonly connection?: string;
  /** Path of the key for ssh. Default: what the connection names, `$CONTAINER_SSHKEY`, and what the user's ssh finds by itself. */
  readonly identity?: string;
  /** Only with tcp. */
  readonly tls?: TlsFiles;
}

interface Issue {
  readonly message: string;
  readonly path: readonly string[];
}

const TLS_KEYS = ['ca', 'cert', 'key'] as const;
const KEYS = ['host', 'connection', 'identity', 'tls'] as const;

/** Standard Schema of {@link PodmanOptions}; nothing at all counts as no options. */
export const podmanOptions: OptionsSchema<PodmanOptions> = {
  '~standard': { version: 1, vendor: 'rebake', validate },
};

function validate(value: unknown): OptionsResult<PodmanOptions> {
  if (value === undefined) return { value: {} };
  if (!isRecord(value)) return { issues: [{ message: 'must be an object' }] };
  const { host, connection, identity, tls } = value;
  const issues: Issue[] = unknownKeys(value, KEYS, []);
  if (host !== undefined) {
    const error = typeof host === 'string' ? hostError(host) : 'must be a text';
    if (error !== null) issues.push({ message: error, path: ['host'] });
  }
  if (connection !== undefined && !isText(connection))
    issues.push({ message: 'must be the name of a connection', path: ['connection'] });
  if (connection !== undefined && host !== undefined)
    issues.push({ message: 'cannot be set together with host', path: ['connection'] });
  if (identity !== undefined && !isText(identity))
    issues.push({ message: 'must be the path of a key for ssh', path: ['identity'] });
  if (tls !== undefined) issues.push(...tlsIssues(tls, host));
  return issues.length > 0 ? { issues } : { value: { ...value } as PodmanOptions };
}

function tlsIssues(tls: unknown, host: unknown): Issue[] {
  if (!isRecord(tls)) return [{ message: 'must be an object with ca, or cert and key, or all three', path: ['tls'] }];
  const issues = unknownKeys(tls, TLS_KEYS, ['tls']);
  if (typeof host !== 'string' || !host.startsWith('tcp:'))
    issues.push({ message: 'needs a host that begins with tcp://', path: ['tls'] });
  for (const key of TLS_KEYS) {
    if (tls[key] !== undefined && !isText(tls[key]))
      issues.push({ message: 'must be the path of a PEM file', path: ['tls', key] });
  }
  if ((tls['cert'] === undefined) !== (tls['key'] === undefined))
    issues.push({ message: 'cert and key need each other', path: ['tls'] });
  return issues;
}

function unknownKeys(record: Record<string, unknown>, known: readonly string[], path: readonly string[]): Issue[] {
  return Object.keys(record)
    .filter((key) => !known.includes(key))
    .map((key) => ({ message: `unknown option; there are: ${known.join(', ')}`, path: [...path, key] }));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
