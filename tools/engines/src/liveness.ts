// Whether what engines.json names really answers, asked anew each time: a file outlives the processes it speaks of.
import { existsSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createConnection } from 'node:net';
import { isServing } from './grpc-health.ts';
import type { EngineName, EnginesState } from './state.ts';

/** All of these run on this machine: one that takes longer than this is as good as down. */
const TIMEOUT_MS = 2000;

interface Probe {
  readonly url: string;
  readonly socketPath?: string;
  readonly ca?: string;
}

/** The HTTP status, or undefined where nobody answers. */
async function status({ url, ca, socketPath }: Probe): Promise<number | undefined> {
  const send = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve) => {
    const request = send(
      url,
      {
        timeout: TIMEOUT_MS,
        agent: false,
        ...(ca === undefined ? {} : { ca }),
        ...(socketPath === undefined ? {} : { socketPath }),
      },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
    request.on('close', () => resolve(undefined));
    request.end();
  });
}

async function answers(probe: Probe, ...statuses: readonly number[]): Promise<boolean> {
  const got = await status(probe);
  return got !== undefined && statuses.includes(got);
}

/** Whether the server speaks first, and begins so. */
async function greets(port: number, greeting: string): Promise<boolean> {
  const socket = createConnection({ host: '127.0.0.1', port, timeout: TIMEOUT_MS });
  return new Promise<boolean>((resolve) => {
    socket.once('data', (data) => resolve(data.toString().startsWith(greeting)));
    for (const event of ['timeout', 'error', 'close']) socket.once(event, () => resolve(false));
  }).finally(() => socket.destroy());
}

/** Whether one engine is up. */
export async function isUp(state: EnginesState, name: EngineName): Promise<boolean> {
  const { docker, buildkit, registries, rootfs, wheels } = state;
  switch (name) {
    case 'docker':
      return answers({ url: 'http://docker/_ping', socketPath: docker.socket }, 200);
    case 'buildkit':
      return isServing(buildkit.address, undefined, TIMEOUT_MS);
    case 'buildkitTls':
      return existsSync(buildkit.tls.ca) && isServing(buildkit.tls.address, buildkit.tls, TIMEOUT_MS);
    case 'podman':
    case 'podmanRootless':
      return answers({ url: 'http://podman/libpod/_ping', socketPath: state[name].socket }, 200);
    case 'buildah':
      return existsSync(state.buildah.path) && existsSync(state.buildah.root);
    case 'ssh':
      return greets(state.ssh.port, 'SSH-2.0-');
    case 'kube':
      // 401: it answers, and this is nobody it knows.
      return answers({ url: `${state.kube.url}/healthz`, ca: readFileSync(registries.tls.ca, 'utf8') }, 401);
    case 'rootfs':
      return existsSync(rootfs.path);
    case 'wheels':
      return answers({ url: wheels.indexUrl }, 200);
    case 'crane':
      return existsSync(state.crane.path);
    case 'plain':
    case 'plain3':
      return answers({ url: `${registries[name].url}/v2/` }, 200);
    case 'auth':
    case 'token':
    case 'token3':
      return answers({ url: `${registries[name].url}/v2/` }, 401);
    case 'tls':
    case 'tls3':
      return (
        existsSync(registries[name].ca) &&
        answers({ url: `${registries[name].url}/v2/`, ca: readFileSync(registries[name].ca, 'utf8') }, 401)
      );
    default: {
      const never: never = name;
      throw new Error(`no engine ${String(never)}`);
    }
  }
}
