/** Addresses of BuildKit daemons: the forms that `buildctl --addr` knows, taken apart and checked. */
import { parseSshTarget, showSshTarget } from '@rebake/sdk/building';
import type { SshTarget } from '@rebake/sdk/building';

/** Where a daemon is, and by which means it is reached. */
export type BuildkitAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  /** A container of the Docker engine that the environment names; `context`: of that of a Docker context. */
  | { readonly kind: 'docker-container'; readonly name: string; readonly context?: string }
  /** A container of the Podman service that the environment names. */
  | { readonly kind: 'podman-container'; readonly name: string }
  | {
      readonly kind: 'kube-pod';
      readonly pod: string;
      readonly namespace?: string;
      /** A context of the user's kubectl config. */
      readonly context?: string;
      readonly container?: string;
    }
  | { readonly kind: 'ssh'; readonly target: SshTarget };

/** A refusal, for people; it reads after the name of the option. */
export interface AddressError {
  readonly error: string;
}

const FORMS =
  'unix:///path, tcp://host:port, docker-container://NAME, podman-container://NAME, kube-pod://POD or ssh://[user@]host[:port]';

const CONTAINER = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$/;
const KUBERNETES = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
// What names a context is the user's to choose; clouds put slashes, colons and at signs into them. It is passed as --context=NAME.
const CONTEXT = /^[A-Za-z0-9_][A-Za-z0-9_.:/@+-]{0,252}$/;
const DOCKER_CONTEXT = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/;
const HOST = /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,252})$/;
const IPV6 = /^[0-9A-Fa-f:.]{2,45}$/;

/** Takes an address apart. */
export function parseAddress(text: string): BuildkitAddress | AddressError {
  const match = /^([a-z-]+):\/\/(.*)$/s.exec(text);
  const [, scheme, rest = ''] = match ?? [];
  switch (scheme) {
    case 'unix':
      return isSocketPath(rest) ? { kind: 'unix', path: rest } : wrong('unix:///path, of at most 107 bytes');
    case 'tcp':
      return tcp(rest);
    case 'docker-container':
      return dockerContainer(rest);
    case 'podman-container':
      return CONTAINER.test(rest) ? { kind: 'podman-container', name: rest } : wrong('podman-container://NAME');
    case 'kube-pod':
      return kubePod(rest);
    case 'ssh': {
      const target = parseSshTarget(text);
      return 'error' in target ? target : { kind: 'ssh', target };
    }
    default:
      return wrong(FORMS);
  }
}

/** For people, and as {@link parseAddress} takes it. */
export function showAddress(address: BuildkitAddress): string {
  switch (address.kind) {
    case 'unix':
      return `unix://${address.path}`;
    case 'tcp':
      return `tcp://${address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
    case 'docker-container':
      return `docker-container://${address.name}${query({ context: address.context })}`;
    case 'podman-container':
      return `podman-container://${address.name}`;
    case 'kube-pod': {
      const { pod, namespace, context, container } = address;
      return `kube-pod://${pod}${query({ namespace, context, container })}`;
    }
    case 'ssh':
      return showSshTarget(address.target);
    default:
      return address satisfies never;
  }
}

/** As the kernel has them. */
function isSocketPath(path: string): boolean {
  return /^\/[^\0]+$/.test(path) && Buffer.byteLength(path) <= 107;
}

function tcp(rest: string): BuildkitAddress | AddressError {
  const [, inBrackets = '', port = ''] = /^(\[[^\]]*\]|[^:/?#@]*):([0-9]{1,5})\/?$/.exec(rest) ?? [];
  const bracketed = /^\[(.*)\]$/.exec(inBrackets);
  const host = bracketed?.[1] ?? inBrackets;
  const isHost = bracketed ? IPV6.test(host) : HOST.test(host);
  const isPort = Number(port) >= 1 && Number(port) <= 65_535;
  return isHost && isPort ? { kind: 'tcp', host, port: Number(port) } : wrong('tcp://host:port');
}

function dockerContainer(rest: string): BuildkitAddress | AddressError {
  const { name, parameters } = split(rest);
  const { context, ...others } = parameters ?? {};
  const isGood = CONTAINER.test(name) && (context === undefined || DOCKER_CONTEXT.test(context));
  if (!isGood || isUnknown(parameters, others)) return wrong('docker-container://NAME[?context=DOCKER CONTEXT]');
  return { kind: 'docker-container', name, ...(context === undefined ? {} : { context }) };
}

function kubePod(rest: string): BuildkitAddress | AddressError {
  const { name, parameters } = split(rest);
  const { namespace, context, container, ...others } = parameters ?? {};
  const names = [name, namespace, container].filter((one) => one !== undefined);
  const isGood = names.every((one) => KUBERNETES.test(one)) && (context === undefined || CONTEXT.test(context));
  if (!isGood || isUnknown(parameters, others)) {
    return wrong('kube-pod://POD[?namespace=NAME&context=NAME&container=NAME], with names as Kubernetes has them');
  }
  return {
    kind: 'kube-pod',
    pod: name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(context === undefined ? {} : { context }),
    ...(container === undefined ? {} : { container }),
  };
}

/** A name and the parameters after it; null where one stands twice. */
function split(rest: string): { name: string; parameters: Readonly<Record<string, string>> | null } {
  const [name = '', ...queries] = rest.split('?');
  const pairs = [...new URLSearchParams(queries.join('?'))];
  const parameters = Object.fromEntries(pairs);
  return { name, parameters: Object.keys(parameters).length === pairs.length ? parameters : null };
}

function isUnknown(parameters: object | null, others: object): boolean {
  return parameters === null || Object.keys(others).length > 0;
}

function query(parameters: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(parameters).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}=${encodeURIComponent(value)}`],
  );
  return given.length === 0 ? '' : `?${given.join('&')}`;
}

function wrong(form: string): AddressError {
  return { error: `must be ${form}` };
}
