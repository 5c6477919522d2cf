/** Which Podman service is meant where the environment is to say it. */
import { join } from 'node:path';
import { parseEngineHost } from './engine-endpoint.ts';
import type { EngineEndpoint } from './engine-endpoint.ts';
import { failure } from './failures.ts';
import type { SshOptions } from './ssh.ts';

/**
 * The service of CONTAINER_HOST (with CONTAINER_SSHKEY, as for the podman command), else this user's, else the machine's. Throws
 * `ENGINE_UNREACHABLE` for a host that cannot be followed.
 */
export function resolvePodmanEndpoint(
  env: Readonly<Record<string, string | undefined>>,
  ssh: Pick<SshOptions, 'config' | 'identity'> = {},
): EngineEndpoint {
  const named = env['CONTAINER_HOST'];
  if (!named) return { kind: 'unix', socketPath: usualSocket(env) };
  const parsed = parseEngineHost(named);
  if ('error' in parsed) throw failure('ENGINE_UNREACHABLE', 'never', `CONTAINER_HOST is ${named}; it ${parsed.error}`);
  switch (parsed.kind) {
    case 'unix':
      return parsed;
    case 'tcp': {
      const { host, port } = parsed;
      if (port === null) throw failure('ENGINE_UNREACHABLE', 'never', `CONTAINER_HOST is ${named}, without a port`);
      return { kind: 'tcp', host, port, tls: null };
    }
    case 'ssh': {
      const { path } = parsed.target;
      const key = env['CONTAINER_SSHKEY'];
      return {
        ...parsed,
        remote: ['podman', ...(path === undefined ? [] : [`--url=unix://${path}`]), 'system', 'dial-stdio'],
        ssh: { env, ...(key ? { identity: key } : {}), ...ssh },
      };
    }
    default:
      return parsed satisfies never;
  }
}

function usualSocket(env: Readonly<Record<string, string | undefined>>): string {
  const user = process.getuid?.() ?? 0;
  return join(user === 0 ? '/run' : env['XDG_RUNTIME_DIR'] || `/run/user/${user}`, 'podman/podman.sock');
}
