/** Where an image has to be, and what stands in the way of building it there. */
import {
  STEP_VERSIONS,
  type Blocker,
  type BuildError,
  type Capabilities,
  type Image,
  type Location,
  type Output,
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

/** What stands in the way of building an image: a builder that did not answer, or one that cannot do it; null: nothing. */
export function buildBlocker(image: Image, world: World): Blocker | null {
  const seen = builderSeen(world, image.builder);
  if (seen.seen !== 'yes') return builderUnknown(image, world);
  const lacking = firstLack(image, seen.value);
  if (lacking === null) return null;
  const words = `builder ${image.builder} does not know ${lacking}`;
  return { node: image.id, code: 'BUILDER_CANNOT', why: { code: 'BUILDER_CANNOT', retry: 'elsewhere', words } };
}

function firstLack(image: Image, can: Capabilities): string | null {
  if (!can.platforms.includes(image.platform)) return `platform ${image.platform}`;
  for (const { step } of image.spec.steps) {
    const versioned = `${step}@${STEP_VERSIONS[step]}`;
    if (!can.steps.includes(versioned)) return `step ${versioned}`;
  }
  return null;
}
