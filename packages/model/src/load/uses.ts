/** What a declaration says of plugins, taken from it before it is validated: the state must be found also where the rest is faulty. */
import { dirname } from 'node:path';
import { diagnostic } from '../diagnostic-codes.ts';
import type { Asked, DeclaredPlugins, DeclaredUse, OpenPlugins } from '../plugin-host.ts';
import { isMapping, valueAt, type Source } from './source.ts';

/** The plugins of a declaration that was read. */
export function declaredPlugins(source: Source): DeclaredPlugins {
  const listed = valueAt(source.value, ['plugins']);
  // What is neither is said by validation.
  const itemOf = (item: unknown, at: number): unknown =>
    typeof item === 'string' ? (source.plugins?.get(at) ?? item) : null;
  const items = Array.isArray(listed) ? listed.map(itemOf) : [];
  return { root: dirname(source.file), items, locate: (path) => source.place(path, 'value') };
}

/** A `{type, options}` as it stands in a declaration that is not validated; null where it is none, which validation says. */
export function useAt(value: unknown, path: readonly string[]): DeclaredUse | null {
  const use = valueAt(value, path);
  if (!isMapping(use)) return null;
  const { type, options = {} } = use;
  return typeof type === 'string' && isMapping(options) ? { path, type, options } : null;
}

/** For whoever reads a declaration without being able to load plugins. */
export const noPlugins: OpenPlugins = async ({ locate }) => {
  const none = async ({ path, type }: DeclaredUse): Promise<Asked<never>> => ({
    ok: false,
    diagnostics: [diagnostic('UNKNOWN_TYPE', `There is nothing of type \`${type}\` here`, locate([...path, 'type']))],
  });
  return { source: none, nodes: none };
};
