/** What Podman says while it builds becomes steps and lines; and how it says that it failed. */
import type { Progress } from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import { buildFailure } from '../src/build-failure.ts';
import { BuildLog } from '../src/build-log.ts';

const hex = '3f4a'.repeat(16);

function follow(...messages: string[]) {
  const seen: Progress[] = [];
  const log = new BuildLog((progress) => seen.push(progress));
  for (const message of messages) log.take(message);
  const image = log.end();
  const shown = seen.map((one) => (one.type === 'log' ? one.text : one.type === 'step' ? one : one.type));
  return { image, shown, log };
}

describe('output', () => {
  it('has no halves of a character that Podman cut in two, and keeps what a step itself printed', () => {
    expect(follow('日本\uFFFD\uFFFD', '\uFFFDと\n').shown).toEqual(['日本と']);
    expect(follow('a\uFFFDb\n', '\uFFFDc\n').shown).toEqual(['a\uFFFDb', '\uFFFDc']);
  });
});

describe('a build', () => {
  it('counts its steps, prints what they print, and ends in an image', () => {
    const { image, shown } = follow(
      `STEP 1/3: FROM ${hex}\n`,
      'STEP 2/3: USER root\n',
      `--> Using cache ${hex}\n`,
      `--> ${hex.slice(0, 11)}\n`,
      'STEP 3/3: RUN --mount=type=bind,source=.rebake/0,target=/dev/rebake/step ["/bin/sh", "/dev/rebake/step/apt.sh", "curl"]\n',
      'one\ntw',
      'o\n',
      'COMMIT\n',
      `--> ${hex.slice(0, 11)}\n`,
      '[Warning] one or more build args were not consumed: [TARGETARCH]\n',
      `${hex}\n`,
    );
    expect(image).toBe(`sha256:${hex}`);
    expect(shown).toEqual([
      { type: 'step', index: 1, of: 3, name: 'FROM 3f4a3f4a3f4a' },
      { type: 'step', index: 2, of: 3, name: 'USER root' },
      { type: 'step', index: 3, of: 3, name: 'RUN apt.sh curl' },
      'one',
      'two',
    ]);
  });

  it('counts on over stages', () => {
    const { shown } = follow('[1/2] STEP 1/1: FROM a AS one\n', '[2/2] STEP 1/2: FROM b\n', '[2/2] COMMIT\n');
    expect(shown).toEqual([
      { type: 'step', index: 1, name: 'FROM a AS one' },
      { type: 'step', index: 2, name: 'FROM b' },
    ]);
  });

  it('takes for the image what comes last, not what a step printed that looks like one', () => {
    const other = 'ab'.repeat(32);
    const { image, shown } = follow(`${other}\n`, 'more\n', `${hex}\n`);
    expect({ image, shown }).toEqual({ image: `sha256:${hex}`, shown: [other, 'more'] });
    expect(follow('no image\n').image).toBeNull();
  });

  it('ends a line that has no end where Podman itself speaks, and cuts one that has none', () => {
    const { shown } = follow('no end', `--> ${hex}\n`, 'x'.repeat(20_000));
    expect(shown).toEqual(['no end', ...[8_192, 8_192, 3_616].map((length) => 'x'.repeat(length))]);
  });

  it('shows what a terminal would, and lets nothing drive one', () => {
    expect(follow(' 1%\r 50%\r100%\r\n', '\u001b[31mred\u001b[0m\u0007\n').shown).toEqual(['100%', 'red']);
  });
});

describe('a build that failed', () => {
  const version = { text: '4.3.1', major: 4, minor: 3 };
  const failed = (said: string, lastLines: string[] = [], dockerfile = '') =>
    buildFailure(said, { log: { step: 'RUN x', lastLines }, dockerfile, version, host: 'unix:///x' }).error;

  it('because of a step has its exit code and last lines', () => {
    expect(failed('building at STEP "RUN x": while running runtime: exit status 7\n', ['a', 'b'])).toEqual({
      code: 'STEP_FAILED',
      retry: 'never',
      words: 'RUN x: exit code 7\na\nb',
    });
    expect(failed('while running runtime: exit status 1', ['container exited on killed']).words).toMatch(
      /exit code 1 \(killed, probably for want of memory\)/,
    );
  });

  it.each([
    ['building at STEP "COPY a b": no space left on device', 'ENGINE_FULL', 'elsewhere'],
    ['while running runtime: exit status 1', 'ENGINE_FULL', 'elsewhere', ['x: No space left on device']],
    ['committing container: context canceled', 'ENGINE_LOST', 'backoff'],
    ['building at STEP "COPY a b": copier: stat: "/a": no such file or directory', 'BUILD_REFUSED', 'never'],
    [
      'building at STEP "X ": Build error: Unknown instruction: "X" &imagebuilder.Step{Env:"secret"}',
      'BUILD_REFUSED',
      'never',
    ],
  ])('%s is %s', (said, code, retry, lines: string[] = []) => {
    const error = failed(said, lines);
    expect(error).toMatchObject({ code, retry });
    expect(error.words).not.toContain('imagebuilder');
  });

  it('because of a heredoc that this version does not know says so, and a later one does not', () => {
    const said = 'building at STEP "ECHO ": Build error: Unknown instruction: "ECHO"';
    const dockerfile = 'FROM x\nRUN <<EOF\necho\nEOF\n';
    expect(failed(said, [], dockerfile)).toMatchObject({ code: 'STEP_UNSUPPORTED', retry: 'elsewhere' });
    expect(failed(said, [], 'FROM x\nECHO\n')).toMatchObject({ code: 'BUILD_REFUSED' });
    const later = {
      log: { step: '', lastLines: [] },
      dockerfile,
      version: { text: '4.8.0', major: 4, minor: 8 },
      host: 'x',
    };
    expect(buildFailure(said, later).error.code).toBe('BUILD_REFUSED');
  });
});
