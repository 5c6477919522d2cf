/** docs/reference/config.md: the declaration for people, from the JSON Schema and its descriptions. */
import { code, GENERATED, page, table } from './markdown.ts';

/** The part of JSON Schema that a declaration's schema is made of. */
export interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly const?: string | number | boolean;
  readonly enum?: readonly (string | number)[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

/** The page. Sections of named things (registries, base images, …) get a heading each. */
export function configPage(root: Schema): string {
  const reader = new Reader(root);
  const members = Object.entries(root.properties ?? {});
  const sections = members.flatMap(([key, member]) => {
    const inner = reader.entryOf(member);
    if (inner === null) return [];
    const named = reader.isRecord(member);
    const title = named ? `${key}.NAME` : key;
    return [`## ${title}`, reader.describe(named ? inner : member), reader.membersTable(inner)];
  });
  return page([
    GENERATED,
    '# The declaration',
    [
      '`rebake.yaml`, or `rebake.config.ts` whose default export is `defineConfig({ … })`: the same keys in both. Unknown keys are errors. Paths are relative to the',
      'folder of the file. Versions are texts: in YAML put them in quotes. `${release.version}` may stand in tags and repositories.',
      'For editors there is [rebake.schema.json](rebake.schema.json).',
    ].join('\n'),
    [
      'Types: `{file}` is a file with the same as a text. A *secret* is a path, or one of `{file}`, `{env}` (a variable that holds it) and `{fileFromEnv}` (a variable',
      'that holds the path of its file), each with `optional: true` where it may be missing; its value is read when a build asks for it.',
    ].join('\n'),
    '## Sections',
    table(
      ['key', 'what it is', 'needed, default'],
      members.map(([key, member]) => [
        reader.link(key, member),
        reader.describe(member),
        reader.note(root, key, member),
      ]),
    ),
    ...sections,
  ]);
}

interface Row {
  readonly key: string;
  readonly type: string;
  readonly means: string;
  readonly note: string;
}

const SHORT: ReadonlySet<string> = new Set(['file', 'env', 'fileFromEnv', 'optional']);

class Reader {
  readonly #root: Schema;

  constructor(root: Schema) {
    this.#root = root;
  }

  describe(schema: Schema): string {
    return schema.description ?? this.#follow(schema).description ?? '';
  }

  isRecord(schema: Schema): boolean {
    const { additionalProperties } = this.#follow(schema);
    return typeof additionalProperties === 'object';
  }

  /** The object that a section is made of: its own members, or those of each of its named things; null where there is none. */
  entryOf(schema: Schema): Schema | null {
    const followed = this.#follow(schema);
    if (followed.properties !== undefined) return followed;
    if (typeof followed.additionalProperties !== 'object') return null;
    return this.#objects(followed.additionalProperties)[0] ?? null;
  }

  link(key: string, schema: Schema): string {
    if (this.entryOf(schema) === null) return code(key);
    const anchor = (this.isRecord(schema) ? `${key}name` : key).toLowerCase();
    return `[${code(key)}](#${anchor})`;
  }

  note(parent: Schema, key: string, schema: Schema): string {
    const followed = this.#follow(schema);
    const value = schema.default ?? followed.default;
    if (parent.required?.includes(key) === true && value === undefined) return 'needed';
    return value === undefined || isEmpty(value) ? '' : `default ${code(JSON.stringify(value))}`;
  }

  membersTable(schema: Schema): string {
    const rows = this.#rows(schema, '', 'whole');
    return table(
      ['key', 'type', 'what it is', 'needed, default'],
      rows.map(({ key, type, means, note }) => [code(key), type, means, note]),
    );
  }

  /** Members, with those of nested objects below them as `outer.inner`; of alternatives, each key once. */
  #rows(schema: Schema, prefix: string, within: 'whole' | 'alternative'): readonly Row[] {
    return Object.entries(schema.properties ?? {}).flatMap(([key, member]) => {
      const note = this.note(schema, key, member);
      const row: Row = {
        key: prefix + key,
        type: this.#type(member),
        means: this.describe(member),
        // What one of several alternatives needs, the others do without.
        note: within === 'alternative' && note === 'needed' ? '' : note,
      };
      return [row, ...this.#nested(schema, member, prefix + key)];
    });
  }

  #nested(parent: Schema, member: Schema, name: string): readonly Row[] {
    if (this.#isShort(member)) return [];
    const followed = this.#follow(member);
    const { items, additionalProperties } = followed;
    const inner = items ?? (typeof additionalProperties === 'object' ? additionalProperties : followed);
    const path = items === undefined ? (inner === followed ? name : `${name}.NAME`) : `${name}[]`;
    if (this.#isShort(inner)) return [];
    const objects = this.#objects(inner);
    const [only] = objects;
    if (objects.length === 1 && only !== undefined && repeats(only, parent)) {
      return [{ key: `${path}.…`, type: '', means: 'The keys of the same names, as here.', note: '' }];
    }
    const within = objects.length > 1 ? 'alternative' : 'whole';
    return merged(objects.flatMap((object) => this.#rows(object, `${path}.`, within)));
  }

  /** Shapes that the page explains once: `{file}` beside a text or a list, and secrets. */
  #isShort(schema: Schema): boolean {
    const choices = this.#choices(schema);
    const keys = choices.flatMap((one) => Object.keys(this.#follow(one).properties ?? {}));
    return choices.length > 1 && keys.length > 0 && keys.every((key) => SHORT.has(key));
  }

  #isSecret(schema: Schema): boolean {
    return this.#choices(schema).some((one) => this.#follow(one).properties?.['fileFromEnv'] !== undefined);
  }

  #choices(schema: Schema): readonly Schema[] {
    const { anyOf, oneOf } = this.#follow(schema);
    return anyOf ?? oneOf ?? [];
  }

  /** Objects with members that a schema is, or may be. */
  #objects(schema: Schema): readonly Schema[] {
    const followed = this.#follow(schema);
    if (followed.properties !== undefined) return [followed];
    return this.#choices(followed).flatMap((one) => this.#objects(one));
  }

  #type(schema: Schema): string {
    if (this.#isSecret(schema)) return 'secret';
    const followed = this.#follow(schema);
    const choices = this.#choices(followed);
    if (choices.length > 0) return [...new Set(choices.map((one) => this.#type(one)))].join(' or ');
    const { items, additionalProperties } = followed;
    if (followed.const !== undefined) return code(String(followed.const));
    if (followed.enum !== undefined) return followed.enum.map((one) => code(String(one))).join(', ');
    if (items !== undefined) return `list of ${this.#type(items)}`;
    if (typeof additionalProperties === 'object') return `mapping to ${this.#type(additionalProperties)}`;
    const names = Object.keys(followed.properties ?? {});
    if (names.length > 0) return code(`{${names.join(', ')}}`);
    return WORDS[followed.type ?? ''] ?? 'anything';
  }

  #follow(schema: Schema): Schema {
    if (schema.$ref === undefined) return schema;
    const name = schema.$ref.split('/').at(-1) ?? '';
    const target = this.#root.$defs?.[name];
    if (target === undefined) throw new Error(`the schema refers to ${schema.$ref}, which is not there`);
    return this.#follow(target);
  }
}

const WORDS: Readonly<Record<string, string>> = {
  string: 'text',
  boolean: '`true`, `false`',
  integer: 'whole number',
  number: 'number',
  object: 'mapping',
};

/** Rows of the same key as one row, whose type is any of theirs. */
function merged(rows: readonly Row[]): readonly Row[] {
  const byKey = new Map<string, Row>();
  for (const row of rows) {
    const before = byKey.get(row.key);
    byKey.set(
      row.key,
      before === undefined || before.type === row.type ? row : { ...before, type: `${before.type} or ${row.type}` },
    );
  }
  return [...byKey.values()];
}

/** Whether an object has many members, all of which its parent has too. */
function repeats(object: Schema, parent: Schema): boolean {
  const keys = Object.keys(object.properties ?? {});
  return keys.length > 3 && keys.every((key) => parent.properties?.[key] !== undefined);
}

function isEmpty(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0;
}
