/** Writing `pylock.NAME.toml`: the same text for the same lock, one line a file, so that a diff tells what moved. */
import { compareBytes } from '../canonical.ts';
import { fileNameOf } from './pylock-files.ts';
import type { LockedFile, LockedPackage, MadeFrom, Pylock } from './types.ts';

/** The text of a lock. Reading it gives the lock again, sorted. */
export function pylockText({ packages, madeFrom, compiles }: Pylock): string {
  const sorted = [...packages].sort(
    (a, b) => compareBytes(a.name, b.name) || compareBytes(a.marker ?? '', b.marker ?? ''),
  );
  const head = `lock-version = "1.0"\ncreated-by = "rebake"\n${sorted.length === 0 ? 'packages = []\n' : ''}`;
  const tool = madeFrom === null ? [] : [toolText(madeFrom, compiles)];
  return [head, ...sorted.map(packageText), ...tool].join('\n');
}

function packageText({ name, version, marker, direct, wheels, sdist }: LockedPackage): string {
  const lines = ['[[packages]]', `name = ${quoted(name)}`];
  if (version !== null) lines.push(`version = ${quoted(version)}`);
  if (marker !== null) lines.push(`marker = ${quoted(marker)}`);
  const [only] = [...wheels, ...(sdist === null ? [] : [sdist])];
  if (direct && only !== undefined) lines.push(`archive = ${fileText(only)}`);
  else {
    if (sdist !== null) lines.push(`sdist = ${fileText(sdist)}`);
    const files = [...wheels].sort((a, b) => compareBytes(a.name, b.name));
    if (files.length > 0) lines.push('wheels = [', ...files.map((file) => `    ${fileText(file)},`), ']');
  }
  return `${lines.join('\n')}\n`;
}

function fileText({ name, url, size, digest }: LockedFile): string {
  const parts = [
    ...(fileNameOf(url) === name ? [] : [`name = ${quoted(name)}`]),
    `url = ${quoted(url)}`,
    ...(size === null ? [] : [`size = ${size}`]),
    `hashes = { sha256 = ${quoted(digest.slice('sha256:'.length))} }`,
  ];
  return `{ ${parts.join(', ')} }`;
}

function toolText({ interpreter, platform, glibc, requirements }: MadeFrom, compiles: readonly string[]): string {
  const asked = Object.keys(requirements).sort(compareBytes);
  return [
    '[tool.rebake]',
    `interpreter = ${quoted(interpreter)}`,
    `platform = ${quoted(platform)}`,
    `glibc = ${quoted(glibc)}`,
    ...(compiles.length === 0 ? [] : [`compiles = [${[...compiles].sort(compareBytes).map(quoted).join(', ')}]`]),
    '',
    '[tool.rebake.requirements]',
    ...asked.map((key) => `${/^[a-z0-9_-]+$/i.test(key) ? key : quoted(key)} = ${quoted(requirements[key] ?? '')}`),
    '',
  ].join('\n');
}

/** A basic string of TOML: JSON writes the same, but for one control character. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll('\u007F', String.raw`\u007F`);
}
