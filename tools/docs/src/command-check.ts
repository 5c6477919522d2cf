/** Whether a `rebake …` that a page names is a command that there is, with options that it has. */
import type { Command } from 'commander';
import { leaves, nameOf, rebakeProgram } from './cli-page.ts';

/** What is wrong with a piece of code; null when it names no command of rebake, or a right one. */
export function commandProblem(snippet: string): string | null {
  const [program, ...words] = snippet.split(/\s+/).filter((word) => word !== '');
  if (program !== 'rebake' || words.length === 0) return null;
  const root = rebakeProgram();
  const path = words.filter((word) => /^[a-z]+$/.test(word));
  const names = leaves(root).map(nameOf);
  const command = leaves(root).find((one) => `rebake ${path.join(' ')} `.startsWith(`${nameOf(one)} `));
  const options = words.filter((word) => word.startsWith('-')).map((word) => word.replace(/=.*$/, ''));
  if (command === undefined) {
    const isGroup = names.some((name) => name.startsWith(`rebake ${path.join(' ')} `));
    const isHelp = path.length === 0 && options.every((option) => option === '--help' || option === '--version');
    return isHelp || isGroup ? null : `there is no \`rebake ${path.join(' ')}\``;
  }
  const known = new Set([...flags(root), ...flags(command), '--help', '-h']);
  const strange = options.find((option) => !known.has(option));
  return strange === undefined ? null : `\`${nameOf(command)}\` has no option ${strange}`;
}

function flags(command: Command): readonly string[] {
  return command.options.flatMap(({ short, long }) => [short, long].filter((flag) => flag !== undefined));
}
