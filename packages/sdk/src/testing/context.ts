/** Contexts as the kernel gives them to builders: secrets, logins, a scratch folder that is gone after the call, and a record of what was emitted. */
import { mkdtemp, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BuildFailure } from '@rebake/image';
import type { Credentials, RegistryAccess } from '@rebake/image';
import type { Ctx, SecretRef } from '../builder.ts';
import type { Progress } from '../event.ts';
import type { Rig, TestRegistry } from './rig.ts';

/** How one call is made. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Told what is emitted, while it is. */
  onProgress?(progress: Progress): void;
  /** Told what is emitted when the call has ended already. */
  onLate?(progress: Progress): void;
  /** `none`: as for a user who has logged in nowhere. `wrong`: with a password that is none. Default: the rig's logins. */
  readonly logins?: 'rig' | 'none' | 'wrong';
  /** Environment that secrets are taken from. Default: empty. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Calls with a context of its own; returns the answer and what was emitted. */
export async function withContext<T>(
  rig: Rig,
  folder: string,
  options: CallOptions,
  call: (ctx: Ctx) => Promise<T>,
): Promise<{ readonly value: T; readonly seen: readonly Progress[] }> {
  const scratch = await mkdtemp(join(folder, 'scratch-'));
  const seen: Progress[] = [];
  let hasEnded = false;
  const ctx: Ctx = {
    signal: options.signal ?? new AbortController().signal,
    scratch,
    emit(progress) {
      if (hasEnded) return options.onLate?.(progress);
      seen.push(progress);
      options.onProgress?.(progress);
    },
    secret: async (ref) => readSecret(ref, options.env ?? {}),
    credentials: async (host) => login(registryAt(rig, host), options.logins ?? 'rig'),
    registry: (host) => access(host, registryAt(rig, host)),
    now: () => Date.now(),
  };
  try {
    return { value: await call(ctx), seen };
  } finally {
    hasEnded = true;
    // At once, as the kernel does: what a builder still wants from here it has lost.
    await rm(scratch, { recursive: true, force: true });
  }
}

function registryAt({ registries }: Rig, host: string): TestRegistry | undefined {
  return Object.values(registries).find((one: TestRegistry | undefined) => one?.address === host);
}

function login(registry: TestRegistry | undefined, logins: 'rig' | 'none' | 'wrong'): Credentials | null {
  if (registry?.credentials === undefined || logins === 'none') return null;
  return logins === 'wrong' ? { username: 'nobody', password: 'this is no password' } : registry.credentials;
}

/** Transport of a registry: TLS where there is an authority, else plain HTTP. */
export function access(host: string, registry: TestRegistry | undefined): RegistryAccess {
  return registry?.ca === undefined ? { host, insecure: true } : { host, ca: registry.ca };
}

function readSecret(ref: SecretRef, env: Readonly<Record<string, string>>): Uint8Array | null {
  const value = valueOf(ref, env);
  if (value !== null || ref.optional === true) return value;
  throw new BuildFailure({ code: 'SECRET_MISSING', retry: 'never', words: 'the secret of a behaviour is missing' });
}

function valueOf(ref: SecretRef, env: Readonly<Record<string, string>>): Uint8Array | null {
  if ('env' in ref) {
    const text = env[ref.env];
    return text === undefined ? null : new TextEncoder().encode(text);
  }
  const path = 'file' in ref ? ref.file : env[ref.fileFromEnv];
  try {
    return path === undefined ? null : readFileSync(path);
  } catch {
    return null;
  }
}
