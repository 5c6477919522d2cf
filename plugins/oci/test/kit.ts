/** What the tests of this builder share: a builder as the plugin makes it, a context as the kernel gives it, jobs and folders. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '@rebake/image';
import type { Credentials, ImageSpec, Output, RegistryAccess, Step } from '@rebake/image';
import type { BuildAccess, Builder, Ctx, Job, Progress } from '@rebake/sdk';
import { afterAll } from 'vitest';
import { plugin } from '../src/index.ts';
import type { OciOptions } from '../src/index.ts';

export const ACCESS: BuildAccess = { network: 'default', secrets: {} };

/** A builder as the plugin makes it, from what a declaration says. */
export async function ociBuilder(options: OciOptions, dir: string): Promise<Builder> {
  const kind = plugin.builders['oci']!;
  const checked = await kind.options['~standard'].validate(options);
  if (checked.issues) throw new Error(JSON.stringify(checked.issues));
  return kind.create(checked.value as never, { dir, env: process.env });
}

/** A folder that goes away with the test file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rebake-oci-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a test sets of a context. */
export interface CtxOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  readonly logins?: ReadonlyMap<string, Credentials>;
  readonly registries?: Readonly<Record<string, RegistryAccess>>;
}

export type TestCtx = Ctx & { readonly seen: Progress[] };

/** A context that keeps all that is emitted through it. */
export function context({ signal, onProgress, logins, registries = {} }: CtxOptions = {}): TestCtx {
  const seen: Progress[] = [];
  return {
    seen,
    signal: signal ?? new AbortController().signal,
    scratch: tmpdir(),
    emit(progress) {
      seen.push(progress);
      onProgress?.(progress);
    },
    secret: async (ref) => ('file' in ref ? readFileSync(ref.file) : null),
    credentials: async (host) => logins?.get(host) ?? null,
    registry: (host) => registries[host] ?? { host },
    now: () => Date.now(),
  };
}

let jobs = 0;

/** A job under a key of its own. */
export function jobOf(
  parent: Output | null,
  steps: readonly Step[],
  spec: Partial<ImageSpec> = {},
  more: Partial<Job> = {},
): Job {
  const key = digestOf(['test', process.pid, Math.random(), (jobs += 1)]);
  return {
    key,
    series: 'test',
    spec: { steps, env: {}, ...spec },
    platform: 'linux/amd64',
    parent,
    froms: {},
    access: ACCESS,
    ...more,
  };
}

/** Lines of the log. */
export function linesOf({ seen }: TestCtx): readonly string[] {
  return seen.flatMap((one) => (one.type === 'log' ? [one.text] : []));
}
