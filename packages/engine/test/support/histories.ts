/** Random declarations and what happens to them: fast-check commands in the form of plain data, so that a failing one can be read. */
import type { Node } from '@rebake/sdk';
import fc from 'fast-check';
import { external, image, publication } from './nodes.ts';

export const HOSTS = ['one.test:5000', 'two.test:5000'] as const;

/** One image as declared: numbers only, so that it shrinks well. `parent` counts among the images before it. */
export interface Declared {
  readonly parent: number | null;
  /** A second image parent, which counts in the key only. */
  readonly also: number | null;
  readonly external: number | null;
  readonly content: number;
  readonly comment: number;
  /** Renamed this often: another node with the same contents. */
  readonly renamed: number;
  /** Targets: 0 and 1 are registries, 2 is the engine. */
  readonly targets: readonly number[];
}

/** What happens between two applies. Numbers are taken modulo what there is. */
export type Happening =
  | {
      readonly is: 'edit' | 'comment' | 'rename' | 'drop' | 'add target' | 'drop target' | 'move parent';
      readonly image: number;
      readonly to: number;
    }
  | { readonly is: 'prune engine' | 'prune tags' | 'prune manifests' | 'rival builds'; readonly mask: number }
  | { readonly is: 'move tag'; readonly tag: number; readonly to: number }
  | { readonly is: 'move external'; readonly external: number }
  | { readonly is: 'lose state' }
  | { readonly is: 'forget entry'; readonly entry: number }
  | { readonly is: 'upgrade builder' };

/** How one apply goes. */
export interface Weather {
  /** Images whose builds fail, as bits. */
  readonly failing: number;
  /** The commit before which the process dies, or the build that a Ctrl-C interrupts, counting from 1; null: neither. */
  readonly diesAt: { readonly commit: number } | { readonly build: number } | null;
  /** Hosts that are down while observing, as bits: 1 and 2 registries, 4 the engine. */
  readonly dark: number;
  readonly force: number;
  readonly prune: boolean;
  readonly parallelism: number;
  /** Delays of builds, in turns of the event loop, one after the other. */
  readonly turns: readonly number[];
}

export interface History {
  readonly reproducible: boolean;
  readonly images: readonly Declared[];
  readonly steps: readonly { readonly happens: readonly Happening[]; readonly weather: Weather }[];
}

const small = fc.nat(7);
const maybe = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { nil: null });

const declared: fc.Arbitrary<Declared> = fc.record({
  // Families: what is interesting happens between the children of one parent.
  parent: fc.option(fc.oneof(fc.nat(1), fc.nat(1), small), { nil: null, freq: 5 }),
  also: fc.option(small, { nil: null, freq: 1 }).map((also) => (also !== null && also > 5 ? also : null)),
  external: maybe(fc.nat(2)),
  content: fc.nat(2),
  comment: fc.constant(0),
  renamed: fc.constant(0),
  targets: fc.oneof(fc.constant<number[]>([]), fc.uniqueArray(fc.nat(2), { maxLength: 3 })),
});

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      is: fc.constantFrom('edit', 'comment', 'rename', 'drop', 'add target', 'drop target', 'move parent'),
      image: small,
      to: fc.nat(3),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constantFrom('prune engine', 'prune engine', 'prune tags', 'prune manifests', 'rival builds'),
      mask: fc.oneof(fc.constant(255), fc.nat(255)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('move tag'), tag: fc.nat(20), to: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('move external'), external: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('forget entry'), entry: fc.nat(20) }) },
  { weight: 1, arbitrary: fc.constantFrom({ is: 'lose state' }, { is: 'upgrade builder' }) },
);

const fair = <T>(value: fc.Arbitrary<T>, otherwise: T, freq: number): fc.Arbitrary<T> =>
  fc.oneof({ weight: freq, arbitrary: fc.constant(otherwise) }, { weight: 1, arbitrary: value });

const weather: fc.Arbitrary<Weather> = fc.record({
  failing: fair(fc.nat(255), 0, 4),
  diesAt: fair<Weather['diesAt']>(
    fc.oneof(
      fc.record({ commit: fc.integer({ min: 1, max: 8 }) }),
      fc.record({ build: fc.integer({ min: 1, max: 5 }) }),
    ),
    null,
    3,
  ),
  dark: fair(fc.nat(7), 0, 5),
  force: fair(fc.nat(255), 0, 6),
  prune: fc.boolean(),
  parallelism: fc.integer({ min: 1, max: 4 }),
  turns: fc.array(fc.nat(3), { maxLength: 6 }),
});

/** Up to eight images and six steps. */
export const history: fc.Arbitrary<History> = fc.record({
  reproducible: fc.boolean(),
  images: fc.array(declared, { minLength: 1, maxLength: 8 }),
  steps: fc.array(fc.record({ happens: fc.array(happening, { maxLength: 3 }), weather }), {
    minLength: 1,
    maxLength: 6,
  }),
});

export const refOf = (n: number): string => `${HOSTS[0]}/upstream/${n}:latest`;

/** The nodes of a declaration, parents first. Only the externals that something uses are in it. */
export function nodesOf(images: readonly Declared[]): readonly Node[] {
  const names = images.map((one, at) => (one.renamed === 0 ? `image-${at}` : `image-${at}~${one.renamed}`));
  const externals = [...new Set(images.flatMap((one) => one.external ?? []))].map((n) => external(refOf(n)));
  const nodes: Node[] = [...externals];
  for (const [at, one] of images.entries()) {
    const above = [one.parent, one.also].flatMap((n) => (n === null || at === 0 ? [] : (names[n % at] ?? [])));
    const parents = [...new Set(above), ...(one.external === null ? [] : [external(refOf(one.external)).id])];
    nodes.push(image(names[at] ?? '', parents, { content: String(one.content), comment: String(one.comment) }));
  }
  for (const [at, one] of images.entries()) {
    for (const target of one.targets) {
      const registry = HOSTS[target] ?? null;
      nodes.push(
        publication(names[at] ?? '', registry, 'fleet', target === 1 ? [`tag-${at}`, `also-${at}`] : [`tag-${at}`]),
      );
    }
  }
  return nodes;
}

/** A declaration after an edit. */
export function edited(images: readonly Declared[], what: Happening): readonly Declared[] {
  if (!('image' in what)) return images;
  const place = what.image % images.length;
  if (what.is === 'drop') return images.length > 1 ? images.toSpliced(place, 1) : images;
  return images.map((one, at) => {
    if (at !== place) return one;
    switch (what.is) {
      case 'edit':
        return { ...one, content: what.to };
      case 'comment':
        return { ...one, comment: what.to };
      case 'rename':
        return { ...one, renamed: one.renamed + 1 };
      case 'add target':
        return { ...one, targets: [...new Set([...one.targets, what.to % 3])] };
      case 'drop target':
        return { ...one, targets: one.targets.filter((target) => target !== what.to % 3) };
      case 'move parent':
        return { ...one, parent: what.to };
      default:
        return one;
    }
  });
}
