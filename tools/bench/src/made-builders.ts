// Builders as a declaration gets them: by the kind and the options that it names.
import type { Builder, Plugin } from '@rebake/sdk';

/** Makes a builder of a kind. `dir` is where it may keep things. */
export async function builderOf(plugin: Plugin, kind: string, options: unknown, dir: string): Promise<Builder> {
  const brought = plugin.builders[kind];
  if (brought === undefined) throw new Error(`the plugin ${plugin.name} brings no ${kind} builder`);
  const checked = await brought.options['~standard'].validate(options);
  if (checked.issues !== undefined) throw new Error(`${kind}: ${JSON.stringify(checked.issues)}`);
  return brought.create(checked.value, { dir, env: process.env });
}
