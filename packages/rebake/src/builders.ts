/** Kinds of builders that come with rebake: the table of built-in plugins, each loaded when one of its builders is first used. */
import type { Plugin } from '@rebake/sdk';

/** Kind of builder → the plugin that brings it. The only place that names plugins; each is loaded on first use. */
const BUILT_IN: Readonly<Record<string, () => Promise<{ readonly plugin: Plugin }>>> = {
  buildkit: () => import('@rebake/plugin-buildkit'),
  docker: () => import('@rebake/plugin-docker'),
  oci: () => import('@rebake/plugin-oci'),
  podman: () => import('@rebake/plugin-podman'),
};

/** Kinds that come with rebake. */
export const BUILT_IN_KINDS: readonly string[] = Object.keys(BUILT_IN);

/** Loads the plugin of a built-in kind; null for other kinds. */
export async function builtInPlugin(kind: string): Promise<Plugin | null> {
  const load = Object.hasOwn(BUILT_IN, kind) ? BUILT_IN[kind] : undefined;
  return load === undefined ? null : (await load()).plugin;
}
