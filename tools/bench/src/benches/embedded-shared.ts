// What is left to do when most of it was done before: the same environment on another base, and one that shares four fifths of its wheels.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Row, Tools } from '../bench.ts';
import { COLD, madeBy, openArena, oursIn, peersIn, REQUIREMENTS, theOne } from '../embedded/arena.ts';
import { unpack } from '../embedded/contents.ts';
import { countingProxy } from '../embedded/counting.ts';
import { copyTo, repositoryAt, type Repository } from '../embedded/repository.ts';
import { enginesFor } from '../engines.ts';

const ROUNDS = 3;
/** Four packages beside the seventeen of the first environment. */
const MORE = [...REQUIREMENTS, 'rich'];
const DONE = 'done';
const BAR = '≤ 0.25 ×, under 1.2 s';

interface Sample {
  readonly ms: number;
  readonly megabytes: number;
}

/** See the title. */
export const embeddedShared: Bench = {
  name: 'embedded-shared',
  title: 'the same environment on another base, and one that shares 80 % of its wheels, beside BuildKit with uv',
  async run(tools: Tools) {
    const { scratch, note } = tools;
    const state = await enginesFor('docker', 'buildkit', 'rootfs', 'plain');
    await using proxy = await countingProxy(state.registries.plain.address);
    await using arena = await openArena(tools, proxy.address);
    const other = otherRootfs(state.rootfs.path, scratch);
    const bases = { python: state.rootfs.path, other };
    const ours = await oursIn(arena, 'zstd', { warm: MORE, bases });
    const env = (requirements: readonly string[], ...on: readonly string[]) => ({
      requirements,
      bytecode: true,
      bases: on,
    });

    // The first environment is there: made, published, known to the state.
    await ours.make(COLD, { one: env(REQUIREMENTS, 'python') });
    const { prefix } = await unpack(ours.repository, await madeBy(ours), ours.base, join(scratch, 'contents'));
    ours.project.save(DONE);
    const at = (path: string): Repository =>
      repositoryAt(arena.registry, ours.bases.repository.replace(/python\/base$/, path));
    const [others, onOther, two] = [at('other/base'), at('other/pyenv-one'), at('python/pyenv-two')];
    const otherBase = await theOne(others);

    const { buildkitUv } = await peersIn(arena, ours, ['buildkitUv'], { warm: MORE, prefix });
    await copyTo(others, otherBase, buildkitUv.repository.repository, 'other');
    const peerImages = new Set((await buildkitUv.repository.images()).map(({ manifest }) => manifest));
    const peerOther = `${arena.registry}/${buildkitUv.repository.repository}:other`;

    const counted = async (make: () => Promise<number>): Promise<Sample> => {
      const before = proxy.sent;
      const ms = await make();
      return { ms, megabytes: (proxy.sent - before) / 1e6 };
    };

    const scenes = [
      {
        what: 'the same environment on another base',
        ours: () => ours.make(DONE, { one: env(REQUIREMENTS, 'python', 'other') }),
        peer: () => buildkitUv.make({ from: peerOther, bytecode: true }),
        forget: () => onOther.forgetAllBut(otherBase),
      },
      {
        what: 'another environment, 80 % of its wheels shared',
        ours: () => ours.make(DONE, { one: env(REQUIREMENTS, 'python'), two: env(MORE, 'python') }),
        peer: () => buildkitUv.make({ requirements: MORE, bytecode: true }),
        forget: () => two.forgetAllBut(ours.base),
      },
    ];
    const rows: Row[] = [];
    for (const scene of scenes) {
      note(scene.what);
      const own: Sample[] = [];
      const theirs: Sample[] = [];
      for (let round = -1; round < ROUNDS; round++) {
        const a = await counted(scene.ours);
        const b = await counted(scene.peer);
        await scene.forget();
        for (const { manifest } of await buildkitUv.repository.images())
          if (!peerImages.has(manifest)) await dropped(buildkitUv.repository.repository, arena.registry, manifest);
        if (round < 0) continue;
        own.push(a);
        theirs.push(b);
      }
      const row = (what: string, unit: 'ms' | 'MB', of: (sample: Sample) => number, bar: string | null): Row => ({
        what: `${scene.what}${what}`,
        unit,
        ours: { what: 'rebake apply --lock', samples: own.map(of) },
        peer: { what: buildkitUv.what, samples: theirs.map(of) },
        compare: { by: 'times' },
        bar,
      });
      rows.push(
        row('', 'ms', ({ ms }) => ms, BAR),
        row(', sent', 'MB', ({ megabytes }) => megabytes, null),
      );
    }
    return rows;
  },
};

async function dropped(repository: string, registry: string, manifest: string): Promise<void> {
  await fetch(`http://${registry}/v2/${repository}/manifests/${manifest}`, { method: 'DELETE' });
}

/** The same root file system with one file more. */
function otherRootfs(path: string, scratch: string): string {
  const folder = join(scratch, 'other');
  mkdirSync(join(folder, 'etc'), { recursive: true });
  writeFileSync(join(folder, 'etc/other'), 'other\n');
  const tar = join(scratch, 'other.tar');
  copyFileSync(path, tar);
  execFileSync('tar', ['--append', '--file', tar, '--owner=0', '--group=0', '-C', folder, 'etc/other']);
  return tar;
}
