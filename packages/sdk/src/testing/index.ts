/**
 * The conformance suite for builders: one call in a plugin's test file.
 *
 * ```ts
 * testBuilder({ name: 'mine', create: (place) => createMine(options, place), unreachable: …, rootfs: …, registries: …, … });
 * ```
 *
 * What a builder does not offer (steps that `probe` does not list, what it `lacks`) is not asked of it; in its place the suite asks that it
 * refuses such jobs. So a builder without any step passes, and the suite grows with it.
 */
export type { Behaviour, Need, RigPart, Waiver } from './behaviour.ts';
export type { OwnEngine, PackageIndex, Rig, TestRegistry } from './rig.ts';
export type { Outcome } from './runner.ts';
export { BEHAVIOURS } from './behaviours.ts';
export { RuleBroken } from './rules.ts';
export { runBehaviours } from './runner.ts';
export { testBuilder } from './with-vitest.ts';
