/** `rebake upgrade`: sets the version (and the kit) of a release in the config file itself, and nothing else in it. */
import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { canonicalJson } from '@rebake/image';
import type { Diagnostic } from '@rebake/sdk';
import { diagnostic } from '../diagnostic-codes.ts';
import { isTypeScript } from '../load/find.ts';
import { readSource } from '../load/load.ts';
import { readConfigText } from '../load/text.ts';
import { valueAt, type KeyPath, type Source } from '../load/source.ts';
import { listed } from '../names.ts';
import { isReleaseVersion } from '../releases.ts';
import type { FoundSplice, SetText } from './edits.ts';
import { spliced, unifiedDiff, type Splice } from './splice.ts';
import { writeDraft, type Draft } from './write.ts';

/** What to change. */
export interface UpgradeRequest {
  /** Config file. */
  readonly file: string;
  /** Name of one of `releases`; not needed where there is only one. */
  readonly release?: string;
  /** DSS version to set. */
  readonly version: string;
  /** Kit to set, relative to the config's folder; absent: it stays as it is. */
  readonly kit?: string;
}

/** What came of it. With an error among the diagnostics, the file is as it was. */
export interface UpgradeOutcome {
  /** Whether the file was written; false, too, when it said all that already. */
  readonly changed: boolean;
  /** Version that was declared before; null when it could not be read. */
  readonly from: string | null;
  /** Unified diff of the file; empty when nothing changed. */
  readonly diff: string;
  readonly diagnostics: readonly Diagnostic[];
}

/** Sets the version of a release in place. The result is read again before it takes the place of the file. */
export async function upgradeRelease(request: UpgradeRequest): Promise<UpgradeOutcome> {
  const file = resolve(request.file);
  const failed = (...diagnostics: Diagnostic[]): UpgradeOutcome => ({
    changed: false,
    from: null,
    diff: '',
    diagnostics,
  });
  const wrong = wrongRequest(request);
  if (wrong !== null) return failed(wrong);
  const read = readConfigText(file);
  if ('code' in read) return failed(read);
  const { text, mark } = read;
  const { source, diagnostics } = await readSource(file, text);
  if (source === null) return failed(...diagnostics);
  const mapping = releasePath(source, request.release);
  if ('code' in mapping) return failed(mapping);

  const from = valueAt(source.value, [...mapping, 'version']);
  const before = typeof from === 'string' || typeof from === 'number' ? String(from) : null;
  const edits: SetText[] = [{ mapping, key: 'version', value: request.version, after: 'kit' }];
  if (request.kit !== undefined) edits.push({ mapping, key: 'kit', value: request.kit, after: 'version' });
  const wanted = edits.filter(({ key, value }) => valueAt(source.value, [...mapping, key]) !== value);
  if (wanted.length === 0) return { changed: false, from: before, diff: '', diagnostics: [] };

  const splices = await find(file, text, wanted);
  if (!Array.isArray(splices)) return failed(notEditable(source, splices.path));
  const edited = spliced(text, splices);
  return write({ file, mark, source, text, edited, wanted, before });
}

function wrongRequest({ version, kit }: UpgradeRequest): Diagnostic | null {
  if (!isReleaseVersion(version)) {
    return diagnostic('BAD_VALUE', `\`${version}\` is no DSS version`, null, 'Write a version such as `14.1.2`.');
  }
  if (kit !== undefined && (kit === '' || /[\p{Cc}\u2028\u2029]/u.test(kit))) {
    return diagnostic('BAD_VALUE', 'The kit is no path on one line', null, 'Name the folder of a DSS installation.');
  }
  return null;
}

/** Path of the mapping that holds the version. */
function releasePath(source: Source, name: string | undefined): KeyPath | Diagnostic {
  const single = valueAt(source.value, ['release']);
  const several = valueAt(source.value, ['releases']);
  const names = typeof several === 'object' && several !== null ? Object.keys(several) : [];
  if (name !== undefined) {
    if (names.includes(name)) return ['releases', name];
    const help =
      names.length === 0 ? 'There is only one `release`; leave the name out.' : `Declared: ${listed(names)}.`;
    return diagnostic(
      'RELEASE_NOT_DECLARED',
      `There is no release \`${name}\``,
      source.place(['releases'], 'key'),
      help,
    );
  }
  if (single !== undefined) return ['release'];
  const [only] = names;
  if (only !== undefined && names.length === 1) return ['releases', only];
  const message = names.length === 0 ? 'The declaration names no release' : 'The declaration names several releases';
  const help = names.length === 0 ? 'Add `release: {version: …}`.' : `Name one of ${listed(names)}.`;
  return diagnostic('RELEASE_NOT_DECLARED', message, source.place(['releases'], 'key'), help);
}

/** Splices for all edits, or the path of the first that has no place. Both finders parse with heavy libraries, loaded here. */
async function find(
  file: string,
  text: string,
  edits: readonly SetText[],
): Promise<Splice[] | { readonly path: KeyPath }> {
  const splice: (text: string, edit: SetText) => FoundSplice = isTypeScript(file)
    ? (await import('./ts-edit.ts')).tsSplice
    : (await import('./yaml-edit.ts')).yamlSplice;
  const splices: Splice[] = [];
  for (const edit of edits) {
    const found = splice(text, edit);
    if (!found.ok) return found;
    splices.push(found.splice);
  }
  return splices;
}

interface Edited {
  readonly file: string;
  readonly mark: string;
  readonly source: Source;
  readonly text: string;
  readonly edited: string;
  readonly wanted: readonly SetText[];
  readonly before: string | null;
}

/** Reads the edited text as a declaration, and keeps it only if it says what was asked for and nothing else. */
async function write({ file, mark, source, text, edited, wanted, before }: Edited): Promise<UpgradeOutcome> {
  const failed = (one: Diagnostic): UpgradeOutcome => ({ changed: false, from: before, diff: '', diagnostics: [one] });
  let draft: Draft | null = null;
  try {
    draft = writeDraft(file, mark + edited);
    const again = await readSource(draft.file, edited);
    const first = wanted[0];
    const path: KeyPath = first === undefined ? [] : [...first.mapping, first.key];
    if (again.source === null || !saysJust(again.source.value, source.value, wanted))
      return failed(notEditable(source, path));
    if (readFileSync(file, 'utf8') !== mark + text) {
      return failed(
        diagnostic('NOT_EDITABLE', 'The declaration changed while it was edited', null, 'Run the command again.'),
      );
    }
    draft.commit();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return failed(
      diagnostic(
        'NOT_EDITABLE',
        `The declaration cannot be written (${code})`,
        null,
        'Check the permissions of the file and its folder.',
      ),
    );
  } finally {
    draft?.discard();
  }
  return { changed: true, from: before, diff: unifiedDiff(basename(file), text, edited), diagnostics: [] };
}

/** Whether a value is the former one with the wanted texts, and nothing else. */
function saysJust(value: unknown, former: unknown, wanted: readonly SetText[]): boolean {
  const expected = structuredClone(former);
  for (const { mapping, key, value: text } of wanted) {
    const holder = valueAt(expected, mapping);
    if (typeof holder !== 'object' || holder === null) return false;
    (holder as Record<string, unknown>)[key] = text;
  }
  return canonicalJson(value) === canonicalJson(expected);
}

function notEditable(source: Source, path: KeyPath): Diagnostic {
  const message = `\`${path.join('.')}\` is not written as a text of its own, so it cannot be changed in place`;
  return diagnostic('NOT_EDITABLE', message, source.place(path, 'value'));
}
