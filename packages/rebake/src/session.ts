/** What reaches the world in one call: builders, registry client, credentials. Made for a declaration, closed at the end. */
import { resolve } from 'node:path';
import { createBuilderPool, type BuilderPool, type CtxFactory } from '@rebake/engine';
import {
  createCredentialStore,
  createRegistryClient,
  type Credentials,
  type RegistryAccess,
  type RegistryClient,
} from '@rebake/image';
import type { Expansion } from '@rebake/model';
import type { Builder, Diagnostic } from '@rebake/sdk';
import { createContexts } from './contexts.ts';
import { declaredBuilders } from './pool.ts';
import type { Project } from './project.ts';

/** Builders, registries and their logins. */
export interface Session {
  readonly builders: BuilderPool;
  /** Makes some of the builders, and says what is wrong with those that cannot be made. Contacts nothing. */
  readonly refused: (names: Iterable<string>) => Promise<readonly Diagnostic[]>;
  readonly registry: RegistryClient;
  readonly ctx: CtxFactory;
  close(): Promise<void>;
}

/** Options that programs and tests may give on top of the declaration. */
export interface SessionOptions {
  /** Builders by declared name, instead of those that the declaration would load. */
  readonly builders?: Readonly<Record<string, Builder>>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Opens a session. Nothing is contacted before it is needed. */
export function openSession(project: Project, dataDir: string, expansion: Expansion, options: SessionOptions): Session {
  const hosts = new Map(expansion.registries.map((access) => [access.host, access]));
  const access = (host: string): RegistryAccess => hosts.get(host) ?? { host };
  const configured = options.env['DOCKER_CONFIG'];
  const store = createCredentialStore({
    env: options.env,
    ...(configured === undefined || configured === '' ? {} : { configDir: resolve(project.root, configured) }),
  });
  const credentials = (host: string): Promise<Credentials | null> => store(host);
  const registry = createRegistryClient({ access, credentials });
  const { env, builders: given } = options;
  const declared = declaredBuilders(expansion.builders, { dataDir, env, plugins: () => project.plugins(), given });
  const pooled = createBuilderPool(declared.pooled);
  return {
    builders: pooled.pool,
    refused: (names) => declared.refused(names),
    registry,
    ctx: createContexts({ root: project.root, dataDir, now: project.now, env: options.env, access, credentials }),
    close: async () => {
      await registry.close();
      await pooled.close();
    },
  };
}
