/** `rebake why` for people: the verdict, its evidence, and the last run. */
import type { Explanation } from '@rebake/rebake';
import type { Entry, Location, Reason } from '@rebake/sdk';
import type { Io } from '../io.ts';
import { placeText, reasonText, type ReasonContext } from './reasons.ts';
import { duration, painter, shortDigest, type Paint } from './style.ts';

/** An explanation in words. */
export function whyText({ account, lastRun, names }: Explanation, io: Pick<Io, 'colors'>): string {
  const paint = painter(io.colors);
  const origins = account.verdict === 'planned' ? account.origins : new Map<never, readonly Reason[]>();
  const context: ReasonContext = { name: (id) => names.get(id) ?? id, reasons: (id) => origins.get(id) ?? [] };
  const { entry, failure } = account;
  const lines = [...verdictLines({ account, lastRun, names }, context, paint)];
  if (entry !== null) lines.push('', ...entryLines(entry));
  if (failure !== null) {
    const { error, run, at } = failure;
    lines.push('', paint('red', `failed since: run ${run}, ${at}: ${error.code}`), ...indented(error.words));
  }
  if (lastRun !== null) {
    lines.push('', `last run that touched it: ${lastRun.run}, ${lastRun.at}: ${lastRun.outcome}`);
    for (const reason of lastRun.reasons)
      lines.push(`  because ${reasonText(reason, context)}${placeText(reason.cause)}`);
  }
  return `${lines.join('\n')}\n`;
}

function verdictLines({ account, names }: Explanation, context: ReasonContext, paint: Paint): readonly string[] {
  const title = names.get(account.node) ?? account.node;
  switch (account.verdict) {
    case 'fresh': {
      const inputs = account.inputs.map(({ key, digest, shown }) => `    ${key}: ${shown ?? shortDigest(digest)}`);
      const parents = account.parents.map(
        ({ node, identity }) => `  ${context.name(node)} is the one it was made from: ${shortDigest(identity)}`,
      );
      const seen =
        account.seen.seen === 'yes'
          ? account.seen.value.at.map((location) => `  seen ${place(location)}`)
          : ['  not looked for: nothing needs it now'];
      return [paint('bold', `${title} is fresh`), '  its inputs are as they were:', ...inputs, ...parents, ...seen];
    }
    case 'planned': {
      const { atMost, ifChanged, reasons } = account.action;
      const condition = ifChanged.length === 0 ? '' : `, if ${ifChanged.map(context.name).join(' or ')} changes`;
      const because = reasons.flatMap((reason) => [
        `  ${reasonText(reason, context)}${placeText(reason.cause)}`,
        ...(reason.path.length > 1 ? [paint('dim', `    by way of ${reason.path.map(context.name).join(' → ')}`)] : []),
      ]);
      return [paint('bold', `${title} is stale: ${atMost}${condition}`), ...because];
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

function entryLines(entry: Entry): readonly string[] {
  const took = entry.ms === undefined ? '' : ` in ${duration(entry.ms)}`;
  return [
    `last success: run ${entry.run}, ${entry.at}${took}, identity ${shortDigest(entry.output.identity)}`,
    ...entry.output.at.map((location) => `  ${place(location)}`),
  ];
}

function place(location: Location): string {
  return 'engine' in location
    ? `in engine ${location.engine} as ${location.name}`
    : `at ${location.registry}/${location.repository}@${location.manifest}`;
}

function indented(words: string): readonly string[] {
  return words
    .trimEnd()
    .split('\n')
    .map((line) => `  │ ${line}`);
}
