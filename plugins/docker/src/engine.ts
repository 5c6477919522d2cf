/** One Docker engine: its HTTP API over dockerode, its BuildKit over connections that it upgrades. All that it answers is checked here. */
import Dockerode from 'dockerode';
import type { Credentials, Digest } from '@rebake/image';
import { Channel } from '@rebake/buildkit';
import type { OpenSession } from '@rebake/buildkit';
import { imageOf, infoOf } from './engine-answers.ts';
import type { EngineImage, EngineInfo } from './engine-answers.ts';
import { apiWords, engineFailure, failure, registryFailure, showEndpoint, unlessAborted } from '@rebake/sdk/building';
import type { EngineEndpoint } from '@rebake/sdk/building';
import { agentFor } from '@rebake/sdk/engine-http';
import { buildkitConnection, dockerodeAddress } from './endpoint.ts';
import { readJsonLines } from './json-lines.ts';
import type { EngineLine } from './json-lines.ts';
import type { Name } from '@rebake/sdk/building';

/** For questions that an engine answers from memory: after this it does not answer, rather than being slow. */
const ANSWER_MS = 30_000;

/** A client of one engine. Connections are opened when needed and kept until {@link Engine.close}. */
export class Engine {
  /** The engine's address, for people. */
  readonly shown: string;
  /** Calls to its BuildKit. */
  readonly buildkit: Channel;
  /** Opens sessions with its BuildKit. */
  readonly openSession: OpenSession;
  readonly #docker: Dockerode;
  /** For pushes and pulls, which would keep short questions waiting. */
  readonly #transfers: Dockerode;
  readonly #agents: readonly ReturnType<typeof agentFor>[];
  #info: Promise<EngineInfo> | undefined;

  constructor(endpoint: EngineEndpoint) {
    this.shown = showEndpoint(endpoint);
    const [short, long] = [agentFor(endpoint), agentFor(endpoint, { unbounded: true })];
    this.#agents = [short, long];
    this.#docker = new Dockerode(dockerodeAddress(endpoint, short));
    this.#transfers = new Dockerode(dockerodeAddress(endpoint, long));
    this.buildkit = new Channel(() => buildkitConnection(endpoint, '/grpc', {}));
    this.openSession = ({ id, name, sharedKey, methods }) =>
      buildkitConnection(endpoint, '/session', {
        'X-Docker-Expose-Session-Uuid': id,
        'X-Docker-Expose-Session-Name': name,
        'X-Docker-Expose-Session-Sharedkey': sharedKey,
        'X-Docker-Expose-Session-Grpc-Method': methods,
      });
  }

  /** Who the engine is; asked once, and again after a failure. Rejects for engines whose image ids are no config digests. */
  async info(signal: AbortSignal): Promise<EngineInfo> {
    // Shared by all who ask, so that none of them can cut it off for the others.
    const asked = (this.#info ??= this.#askInfo());
    asked.catch(() => {
      if (this.#info === asked) this.#info = undefined;
    });
    return unlessAborted(asked, signal);
  }

  /** Asks again, whatever was known: for looking at the world. */
  probe(signal: AbortSignal): Promise<EngineInfo> {
    this.#info = undefined;
    return this.info(signal);
  }

  /** An image by name or id; null if there is none. */
  async inspect(name: string, signal: AbortSignal): Promise<EngineImage | null> {
    try {
      const answer: unknown = await this.#answer(() => this.#docker.getImage(name).inspect(), signal);
      return imageOf(answer);
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  }

  /** Gives an image a name. */
  async tag(id: Digest, { repository, tag }: Name, signal: AbortSignal): Promise<void> {
    try {
      await this.#answer(
        (abortSignal) => this.#docker.getImage(id).tag({ repo: repository, tag, abortSignal }),
        signal,
      );
    } catch (error) {
      if (isMissing(error)) throw failure('IMAGE_MISSING', 'never', `the engine has no image ${id}`, error);
      throw error;
    }
  }

  /** Removes a name, and the image with its last one; a missing one is fine. */
  async untag(name: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#answer((abortSignal) => this.#docker.getImage(name).remove({ abortSignal }), signal);
    } catch (error) {
      if (isMissing(error)) return;
      if (statusOf(error) === 409) throw failure('IMAGE_IN_USE', 'never', causeWords(error), error);
      throw error;
    }
  }

  /** Pushes a name; passes on each line of progress. */
  async push(
    name: Name,
    login: Credentials | null,
    signal: AbortSignal,
    take: (line: EngineLine) => void,
  ): Promise<void> {
    await this.#transfer(
      () =>
        this.#transfers
          .getImage(name.repository)
          .push({ tag: name.tag, authconfig: authOf(login) as Dockerode.AuthConfig, abortSignal: signal }),
      signal,
      take,
    );
  }

  /** Pulls `host/repository@digest`; passes on each line of progress. */
  async pull(
    reference: string,
    login: Credentials | null,
    signal: AbortSignal,
    take: (line: EngineLine) => void,
  ): Promise<void> {
    await this.#transfer(
      () => this.#transfers.createImage(authOf(login), { fromImage: reference, abortSignal: signal }),
      signal,
      take,
    );
  }

  /** Closes all connections. */
  async close(): Promise<void> {
    for (const agent of this.#agents) agent.destroy();
    await this.buildkit.close();
  }

  async #askInfo(): Promise<EngineInfo> {
    const answer: unknown = await this.#answer(() => this.#docker.info(), new AbortController().signal);
    return infoOf(answer, this.shown);
  }

  /** A short request; dockerode does not hand the signal on everywhere, so that what it does not cut off is left to itself. */
  async #answer<T>(request: (signal: AbortSignal) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    const late = AbortSignal.timeout(ANSWER_MS);
    const either = AbortSignal.any([signal, late]);
    try {
      return await unlessAborted(request(either), either);
    } catch (error) {
      signal.throwIfAborted();
      if (late.aborted)
        throw failure(
          'ENGINE_UNREACHABLE',
          'backoff',
          `${this.shown} has not answered for ${ANSWER_MS / 1_000} s`,
          error,
        );
      throw isMissing(error) || statusOf(error) === 409 ? error : engineFailure(error, this.shown);
    }
  }

  async #transfer(
    start: () => Promise<NodeJS.ReadableStream>,
    signal: AbortSignal,
    take: (line: EngineLine) => void,
  ): Promise<void> {
    signal.throwIfAborted();
    try {
      for await (const line of readJsonLines((await start()) as AsyncIterable<Uint8Array>)) {
        if (line.error !== undefined)
          throw registryFailure(line.error) ?? failure('ENGINE_REFUSED', 'never', line.error);
        take(line);
      }
    } catch (error) {
      signal.throwIfAborted();
      const words = statusOf(error) === null ? null : causeWords(error);
      const registry = words === null ? null : registryFailure(words, error);
      throw registry ?? lost(error, this.shown) ?? engineFailure(error, this.shown);
    }
  }
}

/** A connection that broke in the middle of an answer. */
function lost(error: unknown, host: string): Error | null {
  const broken =
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ECONNRESET' || error.code === 'EPIPE' || error.code === 'ERR_STREAM_PREMATURE_CLOSE');
  return broken ? failure('ENGINE_LOST', 'backoff', `lost the connection to ${host}: ${error.message}`, error) : null;
}

function statusOf(error: unknown): number | null {
  return error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
    ? error.statusCode
    : null;
}

function isMissing(error: unknown): boolean {
  return statusOf(error) === 404;
}

function causeWords(error: unknown): string {
  return error instanceof Error ? apiWords(error) : String(error);
}

/** What goes into X-Registry-Auth. Anonymous is an empty login: some versions refuse a push without the header. */
function authOf(login: Credentials | null): Readonly<Record<string, string>> {
  if (!login) return { username: '' };
  return 'identityToken' in login
    ? { identitytoken: login.identityToken }
    : { username: login.username, password: login.password };
}
