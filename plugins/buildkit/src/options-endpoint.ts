/** The options of one daemon, checked. */
import type { Platform } from '@rebake/image';
import { isRecord, unknownKeys } from './options-issues.ts';
import type { Issue } from './options-issues.ts';
import { DEFAULT_PARALLEL } from './options.ts';
import type { EndpointOptions, EndpointSettings } from './options.ts';
import { parseAddress } from './reach/address.ts';

export const ENDPOINT_KEYS = ['address', 'tls', 'ssh', 'parallel', 'platforms'];

const SSH_KEYS = ['config', 'identity'] as const;
const TLS_KEYS = ['ca', 'cert', 'key', 'serverName'] as const;
const PLATFORMS: readonly unknown[] = ['linux/amd64', 'linux/arm64'] satisfies Platform[];
const SSH_KINDS: readonly string[] = ['ssh', 'docker-container', 'podman-container'];
const MOST_PARALLEL = 256;

/** What is wrong with one. */
export function endpointIssues(options: Record<string, unknown>, path: readonly string[]): readonly Issue[] {
  const { address, tls, ssh, parallel, platforms } = options;
  const issues: Issue[] = [];
  if (address !== undefined) issues.push(...addressIssues(address, options, path));
  if (tls !== undefined) issues.push(...tlsIssues(tls, [...path, 'tls']));
  if (ssh !== undefined) issues.push(...sshIssues(ssh, [...path, 'ssh']));
  const isCount = Number.isInteger(parallel) && (parallel as number) >= 1 && (parallel as number) <= MOST_PARALLEL;
  if (parallel !== undefined && !isCount)
    issues.push({ message: `must be a whole number from 1 to ${MOST_PARALLEL}`, path: [...path, 'parallel'] });
  const isList = Array.isArray(platforms) && platforms.length > 0 && platforms.every((one) => PLATFORMS.includes(one));
  if (platforms !== undefined && !isList)
    issues.push({ message: `must be a list of ${PLATFORMS.join(' and ')}`, path: [...path, 'platforms'] });
  return issues;
}

function addressIssues(
  address: unknown,
  { tls, ssh }: Record<string, unknown>,
  path: readonly string[],
): readonly Issue[] {
  const parsed = typeof address === 'string' ? parseAddress(address) : { error: 'must be a text' };
  if ('error' in parsed) return [{ message: parsed.error, path: [...path, 'address'] }];
  const issues: Issue[] = [];
  if (tls !== undefined && parsed.kind !== 'tcp')
    issues.push({ message: `only tcp has TLS; this is ${parsed.kind}`, path: [...path, 'tls'] });
  if (ssh !== undefined && !SSH_KINDS.includes(parsed.kind))
    issues.push({ message: `nothing goes by ssh; this is ${parsed.kind}`, path: [...path, 'ssh'] });
  return issues;
}

function sshIssues(ssh: unknown, path: readonly string[]): readonly Issue[] {
  if (!isRecord(ssh)) return [{ message: 'must be an object with config or identity', path }];
  const wrong = SSH_KEYS.filter((key) => ssh[key] !== undefined && (typeof ssh[key] !== 'string' || ssh[key] === ''));
  return [
    ...unknownKeys(ssh, SSH_KEYS, path),
    ...wrong.map((key) => ({ message: 'must be the path of a file', path: [...path, key] })),
  ];
}

function tlsIssues(tls: unknown, path: readonly string[]): readonly Issue[] {
  if (!isRecord(tls)) return [{ message: 'must be an object with ca, cert and key', path }];
  const wrong = TLS_KEYS.filter((key) => tls[key] !== undefined && (typeof tls[key] !== 'string' || tls[key] === ''));
  const issues: Issue[] = [
    ...unknownKeys(tls, TLS_KEYS, path),
    ...wrong.map((key) => ({
      message: key === 'serverName' ? 'must be the name of a host' : 'must be the path of a PEM file',
      path: [...path, key],
    })),
  ];
  if ((tls['cert'] === undefined) !== (tls['key'] === undefined))
    issues.push({
      message: 'a certificate goes with its key',
      path: [...path, tls['cert'] === undefined ? 'cert' : 'key'],
    });
  return issues;
}

/** One that has no issues, with what was left out. */
export function endpointOf({ address, tls, ssh, parallel, platforms }: EndpointOptions): EndpointSettings {
  const parsed = address === undefined ? null : parseAddress(address);
  return {
    address: parsed && 'kind' in parsed ? parsed : null,
    ...(tls === undefined ? {} : { tls }),
    ...(ssh === undefined ? {} : { ssh }),
    parallel: parallel ?? DEFAULT_PARALLEL,
    platforms: platforms ?? null,
  };
}
