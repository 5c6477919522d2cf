/** Carries out one piece of work that the scheduler hands out, with its deadline and its further attempts, and says how it ended. */
import { BuildFailure } from '@rebake/sdk';
import type { BuildError, Effort, Node, NodeId } from '@rebake/sdk';
import type { Call } from '../run/builders.ts';
import { retrying } from '../run/retry.ts';
import { withDeadline } from '../run/timer.ts';
import type { Report, Work } from './cell.ts';
import type { Ground } from './ground.ts';
import { adoptImage, buildImage, fetchImage, locate, look } from './image-work.ts';
import { adoptPublication, publish } from './publish.ts';
import { forget, remove } from './vanish.ts';
import type { Watch } from './watch.ts';

/** Does the work. Rejects only for bugs and for a state that cannot be written: then the run cannot go on. */
export async function execute(
  ground: Ground,
  watch: Watch,
  id: NodeId,
  work: Work,
  signal: AbortSignal,
): Promise<Report> {
  const node = ground.node(id);
  if (isEffort(work)) watch.start(id, work, work === 'build' || work === 'fetch' ? builderOf(node) : null);
  const { timer } = ground.means;
  const deadline = { parent: signal, ms: deadlineOf(ground, node, work), timer, what: `${work} of ${id}` };
  const onRetry = (attempt: number, error: BuildError, inMs: number): void => watch.retry(id, attempt, error, inMs);
  const attempt = (): Promise<Report> =>
    withDeadline(deadline, (own) =>
      perform(ground, id, node, work, { signal: own, emit: (progress) => watch.progress(id, progress) }),
    );
  try {
    return await retrying({ signal, timer, onRetry }, attempt);
  } catch (error) {
    if (signal.aborted && (error === signal.reason || error instanceof BuildFailure))
      return { work: 'cancelled', error: INTERRUPTED };
    if (error instanceof BuildFailure) return { work: 'failed', error: error.error };
    throw error;
  }
}

const INTERRUPTED: BuildError = { code: 'INTERRUPTED', retry: 'never', words: 'interrupted while it ran' };

function perform(ground: Ground, id: NodeId, node: Node | undefined, work: Work, call: Call): Promise<Report> {
  switch (work) {
    case 'look':
      return look(ground, ground.image(id));
    case 'locate':
      return locate(ground, ground.image(id));
    case 'fetch':
      return fetchImage(ground, ground.image(id), call);
    case 'build':
      return buildImage(ground, ground.image(id), call);
    case 'publish':
      return publish(ground, ground.publication(id), call);
    case 'adopt':
      return adopt(ground, id, node, call);
    case 'forget':
      return forget(ground, id);
    case 'delete':
      return remove(ground, id, call);
    default:
      return work satisfies never;
  }
}

async function adopt(ground: Ground, id: NodeId, node: Node | undefined, call: Call): Promise<Report> {
  switch (node?.role) {
    case 'image':
      return adoptImage(ground, node);
    case 'publication':
      return adoptPublication(ground, node, call);
    case 'external': {
      const output = ground.externalOutput(id);
      await ground.commit(node, { output, contents: '', key: null, ms: null });
      return { work: 'adopt', identity: output.identity };
    }
    case undefined:
      throw new Error(`${id} is not declared and cannot be adopted`);
    default:
      return node satisfies never;
  }
}

/** Questions are answered or not; only what changes something is shown as work. */
function isEffort(work: Work): work is Exclude<Work, 'look' | 'locate'> & Effort {
  return work !== 'look' && work !== 'locate';
}

function builderOf(node: Node | undefined): string | null {
  return node?.role === 'image' ? node.builder : null;
}

function deadlineOf(ground: Ground, node: Node | undefined, work: Work): number | null {
  if (work === 'publish') return ground.means.publishTimeoutMs;
  return (work === 'build' || work === 'fetch') && node?.role === 'image'
    ? ground.means.builders.timeoutMs(node.builder)
    : null;
}
