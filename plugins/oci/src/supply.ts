/** What steps fetch and are set up by: downloads with the declaration's authorities, proxies and logins, counted for people. */
import { createHash } from 'node:crypto';
import { createDownloader, type Cache, type Downloader, type Env } from '@rebake/cache';
import { bytesText } from '@rebake/image';
import type { BuildAccess, Ctx } from '@rebake/sdk';
import { failure } from '@rebake/sdk/building';

/** What one build is supplied by. */
export interface Supply {
  readonly download: Downloader;
  /** Environment of tools that run on this machine. */
  readonly env: Env;
  /** The uv that locks are made with, for source archives: found or fetched when first asked for. Its environment may hold logins. */
  uv(): Promise<{ readonly path: string; readonly env: Env }>;
  /** A line about what was downloaded. */
  summary(): string;
}

export interface Supplies {
  of(access: BuildAccess, ctx: Ctx): Promise<Supply>;
  close(): Promise<void>;
}

/** So many bytes are told at once. */
const TOLD_BYTES = 256 << 10;

/** One downloader for all builds with the same access, so that connections last longer than one of them. */
export function createSupplies(cache: Cache, env: Env): Supplies {
  const open = new Map<string, Downloader>();

  async function downloader(access: BuildAccess, ctx: Ctx): Promise<Downloader> {
    const ca = await secretOf('ca', access, ctx);
    const pip = await secretOf('pip-conf', access, ctx);
    const { proxy } = access;
    const hash = createHash('sha256').update(JSON.stringify([proxy ?? null, ca === null, pip === null]));
    const key = hash
      .update(ca ?? '')
      .update('\0')
      .update(pip ?? '')
      .digest('hex');
    const known = open.get(key);
    if (known !== undefined) return known;
    const pipConfig = pip === null ? null : Buffer.from(pip).toString();
    // Reading what pip and uv are set up by is for those who have to log in somewhere.
    let logins: Promise<(url: URL) => Promise<{ username: string; password: string } | null>> | undefined;
    const made = createDownloader(cache, {
      env,
      ca,
      ...(proxy === undefined ? {} : { proxy }),
      login: async (url) => {
        logins ??= import('@rebake/lock').then(({ pipLogins }) => pipLogins({ env, pipConfig }));
        return (await logins)(url);
      },
    });
    open.set(key, made);
    return made;
  }

  return {
    async of(access, ctx) {
      const base = await downloader(access, ctx);
      const counted = counting(access.network === 'none' ? onlyCached(base, cache) : base, ctx);
      const own = environment(env, access);
      let tool: ReturnType<Supply['uv']> | undefined;
      const uv = async () => (tool ??= buildTool(cache, { download: counted.download, env: own, access, ctx }));
      return { download: counted.download, env: own, uv, summary: () => counted.summary() };
    },
    async close() {
      const all = [...open.values()];
      open.clear();
      await Promise.all(all.map(async (one) => one.close()));
    },
  };
}

async function buildTool(
  cache: Cache,
  {
    download,
    env,
    access,
    ctx,
  }: Pick<Supply, 'download' | 'env'> & { readonly access: BuildAccess; readonly ctx: Ctx },
): ReturnType<Supply['uv']> {
  const { createLocker } = await import('@rebake/lock');
  const [ca, pip] = [await secretOf('ca', access, ctx), await secretOf('pip-conf', access, ctx)];
  const { proxy } = access;
  const index = { pipConfig: pip === null ? null : Buffer.from(pip).toString(), ca, ...(proxy && { proxy }) };
  const log = (text: string): void => ctx.emit({ type: 'log', text });
  return createLocker({ cache, download, env, access: index, signal: ctx.signal, mirror: null, log }).tool();
}

async function secretOf(id: string, { secrets }: BuildAccess, ctx: Ctx): Promise<Uint8Array | null> {
  const ref = Object.hasOwn(secrets, id) ? secrets[id] : undefined;
  return ref === undefined ? null : ctx.secret(ref);
}

/** A build without a network has what is in the cache. */
function onlyCached(base: Downloader, cache: Cache): Downloader {
  const refuse = (name: string) => {
    const words = `${name} is not in the cache, and the declaration gives this build no network`;
    return failure('DOWNLOAD_REFUSED', 'never', words);
  };
  return {
    async blob(what, signal, onBytes) {
      if ((await cache.has(what.digest)) === null && !what.url.startsWith('file:')) throw refuse(what.name);
      await base.blob(what, signal, onBytes);
    },
    async document(url, options) {
      if (!url.startsWith('file:')) throw refuse((await import('@rebake/lock')).withoutLogin(url));
      return base.document(url, options);
    },
    close: async () => base.close(),
  };
}

function counting(base: Downloader, ctx: Ctx): { readonly download: Downloader; summary(): string } {
  let total = 0;
  let told = 0;
  const tell = (least: number): void => {
    if (total - told < least) return;
    told = total;
    ctx.emit({ type: 'bytes', done: total });
  };
  return {
    download: {
      async blob(what, signal, onBytes) {
        // What is fetched again after a break does not count twice.
        let own = 0;
        await base.blob(what, signal, (done) => {
          onBytes?.(done);
          if (done <= own) return;
          total += done - own;
          own = done;
          tell(TOLD_BYTES);
        });
      },
      document: async (url, options) => base.document(url, options),
      close: async () => base.close(),
    },
    summary() {
      tell(1);
      return total === 0 ? 'nothing had to be downloaded' : `downloaded ${bytesText(total)}`;
    },
  };
}

function environment(env: Env, { proxy, network }: BuildAccess): Env {
  const set: Record<string, string> = network === 'none' ? { UV_OFFLINE: '1', PIP_NO_INDEX: '1' } : {};
  for (const [name, value] of [
    ['http_proxy', proxy?.http],
    ['https_proxy', proxy?.https],
    ['no_proxy', proxy?.no],
  ] as const)
    if (value !== undefined) set[name] = set[name.toUpperCase()] = value;
  return { ...env, ...set };
}
