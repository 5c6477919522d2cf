/** What builders get with each call: secrets, logins, a scratch folder, and a signal. */
import { BuildFailure } from '@rebake/sdk';
import type { Credentials, Ctx, Progress, RegistryAccess, SecretRef } from '@rebake/sdk';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import type { Redactor } from './redaction.ts';

/** What contexts are made from: facts of the machine. */
export interface CtxOptions {
  /** Folder that relative secret paths start from: the config's. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder below which each call gets one of its own. */
  readonly scratchDir: string;
  readonly redactor: Redactor;
  credentials(host: string): Promise<Credentials | null>;
  registry(host: string): RegistryAccess;
  /** Milliseconds since the epoch. */
  now(): number;
}

/** A context for one call; `close` removes its scratch folder. */
export interface OpenCtx {
  readonly ctx: Ctx;
  readonly close: () => void;
}

/** Makes contexts. All of them share one redactor. */
export interface CtxFactory {
  readonly redactor: Redactor;
  open(call: { readonly signal: AbortSignal; readonly emit: (progress: Progress) => void }): OpenCtx;
}

/** Makes the factory of contexts. */
export function createCtxFactory(options: CtxOptions): CtxFactory {
  return {
    redactor: options.redactor,
    open({ signal, emit }) {
      let scratch: string | null = null;
      const ctx: Ctx = {
        signal,
        emit,
        // Made when asked for: most calls are questions that need no folder.
        get scratch() {
          if (scratch === null) {
            mkdirSync(options.scratchDir, { recursive: true, mode: 0o700 });
            scratch = mkdtempSync(join(options.scratchDir, 'call-'));
          }
          return scratch;
        },
        secret(ref) {
          return Promise.resolve().then(() => readSecret(ref, options));
        },
        async credentials(host) {
          const login = await options.credentials(host);
          if (login) options.redactor.learn('password' in login ? login.password : login.identityToken);
          return login;
        },
        registry: (host) => options.registry(host),
        now: () => options.now(),
      };
      return {
        ctx,
        close() {
          if (scratch !== null) rmSync(scratch, { recursive: true, force: true });
        },
      };
    },
  };
}

/** Calls with a context of its own, and cleans up after it however it ends. */
export async function withCtx<T>(
  factory: CtxFactory,
  call: { readonly signal: AbortSignal; readonly emit: (progress: Progress) => void },
  use: (ctx: Ctx) => Promise<T>,
): Promise<T> {
  const { ctx, close } = factory.open(call);
  try {
    return await use(ctx);
  } finally {
    close();
  }
}

/** Nobody listens: for questions that report nothing. */
export const silent = (): void => undefined;

function readSecret(ref: SecretRef, options: CtxOptions): Uint8Array | null {
  const value = valueOf(ref, options);
  if (value !== null) {
    options.redactor.learn(value);
    return value;
  }
  if (ref.optional === true) return null;
  const words = `the secret ${nameOf(ref)} is missing: set it, or mark it optional in the config`;
  throw new BuildFailure({ code: 'SECRET_MISSING', retry: 'never', words });
}

function valueOf(ref: SecretRef, options: CtxOptions): Uint8Array | null {
  if ('env' in ref) {
    const text = options.env[ref.env];
    return text === undefined ? null : new TextEncoder().encode(text);
  }
  const path = 'file' in ref ? ref.file : options.env[ref.fileFromEnv];
  if (path === undefined || path === '') return null;
  const file = isAbsolute(path) ? path : resolve(options.root, path);
  try {
    return readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    const words = `the secret ${nameOf(ref)} cannot be read: ${(error as Error).message}`;
    throw new BuildFailure({ code: 'SECRET_UNREADABLE', retry: 'never', words });
  }
}

function nameOf(ref: SecretRef): string {
  if ('env' in ref) return `in the environment variable ${ref.env}`;
  if ('file' in ref) return `in the file ${ref.file}`;
  return `in the file named by the environment variable ${ref.fileFromEnv}`;
}
