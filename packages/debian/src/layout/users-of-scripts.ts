/** Users and groups that only scripts would make: nobody makes them here, and whoever reads the log shall know. */
import type { Deb } from '../deb/store.ts';
import { callsOf } from './shell.ts';

const COMMANDS = ['adduser', 'addgroup', 'useradd', 'groupadd'];

/** `known`: whether there is a user or group of that name anyway. A line a package, for people. */
export function usersOfScripts(debs: readonly Deb[], known: (name: string) => boolean): readonly string[] {
  return debs.flatMap((deb) => {
    const names = new Set<string>();
    for (const command of COMMANDS) {
      for (const words of callsOf(deb.control['postinst'] ?? '', command)) {
        const name = words.findLast((word) => !word.startsWith('-'));
        if (words.some((word) => /^(?:--system|-r)$/.test(word)) && name !== undefined && !known(name)) names.add(name);
      }
    }
    if (names.size === 0) return [];
    return [
      `${deb.locked.name}: its script would add ${[...names].join(', ')} to the users and groups, and none runs here`,
    ];
  });
}
