/** Where an image has to be, and what stands in the way of building it there. */
import {
  STEP_VERSIONS,
  type Blocker,
  type BuildAccess,
  type BuildError,
  type Capabilities,
  type Image,
  type Lack,
  type Location,
  type Node,
  type Output,
  type Publication,
  type Seen,
  type World,
} from '@rebake/sdk';

/** Whether an image is where it is needed; `fetchable`: not there, but in a registry. */
export type Presence = 'present' | 'fetchable' | 'absent';

const GONE: Seen<never> = { seen: 'no' };

/** What was seen of a builder. One that was not asked is not there. */
export function builderSeen(world: World, name: string): Seen<Capabilities> {
  return world.builders.get(name) ?? GONE;
}

/** A builder that answered, or undefined. */
export function capabilitiesOf(world: World, name: string): Capabilities | undefined {
  const seen = world.builders.get(name);
  return seen?.seen === 'yes' ? seen.value : undefined;
}

function inRegistry(at: Location): boolean {
  return 'registry' in at;
}

/** Presence in one engine, as a child needs it that is built there. */
export function presenceIn(output: Output, engine: string): Presence {
  if (output.at.some((at) => 'engine' in at && at.engine === engine)) return 'present';
  return output.at.some(inRegistry) ? 'fetchable' : 'absent';
}

/** Presence in any registry or in one engine, as a publication to a registry needs it. */
export function presenceAnywhere(output: Output, engine: string): Presence {
  return presenceIn(output, engine) === 'absent' ? 'absent' : 'present';
}

/** Whether some registry has it: such an image can be copied without its builder. */
export function seenInRegistry(output: Output): boolean {
  return output.at.some(inRegistry);
}

/** Why the builder of an image cannot be used at all; null where it answered. */
export function builderUnknown(image: Image, world: World): Blocker | null {
  const seen = builderSeen(world, image.builder);
  if (seen.seen === 'yes') return null;
  const why: BuildError =
    seen.seen === 'unknown'
      ? seen.why
      : { code: 'BUILDER_UNKNOWN', retry: 'never', words: `there is no builder ${image.builder}` };
  return { node: image.id, code: 'BUILDER_UNKNOWN', why };
}

/** What builds need of a builder because of how they reach the world: facts of the machine, so that they are asked for when planning. */
export function accessNeeds({ secrets, network, proxy }: BuildAccess): readonly Lack[] {
  return [
    ...(Object.keys(secrets).length > 0 ? (['secrets'] as const) : []),
    ...(network === 'default' ? [] : (['network'] as const)),
    ...(proxy === undefined ? [] : (['proxy'] as const)),
  ];
}

/** What a builder that has such a lack is said to be like. */
const LACKS: Readonly<Record<Lack, string>> = {
  'engine-names': 'has no engine in which others find an image by its name: publish it to a registry',
  secrets: 'has no secret mounts, and the declaration has secrets for builds',
  network: 'does not let the network of builds be chosen, and the declaration chooses one',
  proxy: 'has no proxy for builds, and the declaration names one',
};

/**
 * What stands in the way of building an image: a builder that did not answer, or one that cannot do it; null: nothing.
 *
 * @param needs what every build needs, see {@link accessNeeds}.
 */
export function buildBlocker(image: Image, world: World, needs: readonly Lack[]): Blocker | null {
  const seen = builderSeen(world, image.builder);
  if (seen.seen !== 'yes') return builderUnknown(image, world);
  const words = firstLack(image, seen.value, needs);
  return words === null ? null : cannot(image, image.builder, words);
}

/** What stands in the way of publishing into the engine of a builder that gives images no names there, whatever the state says; null: nothing. */
export function engineNameBlocker(node: Publication, image: Node | undefined, world: World): Blocker | null {
  if (node.registry !== null || image?.role !== 'image') return null;
  const lacks = capabilitiesOf(world, image.builder)?.lacks ?? [];
  return lacks.includes('engine-names') ? cannot(node, image.builder, LACKS['engine-names']) : null;
}

function cannot({ id }: Node, builder: string, words: string): Blocker {
  const why: BuildError = { code: 'BUILDER_CANNOT', retry: 'elsewhere', words: `builder ${builder} ${words}` };
  return { node: id, code: 'BUILDER_CANNOT', why };
}

function firstLack(image: Image, can: Capabilities, needs: readonly Lack[]): string | null {
  if (!can.platforms.includes(image.platform)) return `does not know platform ${image.platform}`;
  for (const { step } of image.spec.steps) {
    const versioned = `${step}@${STEP_VERSIONS[step]}`;
    if (!can.steps.includes(versioned)) return `does not know step ${versioned}`;
  }
  const lack = needs.find((need) => can.lacks?.includes(need) === true);
  return lack === undefined ? null : LACKS[lack];
}
