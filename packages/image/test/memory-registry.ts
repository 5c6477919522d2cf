// A registry in memory that keeps what it is sent, as the distribution spec has it: pieces, mounts, ranges.
import { digestOfBytes } from '../src/index.ts';
import { errorReply, MANIFEST_TYPE, manifestReply, type Handler, type Received, type Reply } from './fake-registry.ts';

export interface MemoryRegistry {
  readonly handle: Handler;
  /** `REPOSITORY DIGEST`, and the content. */
  readonly blobs: Map<string, string>;
  /** `REPOSITORY REFERENCE`, and the content. */
  readonly manifests: Map<string, string>;
  /** What has come of each upload that is open, by its path. */
  readonly uploads: Map<string, string>;
}

/** `first` may answer instead; what it leaves alone is answered as it should be. */
export function memoryRegistry(
  first: (request: Received, it: MemoryRegistry) => Reply | 'hang up' | undefined = () => undefined,
): MemoryRegistry {
  let opened = 0;
  const it: MemoryRegistry = {
    blobs: new Map(),
    manifests: new Map(),
    uploads: new Map(),
    handle: (request) => first(request, it) ?? answer(request),
  };

  function answer(request: Received): Reply {
    const [, repository = '', kind, last = ''] =
      /^\/v2\/(.+)\/(manifests|blobs\/uploads|blobs)\/(.*)$/.exec(request.path) ?? [];
    if (kind === 'manifests') return manifest(request, `${repository} ${last}`, repository);
    if (kind === 'blobs') return blob(request, it.blobs.get(`${repository} ${last}`));
    return last === '' ? open(request, repository) : upload(request, repository);
  }

  function manifest({ method, body }: Received, key: string, repository: string): Reply {
    if (method !== 'PUT') {
      const found = it.manifests.get(key);
      return found === undefined ? errorReply(404, 'MANIFEST_UNKNOWN', 'unknown') : manifestReply(found, typeOf(found));
    }
    it.manifests.set(key, body);
    it.manifests.set(`${repository} ${digestOfBytes(body)}`, body);
    return { status: 201, headers: { 'docker-content-digest': digestOfBytes(body) } };
  }

  function blob({ headers }: Received, content: string | undefined): Reply {
    if (content === undefined) return errorReply(404, 'BLOB_UNKNOWN', 'unknown');
    const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? -1);
    if (from < 0) return { status: 200, headers: { 'content-length': String(content.length) }, body: content };
    const range = `bytes ${from}-${content.length - 1}/${content.length}`;
    return { status: 206, headers: { 'content-range': range }, body: content.slice(from) };
  }

  function open({ query }: Received, repository: string): Reply {
    const mounted = it.blobs.get(`${query.get('from')} ${query.get('mount')}`);
    if (mounted !== undefined) {
      it.blobs.set(`${repository} ${query.get('mount')}`, mounted);
      return { status: 201 };
    }
    const path = `/v2/${repository}/blobs/uploads/${++opened}`;
    it.uploads.set(path, '');
    return { status: 202, headers: { location: `${path}?state=a%3Db` } };
  }

  function upload({ method, path, query, headers, body }: Received, repository: string): Reply {
    const before = it.uploads.get(path);
    if (before === undefined) return errorReply(404, 'BLOB_UPLOAD_UNKNOWN', 'unknown');
    const all = before + body;
    const where = { location: `${path}?state=a%3Db`, range: `0-${Math.max(0, all.length - 1)}` };
    if (method === 'GET') return { status: 204, headers: where };
    if (method === 'PATCH') {
      const range = `${before.length}-${all.length - 1}`;
      if (headers['content-range'] !== range) return errorReply(416, 'RANGE_INVALID', `not ${range}`);
      it.uploads.set(path, all);
      return { status: 202, headers: where };
    }
    const digest = query.get('digest') ?? '';
    if (digestOfBytes(all) !== digest) return errorReply(400, 'DIGEST_INVALID', 'provided digest did not match');
    it.uploads.delete(path);
    it.blobs.set(`${repository} ${digest}`, all);
    return { status: 201 };
  }

  return it;
}

function typeOf(manifest: string): string {
  return (JSON.parse(manifest) as { mediaType?: string }).mediaType ?? MANIFEST_TYPE;
}
