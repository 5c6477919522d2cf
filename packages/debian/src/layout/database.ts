/** dpkg's database, as it would be had it installed the packages. */
import { compareBytes } from '@rebake/image';
import type { Deb } from '../deb/store.ts';
import { fieldOf, parseStanza, stanzas, type Field } from '../deb/control.ts';
import { isExcluded } from './exclude.ts';

/** The order in which dpkg writes fields that it knows; others follow in their own. */
const ORDER = [
  'Package',
  'Essential',
  'Protected',
  'Status',
  'Priority',
  'Section',
  'Installed-Size',
  'Origin',
  'Maintainer',
  'Bugs',
  'Architecture',
  'Multi-Arch',
  'Source',
  'Version',
  'Replaces',
  'Provides',
  'Depends',
  'Pre-Depends',
  'Recommends',
  'Suggests',
  'Breaks',
  'Conflicts',
  'Enhances',
  'Conffiles',
  'Description',
];

const INSTALLED = 'install ok installed';

/** The stanza of a package in `status`. */
export function statusStanza(deb: Deb): string {
  const fields: Field[] = [...deb.fields, { name: 'Status', value: INSTALLED }];
  const conffiles = conffilesField(deb);
  if (conffiles !== null) fields.push({ name: 'Conffiles', value: conffiles });
  const place = ({ name }: Field): number => {
    const at = ORDER.indexOf(name);
    return at < 0 ? ORDER.length : at;
  };
  return fields
    .toSorted((a, b) => place(a) - place(b))
    .map(({ name, value }) => `${name}:${value.startsWith('\n') ? '' : ' '}${value}\n`)
    .join('');
}

/** In the order of the package. One without a file is on its way out, and dpkg forgets it. */
function conffilesField({ control, conffiles }: Deb): string | null {
  let field = '';
  for (const line of (control['conffiles'] ?? '').split('\n')) {
    const sum = conffiles[Buffer.from(line.slice(1), 'latin1').toString('utf8')];
    if (line.startsWith('/') && sum !== undefined) field += `\n ${line} ${sum}`;
  }
  return field === '' ? null : field;
}

/** A whole `status` file: what was there, and the packages, sorted by name. `before`: null where there was none. */
export function statusFile(before: string | null, debs: readonly Deb[]): string {
  const names = new Set(debs.map(({ locked }) => locked.name));
  const old = stanzas(before ?? '')
    .map((text) => ({ name: fieldOf(parseStanza(text), 'Package') ?? '', text: `${text.trimEnd()}\n` }))
    // Of a removed package its configuration may be left.
    .filter(({ name }) => !names.has(name));
  const added = debs.map((deb) => ({ name: deb.locked.name, text: statusStanza(deb) }));
  return [...old, ...added]
    .toSorted((a, b) => compareBytes(a.name, b.name))
    .map(({ text }) => `${text}\n`)
    .join('');
}

/** Packages that a `status` file has as installed: name → version. */
export function installedIn(status: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const text of stanzas(status)) {
    const fields = parseStanza(text);
    const name = fieldOf(fields, 'Package');
    if (name !== null && fieldOf(fields, 'Status') === INSTALLED) found.set(name, fieldOf(fields, 'Version') ?? '');
  }
  return found;
}

/** Scripts can be run; all else of the control archive is read. */
const SCRIPTS = new Set(['preinst', 'postinst', 'prerm', 'postrm', 'config']);

/** Files below `var/lib/dpkg/info` of a package: name → text (latin1) and mode. What is left out of it is not named in them. */
export function infoFiles(deb: Deb): ReadonlyMap<string, { readonly text: string; readonly mode: number }> {
  const stem = infoName(deb);
  const files = new Map<string, { readonly text: string; readonly mode: number }>();
  for (const [name, whole] of Object.entries(deb.control)) {
    const text = name === 'md5sums' ? withoutExcluded(whole) : whole;
    if (name !== 'control') files.set(`${stem}.${name}`, { text, mode: SCRIPTS.has(name) ? 0o755 : 0o644 });
  }
  const kept = deb.entries.filter(({ path, type }) => !isExcluded(path, type));
  const list = ['/.', ...kept.map(({ path }) => `/${path}`)].join('\n');
  files.set(`${stem}.list`, { text: `${Buffer.from(list, 'utf8').toString('latin1')}\n`, mode: 0o644 });
  return files;
}

/** `dpkg --verify` would miss what was left out. */
function withoutExcluded(md5sums: string): string {
  return md5sums.replace(/^[0-9a-f]{32} {2}(.+)\n/gm, (line, path: string) => (isExcluded(path, 'file') ? '' : line));
}

/** Where several architectures can be there at once, the name says which it is. */
export function infoName({ fields, locked }: Deb): string {
  return fieldOf(fields, 'Multi-Arch') === 'same' ? `${locked.name}:${locked.architecture}` : locked.name;
}

/** Files below `var/lib/dpkg/triggers`: `File` for paths, one for each other trigger. `before`: what is there, by name. */
export function triggerFiles(debs: readonly Deb[], before: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const lines = new Map<string, Set<string>>();
  for (const deb of debs) {
    for (const line of (deb.control['triggers'] ?? '').split('\n')) {
      const [, kind, name] = /^\s*interest(-noawait|-await)?\s+(\S+)\s*$/.exec(line) ?? [];
      if (name === undefined) continue;
      const who = `${infoName(deb)}${kind === '-noawait' ? '/noawait' : ''}`;
      const isPath = name.startsWith('/');
      if (!isPath && !/^[A-Za-z0-9.+_-]+$/.test(name)) continue;
      const file = isPath ? 'File' : name;
      const all = lines.get(file) ?? new Set((before.get(file) ?? '').split('\n').filter((old) => old !== ''));
      lines.set(file, all.add(isPath ? `${name} ${who}` : who));
    }
  }
  return new Map(
    [...lines].map(([file, all]) => [
      file,
      [...all]
        .toSorted(compareBytes)
        .map((one) => `${one}\n`)
        .join(''),
    ]),
  );
}
