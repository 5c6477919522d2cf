/** A builder without an engine: it can do nothing, and says so. What tests of the suite change of it is all that it does. */
import { BuildFailure } from '@rebake/image';
import type { Builder, Capabilities } from '../src/index.ts';
import type { Rig } from '../src/testing/index.ts';

/** What the builder says when it is probed. */
export const NOTHING: Capabilities = {
  engine: 'stub',
  contents: 'stub@1',
  steps: [],
  platforms: ['linux/amd64'],
  reproducible: false,
};

/** A failure as builders throw it. */
export function failed(code: string, retry: 'never' | 'backoff' | 'elsewhere'): BuildFailure {
  return new BuildFailure({ code, retry, words: 'this is a stub' });
}

/** A builder that refuses everything as it should. */
export function stubBuilder(changed: Partial<Builder> = {}): Builder {
  return {
    probe: async () => NOTHING,
    build: async () => {
      throw failed('STEP_UNSUPPORTED', 'elsewhere');
    },
    inspect: async (at) =>
      'registry' in at ? { seen: 'unknown', why: { code: 'ELSEWHERE', retry: 'never', words: 'x' } } : { seen: 'no' },
    fetch: async () => {
      throw failed('IMAGE_MISSING', 'never');
    },
    push: async () => {
      throw failed('IMAGE_MISSING', 'never');
    },
    tag: async () => {
      throw failed('IMAGE_MISSING', 'never');
    },
    remove: async () => undefined,
    close: async () => undefined,
    ...changed,
  };
}

/** A builder whose engine is not there. */
function deadBuilder(): Builder {
  const dead = async (): Promise<never> => {
    throw failed('ENGINE_UNREACHABLE', 'backoff');
  };
  const why = { code: 'ENGINE_UNREACHABLE', retry: 'backoff', words: 'nobody is there' } as const;
  return stubBuilder({ probe: dead, build: dead, inspect: async () => ({ seen: 'unknown', why }) });
}

/** A rig over a builder without an engine; nothing in it is ever opened. */
export function stubRig(
  builder: Partial<Builder> = {},
  more: Partial<Rig> = {},
): Rig & Required<Pick<Rig, 'unreachable'>> {
  return {
    name: 'stub',
    create: () => stubBuilder(builder),
    unreachable: deadBuilder,
    rootfs: { path: '/nowhere/rootfs.tar', digest: `sha256:${'0'.repeat(64)}` },
    platform: 'linux/amd64',
    access: { secrets: {}, network: 'host' },
    registries: { plain: { address: 'registry.example.com' } },
    ...more,
  };
}
