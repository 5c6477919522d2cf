/** `upgrade --simulate` for people: what goes stale, what disappears, who has to do something, and how long it takes. */
import type { Break, Cost, SimulatedUpgrade } from '@rebake/rebake';
import type { Io } from '../io.ts';
import { count, duration, painter, type Paint } from './style.ts';

/** The whole report. */
export function simulateText(upgrade: SimulatedUpgrade, io: Pick<Io, 'colors'>): string {
  const paint = painter(io.colors);
  const { from, to, release } = upgrade;
  const title = `DSS ${from} → ${to}${release === null ? '' : ` (${release})`}, simulated: nothing was contacted or changed.`;
  const parts = [
    [paint('bold', title)],
    staleLines(upgrade, paint),
    changeLines(upgrade, paint),
    breakLines(upgrade.breaks, paint),
    costLines(upgrade.cost, paint),
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function staleLines({ stale, kept }: SimulatedUpgrade, paint: Paint): readonly string[] {
  const rows = stale.map(({ kind, certain, ifChanged }) => {
    const some = certain.length === 0 ? '' : `${ifChanged.length} of them `;
    const open = ifChanged.length === 0 ? '' : `, ${some}only if what is below changes`;
    return `  ${count(certain.length + ifChanged.length, kind)}${open}`;
  });
  const none = `  nothing: all ${count(kept, 'node')} stay as they are`;
  return [
    paint('bold', 'Goes stale'),
    ...(rows.length === 0 ? [none] : [...rows, paint('dim', `  ${kept} unchanged`)]),
  ];
}

function changeLines({ changes, bases }: SimulatedUpgrade, paint: Paint): readonly string[] {
  const { pythons, baseOs, cuda, distributionsGone, behaviours, unknown, major } = changes;
  const gone = pythons.filter(({ becomes }) => becomes === 'gone').map(({ version }) => version);
  const asked = pythons.filter(({ becomes }) => becomes === 'optional').map(({ version }) => version);
  const rows = [
    ...(gone.length === 0 ? [] : [`not in the default base any more: Python ${gone.join(', ')}`]),
    ...(asked.length === 0 ? [] : [`to be asked for: Python ${asked.join(', ')}`]),
    ...(baseOs.changed === true ? [`the default base is ${baseOs.to} instead of ${baseOs.from}`] : []),
    ...(cuda.changed === true ? [`CUDA of the default GPU base is ${cuda.to} instead of ${cuda.from}`] : []),
    ...(distributionsGone ?? []).map((name) => `\`--distrib ${name}\` is gone`),
    ...bases.map(({ base, why }) => `base \`${base}\`: ${why}`),
    ...behaviours.map(({ since, words }) => `since ${since}: ${words}`),
    ...(major
      ? ['another major version: local code envs of DSS may need an update of their own before their images']
      : []),
  ].map((text) => `  ${text}`);
  const dark = unknown.map((text) => paint('dim', `  not documented: ${text}`));
  return rows.length + dark.length === 0 ? [] : [paint('bold', 'Changes with the release'), ...rows, ...dark];
}

function breakLines(breaks: readonly Break[], paint: Paint): readonly string[] {
  if (breaks.length === 0) return [paint('bold', 'Code envs'), '  none is known to break'];
  const byOwner = Map.groupBy(breaks, ({ owner }) => owner);
  const lines = [paint('bold', 'Code envs, by owner')];
  for (const [owner, rows] of byOwner) {
    const contact = rows.find((row) => row.contact !== null)?.contact ?? null;
    lines.push(`  ${owner ?? 'no owner'}${contact === null ? '' : ` (${contact})`}`);
    for (const { env, verdict, why, help } of rows) {
      const sign = verdict === 'breaks' ? paint('red', 'breaks') : paint('yellow', 'may break');
      lines.push(`    ${sign}  ${env}: ${why}`, ...(help === null ? [] : [paint('dim', `      ${help}`)]));
    }
  }
  return lines;
}

function costLines({ work, longest, unknown }: Cost, paint: Paint): readonly string[] {
  const dark = unknown === 0 ? [] : [`  no record of ${count(unknown, 'image')}: they come on top`];
  const known =
    work === 0
      ? []
      : [`  ${duration(work)} of work by the last runs; at least ${duration(longest)}, however many run side by side`];
  return known.length + dark.length === 0 ? [] : [paint('bold', 'Time'), ...known, ...dark];
}
