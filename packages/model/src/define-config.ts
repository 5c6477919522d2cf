/** What a `rebake.config.ts` wraps its declaration in. */
import type { ConfigInput } from './schema.ts';

/** Gives a `rebake.config.ts` its types and completion; returns the declaration as it is. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config;
}
