/** Processes of an image's interpreter that compile, one a core, for as long as there is something to compile. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { availableParallelism } from 'node:os';
import type { Readable, Writable } from 'node:stream';
import { LAYER_TIME } from '@rebake/layers';
import { startFailure, type Runnable } from '../interpreter/extract.ts';
import { DRIVER } from './driver.ts';
import { canonicalMarshal } from './marshal.ts';

export interface Compiler {
  /** The file of bytecode for a source; null when it does not compile. `path`: absolute, in the image. */
  compile(path: string, source: Uint8Array): Promise<Buffer | null>;
  /** Ends the processes. What is still asked for fails. */
  close(): void;
}

/** Enough for a process to have the next source when it has answered. */
const AHEAD = 3;
const NOTHING = 0xffffffff;

/** Nothing is started before the first call. */
export function createCompiler(
  runnable: Runnable,
  version: string,
  processes: number = availableParallelism(),
): Compiler {
  const [, minor = 0] = version.split('.').map(Number);
  const headerSize = minor >= 7 ? 16 : 12;
  const workers: Worker[] = [];
  const queue: Job[] = [];
  let problem: Error | null = null;
  let isClosed = false;

  const fail = (thrown: unknown): void => {
    problem ??= startFailure(version, thrown);
    for (const job of [...queue.splice(0), ...workers.flatMap((worker) => worker.jobs.splice(0))]) job.reject(problem);
    for (const { child } of workers) child.kill('SIGKILL');
  };

  const feed = (): void => {
    for (let job = queue[0]; job !== undefined; job = queue[0]) {
      let least = workers.toSorted((a, b) => a.jobs.length - b.jobs.length)[0];
      if ((least === undefined || least.jobs.length > 0) && workers.length < processes) {
        least = start(runnable, fail, feed);
        workers.push(least);
      }
      if (least === undefined || least.jobs.length >= AHEAD) return;
      queue.shift();
      least.jobs.push(job);
      least.child.stdin.write(job.head);
      least.child.stdin.write(job.source);
    }
  };

  return {
    async compile(path, source) {
      if (isClosed) throw new Error('the compiler was closed');
      if (problem !== null) throw problem;
      const name = Buffer.from(path);
      const head = Buffer.alloc(8 + name.length);
      head.writeUInt32BE(name.length, 0);
      head.writeUInt32BE(source.length, 4);
      name.copy(head, 8);
      const answer = await new Promise<Buffer | null>((resolve, reject) => {
        queue.push({ head, source, resolve, reject });
        feed();
      });
      if (answer === null) return null;
      const body = canonicalMarshal(answer.subarray(headerSize), minor);
      return body === null ? null : Buffer.concat([answer.subarray(0, headerSize), body]);
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      const left = [...queue.splice(0), ...workers.flatMap((worker) => worker.jobs.splice(0))];
      for (const job of left) job.reject(new Error('the compiler was closed'));
      for (const { child } of workers) {
        child.removeAllListeners('exit');
        child.stdin.end();
        child.kill('SIGKILL');
      }
    },
  };
}

interface Job {
  readonly head: Buffer;
  readonly source: Uint8Array;
  readonly resolve: (answer: Buffer | null) => void;
  readonly reject: (reason: Error) => void;
}

interface Worker {
  readonly child: ChildProcessByStdio<Writable, Readable, Readable>;
  /** Asked for, in order. */
  readonly jobs: Job[];
}

/** What is said when it dies: so much of its last words. */
const MAX_WORDS = 2000;

function start(runnable: Runnable, fail: (thrown: unknown) => void, feed: () => void): Worker {
  const [program, ...first] = runnable.command;
  const child = spawn(program, [...first, '-s', '-S', '-B', '-W', 'ignore', '-c', DRIVER, String(LAYER_TIME)], {
    cwd: runnable.folder,
    // Nothing of this process's environment. Hashes of strings decide the order in sets.
    env: { PYTHONHASHSEED: '0', PYTHONHOME: runnable.home, PYTHONNOUSERSITE: '1', LC_ALL: 'C.UTF-8' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const jobs: Job[] = [];
  let words = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (words = (words + text).slice(-MAX_WORDS)));
  child.on('error', fail);
  child.stdin.on('error', () => undefined);
  child.on('exit', (code, signal) => fail(new Error(words.trim() || `it ended with ${signal ?? code}`)));
  let parts: Buffer[] = [];
  let size = 0;
  let wanted = -1;
  child.stdout.on('data', (part: Buffer) => {
    parts.push(part);
    size += part.length;
    let isFed = false;
    while (size >= (wanted < 0 ? 4 : wanted)) {
      let all = parts.length === 1 ? (parts[0] ?? part) : Buffer.concat(parts);
      if (wanted < 0) {
        wanted = all.readUInt32BE(0);
        all = all.subarray(4);
      }
      const isNothing = wanted === NOTHING;
      const length = isNothing ? 0 : wanted;
      if (all.length >= length) {
        jobs.shift()?.resolve(isNothing ? null : all.subarray(0, length));
        all = all.subarray(length);
        wanted = -1;
        isFed = true;
      }
      parts = [all];
      size = all.length;
      if (wanted >= 0 && size < wanted) break;
    }
    if (isFed) feed();
  });
  return { child, jobs };
}
