/** Builders of plugins, made: what is no builder gets no further. */
import { diagnostic, type Asked } from '@rebake/model';
import { BuildFailure, type Builder, type BuilderKind, type BuilderPlace, type Where } from '@rebake/sdk';
import { wordsOf } from './words.ts';

const METHODS = [
  'probe',
  'build',
  'fetch',
  'push',
  'tag',
  'inspect',
  'remove',
  'close',
] as const satisfies readonly (keyof Builder)[];

/** Makes a builder of options that its kind has accepted. */
export function createBuilder(
  kind: BuilderKind,
  options: never,
  place: BuilderPlace,
  { name, where }: { readonly name: string; readonly where: Where },
): Asked<Builder> {
  const title = `The builder \`${name}\``;
  const failed = (code: 'BUILDER_OPTIONS' | 'PLUGIN_BROKEN', message: string): Asked<Builder> => ({
    ok: false,
    diagnostics: [diagnostic(code, message, where)],
  });
  try {
    const made: unknown = kind.create(options, place);
    if (typeof made !== 'object' || made === null) return failed('PLUGIN_BROKEN', `${title}: its plugin made nothing`);
    const missing = METHODS.find((method) => typeof (made as Partial<Builder>)[method] !== 'function');
    if (missing === undefined) return { ok: true, value: made as Builder };
    const what = made instanceof Promise ? 'a promise' : `something without \`${missing}\``;
    return failed('PLUGIN_BROKEN', `${title}: its plugin made ${what}, which is no builder`);
  } catch (error) {
    // What the user can mend is said as a failure; everything else is the plugin's own.
    if (error instanceof BuildFailure) return failed('BUILDER_OPTIONS', `${title}: ${wordsOf(error)}`);
    return failed('PLUGIN_BROKEN', `${title} could not be made: ${wordsOf(error)}`);
  }
}
