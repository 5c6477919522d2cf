/** Builds one image: its steps in their order, each on what those before it left, and under its name only when all of it is there. */
import { bringsGround, checkSpec, type Digest, type ImageSpec, type RepositoryAt, type Step } from '@rebake/image';
import type { Cache } from '@rebake/cache';
import type { Built, Ctx, Job } from '@rebake/sdk';
import { candidateName, checkBelow, failure } from '@rebake/sdk/building';
import type { Ahead } from './ahead.ts';
import { buildEnvironment, runConfig, workdirOf, writeDocuments } from './config/document.ts';
import { STEPS } from './contents.ts';
import { Draft, type Workbench } from './draft.ts';
import { imageOf } from './image.ts';
import { checkLocked } from './locked.ts';
import type { OciSettings } from './options.ts';
import { checkRoom } from './room.ts';
import { copy } from './steps/copy.ts';
import { link } from './steps/link.ts';
import { rootfs } from './steps/rootfs.ts';
import { user } from './steps/user.ts';
import { workdir } from './steps/workdir.ts';
import type { Blobs, Reading } from './store/blobs.ts';
import type { Store } from './store/store.ts';
import type { Supplies, Supply } from './supply.ts';

/** What a builder builds with. */
export interface Workshop {
  readonly settings: OciSettings;
  readonly cache: Cache;
  readonly store: Store;
  readonly blobs: Blobs;
  readonly supplies: Supplies;
  readonly ahead: Ahead;
  /** Of images that were built: where the images below them are, whose layers need not be sent again. */
  readonly near: Map<Digest, readonly RepositoryAt[]>;
  reading(ctx: Ctx): Reading;
}

/** Builds the job's image and keeps it under its candidate name. */
export async function build(shop: Workshop, job: Job, ctx: Ctx): Promise<Built> {
  const { spec, platform } = job;
  const { cache, store, settings } = shop;
  checkJob(job);
  const reading = shop.reading(ctx);
  const parent = job.parent === null ? null : await store.ground(job.parent, platform, reading);
  await checkRoom(spec, cache);

  const bench = workbench(shop, job, ctx);
  const draft = new Draft(bench);
  if (parent !== null) draft.stand(parent, shop.blobs.sources(parent, reading));
  const supply = spec.steps.some(({ step }) => step === 'debian' || step === 'python-env')
    ? await shop.supplies.of(job.access, ctx)
    : null;
  await carryOut(job, draft, bench, supply, settings.maxLayers, ctx);
  if (supply !== null) bench.log(supply.summary());

  const hasSteps = spec.steps.length > (parent === null ? 1 : 0);
  const { below, layers, history } = draft;
  const documents = writeDocuments({ spec, platform, below, parent, hasSteps, layers, history });
  const name = candidateName(job.key);
  const image = imageOf(documents, draft.elsewhere, name);
  const layersOf = ({ identity, layers: own }: typeof image) => ({
    id: identity,
    layers: own.map((one) => one.diffId),
  });
  checkBelow(parent === null ? null : layersOf(parent), layersOf(image));
  ctx.signal.throwIfAborted();
  await store.keep(name, image, reading);
  const places = job.parent?.at ?? [];
  shop.near.set(
    image.identity,
    places.flatMap((at) => ('registry' in at ? [at] : [])),
  );
  return { identity: image.identity, at: [{ engine: await store.id(), name }] };
}

function checkJob({ spec, parent }: Job): void {
  checkSpec(spec, STEPS);
  for (const step of spec.steps) if (step.step === 'python-env') checkLocked(step);
  const [first] = spec.steps;
  const late = spec.steps.slice(1).find(({ step }) => step === 'rootfs' || step === 'layout');
  if (late !== undefined) throw failure('SPEC_INVALID', 'never', `the step "${late.step}" can only be the first one`);
  const canBegin = first !== undefined && bringsGround(first);
  if (parent === null && !canBegin) throw failure('SPEC_INVALID', 'never', 'the parent is missing');
  if (parent !== null && canBegin && first.step !== 'debian')
    throw failure('SPEC_INVALID', 'never', 'there is a parent, and the first step brings its own ground');
}

function workbench({ cache, settings, ahead }: Workshop, job: Job, ctx: Ctx): Workbench {
  const [target] = job.publishTo ?? [];
  return {
    cache,
    compression: settings.compression,
    signal: ctx.signal,
    log: (text) => ctx.emit({ type: 'log', text }),
    onLayer: (layer) => (target === undefined ? undefined : ahead.send(layer, target, ctx)),
  };
}

async function carryOut(
  { spec, platform }: Job,
  draft: Draft,
  bench: Workbench,
  supply: Supply | null,
  maxLayers: number,
  ctx: Ctx,
): Promise<void> {
  const of = spec.steps.length + 1;
  for (const [index, step] of spec.steps.entries()) {
    ctx.signal.throwIfAborted();
    ctx.emit({ type: 'step', index: index + 1, of, name: nameOf(step) });
    switch (step.step) {
      case 'rootfs':
        await rootfs(step, draft, bench);
        break;
      case 'layout': {
        const { layout } = await import('./steps/layout.ts');
        await layout(step, platform, draft, bench);
        break;
      }
      case 'debian': {
        const { debian } = await import('./steps/debian.ts');
        await debian(step, draft, bench, supplied(supply));
        break;
      }
      case 'python-env': {
        const { pythonEnv } = await import('./steps/python-env.ts');
        const env = buildEnvironment(draft.below, spec);
        await pythonEnv(step, draft, bench, supplied(supply), { platform, env, maxLayers });
        break;
      }
      case 'user':
        await user(step, draft);
        break;
      case 'link':
        await link(step, draft);
        break;
      case 'copy':
        await copy(step, draft, bench);
        break;
      default:
        throw new Error(`the step ${step.step} was not refused`);
    }
  }
  ctx.signal.throwIfAborted();
  ctx.emit({ type: 'step', index: of, of, name: 'config' });
  await configure(spec, draft);
}

async function configure(spec: ImageSpec, draft: Draft): Promise<void> {
  const given = runConfig(draft.below)['User'];
  const hasSteps = spec.steps.length > (draft.parent === null ? 1 : 0);
  const own = spec.user ?? (hasSteps ? 'root' : typeof given === 'string' && given !== '' ? given : 'root');
  const folder = workdirOf(spec);
  if (folder !== undefined) await workdir(folder, own, draft);
  draft.note('rebake config');
}

function supplied(supply: Supply | null): Supply {
  if (supply === null) throw new Error('a step that fetches has nothing to fetch with');
  return supply;
}

function nameOf(step: Step): string {
  switch (step.step) {
    case 'debian':
      return `debian ${step.suite} (${step.packages.length} packages)`;
    case 'python-env':
      return `python-env ${step.prefix}`;
    case 'user':
      return `user ${step.name}`;
    case 'link':
      return `link ${step.folder}/${step.name} -> ${step.target}`;
    case 'copy':
      return `copy ${step.to} (${step.files.files.length} files)`;
    default:
      return step.step;
  }
}
