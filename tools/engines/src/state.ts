// The schema of engines.json, and where it lies. `up` writes it through write-state.ts; tests read it through engines().
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

/** A registry: `address` is `HOST:PORT`, as image references begin with; `url` has the scheme before it. */
export interface RegistryState {
  readonly url: string;
  readonly address: string;
}

/** A Podman service with its storage. Build steps and containers run in the host's network unless told otherwise. */
export interface PodmanState {
  /** `unix://` and the socket, as in CONTAINER_HOST. */
  readonly host: string;
  readonly socket: string;
  /** The command line of a CLI that works on that same storage without the service; arguments follow. */
  readonly cli: readonly string[];
  /** What `cli` sets, for command lines of a test's own. */
  readonly env: Readonly<Record<string, string>>;
  /** The rootfs imported. */
  readonly baseImage: string;
}

export interface EnginesState {
  /** Raised when a reader of the last version would misread this one. */
  readonly version: 1;
  readonly dir: string;
  readonly docker: {
    /** `unix://` and the socket, as in DOCKER_HOST. */
    readonly host: string;
    readonly socket: string;
    /** A Docker CLI that builds with BuildKit (`DOCKER_BUILDKIT=1`). */
    readonly cli: string;
    /** The rootfs imported: what a test's Dockerfile starts FROM. */
    readonly baseImage: string;
    /** The only network in which a RUN here reaches anything: the engine has no bridge. */
    readonly buildNetwork: 'host';
    /** A folder for DOCKER_CONFIG with the credentials of every registry below. */
    readonly configDir: string;
  };
  readonly registries: {
    readonly plain: RegistryState;
    readonly auth: RegistryState & Credentials;
    /** `ca`: path of the PEM file of the private CA. */
    readonly tls: RegistryState & Credentials & { readonly ca: string };
    /** `realm`: where tokens are given out for these credentials. Without any, a token grants pull only. */
    readonly token: RegistryState & Credentials & { readonly realm: string };
    /** Those above are distribution 2.8, these are distribution v3. */
    readonly plain3: RegistryState;
    readonly tls3: RegistryState & Credentials & { readonly ca: string };
    readonly token3: RegistryState & Credentials & { readonly realm: string };
  };
  /** A client of registries and image archives that is nobody's engine. */
  readonly crane: { readonly path: string };
  /** A daemon whose build steps run in the host's network. */
  readonly buildkit: {
    /** `unix://` and the socket, as in BUILDKIT_HOST. */
    readonly address: string;
    /** Paths of the client and of the daemon, of one version. */
    readonly buildctl: string;
    readonly buildkitd: string;
    /** The same daemon over mTLS; every field but the address is the path of a PEM file. */
    readonly tls: {
      /** `tcp://127.0.0.1:PORT`; its certificate is for 127.0.0.1 and localhost. */
      readonly address: string;
      readonly ca: string;
      readonly cert: string;
      readonly key: string;
      /** The server's own, for daemons of a test's own at loopback addresses. */
      readonly server: { readonly cert: string; readonly key: string };
      /** A client's certificate of the same CA, out of date. */
      readonly expired: { readonly cert: string; readonly key: string };
      /** A CA that signed neither the server's certificate nor a client's. */
      readonly otherCa: string;
    };
  };
  readonly podman: PodmanState;
  /** As an ordinary user with subordinate ids; files that its CLI reads must be readable by that user. */
  readonly podmanRootless: PodmanState & { readonly user: string; readonly uid: number };
  /** A storage of its own, as root. */
  readonly buildah: {
    readonly path: string;
    /** The whole command line, `path` with `root`, `runroot` and `env`; arguments follow. */
    readonly cli: readonly string[];
    readonly env: Readonly<Record<string, string>>;
    readonly root: string;
    readonly runroot: string;
    readonly baseImage: string;
  };
  /**
   * An sshd. Commands of a login find `docker`, `buildctl` and `podman` on the PATH, and DOCKER_HOST, BUILDKIT_HOST and
   * CONTAINER_HOST set to the engines above; their sockets can be forwarded.
   */
  readonly ssh: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    /** The private key's path. */
    readonly identity: string;
    readonly knownHosts: string;
    /** For `ssh -F`: with it, `host`, `localhost` or `alias` is all that ssh has to be told. */
    readonly config: string;
    readonly alias: string;
  };
  /**
   * A stand-in for a Kubernetes cluster with one running pod: `kubectl get pod` and `kubectl exec` work. What is executed
   * runs on this machine, with `buildctl` on the PATH and BUILDKIT_HOST set.
   */
  readonly kube: {
    readonly url: string;
    /** For `kubectl --kubeconfig`; its context has the namespace. */
    readonly kubeconfig: string;
    readonly kubectl: string;
    readonly namespace: string;
    readonly pod: string;
    readonly container: string;
  };
  /** A Debian tar with python3.11; `digest` is of the tar as it is, `sha256:…`. */
  readonly rootfs: { readonly path: string; readonly digest: string };
  /** The machine's CA bundle, to be given to builds as a secret when they reach for the package index. */
  readonly ca: { readonly path: string };
  /** `indexUrl` is for pip's `--index-url`; `dir` holds the wheels it serves. */
  readonly wheels: { readonly indexUrl: string; readonly dir: string };
}

export type RegistryName = keyof EnginesState['registries'];
export type EngineName =
  | 'docker'
  | 'buildkit'
  | 'buildkitTls'
  | 'podman'
  | 'podmanRootless'
  | 'buildah'
  | 'ssh'
  | 'kube'
  | 'rootfs'
  | 'wheels'
  | 'crane'
  | RegistryName;

/** Registries of distribution 2.8. */
export const REGISTRY_NAMES: readonly RegistryName[] = ['plain', 'auth', 'tls', 'token'];

/** Registries of distribution v3, with the same logins. */
export const REGISTRY3_NAMES: readonly RegistryName[] = ['plain3', 'tls3', 'token3'];

/** The folder of the engines: REBAKE_ENGINES_DIR, else `.engines` at the root of the repository. */
export function enginesDir(): string {
  return process.env['REBAKE_ENGINES_DIR'] ?? resolve(import.meta.dirname, '../../../.engines');
}

export function statePath(dir: string = enginesDir()): string {
  return join(dir, 'engines.json');
}

/** What `up` wrote last, or undefined where it never ran or `down` ran since. Says nothing about what is alive. */
export function readState(dir: string = enginesDir()): EnginesState | undefined {
  let text: string;
  try {
    text = readFileSync(statePath(dir), 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
  const state = JSON.parse(text) as EnginesState;
  if (state.version !== 1)
    throw new Error(`${statePath(dir)} has version ${String(state.version)}: run tools/engines/up`);
  return state;
}
