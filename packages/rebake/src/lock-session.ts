/** What locking reaches the world with: the cache, downloads, and what user and declaration say about package indexes. */
import { cacheDir, createDownloader, openCache } from '@rebake/cache';
import type { LockedPackage, MadeFrom } from '@rebake/image/locks';
import { createLocker, pipLogins, type IndexAccess, withoutLogin, type Locker, type SourceKind } from '@rebake/lock';
import type { Expansion } from '@rebake/model';
import { BuildFailure, type SecretRef } from '@rebake/sdk';
import { createContexts } from './contexts.ts';
import type { Project, ProjectOptions } from './project.ts';

/** An open session. */
export interface LockSession {
  readonly locker: Locker;
  source(locked: LockedPackage, wanted: MadeFrom): Promise<SourceKind>;
  close(): Promise<void>;
}

/** Opens it. Nothing is contacted before something is locked. Rejects with `SECRET_MISSING`. */
export async function openLockSession(
  project: Project,
  dataDir: string,
  expansion: Expansion,
  { env, signal = new AbortController().signal, log }: ProjectOptions & { readonly log: (line: string) => void },
): Promise<LockSession> {
  const access = await indexAccess(project, dataDir, expansion, env, signal);
  const cache = openCache(cacheDir(env), { now: project.now });
  const { ca, proxy, pipConfig } = access;
  const download = createDownloader(cache, {
    env,
    ca,
    login: pipLogins({ env, pipConfig }),
    ...(proxy === undefined ? {} : { proxy }),
  });
  const mirror = expansion.locks.find((lock) => lock.kind === 'debian' && lock.mirror !== null);
  const locker = createLocker({
    cache,
    download,
    env,
    access,
    signal,
    mirror: mirror?.kind === 'debian' ? mirror.mirror : null,
    log,
  });
  return {
    locker,
    async source({ sdist }, { interpreter }) {
      if (sdist === null) return 'unknown';
      const [{ buildSdist }, uv] = await Promise.all([import('@rebake/python'), locker.tool()]);
      try {
        const means = { cache, download, signal, env, log, uv: async () => uv };
        return (await buildSdist(sdist, interpreter, means)).pure ? 'pure' : 'compiles';
      } catch (error) {
        if (!(error instanceof BuildFailure) || signal.aborted) throw error;
        if (error.error.code !== 'SDIST_FAILED') return 'unknown';
        // Here is no compiler for it, no header, or another Python: whoever builds it needs what this machine has not.
        log(
          `${sdist.name} cannot be built here, and is left to a builder with an engine: ${reasonIn(error.error.words)}`,
        );
        return 'compiles';
      }
    },
    close: async () => {
      await download.close();
      await cache.close();
    },
  };
}

/** What the declaration says under `build`: by reference, read now, kept nowhere. */
async function indexAccess(
  project: Project,
  dataDir: string,
  { access: { secrets, proxy } }: Expansion,
  env: ProjectOptions['env'],
  signal: AbortSignal,
): Promise<IndexAccess> {
  const nobody = async (): Promise<null> => null;
  const factory = createContexts({
    root: project.root,
    dataDir,
    env,
    access: (host) => ({ host }),
    credentials: nobody,
    now: project.now,
  });
  const { ctx, close } = factory.open({ signal, emit: () => undefined });
  try {
    const read = async (ref: SecretRef | undefined): Promise<Uint8Array | null> =>
      ref === undefined ? null : ctx.secret(ref);
    const [ca, pip] = [await read(secrets['ca']), await read(secrets['pip-conf'])];
    return {
      pipConfig: pip === null ? null : Buffer.from(pip).toString('utf8'),
      ca,
      ...(proxy === undefined ? {} : { proxy }),
    };
  } finally {
    close();
  }
}

/** The line that says why, in pages of what a build printed. */
function reasonIn(words: string): string {
  const lines = words.split('\n').map((line) => line.trim());
  const said = lines.findLast((line) => /^(?:\w*Error\b|error: (?!Failed to build|subprocess))/.test(line));
  return withoutLogin(said ?? lines[0] ?? '');
}
