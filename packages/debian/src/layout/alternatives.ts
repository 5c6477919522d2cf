/** Names that several packages can serve (update-alternatives(1)), read from the scripts that would register them. */
import { compareBytes } from '@rebake/image';
import { callsOf } from './shell.ts';

interface Choice {
  readonly path: string;
  readonly priority: number;
  /** Name of a slave → path. */
  readonly slaves: ReadonlyMap<string, string>;
}

export interface Alternative {
  readonly name: string;
  readonly link: string;
  /** False: somebody chose by hand, and the choice stays. */
  readonly isAuto: boolean;
  /** Name of a slave → its link. */
  readonly slaves: ReadonlyMap<string, string>;
  readonly choices: readonly Choice[];
}

/** All that a script registers. */
export function alternativesOf(script: string): readonly Alternative[] {
  return callsOf(script, 'update-alternatives').flatMap((words) => {
    const at = words.indexOf('--install');
    const [link, name, path, priority] = words.slice(at + 1);
    if (at < 0 || link === undefined || name === undefined || path === undefined) return [];
    if (!/^-?\d+$/.test(priority ?? '') || !isName(name)) return [];
    const links = new Map<string, string>();
    const slaves = new Map<string, string>();
    for (let i = 0; i < words.length; i++) {
      const [slaveLink, slave, slavePath] = words.slice(i + 1);
      if (words[i] !== '--slave' || slaveLink === undefined || slave === undefined || !isName(slave)) continue;
      links.set(slave, slaveLink);
      slaves.set(slave, slavePath ?? '');
    }
    return [{ name, link, isAuto: true, slaves: links, choices: [{ path, priority: Number(priority), slaves }] }];
  });
}

/** It becomes the name of a file. */
function isName(name: string): boolean {
  return /^[^/\s]+$/.test(name) && name !== '.' && name !== '..';
}

/** Two of one name as one: choices of the second take the place of those of the first with the same path. */
export function mergeAlternatives(first: Alternative, second: Alternative): Alternative {
  const paths = new Set(second.choices.map(({ path }) => path));
  return {
    ...first,
    slaves: new Map([...first.slaves, ...second.slaves]),
    choices: [...first.choices.filter(({ path }) => !paths.has(path)), ...second.choices],
  };
}

/** The file below `/var/lib/dpkg/alternatives`. */
export function alternativeFile({ link, isAuto, slaves, choices }: Alternative): string {
  const names = [...slaves.keys()].toSorted(compareBytes);
  const lines = [isAuto ? 'auto' : 'manual', link, ...names.flatMap((name) => [name, slaves.get(name) ?? '']), ''];
  for (const choice of choices.toSorted((a, b) => compareBytes(a.path, b.path))) {
    lines.push(choice.path, `${choice.priority}`, ...names.map((name) => choice.slaves.get(name) ?? ''));
  }
  return `${lines.join('\n')}\n\n`;
}

/** Reads such a file; null for one that is none. */
export function parseAlternative(name: string, text: string): Alternative | null {
  const lines = text.split('\n');
  const [mode, link] = lines;
  if ((mode !== 'auto' && mode !== 'manual') || link === undefined) return null;
  const slaves = new Map<string, string>();
  let at = 2;
  for (; at < lines.length && lines[at] !== ''; at += 2) slaves.set(lines[at] ?? '', lines[at + 1] ?? '');
  const choices: Choice[] = [];
  for (at++; at < lines.length && lines[at] !== ''; at += 2 + slaves.size) {
    const paths = [...slaves.keys()].map((slave, index): [string, string] => [slave, lines[at + 2 + index] ?? '']);
    const priority = Number(lines[at + 1]);
    choices.push({ path: lines[at] ?? '', priority, slaves: new Map(paths.filter(([, path]) => path !== '')) });
  }
  return { name, link, isAuto: mode === 'auto', slaves, choices };
}

/**
 * Links to make: path from the root → target. Of choices the one of the highest priority, the first by path among equals. A slave whose file `exists`
 * denies has none, which is what happens with manuals that are left out.
 */
export function alternativeLinks(alternative: Alternative, exists: (path: string) => boolean): Map<string, string> {
  const links = new Map<string, string>();
  if (!alternative.isAuto) return links;
  const [best] = alternative.choices.toSorted((a, b) => b.priority - a.priority || compareBytes(a.path, b.path));
  if (best === undefined) return links;
  const put = (link: string, name: string, path: string): void => {
    links.set(link.slice(1), `/etc/alternatives/${name}`);
    links.set(`etc/alternatives/${name}`, path);
  };
  put(alternative.link, alternative.name, best.path);
  for (const [name, path] of best.slaves) {
    const link = alternative.slaves.get(name);
    if (link !== undefined && exists(path.slice(1))) put(link, name, path);
  }
  return links;
}
