/** What prune removes, for people: a table by kind and reason, and what stays. */
import type { CacheReport, PruneReport } from '@rebake/rebake';
import { bytesText } from '@rebake/sdk';
import type { Io } from '../io.ts';
import { count, painter } from './style.ts';

/** `would`: nothing is removed yet; `has`: it is gone; `kept`: only what stays. */
export type Tense = 'would' | 'has' | 'kept';

const WHY: Readonly<Record<CacheReport['rows'][number]['why'], string>> = {
  unused: 'not used for so long',
  'over-size': 'more than is to stay, used least recently',
  'left-over': 'left by a process that was killed',
};

interface Line {
  readonly what: string;
  readonly count: string;
  readonly bytes: string;
  readonly why: string;
}

/** The whole text. */
export function pruneText(report: PruneReport, tense: Tense, io: Io): string {
  const paint = painter(io.colors);
  const lines = tense === 'kept' ? [] : [...cacheLines(report), ...layoutLines(report)];
  const width = (of: (line: Line) => string): number => Math.max(0, ...lines.map((line) => of(line).length));
  const [what, many, bytes] = [width((line) => line.what), width((line) => line.count), width((line) => line.bytes)];
  const table = lines.map(
    (line) =>
      `  ${line.what.padEnd(what)}  ${line.count.padStart(many)}  ${line.bytes.padStart(bytes)}  ${paint('dim', line.why)}\n`,
  );
  const total = tense === 'kept' ? '' : `${tense === 'has' ? 'Freed' : 'Would free'} ${bytesText(report.bytes)}.\n`;
  return `${table.join('')}${total}${keptText(report, tense)}`;
}

function cacheLines({ caches }: PruneReport): readonly Line[] {
  return caches
    .flatMap(({ rows }) => rows)
    .map(({ kind, why, count: many, bytes, shared }) => ({
      what: kind,
      count: String(many),
      bytes: bytesText(bytes),
      why: shared === 0 ? WHY[why] : `${WHY[why]}; ${shared} of them free nothing, images of projects hold them too`,
    }));
}

function layoutLines({ layouts }: PruneReport): readonly Line[] {
  return layouts
    .filter(({ images, blobs }) => images.length > 0 || blobs > 0)
    .map(({ builder, images, blobs, bytes }) => ({
      what: `images of builder ${builder}`,
      count: String(images.length),
      bytes: bytesText(bytes),
      why: `no longer declared, nor in the state; ${count(blobs, 'blob')}`,
    }));
}

function keptText({ caches, layouts }: PruneReport, tense: Tense): string {
  const images = layouts.reduce((sum, { kept }) => sum + kept, 0);
  const ofProject = images === 0 ? '' : `${count(images, 'name')} of images of this project stay.\n`;
  if (caches.length === 0) return `There is no cache.\n${ofProject}`;
  return `${caches.map((cache) => cacheText(cache, tense)).join('')}${ofProject}`;
}

function cacheText({ dir, kept: { bytes, sharedBytes, inUse } }: CacheReport, tense: Tense): string {
  const shared = sharedBytes === 0 ? '' : `, and ${bytesText(sharedBytes)} that images of projects hold too`;
  const used = inUse === 0 ? '' : ` ${count(inUse, 'blob')} stay because a rebake that runs uses them.`;
  const holds = tense === 'would' ? 'would then hold' : 'holds';
  return `The cache ${dir} ${holds} ${bytesText(bytes)}${shared}.${used}\n`;
}
