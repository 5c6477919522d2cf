/** Runs the real command line in a temporary project, in this process, with a fake engine, a clock of its own, and ids that count. */
import { mkdtempSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { run, type Io } from '../src/index.ts';
import { fakeEngine, type Clock, type FakeEngine } from './fake-builder.ts';
import type { TestRegistry } from './registry.ts';

/** What a command line came to. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What was drawn in place, one block after the other; null: the last one was left as it is. */
  readonly frames: readonly (string | null)[];
  /** What went to standard output as bytes. */
  readonly bytes: Buffer;
}

/** How a command is run. */
export interface RunOptions {
  /** The person at the terminal; absent: nobody is there. */
  readonly ask?: (question: string) => Promise<string>;
  readonly signal?: AbortSignal;
  /** Width of the terminal; absent: output goes to a file or a pipe. */
  readonly columns?: number;
  readonly colors?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  /** Whether builders are those that the declaration names, instead of the fake one. */
  readonly realBuilders?: boolean;
}

/** A project in a temporary folder; `using` removes it. */
export interface Rig extends Disposable {
  readonly dir: string;
  readonly engine: FakeEngine;
  readonly clock: Clock;
  path(name: string): string;
  write(path: string, text: string | Uint8Array): void;
  read(path: string): string;
  /** Writes a file anew with one text in the place of another that must be there. */
  edit(path: string, from: string, to: string): void;
  /** Runs `rebake ARGS`, split at spaces. */
  rebake(args: string, options?: RunOptions): Promise<Ran>;
}

/** Time between two commands. */
const PAUSE_MS = 3_600_000;

/** Makes a project of these files. Registries stand under their labels in files and in output. */
export function rig(
  files: Readonly<Record<string, string | Uint8Array>>,
  registries: readonly TestRegistry[] = [],
): Rig {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'rebake-cli-')));
  let time = Date.parse('2026-01-01T00:00:00Z');
  let ids = 0;
  const clock: Clock = { now: () => time, pass: (ms) => void (time += ms) };
  const engine = fakeEngine(clock);
  const path = (name: string): string => join(dir, name);
  const write = (name: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(path(name)), { recursive: true });
    const text = typeof content === 'string' ? hostsFor(content, registries) : content;
    writeFileSync(path(name), text);
  };
  const read = (name: string): string => shown(readFileSync(path(name), 'utf8'));
  const shown = (text: string): string => labelsFor(text.replaceAll(dir, '$DIR'), registries);
  for (const [name, content] of Object.entries(files)) write(name, content);
  return {
    dir,
    engine,
    clock,
    path,
    write,
    read,
    edit(name, from, to) {
      const before = read(name);
      if (!before.includes(from)) throw new Error(`${name} has no ${JSON.stringify(from)}`);
      write(
        name,
        before.replace(from, () => to),
      );
    },
    async rebake(args, options = {}) {
      clock.pass(PAUSE_MS);
      const frames: (string | null)[] = [];
      let out = '';
      let err = '';
      const bytes: Buffer[] = [];
      const io: Io = {
        cwd: dir,
        env: { HOME: dir, ...options.env },
        terminal: options.columns === undefined ? null : { columns: options.columns },
        colors: options.colors === true,
        signal: options.signal ?? new AbortController().signal,
        ask: options.ask ?? null,
        out: (text) => void (out += text),
        err: (text) => void (err += text),
        bytes: async (chunk) => void bytes.push(Buffer.from(chunk)),
        redraw: (block) => void frames.push(block === null ? null : shown(block)),
        given: {
          now: () => clock.now(),
          randomId: () => `id-${++ids}`,
          ...(options.realBuilders === true ? {} : { builders: { docker: engine.builder } }),
        },
      };
      const words = hostsFor(args, registries).split(' ');
      const code = await run(
        words.filter((word) => word !== ''),
        io,
      );
      return { code, out: shown(out), err: shown(err), frames, bytes: Buffer.concat(bytes) };
    },
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

function hostsFor(text: string, registries: readonly TestRegistry[]): string {
  return registries.reduce((result, { label, host }) => result.replaceAll(label, host), text);
}

function labelsFor(text: string, registries: readonly TestRegistry[]): string {
  return registries.reduce((result, { label, host }) => result.replaceAll(host, label), text);
}
