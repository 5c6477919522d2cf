/** Small parts: words of tools, zip archives, pages of indexes, versions. */
import { deflateRawSync } from 'node:zlib';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isOlder } from '../src/uv/find.ts';
import { pinnedWheel } from '../src/uv/pinned.ts';
import { linkOn } from '../src/uv/simple-index.ts';
import { readZipEntry } from '../src/uv/zip.ts';
import { cleanWords, withoutLogin } from '../src/words.ts';
import { runTool } from '../src/run.ts';

describe('words', () => {
  it('have no colours, folders, logins and warnings', () => {
    const words = cleanWords(
      '\u001B[33mwarning:\u001B[0m something\n\u001B[1;31merror\u001B[0m: Failed at /tmp/x/requirements.txt\r\n  cause: https://u:p%40:@a.example.com/x and sekret in /tmp/x\n\n',
      { folders: ['/tmp/x'], secrets: ['sekret', ''] },
    );
    expect(words).toBe('Failed at requirements.txt\n  cause: https://a.example.com/x and *** in .');
    expect(cleanWords('x'.repeat(10_000))).toHaveLength(6_001);
  });

  it('hold no userinfo of any address', () => {
    const word = fc.stringMatching(/^[A-Za-z0-9%:!$&+,;=._~@-]{1,12}$/);
    fc.assert(
      fc.property(word, (userinfo) => {
        expect(withoutLogin(`see https://${userinfo}@pypi.example.com/simple/a@b`)).toBe(
          'see https://pypi.example.com/simple/a@b',
        );
      }),
    );
    expect(withoutLogin('https://me:pa/ss@pypi.example.com/simple')).toBe('https://pypi.example.com/simple');
    expect(withoutLogin('git+https://host.example.com:8443/x.git@v1')).toBe(
      'git+https://host.example.com:8443/x.git@v1',
    );
  });
});

/** A zip archive of one file, as wheels are. */
function zip(name: string, content: Buffer, method: 0 | 8 | 9): Buffer {
  const data = method === 8 ? deflateRawSync(content) : content;
  const path = Buffer.from(name);
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(method, 4);
  fields.writeUInt32LE(data.length, 14);
  fields.writeUInt32LE(content.length, 18);
  fields.writeUInt16LE(path.length, 22);
  const local = Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), fields, path, data]);
  const central = Buffer.concat([Buffer.from('PK\u0001\u0002\u0014\u0000', 'latin1'), fields, Buffer.alloc(14), path]);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 'latin1');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, central, end]);
}

describe('a zip archive', () => {
  const content = Buffer.from('binary '.repeat(100));

  it('gives the file that is asked for', async () => {
    expect(await readZipEntry(zip('uv.data/scripts/uv', content, 8), '/scripts/uv')).toEqual(content);
    expect(await readZipEntry(zip('uv.data/scripts/uv', content, 0), '/scripts/uv')).toEqual(content);
  });

  it.each([
    ['no archive', Buffer.from('hello'), 'is no zip archive'],
    ['without the file', zip('a', content, 8), 'has no `/scripts/uv` in it'],
    ['of another method', zip('x/scripts/uv', content, 9), 'is compressed in a way'],
    ['cut off', zip('x/scripts/uv', content, 8).subarray(60), 'damaged'],
  ])('%s is refused', async (_, bytes, words) => {
    await expect(readZipEntry(bytes, '/scripts/uv')).rejects.toMatchObject({
      error: { code: 'ARCHIVE_INVALID', words: expect.stringContaining(words) as string },
    });
  });
});

describe('a page of an index', () => {
  const at = new URL('https://pypi.example.com/simple/uv/');

  it('leads to a file, as JSON and as HTML', () => {
    const json = JSON.stringify({ files: [{ filename: 'a.whl', url: '../../files/a.whl#sha256=0' }] });
    expect(linkOn(json, at, 'a.whl')).toBe('https://pypi.example.com/files/a.whl');
    expect(linkOn(json, at, 'b.whl')).toBeNull();
    const html = `<!DOCTYPE html><a data-x="1" href="https://files.example.com/a.whl?x=1&amp;y=2#sha256=0">\n a.whl </a><a href='/b.whl'>b.whl</a>`;
    expect(linkOn(html, at, 'a.whl')).toBe('https://files.example.com/a.whl?x=1&y=2');
    expect(linkOn(html, at, 'b.whl')).toBe('https://pypi.example.com/b.whl');
  });

  it('that is none leads nowhere', () => {
    for (const page of ['{', '{}', '', '<a>a.whl</a>', '<a href="javascript:x">a.whl</a>'])
      expect(linkOn(page, at, 'a.whl')).toBeNull();
  });
});

describe('uv', () => {
  it('is known for the machines that rebake runs on', () => {
    for (const machine of ['x64-glibc', 'x64-musl', 'arm64-glibc', 'arm64-musl'])
      expect(pinnedWheel(machine)).not.toBeNull();
    for (const machine of ['arm64-darwin', 'toString']) expect(pinnedWheel(machine)).toBeNull();
  });

  it('is older or not', () => {
    expect([
      isOlder('0.8.0', '0.8.0'),
      isOlder('0.7.22', '0.8.0'),
      isOlder('0.13.9', '0.8.0'),
      isOlder('1.0.0', '0.8.0'),
    ]).toEqual([false, true, false, false]);
  });
});

describe('a tool', () => {
  it('is ended with all that it started', async () => {
    const stop = new AbortController();
    const running = runTool('/bin/sh', ['-c', 'sleep 600 & wait'], { env: {}, signal: stop.signal });
    stop.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });

  it('that is not there is an error of the system', async () => {
    await expect(runTool('/nowhere/uv', [], { env: {} })).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
