/** `rebake why` for people: the verdict, its evidence, and the last run. */
import type { Explanation } from '@rebake/rebake';
import type { Effort, Entry, Location, Output, Reason, Seen } from '@rebake/sdk';
import type { Io } from '../io.ts';
import { placeText, reasonText, type ReasonContext } from './reasons.ts';
import { duration, failedWords, moment, painter, quoted, shortDigest, type Paint } from './style.ts';

/** What a node is, by what is planned for it. */
const STALE: Readonly<Record<Effort, string>> = {
  keep: 'fresh',
  adopt: 'to be noted in the state',
  fetch: 'fresh, but not where it is needed',
  rebase: 'stale',
  build: 'stale',
  publish: 'stale',
  forget: 'no longer declared',
  delete: 'no longer declared',
};

/** An explanation in words. */
export function whyText({ account, refreshed, lastRun, names }: Explanation, io: Pick<Io, 'colors' | 'cwd'>): string {
  const { cwd } = io;
  const paint = painter(io.colors);
  const origins = account.verdict === 'planned' ? account.origins : new Map<never, readonly Reason[]>();
  const context: ReasonContext = { name: (id) => names.get(id) ?? id, reasons: (id) => origins.get(id) ?? [] };
  const { entry, failure } = account;
  const lines = [...verdictLines({ account, refreshed, names }, { ...context, cwd, paint })];
  if (entry !== null) lines.push('', ...entryLines(entry));
  if (failure !== null) {
    const { error, run, at } = failure;
    lines.push(
      '',
      paint('red', `${failedWords(entry)}: run ${run}, ${moment(at)}: ${error.code}`),
      ...quoted(error.words),
    );
  }
  if (lastRun !== null) {
    const { row, origins: origin } = lastRun;
    lines.push('', `last run that touched it: ${row.run}, ${moment(row.at)}: ${row.outcome}`);
    // What it was planned for then; lines of the declaration may have moved since.
    const then: ReasonContext = { name: context.name, reasons: (id) => origin.get(id) ?? [] };
    for (const reason of row.reasons) lines.push(`  planned for: ${reasonText(reason, then)}`);
  }
  return `${lines.join('\n')}\n`;
}

interface Pen extends ReasonContext {
  readonly cwd: string;
  readonly paint: Paint;
}

function verdictLines({ account, refreshed, names }: Omit<Explanation, 'lastRun'>, context: Pen): readonly string[] {
  const { cwd, paint } = context;
  const title = names.get(account.node) ?? account.node;
  switch (account.verdict) {
    case 'fresh': {
      const inputs = account.inputs.map(({ key, digest, shown }) => `    ${key}: ${shown ?? shortDigest(digest)}`);
      const parents = account.parents.map(
        ({ node, identity }) => `  ${context.name(node)} is the one it was made from: ${shortDigest(identity)}`,
      );
      return [
        paint('bold', `${title} is fresh`),
        ...(inputs.length === 0 ? [] : ['  its inputs are as they were:', ...inputs]),
        ...parents,
        ...seenLines(account.seen, refreshed ? 'seen' : 'by the state, which is trusted,'),
      ];
    }
    case 'planned': {
      const { atMost, ifChanged, reasons } = account.action;
      const condition = ifChanged.length === 0 ? '' : `, if ${ifChanged.map(context.name).join(' or ')} changes`;
      const because = reasons.flatMap((reason) => [
        `  ${reasonText(reason, context, atMost)}${placeText(reason.cause, cwd)}`,
        ...(reason.path.length > 1 ? [paint('dim', `    by way of ${reason.path.map(context.name).join(' → ')}`)] : []),
      ]);
      return [paint('bold', `${title} is ${STALE[atMost]}: ${atMost}${condition}`), ...because];
    }
    case 'blocked': {
      const at = account.blocker === account.node ? '' : ` of ${context.name(account.blocker)}`;
      const words = account.why === null ? [] : [`  ${account.why.code}: ${account.why.words}`];
      return [paint('bold', `${title} cannot be judged, because${at}:`), ...words];
    }
    case 'unplanned':
      return [paint('bold', `${title} was left out of this plan`)];
    default:
      return account satisfies never;
  }
}

function seenLines(seen: Seen<Output>, how: string): readonly string[] {
  switch (seen.seen) {
    case 'yes':
      return seen.value.at.map((location) => `  ${how} ${place(location)}`);
    case 'no':
      return ['  nowhere to be seen, and nothing needs it now'];
    case 'unknown':
      return ['  not looked for: nothing needs it now'];
    default:
      return seen satisfies never;
  }
}

function entryLines(entry: Entry): readonly string[] {
  const took = entry.ms === undefined ? '' : ` in ${duration(entry.ms)}`;
  return [
    `last success: run ${entry.run}, ${moment(entry.at)}${took}, identity ${shortDigest(entry.output.identity)}`,
    ...entry.output.at.map((location) => `  ${place(location)}`),
    ...(entry.record === undefined ? [] : [`  record of the build: ${entry.record}`]),
  ];
}

function place(location: Location): string {
  return 'engine' in location
    ? `in engine ${location.engine} as ${location.name}`
    : `at ${location.registry}/${location.repository}@${location.manifest}`;
}
