/** Log files: one a node and run, `RUNS/RUN/NODE.log`, mode 0600. The runs of long ago are removed. */
import { digestOfBytes } from '@rebake/sdk';
import type { NodeId } from '@rebake/sdk';
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** How many runs keep their logs and history. */
export const RUNS_KEPT = 50;

/** The log of one node in one run. The file is made with the first line. */
export interface NodeLog {
  /** Path of the file once something was written. */
  readonly path: string | null;
  write(text: string): void;
  close(): void;
}

/** Opens logs of one run. A log that cannot be written (a full disk) never stops a build: it ends there. */
export function createRunLogs(runsDir: string, run: string): { open(node: NodeId): NodeLog } {
  const folder = join(runsDir, fileSafe(run));
  return {
    open(node) {
      let file: number | null = null;
      let path: string | null = null;
      let broken = false;
      return {
        get path() {
          return path;
        },
        write(text) {
          if (broken || text === '') return;
          try {
            if (file === null) {
              mkdirSync(folder, { recursive: true, mode: 0o700 });
              const name = join(folder, `${logName(node)}.log`);
              file = openSync(name, 'a', 0o600);
              path = name;
            }
            writeSync(file, text.endsWith('\n') ? text : `${text}\n`);
          } catch {
            broken = true;
          }
        },
        close() {
          if (file !== null) closeSync(file);
          file = null;
          broken = true;
        },
      };
    },
  };
}

/** A file name that shows the node and is no other node's, on file systems that ignore case too. */
export function logName(node: string): string {
  return `${fileSafe(node).slice(0, 120)}-${digestOfBytes(node).slice('sha256:'.length, 'sha256:'.length + 12)}`;
}

/** Removes the logs of all but the newest {@link RUNS_KEPT} runs. */
export function pruneLogs(runsDir: string): void {
  let names: string[];
  try {
    names = readdirSync(runsDir);
  } catch {
    return;
  }
  const runs = names.map((name) => ({ name, at: modified(join(runsDir, name)) }));
  runs.sort((a, b) => b.at - a.at || (a.name < b.name ? 1 : -1));
  for (const { name } of runs.slice(RUNS_KEPT)) rmSync(join(runsDir, name), { recursive: true, force: true });
}

function modified(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function fileSafe(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._@-]+/g, '-').replace(/^[.-]+/, '') || '-';
}
