// One repository of a registry as a benchmark sees it: what is in it, how large that is, and how to make it forget an image.
import { createRegistryClient, isDigest, parseManifest, type Descriptor, type Digest } from '@rebake/image';

/** What a tag leads to. */
export interface Held {
  readonly tag: string;
  readonly manifest: Digest;
  /** The lowest first. */
  readonly layers: readonly Descriptor[];
}

export interface Repository {
  readonly registry: string;
  readonly repository: string;
  /** Every tag, with its image. */
  images(): Promise<readonly Held[]>;
  /** Removes all images but one, and their layers with them: the registry then takes them as if it had never seen them. */
  forgetAllBut(kept: Held): Promise<void>;
}

/** A registry of tests: plain HTTP, no login. */
export function repositoryAt(registry: string, repository: string): Repository {
  const base = `http://${registry}/v2/${repository}`;

  async function held(tag: string): Promise<Held> {
    const accept = 'application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json';
    const answer = await fetch(`${base}/manifests/${tag}`, { headers: { accept } });
    const digest = answer.headers.get('docker-content-digest') ?? '';
    if (!answer.ok || !isDigest(digest)) throw new Error(`${base}/manifests/${tag}: HTTP ${answer.status}`);
    const parsed = parseManifest(Buffer.from(await answer.arrayBuffer()), answer.headers.get('content-type') ?? '');
    if (parsed.kind === 'index') throw new Error(`${repository}:${tag} is an index`);
    return { tag, manifest: digest, layers: parsed.layers };
  }

  async function images(): Promise<readonly Held[]> {
    const answer = await fetch(`${base}/tags/list?n=1000`);
    if (answer.status === 404) return [];
    const { tags } = (await answer.json()) as { tags: readonly string[] | null };
    return Promise.all((tags ?? []).map(held));
  }

  async function drop(path: string): Promise<void> {
    const { status } = await fetch(`${base}/${path}`, { method: 'DELETE' });
    if (status !== 202 && status !== 404) throw new Error(`DELETE ${base}/${path}: HTTP ${status}`);
  }

  return {
    registry,
    repository,
    images,
    async forgetAllBut(kept) {
      const keep = new Set(kept.layers.map(({ digest }) => digest));
      for (const image of await images()) {
        if (image.manifest === kept.manifest) continue;
        await drop(`manifests/${image.manifest}`);
        for (const { digest } of image.layers) if (!keep.has(digest)) await drop(`blobs/${digest}`);
      }
    },
  };
}

/** Copies an image to another repository of the same registry. */
export async function copyTo(from: Repository, { manifest }: Held, repository: string, tag: string): Promise<void> {
  const client = createRegistryClient({ access: (host) => ({ host }), credentials: async () => null, env: {} });
  const { registry } = from;
  try {
    const { signal } = new AbortController();
    await client.copy({ registry, repository: from.repository, manifest }, { registry, repository, tag }, { signal });
  } finally {
    await client.close();
  }
}

/** Bytes of the layers that an image has on top of another one. */
export function bytesOnTop(image: Held, below: Held): number {
  const held = new Set(below.layers.map(({ digest }) => digest));
  return image.layers.reduce((sum, { digest, size }) => sum + (held.has(digest) ? 0 : size), 0);
}
