/** A registry on a port of this machine: as much of the distribution API as rebake uses, kept in memory, and as unhelpful as a test wants it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { digestOfBytes, isDigest, type Digest } from '@rebake/sdk';
import { MANIFEST_TYPE, tinyImage, type TinyImage } from './tiny-image.ts';

interface Repository {
  readonly manifests: Map<Digest, string>;
  readonly tags: Map<string, Digest>;
}

/** A running registry, and what a test may do to it. */
export interface TestRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** What files of a project call it, and what its output shows instead of the host; as long as the host, so that columns stay. */
  readonly label: string;
  /** Status with which everything is refused; null: it works. */
  refuses: number | null;
  /** Whether somebody has made a repository, for a registry that makes none by itself; null: it makes them. */
  isMade: ((repository: string) => boolean) | null;
  /** `METHOD path` of each request that changes something. */
  readonly changes: string[];
  /** Tags of a repository with the manifest that each shows, candidates left out. */
  tags(repository: string): Readonly<Record<string, Digest>>;
  /** Somebody else puts an image here. */
  put(repository: string, tag: string, config: unknown): TinyImage;
  /** Somebody takes a tag away, or all of a repository. */
  remove(repository: string, tag?: string): void;
  /** Stops answering. */
  close(): Promise<void>;
}

interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const NOT_FOUND: Reply = { status: 404, body: errors('NAME_UNKNOWN', 'not known here') };

/** Starts one. `name`: two letters that tell it from others. */
export async function testRegistry(name = 'eu'): Promise<TestRegistry> {
  const repositories = new Map<string, Repository>();
  const blobs = new Map<string, string>();
  const changes: string[] = [];
  const at = (repository: string): Repository => {
    const known = repositories.get(repository) ?? { manifests: new Map(), tags: new Map() };
    repositories.set(repository, known);
    return known;
  };

  const manifests = (method: string, { manifests: all, tags }: Repository, reference: string, body: string): Reply => {
    if (method === 'PUT') {
      const digest = digestOfBytes(body);
      all.set(digest, body);
      if (!isDigest(reference)) tags.set(reference, digest);
      return { status: 201, headers: { 'docker-content-digest': digest } };
    }
    const digest = isDigest(reference) ? reference : tags.get(reference);
    const found = digest === undefined ? undefined : all.get(digest);
    if (digest === undefined || found === undefined) return NOT_FOUND;
    if (method !== 'DELETE')
      return { status: 200, headers: { 'content-type': MANIFEST_TYPE, 'docker-content-digest': digest }, body: found };
    all.delete(digest);
    for (const [tag, shown] of tags) if (shown === digest) tags.delete(tag);
    return { status: 202 };
  };

  const answer = (method: string, url: URL, body: string): Reply => {
    if (registry.refuses !== null) return { status: registry.refuses, body: errors('DENIED', 'the registry refuses') };
    const [, repository = '', what = '', reference = ''] =
      /^\/v2\/(.+)\/(manifests|blobs)\/(.+)$/.exec(url.pathname) ?? [];
    if (registry.isMade?.(repository || (/^\/v2\/(.+)\/blobs\/uploads\/$/.exec(url.pathname)?.[1] ?? '')) === false)
      return NOT_FOUND;
    if (method !== 'GET' && method !== 'HEAD') changes.push(`${method} ${url.pathname}`);
    if (what === 'manifests') return manifests(method, at(repository), reference, body);
    if (what !== 'blobs') return NOT_FOUND;
    if (method === 'POST') {
      if (blobs.has(url.searchParams.get('mount') ?? '')) return { status: 201 };
      return { status: 202, headers: { location: `/v2/${repository}/blobs/uploads/1` } };
    }
    if (method === 'PUT') {
      blobs.set(digestOfBytes(body), body);
      return { status: 201 };
    }
    const found = blobs.get(reference);
    return found === undefined ? NOT_FOUND : { status: 200, body: found };
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request);
    const reply = answer(request.method ?? '', new URL(request.url ?? '/', 'http://registry'), body);
    const length = { 'content-length': String(Buffer.byteLength(reply.body ?? '')) };
    response.writeHead(reply.status, { 'content-type': 'application/json', ...length, ...reply.headers });
    response.end(request.method === 'HEAD' ? undefined : reply.body);
  };
  const server = createServer((request, response) => void serve(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;

  const close = async (): Promise<void> => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  const registry: TestRegistry = {
    host,
    label: `${name}.example.test`.padEnd(host.length, ':443').slice(0, host.length),
    refuses: null,
    isMade: null,
    changes,
    tags: (repository) => Object.fromEntries([...at(repository).tags].filter(([tag]) => !tag.startsWith('rebake-'))),
    put(repository, tag, config) {
      const image = tinyImage(config);
      for (const [digest, content] of image.blobs) blobs.set(digest, content);
      at(repository).manifests.set(image.manifest, image.manifestText);
      at(repository).tags.set(tag, image.manifest);
      return image;
    },
    remove(repository, tag) {
      if (tag === undefined) repositories.delete(repository);
      else at(repository).tags.delete(tag);
    },
    close,
    [Symbol.asyncDispose]: close,
  };
  return registry;
}

function errors(code: string, message: string): string {
  return JSON.stringify({ errors: [{ code, message }] });
}
