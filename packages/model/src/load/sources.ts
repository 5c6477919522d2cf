/** Sources: parts of a declaration that are kept elsewhere. They are read before anything is validated, and merged in name by name. */
import type { Diagnostic, Where } from '@rebake/sdk';
import { diagnostic, distinct } from '../diagnostic-codes.ts';
import { nameProblem } from '../names.ts';
import type { Asked, DeclaredPlugins, DeclaredUse, OpenPlugins } from '../plugin-host.ts';
import { configSchema, SOURCE_SECTIONS } from '../schema.ts';
import { plain, type Unplain } from './plain.ts';
import { dotted, isMapping, valueAt, type KeyPath, type ReadSource, type Source } from './source.ts';
import { useAt } from './uses.ts';

type Members = Readonly<Record<string, unknown>>;
/** Sections by name, their members by name. */
type Sections = Readonly<Record<string, Members>>;

const SHAREABLE: readonly string[] = SOURCE_SECTIONS;
/** Keys that only the file itself may have. Unknown ones are for validation, which knows what they may have been meant for. */
const OF_THE_FILE = new Set(Object.keys(configSchema.shape).filter((key) => !SHAREABLE.includes(key)));

/** Reads the sources that a declaration names. Where one cannot be read in full, nothing is left that could be planned with. */
export async function withSources(read: ReadSource, plugins: DeclaredPlugins, open: OpenPlugins): Promise<ReadSource> {
  const { source } = read;
  const sections = source === null ? undefined : valueAt(source.value, ['sources']);
  if (source === null || !isMapping(sections)) return read;
  const uses = Object.keys(sections).flatMap((name) =>
    nameProblem(name) === null ? (useAt(source.value, ['sources', name]) ?? []) : [],
  );
  if (uses.length === 0) return read;
  const host = await open(plugins);
  const answers = await Promise.all(
    uses.map(async (use) => {
      const at = source.place(use.path, 'key');
      return checked(use, at, await host.source(use, at));
    }),
  );
  const failed = answers.flatMap((answer) => (answer.ok ? [] : answer.diagnostics));
  if (failed.length > 0) return { source: null, diagnostics: [...read.diagnostics, ...distinct(failed)] };
  const merge = new Merge(source);
  for (const [index, answer] of answers.entries()) if (answer.ok) merge.add(uses[index]?.path[1] ?? '', answer.value);
  return { source: merge.source(), diagnostics: [...read.diagnostics, ...merge.conflicts] };
}

/** Plain data, and sections that a source may declare. */
function checked(use: DeclaredUse, at: Where, answer: Asked<unknown>): Asked<Sections> {
  if (!answer.ok) return answer;
  const name = use.path[1] ?? '';
  const failed = (message: string): Asked<Sections> => ({
    ok: false,
    diagnostics: [diagnostic('PLUGIN_BROKEN', message, at)],
  });
  const problems: Unplain[] = [];
  let value: unknown;
  try {
    value = plain(answer.value, problems);
  } catch {
    return failed(`The source \`${name}\` declares something that cannot be read`);
  }
  const [problem] = problems;
  if (problem !== undefined) return failed(`In what the source \`${name}\` declares, ${problem.message}`);
  if (!isMapping(value)) return failed(`The source \`${name}\` declares no sections`);
  for (const [section, members] of Object.entries(value)) {
    if (OF_THE_FILE.has(section))
      return failed(`The source \`${name}\` declares \`${section}\`, which only the file itself can`);
    if (!isMapping(members))
      return failed(`The source \`${name}\` declares \`${section}\`, and no mapping of names in it`);
  }
  return { ok: true, value: value as Sections };
}

/** A declaration with what sources add to it. What stands in the file goes first. */
class Merge {
  readonly conflicts: Diagnostic[] = [];
  readonly #file: Source;
  readonly #sections = new Map<string, Record<string, unknown>>();
  /** Name of the source, by section, and by section and name. */
  readonly #owners = new Map<string, string>();

  constructor(file: Source) {
    this.#file = file;
  }

  add(name: string, sections: Sections): void {
    for (const [section, members] of Object.entries(sections)) {
      const written = valueAt(this.#file.value, [section]);
      // What is no mapping is said by whoever validates it.
      if (written !== undefined && !isMapping(written)) continue;
      if (written === undefined && !this.#owners.has(keyOf([section]))) this.#owners.set(keyOf([section]), name);
      const merged = this.#sections.get(section) ?? copyOf(written ?? {});
      this.#sections.set(section, merged);
      for (const [member, value] of Object.entries(members)) {
        if (Object.hasOwn(merged, member)) this.#conflict(name, section, member);
        else {
          merged[member] = value;
          this.#owners.set(keyOf([section, member]), name);
        }
      }
    }
  }

  #conflict(name: string, section: string, member: string): void {
    const other = this.#owners.get(keyOf([section, member]));
    const where = other === undefined ? `in the file` : `by the source \`${other}\``;
    const message = `The source \`${name}\` declares \`${dotted([section, member])}\`, which is declared ${where} as well`;
    this.conflicts.push(diagnostic('SOURCE_CONFLICT', message, this.#file.place(['sources', name], 'key')));
  }

  source(): Source {
    const file = this.#file;
    const value = copyOf(file.value as Members);
    for (const [section, members] of this.#sections) value[section] = members;
    return {
      ...file,
      value,
      // Places of sources are no places in the file: nothing of it can be kept.
      spots: null,
      place: (path, what) => {
        const owner = this.#owner(path);
        return owner === undefined
          ? file.place(path, what)
          : sourced(file.place(['sources', owner], 'key'), path, owner);
      },
      written: (path) => (this.#owner(path) === undefined ? file.written(path) : undefined),
    };
  }

  #owner(path: KeyPath): string | undefined {
    return this.#owners.get(keyOf(path.slice(0, 2)));
  }
}

/** Names may hold dots. */
function keyOf(path: KeyPath): string {
  return JSON.stringify(path);
}

function copyOf(members: Members): Record<string, unknown> {
  return Object.assign(Object.create(null) as Record<string, unknown>, members);
}

/** The place of the source, looked up when somebody asks; the path is the one inside. */
function sourced(at: Where, path: KeyPath, source: string): Where {
  return {
    file: at.file,
    get line() {
      return at.line;
    },
    get column() {
      return at.column;
    },
    path: dotted(path),
    source,
  };
}
