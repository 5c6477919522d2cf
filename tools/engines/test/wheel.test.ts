// Wheels and their archive: deterministic, and readable by tools that are not ours.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { serveWheels, writeWheel } from '../src/index.ts';
import { wheelBytes } from '../src/wheel.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'rebake-wheel-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const SPEC = { name: 'tiny_a', version: '1.0', requires: ['tiny-b>=2'], ballast: 10 } as const;

test('the same spec gives the same bytes, and an unchanged file is left alone', () => {
  expect(wheelBytes(SPEC)).toEqual(wheelBytes(SPEC));
  const { mtimeNs, ino } = statSync(writeWheel(dir, SPEC), { bigint: true });
  expect(statSync(writeWheel(dir, SPEC), { bigint: true })).toMatchObject({ mtimeNs, ino });
});

test('Python reads the archive and finds every file of RECORD with its hash', () => {
  const script = `
import base64, csv, hashlib, io, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.testzip() is None
rows = list(csv.reader(io.StringIO(z.read('tiny_a-1.0.dist-info/RECORD').decode())))
assert sorted(r[0] for r in rows) == sorted(z.namelist()), rows
for path, digest, size in rows[:-1]:
    data = z.read(path)
    want = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()
    assert (digest, size) == ('sha256=' + want, str(len(data))), path
print(z.read('tiny_a-1.0.dist-info/METADATA').decode())
`;
  const metadata = execFileSync('python3', ['-c', script, writeWheel(dir, SPEC)], { encoding: 'utf8' });
  expect(metadata).toContain('Requires-Dist: tiny-b>=2');
});

test('the index lists projects by normalized name, files with hashes, and nothing outside of its folder', async () => {
  writeWheel(dir, SPEC);
  await using index = await serveWheels(dir);
  const get = async (path: string): Promise<[number, string]> => {
    const response = await fetch(new URL(path, index.indexUrl));
    return [response.status, await response.text()];
  };
  expect(await get('.')).toEqual([200, expect.stringContaining('href="tiny-a/"')]);
  expect(await get('tiny-a/')).toEqual([
    200,
    expect.stringMatching(/files\/tiny_a-1\.0-py3-none-any\.whl#sha256=[0-9a-f]{64}"/),
  ]);
  expect((await get('/files/tiny_a-1.0-py3-none-any.whl'))[0]).toBe(200);
  expect((await get('unknown/'))[0]).toBe(404);
  expect((await get('/files/..%2fetc%2fpasswd'))[0]).toBe(404);
});
