/** What a module exports, as a plugin: checked member by member, because it is somebody else's code, and maybe of another time. */
import { nameProblem } from '@rebake/model';
import { PLUGIN_API, type BuilderKind, type NodeKind, type SourceKind, type StoreKind } from '@rebake/sdk';
import { wordsOf } from './words.ts';

/** What plugins bring, by section. */
export interface Kinds {
  readonly builders: BuilderKind;
  readonly sources: SourceKind;
  readonly stores: StoreKind;
  readonly kinds: NodeKind;
}

/** A plugin whose parts have the right members. */
export interface SoundPlugin {
  readonly name: string;
  readonly parts: { readonly [S in keyof Kinds]: ReadonlyMap<string, Kinds[S]> };
}

/** A plugin, or what is wrong with it, as the rest of a sentence about it. */
export type CheckedPlugin =
  | { readonly is: 'sound'; readonly plugin: SoundPlugin }
  | { readonly is: 'broken'; readonly words: string }
  | { readonly is: 'other version'; readonly name: string; readonly api: number };

/** What each part has to be able to do, beside checking its options. */
const METHODS: Readonly<Record<keyof Kinds, string>> = {
  builders: 'create',
  sources: 'read',
  stores: 'open',
  kinds: 'expand',
};

/** What a module exports as its plugin. */
export function pluginIn(exports: Readonly<Record<string, unknown>>): unknown {
  const { plugin, default: whole } = exports;
  return plugin ?? memberOf(whole, 'plugin') ?? whole;
}

/** Checks a plugin. Its members are read once; they can do anything, also throw. */
export function checkPlugin(value: unknown): CheckedPlugin {
  try {
    if (!isObject(value)) return { is: 'broken', words: 'is no plugin: it has to be what `definePlugin` makes' };
    const { api, name } = value;
    if (typeof api !== 'number')
      return { is: 'broken', words: 'is no plugin: it has no `api`; `definePlugin` sets it' };
    if (typeof name !== 'string' || name === '' || name.length > 200) return { is: 'broken', words: 'has no `name`' };
    if (api !== PLUGIN_API) return { is: 'other version', name, api };
    const parts = {
      builders: partsOf(value, 'builders'),
      sources: partsOf(value, 'sources'),
      stores: partsOf(value, 'stores'),
      kinds: partsOf(value, 'kinds'),
    };
    return { is: 'sound', plugin: { name, parts } };
  } catch (error) {
    if (error instanceof Wrong) return { is: 'broken', words: error.message };
    return { is: 'broken', words: `cannot be looked at: ${wordsOf(error)}` };
  }
}

class Wrong extends Error {}

function partsOf<S extends keyof Kinds>(plugin: Record<string, unknown>, section: S): ReadonlyMap<string, Kinds[S]> {
  const given = plugin[section] ?? {};
  if (!isObject(given)) throw new Wrong(`has \`${section}\` that are no record`);
  const found = new Map<string, Kinds[S]>();
  for (const [name, part] of Object.entries(given)) {
    const problem = nameProblem(name);
    if (problem !== null) throw new Wrong(`has a member of \`${section}\` whose name ${problem}`);
    const validate = memberOf(memberOf(memberOf(part, 'options'), '~standard'), 'validate');
    if (typeof validate !== 'function')
      throw new Wrong(`has \`${section}.${name}\` without \`options\`, a validator with the Standard Schema interface`);
    const method = METHODS[section];
    if (typeof memberOf(part, method) !== 'function')
      throw new Wrong(`has \`${section}.${name}\` without \`${method}\``);
    found.set(name, part as Kinds[S]);
  }
  return found;
}

/** Validators of some libraries are functions with members. */
function memberOf(value: unknown, name: string): unknown {
  return isObject(value) || typeof value === 'function' ? (value as Record<string, unknown>)[name] : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
