// Wheels that are made to do harm, or are broken: each is refused, and nothing of it is anywhere.
import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { pythonEnvLayers } from '../src/index.ts';
import { createRig, failureOf, request, type Rig } from './support/rig.ts';
import { makeWheel, wheelFileName, type WheelOptions } from './support/wheel.ts';
import type { ZipEntry } from './support/zip.ts';

let rig: Rig;
beforeEach(() => void (rig = createRig()));
afterEach(async () => rig.close());

const good: ZipEntry = { name: 'demo/__init__.py', content: 'value = 1\n' };
const bytes = (content: string): number => content.length;

const WHEELS: Readonly<Record<string, WheelOptions | Buffer>> = {
  'leads outside': { files: [good, { name: '../evil.py', content: 'x' }] },
  'leads outside (deep inside of a path)': { files: [good, { name: 'demo/../../evil.py', content: 'x' }] },
  'is absolute': { files: [good, { name: '/etc/evil', content: 'x' }] },
  'is absolute (as on Windows)': { files: [good, { name: 'C:evil.py', content: 'x' }] },
  'has a backslash': { files: [good, { name: 'demo\\evil.py', content: 'x' }] },
  'has control characters': { files: [good, { name: 'demo/a\0b.py', content: 'x' }] },
  'has control characters (a line)': { files: [good, { name: 'demo/a\nb.py', content: 'x' }] },
  'is not in its shortest form': { files: [good, { name: 'demo/./b.py', content: 'x' }] },
  'is not in its shortest form (empty)': { files: [good, { name: 'demo//b.py', content: 'x' }] },
  'is there twice': { files: [good, good] },
  'is there twice (spelled in two ways)': { files: [{ name: 'demo/caf\u00e9.py' }, { name: 'demo/cafe\u0301.py' }] },
  'is a file and a folder': { files: [good, { name: 'demo', content: 'x' }] },
  'is a symbolic link': { files: [good, { name: 'demo/link', content: '/etc/passwd', mode: 0o120777 }] },
  'is neither a file nor a folder': { files: [good, { name: 'demo/null', mode: 0o020666 }] },
  'is encrypted': { files: [good, { name: 'demo/secret.py', content: 'x', says: { flags: 1 } }] },
  'is compressed by a method': { files: [{ ...good, says: { method: 12 } }] },
  'does not fit its checksum': { files: [{ ...good, says: { crc: 1 } }] },
  'does not fit its hash in RECORD': {
    record: (rows) => rows.map((row) => row.replace(/^(demo\/__init__\.py),sha256=.{4}/, '$1,sha256=AAAA')),
  },
  'has no hash that counts': {
    record: (rows) => rows.map((row) => row.replace(/^(demo\/__init__\.py),sha256=/, '$1,md5=')),
  },
  'is not in its RECORD': { record: (rows) => rows.filter((row) => !row.startsWith('demo/__init__')) },
  'has another size in RECORD': {
    record: (rows) => rows.map((row) => row.replace(/^(demo\/__init__.*),10$/, '$1,11')),
  },
  'RECORD cannot be read': { record: (rows) => [...rows, '"open'] },
  'has not the size that the directory says (more)': {
    files: [{ name: 'demo/__init__.py', content: 'x'.repeat(5000), says: { size: 10 } }],
    record: (rows) => rows.map((row) => row.replace(/,5000$/, ',10')),
  },
  'has not the size that the directory says (less)': {
    files: [{ name: 'demo/__init__.py', content: 'x', says: { size: 10 } }],
    record: (rows) => rows.map((row) => row.replace(/^(demo\/__init__.*),1$/, '$1,10')),
  },
  'a zip bomb': { files: [good, { name: 'demo/zeros', content: Buffer.alloc(96 << 20) }] },
  'entries in the same place': {
    files: [good, { name: 'demo/again.py', content: 'value = 1\n', sharesWith: 'demo/__init__.py' }],
  },
  'another name in its own header': { files: [{ ...good, says: { localName: 'demo/__other__.py' } }] },
  'more than one .dist-info': { files: [good, { name: 'other-1.0.dist-info/METADATA', content: 'x' }] },
  'calls it something else': { metadata: 'Name: other\nVersion: 1.0\n' },
  'is another version': { metadata: 'Name: demo\nVersion: 2.0\n' },
  'is a wheel of version 2': { wheelVersion: '2.0' },
  'for a place that wheels do not know': { files: [good, { name: 'demo-1.0.data/system/evil', content: 'x' }] },
  "replaces the environment's own python": { files: [good, { name: 'demo-1.0.data/scripts/python', content: 'x' }] },
  "replaces the environment's own pyvenv.cfg": {
    files: [good, { name: 'demo-1.0.data/data/pyvenv.cfg', content: 'x' }],
  },
  'is no entry point': { entryPoints: '[console_scripts]\ndemo = demo:main; import os\n' },
  'is no entry point (leads outside)': { entryPoints: '[console_scripts]\n../../evil = demo:main\n' },
  'is cut off': makeWheel().subarray(0, bytes(makeWheel().toString('latin1')) - 40),
  'is no archive': Buffer.from('no archive at all, but long enough for the end of one to be looked for'),
};

test.each(Object.entries(WHEELS))('%s', async (_, wheel) => {
  const made = Buffer.isBuffer(wheel) ? wheel : makeWheel(wheel);
  const failed = await failureOf(pythonEnvLayers(request([rig.lock(wheelFileName(), made)]), rig.means));
  expect(failed).toMatch(/^WHEEL_INVALID: demo-1\.0-py3-none-any\.whl: ./);
  expect(failed).not.toContain('undefined');
  expect(readdirSync(rig.dir)).toEqual(['cache', 'wheels']);
});

test('says of each what is wrong with it', async () => {
  const words: string[] = [];
  for (const [name, wheel] of Object.entries(WHEELS)) {
    const made = Buffer.isBuffer(wheel) ? wheel : makeWheel(wheel);
    const failed = await failureOf(pythonEnvLayers(request([rig.lock(wheelFileName(), made)]), rig.means));
    words.push(`${name} → ${failed.replace(/^WHEEL_INVALID: demo-1\.0-py3-none-any\.whl: /, '')}`);
  }
  await expect(`${words.join('\n')}\n`).toMatchFileSnapshot('golden/hostile.txt');
});

test('takes the same wheel when nothing is wrong with it', async () => {
  const layers = await pythonEnvLayers(request([rig.lock(wheelFileName(), makeWheel())]), rig.means);
  expect([...(await rig.read(layers)).keys()]).toContain('opt/env/lib/python3.11/site-packages/demo/__init__.py');
});
