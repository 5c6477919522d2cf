/** A builder as behaviours call it: each call with a context of its own, and every name that it makes remembered for the end. */
import type { Digest, Location, Output, Seen } from '@rebake/image';
import type { Builder, Built, Job } from '../builder.ts';
import type { Progress } from '../event.ts';
import type { Capabilities } from '../plan.ts';
import { withContext } from './context.ts';
import type { CallOptions } from './context.ts';
import type { Rig } from './rig.ts';

/** What was built, and what was said meanwhile. */
export interface Made {
  readonly output: Built;
  readonly seen: readonly Progress[];
  /** Lines that the steps printed. */
  readonly log: readonly string[];
}

/** Where something is pushed to. */
export type Target = Parameters<Builder['push']>[1];

/** The methods of a builder, without their context. */
export interface Calls {
  readonly builder: Builder;
  probe(options?: CallOptions): Promise<Capabilities>;
  build(job: Job, options?: CallOptions): Promise<Made>;
  fetch(image: Output, key: Digest, options?: CallOptions): Promise<Location>;
  push(image: Output, to: Target, options?: CallOptions): Promise<Digest>;
  tag(image: Output, name: string, options?: CallOptions): Promise<Location>;
  inspect(at: Location | { readonly key: Digest }, options?: CallOptions): Promise<Seen<Output>>;
  remove(at: Location, options?: CallOptions): Promise<void>;
}

/** Calls on a builder. `made` is told every place that comes to be. */
export function callsOn(builder: Builder, rig: Rig, folder: string, made: (at: Location) => void): Calls {
  return {
    builder,
    probe: async (options = {}) => (await withContext(rig, folder, options, (ctx) => builder.probe(ctx))).value,
    async build(job, options = {}) {
      const { value, seen } = await withContext(rig, folder, options, (ctx) => builder.build(job, ctx));
      for (const at of value.at) made(at);
      return { output: value, seen, log: logOf(seen) };
    },
    async fetch(image, key, options = {}) {
      const { value } = await withContext(rig, folder, options, (ctx) => builder.fetch(image, key, ctx));
      made(value);
      return value;
    },
    push: async (image, to, options = {}) =>
      (await withContext(rig, folder, options, (ctx) => builder.push(image, to, ctx))).value,
    async tag(image, name, options = {}) {
      const { value } = await withContext(rig, folder, options, (ctx) => builder.tag(image, name, ctx));
      made(value);
      return value;
    },
    inspect: async (at, options = {}) =>
      (await withContext(rig, folder, options, (ctx) => builder.inspect(at, ctx))).value,
    remove: async (at, options = {}) => {
      await withContext(rig, folder, options, (ctx) => builder.remove(at, ctx));
    },
  };
}

/** The lines of a log among what was emitted. */
export function logOf(seen: readonly Progress[]): string[] {
  return seen.flatMap((progress) => (progress.type === 'log' ? [progress.text] : []));
}
