// Run by `up`: the wheels that every test finds in the shared index. Argument: the folder.
import type { WheelSpec } from './wheel.ts';
import { writeWheel } from './wheel.ts';

// Two versions of a package that something depends on: enough for an install, an upgrade and a pin.
const WHEELS: readonly WheelSpec[] = [
  { name: 'tiny_a', version: '1.0.0' },
  { name: 'tiny_a', version: '1.1.0' },
  { name: 'tiny_b', version: '1.0.0', requires: ['tiny-a>=1.0'] },
  { name: 'tiny_b', version: '2.0.0', requires: ['tiny-a>=1.1'] },
];

const [dir] = process.argv.slice(2);
if (dir === undefined) throw new Error('usage: make-wheels.ts DIR');
for (const spec of WHEELS) writeWheel(dir, spec);
