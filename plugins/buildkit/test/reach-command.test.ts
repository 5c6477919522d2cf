/** What is asked of the user's ssh and kubectl, and what is made of those that talk about something else. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';
import { connectTo, parseAddress } from '../src/reach/index.ts';
import { look } from './reach-kit.ts';

const folder = mkdtempSync(join(tmpdir(), 'rebake-reach-'));
afterAll(() => rmSync(folder, { recursive: true }));
const env = { PATH: `${folder}:${process.env['PATH']}` };

/** Puts a script in the place of a tool. */
function fake(tool: string, script: string): void {
  writeFileSync(join(folder, tool), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, tool), 0o755);
}

/** The arguments that a tool is given for an address. */
async function argumentsFor(tool: string, at: string): Promise<string[]> {
  // Three bytes and the type of a frame: what comes first is looked at.
  fake(tool, `printf 'xxx\\004'; printf '%s\\n' "$@"`);
  const address = parseAddress(at);
  if ('error' in address) throw new Error(address.error);
  return (await text(await connectTo(address, { env })())).slice(4).trimEnd().split('\n');
}

describe('kubectl', () => {
  it('is asked to run the client in the pod, and gets nothing that it could take for another option', async () => {
    expect(await argumentsFor('kubectl', 'kube-pod://buildkit-0')).toEqual(
      'exec --stdin buildkit-0 -- buildctl dial-stdio'.split(' '),
    );
    expect(await argumentsFor('kubectl', 'kube-pod://b?namespace=ci&context=a:b/c&container=d')).toEqual(
      '--context=a:b/c --namespace=ci exec --stdin --container=d b -- buildctl dial-stdio'.split(' '),
    );
  });

  it.each([
    ['echo \'Error from server (NotFound): pods "b" not found\' >&2; exit 1', 'backoff', /pods "b" not found/],
    ['echo "error: You must be logged in to the server (Unauthorized)" >&2; exit 1', 'never', /must be logged in/],
    ['echo \'Error from server (Forbidden): pods "b" is forbidden\' >&2; exit 1', 'never', /is forbidden/],
    ['echo "Unable to connect to the server: dial tcp: i/o timeout" >&2; exit 1', 'backoff', /Unable to connect/],
    ['echo "command terminated with exit code 127" >&2; exit 127', 'never', /exit code 127/],
    ['exit 1', 'backoff', /kubectl ended with exit code 1/],
  ])('that fails says why: %s', async (script, retry, words) => {
    fake('kubectl', script);
    expect(await look('kube-pod://b', { env })).toEqual({
      code: 'ENGINE_UNREACHABLE',
      retry,
      words: expect.stringMatching(words),
    });
  });
});

describe('ssh', () => {
  it('is asked to run the client over there, for a socket that is named', async () => {
    expect((await argumentsFor('ssh', 'ssh://me@build:22')).slice(-3)).toEqual(['--', 'build', 'buildctl dial-stdio']);
    expect((await argumentsFor('ssh', 'ssh://build/run/b.sock')).at(-1)).toBe(
      'buildctl --addr unix:///run/b.sock dial-stdio',
    );
  });

  it.each(['ssh://build', 'kube-pod://b'])(
    'that greets people before it connects is told from a daemon: %s',
    async (at) => {
      for (const tool of ['ssh', 'kubectl']) fake(tool, 'printf "Welcome to build!\\nPRI * HTTP/2.0\\n"; cat');
      expect(await look(at, { env })).toEqual({
        code: 'ENGINE_UNREACHABLE',
        retry: 'never',
        words: `${at} answers with something else than BuildKit: Welcome to build!`,
      });
    },
  );
});
