// Many environments over few wheels: what they cost together, and how much memory that takes.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { writeWheel } from '@rebake/tool-engines';
import type { Bench, Row, Tools } from '../bench.ts';
import { ended, memoryProbe } from '../embedded/commands.ts';
import { createProject, type Env } from '../embedded/project.ts';
import { enginesFor } from '../engines.ts';

const WHEELS = 60;
const WHEELS_AN_ENV = 12;
const BALLAST_BYTES = 2 << 20;
const FEW = 50;
const MANY = 200;
const ROUNDS = 3;
/** Without a factor in common with the number of wheels. */
const STRIDES = [1, 7, 11, 13];

/** See the title. */
export const embeddedMany: Bench = {
  name: 'embedded-many',
  title: `${FEW} and ${MANY} environments over the same ${WHEELS} wheels, none made before`,
  async run({ root, scratch, note }: Tools) {
    const state = await enginesFor('rootfs', 'plain');
    const folder = join(scratch, 'tools');
    await ended({ argv: ['python3', '-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, 'uv', 'pip'] });
    const wheels = join(scratch, 'wheels');
    mkdirSync(wheels);
    for (let i = 0; i < WHEELS; i++)
      writeWheel(wheels, { name: `tiny_${i}`, version: '1.0', code: `x = "${randomText()}"`, ballast: BALLAST_BYTES });
    await ended({
      argv: ['python3', '-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', wheels, 'pip'],
    });
    await using index = await indexOf(root, wheels);

    const mark = randomBytes(4).toString('hex');
    const probe = memoryProbe(scratch);
    const project = createProject({
      root,
      dir: join(scratch, 'ours'),
      url: `${state.registries.plain.address}/bench-${mark}`,
      compression: 'gzip',
      bases: { python: state.rootfs.path },
      uv: join(folder, 'bin/uv'),
      env: { PIP_INDEX_URL: index.url, PIP_FIND_LINKS: '' },
    });
    project.declare({});
    await project.run(['apply', '--auto-approve']);
    for (const count of [FEW, MANY]) {
      note(`locking ${count} environments`);
      project.declare(envs(count));
      await project.run(['lock']);
      project.save(String(count));
    }
    const samples = { [FEW]: [] as number[], [MANY]: [] as number[] };
    const peaks = { [FEW]: [] as number[], [MANY]: [] as number[] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const count of [FEW, MANY] as const) {
        note(`${count} environments, ${round + 1} of ${ROUNDS}`);
        project.restore(String(count));
        // Where nobody has published any of them: else they would be adopted.
        project.declare(envs(count), `${state.registries.plain.address}/bench-${mark}-${count}-${round}`);
        const { ms, stdout } = await project.run(['apply', '--auto-approve', '--json'], probe.env);
        const built = stdout.split('\n').filter((line) => line.includes('"outcome":"built"')).length;
        if (built !== count) throw new Error(`${built} of ${count} environments were built`);
        samples[count].push(ms);
        peaks[count].push(probe.read());
      }
    }
    const row = (what: string, unit: Row['unit'], ours: readonly number[], more: Partial<Row>): Row => ({
      what,
      unit,
      ours: { what: 'rebake apply', samples: ours },
      peer: null,
      compare: null,
      bar: null,
      ...more,
    });
    return [
      row(`${MANY} environments`, 'ms', samples[MANY], {
        peer: { what: `${FEW} environments`, samples: samples[FEW] },
        compare: { by: 'times' },
        bar: `far below ${MANY / FEW} ×`,
      }),
      row('one environment more', 'ms', samples[MANY], {
        peer: { what: `${FEW} environments`, samples: samples[FEW] },
        compare: { by: 'difference', per: MANY - FEW, of: 'an environment' },
      }),
      row(`peak memory, ${MANY} environments`, 'MiB', peaks[MANY], {
        peer: { what: `${FEW} environments`, samples: peaks[FEW] },
        compare: { by: 'times' },
        bar: '≤ 477 MiB (500 MB)',
      }),
    ];
  },
};

/** No two are alike: each begins at another wheel, or goes on in other steps. */
function envs(count: number): Record<string, Env> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, env) => {
      const stride = STRIDES[Math.floor(env / WHEELS)] ?? 1;
      const requirements = Array.from({ length: WHEELS_AN_ENV }, (__, i) => `tiny-${(env + i * stride) % WHEELS}`);
      return [`env-${env}`, { requirements, bytecode: false, bases: ['python'] }];
    }),
  );
}

function randomText(): string {
  return randomBytes(64 << 10).toString('base64');
}

interface Index extends AsyncDisposable {
  readonly url: string;
}

/** In a process of its own: what is measured must not wait for us. */
async function indexOf(root: string, wheels: string): Promise<Index> {
  const port = await freePort();
  const server = spawn(process.execPath, [join(root, 'tools/engines/src/wheel-server.ts'), String(port), wheels], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await new Promise((resolve) => server.stdout.once('data', resolve));
  return {
    url: `http://127.0.0.1:${port}/simple/`,
    async [Symbol.asyncDispose]() {
      const gone = new Promise((resolve) => server.once('close', resolve));
      server.kill();
      await gone;
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
