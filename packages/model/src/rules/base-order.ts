/** The order of base images: parents first, cycles and unknown parents told once. */
import type { Loaded } from '../contract.ts';
import { insteadOf } from '../names.ts';
import type { Problems } from './problems.ts';

/** Name of the base that a base is on, if it is on one. */
export function parentName(loaded: Loaded, name: string): string | null {
  const from = loaded.config.baseImages[name]?.from;
  return from !== undefined && 'base' in from ? from.base : null;
}

/** Names of bases, parents first; those on a cycle, on an unknown base, or above one of these are left out. */
export function basesInOrder(loaded: Loaded, problems: Problems): string[] {
  const bases = loaded.config.baseImages;
  const names = Object.keys(bases);
  const sound = new Map<string, boolean>();
  const order: string[] = [];
  for (const name of names) {
    const chain: string[] = [];
    const position = new Map<string, number>();
    let at: string | null = name;
    let ok = true;
    while (at !== null && !sound.has(at)) {
      const seen = position.get(at);
      if (seen !== undefined) {
        const cycle = [...chain.slice(seen), at];
        problems.add(
          'BASE_CYCLE',
          ['baseImages', at, 'from', 'base'],
          `Base images are built on each other in a circle: ${cycle.map((one) => `\`${one}\``).join(' → ')}`,
        );
        ok = false;
        break;
      }
      if (problems.removed.touches(['baseImages', at])) ok = false;
      position.set(at, chain.length);
      chain.push(at);
      const parent = parentName(loaded, at);
      if (parent !== null && !Object.hasOwn(bases, parent)) {
        if (!problems.removed.touches(['baseImages', parent]))
          problems.add(
            'UNKNOWN_BASE',
            ['baseImages', at, 'from', 'base'],
            `There is no base image \`${parent}\``,
            insteadOf(
              parent,
              names.filter((one) => one !== at),
              'base image',
            ),
          );
        ok = false;
        break;
      }
      at = parent;
    }
    if (ok && at !== null) ok = sound.get(at) ?? false;
    for (const one of chain.toReversed()) {
      sound.set(one, ok);
      if (ok) order.push(one);
    }
  }
  return order;
}
