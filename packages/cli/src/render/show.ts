/** `rebake show` for people: a table of all nodes, or one node in full. */
import { shortNames, type ShownNode } from '@rebake/rebake';
import type { Io } from '../io.ts';
import { fromSource, lineOf } from './places.ts';
import { duration, failedWords, moment, painter, quoted, shortDigest } from './style.ts';

/** One line a node: name, identity, when and how long, or what failed. */
export function overviewText(rows: readonly ShownNode[], io: Pick<Io, 'colors'>): string {
  const paint = painter(io.colors);
  const names = shortNames(rows.map(({ node }) => node.id));
  const name = ({ node }: ShownNode): string => names.get(node.id) ?? node.id;
  const width = rows.reduce((widest, row) => Math.max(widest, name(row).length), 0);
  return rows
    .map((row) => {
      const { entry, failure } = row;
      const success = entry === null ? 'never built' : shortDigest(entry.output.identity);
      const when =
        entry === null ? '' : `  ${moment(entry.at)}${entry.ms === undefined ? '' : `  ${duration(entry.ms)}`}`;
      const failed = failure === null ? '' : paint('red', `  ${failedWords(entry)}: ${failure.error.code}`);
      return `${name(row).padEnd(width)}  ${success}${when}${failed}\n`;
    })
    .join('');
}

/** A node with its inputs, parents, steps and places. */
export function nodeText(row: ShownNode, io: Pick<Io, 'colors' | 'cwd'>): string {
  const { node, entry, failure } = row;
  const paint = painter(io.colors);
  const lines = [paint('bold', node.id), `  ${node.kind}`];
  for (const parent of node.parents) lines.push(`  stands on ${parent}`);
  for (const where of node.because)
    lines.push(`  declared at ${lineOf(where, io.cwd)} (${where.path}${fromSource(where)})`);
  if (node.role === 'external') lines.push(`  reference ${node.ref}, ${node.platform}`);
  if (node.role === 'image')
    lines.push(
      `  builder ${node.builder}, ${node.platform}, steps: ${node.spec.steps.map(({ step }) => step).join(', ')}`,
    );
  if (node.role === 'publication') {
    const place = node.registry === null ? node.repository : `${node.registry}/${node.repository}`;
    lines.push(`  ${place}: ${node.tags.length === 0 ? 'candidate only' : node.tags.join(', ')}`);
  }
  if (Object.keys(node.inputs).length > 0) lines.push('  inputs');
  for (const [key, input] of Object.entries(node.inputs))
    lines.push(`    ${key}: ${input.shown ?? shortDigest(input.digest)}`);
  if (entry === null) lines.push('  never built');
  else {
    lines.push(
      `  last success: run ${entry.run}, ${moment(entry.at)}${entry.ms === undefined ? '' : `, ${duration(entry.ms)}`}`,
      `    identity ${entry.output.identity}`,
    );
    for (const location of entry.output.at) {
      lines.push(
        `    at ${'engine' in location ? `engine ${location.engine}: ${location.name}` : `${location.registry}/${location.repository}@${location.manifest}`}`,
      );
    }
    if (entry.record !== undefined) lines.push(`    record of the build: ${entry.record}`);
  }
  if (failure !== null) {
    const { run, at, error } = failure;
    lines.push(
      paint('red', `  ${failedWords(entry)}: run ${run}, ${moment(at)}: ${error.code}`),
      ...quoted(error.words),
    );
  }
  return `${lines.join('\n')}\n`;
}
