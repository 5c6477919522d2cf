// A file has one reason to exist; long files hide a second one.
import type { Finding, Workspace } from '../workspace.ts';

const longest = 400;
const ninetiethPercentile = 250;

export function sizes(workspace: Workspace): Finding[] {
  const source = workspace.modules.filter(({ part }) => part === 'src').toSorted((a, b) => a.lines - b.lines);
  const help = 'Look for the second reason to exist, and give it a file.';
  const tooLong = source
    .filter(({ lines }) => lines > longest)
    .map(({ file, lines }) => ({ file, message: `${lines} lines, more than ${longest}`, help }));
  const at = source[Math.ceil(source.length * 0.9) - 1];
  if (at === undefined || at.lines < ninetiethPercentile) return tooLong;
  const message = `${at.lines} lines at the 90th percentile of all source files; the bound is ${ninetiethPercentile}`;
  return [...tooLong, { file: at.file, message, help }];
}
