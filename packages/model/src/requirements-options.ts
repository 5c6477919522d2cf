/** Option lines of requirements files: those that decide what is installed are kept, the others are diagnosed. */
import { problem } from './requirements-items.ts';
import type { RequirementLine } from './requirements-items.ts';

const LONG: Readonly<Record<string, string>> = {
  '-i': '--index-url',
  '--pypi-url': '--index-url',
  '-f': '--find-links',
  '-r': '--requirement',
  '-c': '--constraint',
  '-e': '--editable',
};
const WITH_URL = new Set(['--index-url', '--extra-index-url', '--find-links']);
const WITH_NAMES = new Set(['--no-binary', '--only-binary']);
const FLAGS = new Set(['--pre', '--prefer-binary']);

/** Reads a line that starts with `-`. */
export function optionItem(line: string): RequirementLine {
  const match = /^(?<flag>--[a-z][a-z-]*|-[a-z])(?:\s*=\s*|\s+)?(?<value>.*)$/i.exec(line)?.groups;
  const flag = match?.['flag'] ?? '';
  const name = LONG[flag] ?? flag;
  const value = (match?.['value'] ?? '').trim();
  if (name === '--editable')
    return problem(
      'REQUIREMENT_EDITABLE',
      '`-e` installs from a folder of the DSS host (or a checkout), which an image cannot refer to',
    );
  if (name === '--requirement' || name === '--constraint') {
    return problem('REQUIREMENT_INCLUDE', `\`${flag}\` refers to another file, which is not part of the declaration`);
  }
  if (WITH_URL.has(name)) return urlOption(name, value);
  if (WITH_NAMES.has(name) && /^[A-Za-z0-9:._-]+(?:\s*,\s*[A-Za-z0-9:._-]+)*$/.test(value)) {
    return { kind: 'option', name: name.slice(2), text: `${name} ${value.replaceAll(/\s+/g, '')}` };
  }
  if (FLAGS.has(name) && value === '') return { kind: 'option', name: name.slice(2), text: name };
  return problem(
    'REQUIREMENT_OPTION',
    `The option \`${flag === '' ? '-' : flag}\` is not supported in the packages of a code env`,
  );
}

function urlOption(name: string, value: string): RequirementLine {
  if (/^https?:\/\/[^\s"'`\\<>{}|^]+$/i.test(value))
    return { kind: 'option', name: name.slice(2), text: `${name} ${value}` };
  if (name === '--find-links')
    return problem(
      'REQUIREMENT_FIND_LINKS',
      '`--find-links` names a folder of the DSS host, which does not exist in the image',
    );
  return problem('REQUIREMENT_OPTION', `\`${name}\` needs an address that starts with \`https://\``);
}
