/** The end of nodes that are no longer declared: their entries go, and with `--prune` what they left in engines and registries. */
import { BuildFailure } from '@rebake/sdk';
import type { Location, NodeId } from '@rebake/sdk';
import { placeName } from '../observe/known.ts';
import type { Call } from '../run/builders.ts';
import type { Report } from './cell.ts';
import type { Ground } from './ground.ts';

/** Drops an entry; nothing else is touched. */
export async function forget(ground: Ground, id: NodeId): Promise<Report> {
  await ground.means.store.forget(id);
  ground.entries.delete(id);
  return { work: 'forget' };
}

/** Removes what the entry says is there, but for what another entry still needs, and drops the entry. */
export async function remove(ground: Ground, id: NodeId, call: Call): Promise<Report> {
  const entry = ground.entries.get(id);
  const needed = new Set<string>();
  for (const [other, { output }] of ground.entries) {
    if (other !== id) for (const at of output.at) needed.add(placeName(at));
  }
  for (const at of entry?.output.at ?? []) {
    // In one repository, the same manifest under two tags is one thing: it goes with the last entry that names it.
    if (!needed.has(placeName(at))) await removeAt(ground, at, call);
  }
  await ground.means.store.forget(id);
  ground.entries.delete(id);
  return { work: 'delete' };
}

async function removeAt(ground: Ground, at: Location, call: Call): Promise<void> {
  const { registry, builders } = ground.means;
  if ('registry' in at) return registry.remove(at, { signal: call.signal });
  for (const name of builders.names) {
    const seen = await builders.probe(name, call.signal);
    if (seen.seen === 'yes' && seen.value.engine === at.engine) return builders.remove(name, at, call);
  }
  const words = `no builder reaches the engine ${at.engine}, where ${at.name} is`;
  throw new BuildFailure({ code: 'ENGINE_UNREACHABLE', retry: 'never', words });
}
