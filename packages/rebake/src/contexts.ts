/** Contexts for builders: what each call may know of this machine, with one redactor for all that comes out. */
import { join } from 'node:path';
import { createCtxFactory, createRedactor, type CtxFactory } from '@rebake/engine';
import type { Credentials, RegistryAccess } from '@rebake/image';

/** What contexts are made from. */
export interface ContextOptions {
  readonly root: string;
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly access: (host: string) => RegistryAccess;
  readonly credentials: (host: string) => Promise<Credentials | null>;
  readonly now: () => number;
}

/** Makes the factory for one call of the library. */
export function createContexts(options: ContextOptions): CtxFactory {
  return createCtxFactory({
    root: options.root,
    env: options.env,
    scratchDir: join(options.dataDir, 'scratch'),
    redactor: createRedactor(),
    credentials: options.credentials,
    registry: options.access,
    now: options.now,
  });
}
