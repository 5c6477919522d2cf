/** Makes locks: uv and its setting are found once, when the first Python lock asks for them. */
import { randomUUID } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Env } from '@rebake/cache';
import { BuildFailure } from '@rebake/image';
import { lockDebian } from './debian.ts';
import { homeOf } from './home.ts';
import { readPipSettings, type PipSettings } from './pip/settings.ts';
import { pipLogins, uvAddresses } from './pip/logins.ts';
import { lockPython, type ReadyUv } from './python.ts';
import type { DebianLockRequest, LockMeans, LockOutcome, PythonLockRequest } from './types.ts';
import { uvSetting, type UvSetting } from './uv/environment.ts';
import { findUv } from './uv/find.ts';
import { pythonFor, type FoundPython } from './uv/python.ts';

/** Makes locks of one project. */
export interface Locker {
  /** Resolves with uv. Rejects with `LOCK_TOOL_MISSING` or `LOCK_TOOL_FAILED` when uv itself is the trouble. */
  python(request: PythonLockRequest): Promise<LockOutcome>;
  debian(request: DebianLockRequest): Promise<LockOutcome>;
  /** uv as {@link Locker.python} runs it, for building source archives. The environment may hold logins. Rejects as that does. */
  tool(): Promise<{ readonly path: string; readonly env: Env }>;
}

/** Nothing happens before something is to be locked. */
export function createLocker(means: LockMeans): Locker {
  let made: Promise<ReadyUv> | null = null;
  const ready = async (): Promise<ReadyUv> => (made ??= makeReady(means));
  return {
    async python(request) {
      return lockPython(
        request,
        await ready(),
        join(await means.cache.scratch(), `lock-${randomUUID()}`),
        means.signal,
      );
    },
    debian: (request) => lockDebian(request, means),
    async tool() {
      const { uv, setting } = await ready();
      return { path: uv.path, env: setting.env };
    },
  };
}

async function makeReady(means: LockMeans): Promise<ReadyUv> {
  const { cache, env, access, signal } = means;
  const pip = await readPipSettings({ env, home: homeOf(env), first: access.pipConfig });
  const uv = await findUv({ ...means, pip });
  const folder = join(await cache.scratch(), `uv-${randomUUID()}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const setting = await uvSetting(env, pip, access, folder);
  try {
    const found = await pythonFor(uv, { ...means, env: setting.env }, folder);
    const login = pipLogins({ env, pipConfig: access.pipConfig });
    return { uv, setting: withPython(setting, found), login, secrets: secretsOf(pip, means) };
  } catch (error) {
    if (error instanceof BuildFailure || signal.aborted) throw error;
    throw new BuildFailure({
      code: 'LOCK_TOOL_FAILED',
      retry: 'never',
      words: `uv does not run: ${(error as Error).message}`,
    });
  }
}

function withPython(setting: UvSetting, { folder, downloads }: FoundPython): UvSetting {
  const path = [folder, setting.env['PATH']].filter((part) => part !== null && part !== undefined && part !== '');
  return {
    ...setting,
    env: {
      ...setting.env,
      ...(folder === null ? {} : { PATH: path.join(':') }),
      ...(downloads ? { UV_PYTHON_DOWNLOADS: 'automatic' } : {}),
    },
  };
}

/** Passwords in addresses: what a tool prints must not show them, however it writes them. */
function secretsOf(pip: PipSettings, { env }: LockMeans): readonly string[] {
  const addresses = [pip.indexUrl ?? '', ...pip.extraIndexUrls, ...pip.findLinks, pip.proxy ?? '', ...uvAddresses(env)];
  const given = Object.entries(env).flatMap(([name, value = '']) =>
    /^UV_INDEX_\w+_PASSWORD$/.test(name) && value !== '' ? [value] : [],
  );
  const inAddresses = addresses.flatMap((address) => {
    const [, userinfo = ''] = /^(?:[A-Za-z0-9._-]+=)?[a-z+]+:\/\/(.*)@/i.exec(address) ?? [];
    const password = userinfo.slice(userinfo.indexOf(':') + 1);
    return password === '' ? [] : [password, decoded(password)];
  });
  return [...given, ...inAddresses];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
