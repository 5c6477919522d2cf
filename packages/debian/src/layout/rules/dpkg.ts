/** What dpkg itself would have written: its database, diversions, alternatives, and the settings that say what is left out. */
import type { Deb } from '../../deb/store.ts';
import {
  alternativeFile,
  alternativeLinks,
  alternativesOf,
  mergeAlternatives,
  parseAlternative,
  type Alternative,
} from '../alternatives.ts';
import { infoFiles, statusFile, triggerFiles } from '../database.ts';
import { diversionsFile, type Diversion } from '../diversions.ts';
import { EXCLUDES, EXCLUDES_FILE } from '../exclude.ts';
import type { Ground } from '../ground.ts';

const ADMIN = 'var/lib/dpkg';

export async function makeDatabase(
  ground: Ground,
  debs: readonly Deb[],
  diversions: readonly Diversion[],
): Promise<void> {
  ground.text(`${ADMIN}/status`, statusFile(await ground.readBelow(`${ADMIN}/status`), debs));
  if (ground.isWhole) {
    ground.text(`${ADMIN}/info/format`, '1\n');
    ground.text(EXCLUDES_FILE, EXCLUDES);
  }
  for (const deb of debs) {
    for (const [name, { text, mode }] of infoFiles(deb)) ground.text(`${ADMIN}/info/${name}`, text, mode);
  }
  if (ground.isWhole || diversions.length > 0) {
    const before = (await ground.readBelow(`${ADMIN}/diversions`)) ?? '';
    ground.text(`${ADMIN}/diversions`, diversionsFile(before, diversions));
  }
  await makeTriggers(ground, debs);
  await makeAlternatives(ground, debs);
}

async function makeTriggers(ground: Ground, debs: readonly Deb[]): Promise<void> {
  const before = new Map<string, string>();
  for (const name of triggerFiles(debs, before).keys()) {
    const text = await ground.readBelow(`${ADMIN}/triggers/${name}`);
    if (text !== null) before.set(name, text);
  }
  for (const [name, text] of triggerFiles(debs, before)) ground.text(`${ADMIN}/triggers/${name}`, text);
  if (ground.isWhole) ground.text(`${ADMIN}/triggers/Unincorp`, '');
}

async function makeAlternatives(ground: Ground, debs: readonly Deb[]): Promise<void> {
  const all = new Map<string, Alternative>();
  for (const deb of debs) {
    for (const one of alternativesOf(deb.control['postinst'] ?? '')) {
      const before = all.get(one.name) ?? (await below(ground, one.name));
      all.set(one.name, before === null ? one : mergeAlternatives(before, one));
    }
  }
  for (const [name, alternative] of all) {
    ground.text(`${ADMIN}/alternatives/${name}`, alternativeFile(alternative));
    for (const [path, target] of alternativeLinks(alternative, (file) => ground.brings(file)))
      ground.link(path, target);
  }
}

async function below(ground: Ground, name: string): Promise<Alternative | null> {
  const text = await ground.readBelow(`${ADMIN}/alternatives/${name}`);
  return text === null ? null : parseAlternative(name, text);
}
