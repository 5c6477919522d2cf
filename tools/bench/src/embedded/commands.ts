// Whole processes beside which something of this process has to go on: an index, a proxy. Timed as in `processes.ts`, with the peak of their memory.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from '../processes.ts';

/** What a process took. */
export interface Ended {
  readonly ms: number;
  readonly stdout: string;
}

const TAIL_LINES = 15;

/** Runs to the end. Throws when it fails. */
export async function ended({ argv, cwd, env }: Command): Promise<Ended> {
  const [file, ...args] = argv;
  const start = performance.now();
  const child = spawn(file, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => void out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => void err.push(chunk));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  const ms = performance.now() - start;
  const stdout = Buffer.concat(out).toString('utf8');
  if (code === 0) return { ms, stdout };
  const words = `${Buffer.concat(err).toString('utf8')}\n${stdout}`.trim().split('\n').slice(-TAIL_LINES).join('\n');
  throw new Error(`${argv.slice(0, 4).join(' ')} ended with ${code}:\n${words}`);
}

/** Makes a Node process write the peak of its memory down at its end. `env` is for the process; `read` gives mebibytes afterwards. */
export function memoryProbe(folder: string): { readonly env: Readonly<Record<string, string>>; read(): number } {
  const [hook, result] = [join(folder, 'peak.mjs'), join(folder, 'peak.txt')];
  const script = `import { writeFileSync } from 'node:fs';
process.on('exit', () => writeFileSync(${JSON.stringify(result)}, String(process.resourceUsage().maxRSS)));
`;
  writeFileSync(hook, script);
  return {
    env: { NODE_OPTIONS: `--import=${hook}` },
    // The kernel counts in kibibytes.
    read: () => Number(readFileSync(result, 'utf8')) / 1024,
  };
}
