/** What several commands share: options of the project, values of flags, output of diagnostics. */
import { resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import type { Diagnostic } from '@rebake/sdk';
import type { ProjectOptions, SessionOptions } from '@rebake/rebake';
import type { Io } from '../io.ts';
import { diagnosticsText } from '../render/diagnostics.ts';

/** Options that every command takes, given before or after its name. */
export interface GlobalFlags {
  readonly file?: string;
  readonly chdir?: string;
}

/** The project that a command works on. */
export function projectOptions(command: Command, io: Io): ProjectOptions & SessionOptions {
  const flags = command.optsWithGlobals<GlobalFlags>();
  return {
    cwd: resolve(io.cwd, flags.chdir ?? '.'),
    env: io.env,
    signal: io.signal,
    ...io.given,
    ...(flags.file === undefined ? {} : { config: flags.file }),
  };
}

/** Adds `--refresh [true|false]` and `--no-refresh`. */
export function withRefresh(command: Command): Command {
  return command
    .option(
      '--refresh [true|false]',
      'look at engines and registries first; false trusts the state',
      parseBoolean,
      true,
    )
    .option('--no-refresh', 'the same as --refresh=false');
}

/** Adds `--target` and `--rebuild`, both repeatable. */
export function withNodes(command: Command): Command {
  return command
    .option(
      '--target <node>',
      'only this node and what it needs; NODE+ takes what stands on it along (repeatable)',
      collect,
      [],
    )
    .option('--rebuild <node>', 'build this node again whatever its inputs say (repeatable)', collect, [])
    .option('--prune', 'delete what nodes left that are no longer declared, instead of only forgetting them');
}

/** Flags of {@link withRefresh} and {@link withNodes}. */
export interface PlanFlags {
  readonly refresh: boolean;
  readonly target: readonly string[];
  readonly rebuild: readonly string[];
  readonly prune?: true;
}

/** The same as options of the library. */
export function planOptions(flags: PlanFlags): {
  targets: readonly string[];
  rebuild: readonly string[];
  refresh: 'all' | 'none';
  vanished: 'forget' | 'delete';
} {
  return {
    targets: flags.target,
    rebuild: flags.rebuild,
    refresh: flags.refresh ? 'all' : 'none',
    vanished: flags.prune === true ? 'delete' : 'forget',
  };
}

/** Diagnostics: on standard error for people; as one JSON document on standard output where a program asked. */
export function reportDiagnostics(diagnostics: readonly Diagnostic[], io: Io, format: 'people' | 'json'): void {
  if (format === 'json') io.out(`${JSON.stringify({ formatVersion: 1, diagnostics })}\n`);
  else io.err(diagnosticsText(diagnostics, io));
}

/** Collects a repeatable option. */
export function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

/** `true` or `false`, as terraform's flags take them. */
export function parseBoolean(value: string): boolean {
  if (value === 'true') return true;
  if (value === 'false') return false;
  throw new InvalidArgumentError('It is neither true nor false.');
}
