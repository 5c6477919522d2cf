/** One daemon as a builder uses it: where it is, what it may do, and whether it answers. */
import { connectFailure, createDaemon } from '@rebake/buildkit';
import type { Daemon } from '@rebake/buildkit';
import type { Platform } from '@rebake/image';
import { failure } from '@rebake/sdk/building';
import type { EndpointSettings } from './options.ts';
import { connectTo, parseAddress, showAddress } from './reach/index.ts';
import type { BuildkitAddress } from './reach/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** A daemon. */
export interface Endpoint {
  readonly index: number;
  /** Its address, for people and for BuildKit's own tools. */
  readonly shown: string;
  /** Builds at once. */
  readonly parallel: number;
  readonly daemon: Daemon;
  /** Platforms that it builds for now. Rejects with a `BuildFailure` where it does not answer. */
  look(signal: AbortSignal): Promise<readonly Platform[]>;
}

const DEFAULT_ADDRESS = 'unix:///run/buildkit/buildkitd.sock';

/** For a question that a daemon answers from memory, with the time to connect: after this it does not answer, rather than being slow. */
const ANSWER_MS = 10_000;

const KNOWN: readonly Platform[] = ['linux/amd64', 'linux/arm64'];

/** The daemons that options and environment name. Nothing is opened. */
export function createEndpoints(settings: readonly EndpointSettings[], env: Environment): readonly Endpoint[] {
  return settings.map((one, index) => createEndpoint(one, index, env));
}

function createEndpoint(settings: EndpointSettings, index: number, env: Environment): Endpoint {
  const address = settings.address ?? addressOf(env);
  const shown = showAddress(address);
  const { tls, ssh } = settings;
  const daemon = createDaemon(connectTo(address, { env, ...(tls ? { tls } : {}), ...(ssh ? { ssh } : {}) }));
  return {
    index,
    shown,
    parallel: settings.parallel,
    daemon,
    async look(signal) {
      const late = AbortSignal.timeout(ANSWER_MS);
      try {
        const { workers } = await daemon.info(AbortSignal.any([signal, late]));
        const all = new Set(workers.flatMap(({ platforms }) => platforms));
        return (settings.platforms ?? KNOWN).filter((platform) => all.has(platform));
      } catch (error) {
        signal.throwIfAborted();
        if (late.aborted)
          throw failure('ENGINE_UNREACHABLE', 'backoff', `${shown} has not answered for ${ANSWER_MS / 1_000} s`, error);
        throw connectFailure(error, shown);
      }
    },
  };
}

function addressOf(env: Environment): BuildkitAddress {
  const text = env['BUILDKIT_HOST'] || DEFAULT_ADDRESS;
  const address = parseAddress(text);
  if ('error' in address)
    throw failure('ENGINE_UNREACHABLE', 'never', `BUILDKIT_HOST is ${JSON.stringify(text)}: ${address.error}`);
  return address;
}
