// The graph of a fleet for ninja and for make: a stamp for every base, image and publication, and the same requirements files as inputs.
import { baseOf, envName, requirementsPath, type Files } from './fleet.ts';

/** Programs to compare with, and how each is asked for a no-op on its file. */
export const PEERS = {
  ninja: { argv: ['ninja'], debianPackage: 'ninja-build' },
  // Without its built-in rules, which it would try on every requirements file.
  make: { argv: ['make', '-rR', '-s'], debianPackage: 'make' },
} as const;

interface Edge {
  readonly stamp: string;
  readonly needs: readonly string[];
}

/** `build.ninja` and `Makefile` of the fleet with so many envs; both drive the same stamps. */
export function peerFiles(envs: number): Files {
  const edges = edgesOf(envs);
  const goals = edges.filter(({ stamp }) => stamp.endsWith('.published')).map(({ stamp }) => stamp);
  const ninja = [
    'rule stamp',
    '  command = touch $out',
    ...edges.map(({ stamp, needs }) => `build ${stamp}: stamp ${needs.join(' ')}`),
    `build all: phony ${goals.join(' ')}`,
    'default all',
  ];
  const make = [
    '.PHONY: all',
    `all: ${goals.join(' ')}`,
    ...edges.flatMap(({ stamp, needs }) => [`${stamp}: ${needs.join(' ')}`, '\ttouch $@']),
  ];
  return new Map([
    ['build.ninja', `${ninja.join('\n')}\n`],
    ['Makefile', `${make.join('\n')}\n`],
    // Both make the folder of an output only if asked to.
    ['stamps/.keep', ''],
  ]);
}

function edgesOf(envs: number): readonly Edge[] {
  const edges: Edge[] = [
    { stamp: 'stamps/base-python', needs: ['rootfs.tar'] },
    { stamp: 'stamps/base-python-gpu', needs: ['stamps/base-python'] },
  ];
  for (let index = 0; index < envs; index++) {
    const image = `stamps/${envName(index)}.image`;
    edges.push({ stamp: image, needs: [`stamps/base-${baseOf(index)}`, requirementsPath(index)] });
    edges.push({ stamp: `stamps/${envName(index)}.published`, needs: [image] });
  }
  return edges;
}
