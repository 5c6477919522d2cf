/** docs/reference/cli.md, from the program itself: what it documents is what runs. */
import { EXIT, EXIT_MEANS, program, type Io } from '@rebake/cli';
import type { Argument, Command, Option } from 'commander';
import { code, GENERATED, page, table } from './markdown.ts';

/** The page. */
export function cliPage(): string {
  const root = rebakeProgram();
  return page([
    GENERATED,
    '# The command line',
    root.description(),
    '## For every command',
    optionsTable(root),
    ...leaves(root).flatMap((command) => commandBlocks(command)),
    '## Exit codes',
    table(['code', 'meaning'], exitRows()),
  ]);
}

/** The program, with an Io that goes nowhere: it is only looked at. */
export function rebakeProgram(): Command {
  const nothing = (): void => undefined;
  const io: Io = {
    cwd: '.',
    env: {},
    terminal: null,
    colors: false,
    ask: null,
    signal: new AbortController().signal,
    out: nothing,
    err: nothing,
    bytes: async () => {},
    redraw: nothing,
  };
  return program(io, nothing);
}

/** Commands that can be run, with the commands that only hold others left out. */
export function leaves(command: Command): readonly Command[] {
  return command.commands.flatMap((one) => (one.commands.length > 0 ? leaves(one) : [one]));
}

/** `rebake state rm`. */
export function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`;
}

function commandBlocks(command: Command): readonly string[] {
  const words = command.registeredArguments.map(argumentText);
  const usage = [nameOf(command), ...(command.options.length > 0 ? ['[options]'] : []), ...words].join(' ');
  return [
    `## ${nameOf(command)}`,
    sentence(command.description()),
    `\`\`\`\n${usage}\n\`\`\``,
    command.registeredArguments.length === 0
      ? ''
      : table(
          ['argument', 'what it is'],
          command.registeredArguments.map((one) => [code(argumentText(one)), one.description]),
        ),
    optionsTable(command),
  ];
}

function argumentText(argument: Argument): string {
  const name = argument.name() + (argument.variadic ? '...' : '');
  return argument.required ? `<${name}>` : `[${name}]`;
}

function optionsTable(command: Command): string {
  const options = command.options.filter(({ hidden }) => !hidden);
  return options.length === 0 ? '' : table(['option', 'what it does', 'default'], options.map(optionRow));
}

function optionRow(option: Option): readonly string[] {
  const choices = option.argChoices === undefined ? '' : `: ${option.argChoices.map(code).join(', ')}`;
  const needed = option.mandatory ? ' (needed)' : '';
  const value: unknown = option.defaultValue;
  const isNothing = value === undefined || (Array.isArray(value) && value.length === 0);
  return [
    code(option.flags),
    option.description + choices + needed,
    isNothing ? '' : code(typeof value === 'string' ? value : JSON.stringify(value)),
  ];
}

function exitRows(): readonly (readonly string[])[] {
  const names = Object.keys(EXIT) as (keyof typeof EXIT)[];
  return names.map((name) => [code(String(EXIT[name])), EXIT_MEANS[name]]);
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
