/**
 * Brings images into their layout that are there in part: of one that stands on an image in a registry, the embedded builder leaves the layers
 * below where they are. A name of its own has it fetch them; the name goes away again with the export.
 */
import { BuildFailure, type Builder, type Entry, type Image, type Location } from '@rebake/sdk';
import { findImage, type FoundImage, type Layouts } from './export-find.ts';
import { openSession, type Session, type SessionOptions } from './session.ts';
import type { Project, ProjectOptions } from './project.ts';

export interface Bringer {
  /** Null: its builder has no layout, or nobody has the image any more. */
  bring(node: Image, entry: Entry): Promise<FoundImage | null>;
  close(): Promise<void>;
}

/** Nothing is contacted before something has to be brought. */
export function createBringer(project: Project, options: ProjectOptions & SessionOptions, layouts: Layouts): Bringer {
  const { dataDir, declaration } = project;
  const signal = options.signal ?? new AbortController().signal;
  const brought: { readonly builder: Builder; readonly at: Location }[] = [];
  let session: Session | null = null;

  function opened(): Session {
    if (dataDir === null || declaration.expansion === null)
      throw new Error('a declaration with images has an expansion');
    return (session ??= openSession(project, dataDir, declaration.expansion, options));
  }

  return {
    async bring(node, entry) {
      if ((layouts.get(node.builder) ?? []).length === 0) return null;
      const { builders, ctx: contexts } = opened();
      const builder = await builders.get(node.builder)?.load();
      if (builder === undefined) return null;
      const { ctx, close } = contexts.open({ signal, emit: () => {} });
      try {
        // Its own name: an export beside this one takes away its own only.
        const name = `rebake/export:${project.randomId()}`;
        const at = await builder.tag(entry.output, name, ctx);
        brought.push({ builder, at });
        return await findImage(node, { ...entry.output, at: [at] }, layouts);
      } catch (error) {
        if (error instanceof BuildFailure && error.error.code === 'IMAGE_MISSING') return null;
        throw error;
      } finally {
        close();
      }
    },

    async close() {
      if (session === null) return;
      try {
        // An interrupted export leaves no name behind either, and one that cannot be taken away keeps none of the others.
        const { ctx, close } = session.ctx.open({ signal: new AbortController().signal, emit: () => {} });
        const removed = await Promise.allSettled(brought.map(async ({ builder, at }) => builder.remove(at, ctx)));
        close();
        const failed = removed.find((one) => one.status === 'rejected');
        if (failed !== undefined) throw failed.reason;
      } finally {
        await session.close();
      }
    },
  };
}
