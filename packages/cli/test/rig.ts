/** Runs the real command line in a temporary project, in this process, with a fake engine, a clock that ticks, and ids that count. */
import { mkdtempSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { STEP_VERSIONS } from '@rebake/sdk';
import { run, type Io } from '../src/index.ts';
import { fakeEngine, type FakeEngine } from './fake-builder.ts';

/** What a command line came to. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** A project in a temporary folder; `using` removes it. */
export interface Rig extends Disposable {
  readonly dir: string;
  readonly engine: FakeEngine;
  write(path: string, text: string): void;
  read(path: string): string;
  /** Runs `rebake ARGS`. */
  rebake(args: string, options?: { readonly answers?: readonly string[]; readonly signal?: AbortSignal }): Promise<Ran>;
}

const STEPS = Object.entries(STEP_VERSIONS).map(([name, version]) => `${name}@${version}`);

/** Makes a project of these files. */
export function rig(files: Readonly<Record<string, string>>): Rig {
  const dir = mkdtempSync(join(tmpdir(), 'rebake-cli-'));
  const engine = fakeEngine(STEPS);
  let time = Date.parse('2026-01-01T00:00:00Z');
  let ids = 0;
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  for (const [path, text] of Object.entries(files)) write(path, text);
  return {
    dir,
    engine,
    write,
    read: (path) => readFileSync(join(dir, path), 'utf8'),
    async rebake(args, { answers, signal } = {}) {
      const asked = [...(answers ?? [])];
      let out = '';
      let err = '';
      const io: Io = {
        cwd: dir,
        env: { HOME: dir },
        terminal: null,
        colors: false,
        signal: signal ?? new AbortController().signal,
        ask: answers === undefined ? null : async () => asked.shift() ?? '',
        out: (text) => void (out += text),
        err: (text) => void (err += text),
        redraw() {},
        given: { now: () => (time += 1000), randomId: () => `id-${++ids}`, builders: { docker: engine.builder } },
      };
      const code = await run(
        args.split(' ').filter((part) => part !== ''),
        io,
      );
      // Temporary names differ from run to run; nothing else may.
      return { code, out: out.replaceAll(dir, '$DIR'), err: err.replaceAll(dir, '$DIR') };
    },
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** A small fleet without registries: publications go into the fake engine. */
export const FLEET: Readonly<Record<string, string>> = {
  'rebake.yaml': `version: 1
release: { version: 14.1.1, kit: ./kit }
baseImages:
  python: { type: container-exec, from: { rootfs: ./rootfs.tar }, python: ["3.11"] }
containerConfigs:
  cpu: { engine: docker, base: python }
codeEnvs:
  glm: { language: python, interpreter: "3.11", packages: { file: glm.txt }, containerConfigs: all, jupyter: true }
  soup: { language: python, interpreter: "3.11", packages: [beautifulsoup4], containerConfigs: [cpu] }
builders: { default: docker }
`,
  'glm.txt': '# what glm needs\nglum==3.1.2\nscipy\n',
  'rootfs.tar': 'not really a tar, and nobody here looks inside',
  'kit/dss-version.json': '{"product_version": "14.1.1"}\n',
  'kit/python/dataiku/__init__.py': '__version__ = "14.1.1"\n',
};
