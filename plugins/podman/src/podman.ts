/** One Podman: what its API (libpod) can be asked for. All that it answers is checked here. */
import type { Credentials, Digest, RegistryAccess } from '@rebake/image';
import {
  containersName,
  engineFailure,
  failure,
  isInsecure,
  registryFailure,
  unlessAborted,
} from '@rebake/sdk/building';
import type { LayeredImage, Name } from '@rebake/sdk/building';
import { idIn, idOf, imageOf, infoOf, unsupported, versionOf } from './answers.ts';
import type { PodmanInfo } from './answers.ts';
import { readJsonLines } from './json-lines.ts';
import type { PodmanLine } from './json-lines.ts';
import { Refusal } from './service.ts';
import type { Ask, Service } from './service.ts';

/** How to get into a registry. */
export interface Entrance {
  readonly access: RegistryAccess;
  readonly login: Credentials | null;
}

/** A client of one Podman. */
export class Podman {
  readonly #service: Service;
  readonly #unfinished = new Set<Promise<unknown>>();
  #info: Promise<PodmanInfo> | undefined;

  constructor(service: Service) {
    this.#service = service;
  }

  /** The service's address, for people. */
  get shown(): string {
    return this.#service.shown;
  }

  /** Who this is; asked once, and again after a failure. Rejects for what is no Podman, or too old a one. */
  async info(signal: AbortSignal): Promise<PodmanInfo> {
    // Shared by all who ask, so that none of them can cut it off for the others; the service has a limit of its own for questions.
    const asked = (this.#info ??= this.#askInfo());
    asked.catch(() => {
      if (this.#info === asked) this.#info = undefined;
    });
    return unlessAborted(asked, signal);
  }

  /** Asks again, whatever was known: for looking at the world. */
  probe(signal: AbortSignal): Promise<PodmanInfo> {
    this.#info = undefined;
    return this.info(signal);
  }

  /** An image by name or digest of its config; null if there is none. */
  async image(name: string, signal: AbortSignal): Promise<LayeredImage | null> {
    try {
      return imageOf(await this.#ask({ method: 'GET', path: `/images/${encoded(name)}/json`, signal }));
    } catch (error) {
      if (isMissing(error)) return null;
      throw this.#failure(error);
    }
  }

  /** Gives an image a name. */
  async tag(image: Digest, name: Name, signal: AbortSignal): Promise<void> {
    const { repository: repo, tag } = { ...name, repository: containersName(name.repository) };
    try {
      await this.#ask({ method: 'POST', path: `/images/${idOf(image)}/tag`, query: { repo, tag }, signal });
    } catch (error) {
      if (isMissing(error)) throw failure('IMAGE_MISSING', 'never', `Podman has no image ${image}`, error);
      throw this.#failure(error);
    }
  }

  /** Removes a name (or a reference with a digest), and the image with its last one; a missing one is fine. */
  async untag(name: string, signal: AbortSignal): Promise<void> {
    try {
      await this.#ask({ method: 'DELETE', path: `/images/${encoded(name)}`, signal });
    } catch (error) {
      if (isMissing(error)) return;
      if (error instanceof Refusal && error.statusCode === 409)
        throw failure('IMAGE_IN_USE', 'never', error.message, error);
      throw this.#failure(error);
    }
  }

  /** Builds; hands each line over. `body` is the context. */
  async build(
    query: Ask['query'] & object,
    body: AsyncIterable<Uint8Array>,
    signal: AbortSignal,
    take: (line: PodmanLine) => void,
  ): Promise<void> {
    const headers = { 'Content-Type': 'application/x-tar' };
    const ask: Ask = { method: 'POST', path: '/build', query, headers, body, signal };
    try {
      await this.#service.stream(ask, (answer) => each(answer, take));
    } catch (error) {
      throw this.#failure(error);
    }
  }

  /** Pushes an image under a name; hands each line over. */
  async push(
    image: Digest,
    { repository, tag }: Name,
    entrance: Entrance,
    signal: AbortSignal,
    take: (line: PodmanLine) => void,
  ): Promise<void> {
    const { login } = entrance;
    if (login && 'identityToken' in login) {
      const words = `Podman's API cannot push with an identity token; log in to ${entrance.access.host} with a name and a password`;
      throw failure('ENGINE_UNSUPPORTED', 'elsewhere', words);
    }
    const query = {
      destination: `${repository}:${tag}`,
      quiet: false,
      compressionFormat: 'gzip',
      // Layers that are compressed already go as they are.
      forceCompressionFormat: false,
      ...tlsOf(entrance.access),
    };
    // The format stays what it is: another one would be another config, and another identity.
    await this.#transfer({ path: `/images/${idOf(image)}/push`, query }, entrance, signal, take);
  }

  /** Pulls `host/repository@digest`; hands each line over. */
  async pull(
    reference: string,
    entrance: Entrance,
    signal: AbortSignal,
    take: (line: PodmanLine) => void,
  ): Promise<void> {
    const query = { reference, policy: 'always', quiet: false, ...tlsOf(entrance.access) };
    await this.#transfer({ path: '/images/pull', query }, entrance, signal, take);
  }

  /** Imports a tar as an image without a name; returns its id. */
  async importImage(body: Uint8Array, signal: AbortSignal): Promise<string> {
    const headers = { 'Content-Type': 'application/x-tar' };
    return idIn(await this.#checked({ method: 'POST', path: '/images/import', headers, body, signal }));
  }

  /** Makes a container and starts it; returns its id. */
  async run(spec: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<string> {
    const headers = { 'Content-Type': 'application/json' };
    const body = Buffer.from(JSON.stringify(spec));
    const id = idIn(await this.#checked({ method: 'POST', path: '/containers/create', headers, body, signal }));
    try {
      await this.#checked({ method: 'POST', path: `/containers/${id}/start`, signal });
      return id;
    } catch (error) {
      await this.discard('containers', id).catch(() => undefined);
      throw error;
    }
  }

  /** Removes a container with what runs in it, or an image with all of its names; a missing one is fine. Nothing cuts it off. */
  async discard(what: 'containers' | 'images', id: string): Promise<void> {
    const query = what === 'containers' ? { force: true, timeout: 0 } : { force: true };
    try {
      await this.#ask({ method: 'DELETE', path: `/${what}/${id}`, query, signal: new AbortController().signal });
    } catch (error) {
      if (!isMissing(error)) throw this.#failure(error);
    }
  }

  /** Takes over what nobody waits for, and what has to end before the way to the service does. */
  finishLater(work: Promise<unknown>): void {
    const ended = work.catch(() => undefined).finally(() => this.#unfinished.delete(ended));
    this.#unfinished.add(ended);
  }

  /** Ends what leads to the service. */
  async close(): Promise<void> {
    await Promise.all(this.#unfinished);
    await this.#service.close();
  }

  async #askInfo(): Promise<PodmanInfo> {
    const { signal } = new AbortController();
    try {
      const headers = await this.#service.ping(signal);
      const version = versionOf(headers['libpod-api-version'], this.shown);
      return infoOf(await this.#ask({ method: 'GET', path: '/info', signal }), version, this.shown);
    } catch (error) {
      // So Docker answers: it has no such path.
      if (isMissing(error)) throw unsupported(`${this.shown} is no Podman: it does not know the libpod API`);
      throw this.#failure(error);
    }
  }

  #ask(ask: Ask): Promise<unknown> {
    return this.#service.ask(ask);
  }

  async #checked(ask: Ask): Promise<unknown> {
    try {
      return await this.#ask(ask);
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(error: unknown): unknown {
    return engineFailure(error, this.shown);
  }

  async #transfer(
    { path, query }: Pick<Ask, 'path' | 'query'> & { readonly query: object },
    { login }: Entrance,
    signal: AbortSignal,
    take: (line: PodmanLine) => void,
  ): Promise<void> {
    const headers = { 'X-Registry-Auth': authOf(login) };
    try {
      await this.#service.stream({ method: 'POST', path, query, headers, signal }, (answer) =>
        each(answer, (line) => {
          if (line.error !== undefined)
            throw registryFailure(line.error) ?? failure('ENGINE_REFUSED', 'never', line.error);
          take(line);
        }),
      );
    } catch (error) {
      throw (error instanceof Refusal ? registryFailure(error.message, error) : null) ?? this.#failure(error);
    }
  }
}

async function each(answer: AsyncIterable<Uint8Array>, take: (line: PodmanLine) => void): Promise<void> {
  for await (const line of readJsonLines(answer)) take(line);
}

/** Part of a path: names that are none would be another path. */
function encoded(name: string): string {
  return encodeURIComponent(containersName(name));
}

/** What can be said of TLS with a request; authorities can not, Podman looks for them in its own `certs.d`. */
function tlsOf(access: RegistryAccess): { readonly tlsVerify?: boolean } {
  return isInsecure(access) ? { tlsVerify: false } : {};
}

/** What goes into X-Registry-Auth. An empty one is nobody: without, Podman would take the logins of whoever it runs as. */
function authOf(login: Credentials | null): string {
  const fields =
    login === null
      ? {}
      : 'identityToken' in login
        ? { identitytoken: login.identityToken }
        : { username: login.username, password: login.password };
  // Go's decoder wants the alphabet of URLs and the padding, which Node gives apart only.
  return Buffer.from(JSON.stringify(fields)).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
}

function isMissing(error: unknown): boolean {
  return error instanceof Refusal && error.statusCode === 404;
}
