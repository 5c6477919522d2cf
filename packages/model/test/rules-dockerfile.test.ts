import { readDockerfile as readAsRenderer } from '@rebake/image';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readFragment } from '../src/dockerfile-fragment.ts';
import { readDockerfile } from '../src/dockerfile.ts';

const read = (text: string, more: { args?: Record<string, string>; target?: string } = {}) =>
  readDockerfile(text, { platform: 'linux/amd64', ...more });
const refs = (text: string, more: { args?: Record<string, string>; target?: string } = {}): string[] =>
  read(text, more).references.map((one) => one.ref);
const codes = (text: string): string[] => read(text).problems.map((one) => `${one.code} ${one.line}`);

describe('what a Dockerfile is built from', () => {
  it('follows FROM, COPY --from and mounts, but no stages and not scratch', () => {
    const text = [
      'FROM golang:1.22 AS Build',
      'RUN --mount=type=bind,from=busybox:1,target=/b true',
      'FROM build as more',
      'FROM scratch',
      'COPY --from=build /a /a',
      'COPY --chown=0:0 --from=0 /a /a',
      'COPY --from=registry.example.com/tools:2 /t /t',
    ].join('\n');
    expect(refs(text)).toEqual(['golang:1.22', 'busybox:1', 'registry.example.com/tools:2']);
    expect(codes(text)).toEqual([]);
  });

  it('fills in arguments, their defaults, and the platform', () => {
    expect(refs('ARG V=12 D="debian"\nARG T=$V-slim\nFROM ${D}:${T}')).toEqual(['debian:12-slim']);
    expect(refs('ARG V=12\nFROM debian:$V', { args: { V: '13' } })).toEqual(['debian:13']);
    expect(refs('FROM a:${X:-1}${TARGETARCH:+-}$TARGETARCH')).toEqual(['a:1-amd64']);
    expect(read('FROM --platform=$TARGETPLATFORM a').text).toBe('FROM --platform=linux/amd64 a\n');
    expect(read('FROM --platform=linux/arm64 a').references[0]?.platform).toBe('linux/arm64');
  });

  it('writes references out, so that whoever pins them finds them in the text', () => {
    expect(read('ARG V=12\nFROM \\\n  debian:$V \\\n  AS x\nRUN true').text).toBe(
      'ARG V=12\nFROM debian:12 AS x\nRUN true\n',
    );
    expect(read('ARG V\nFROM a:$V', { args: { V: '1' } }).text).toBe('ARG V="1"\nFROM a:1\n');
    expect(read('FROM a\nARG K=1', { args: { K: 'a"$b\\' } }).text).toBe('FROM a\nARG K="a\\"\\$b\\\\"\n');
  });

  it('stops after the target', () => {
    const text = 'FROM a AS one\nRUN x\nFROM b AS two\nRUN y\n';
    expect(read(text, { target: 'ONE' }).text).toBe('FROM a AS one\nRUN x\n');
    expect(refs(text, { target: '0' })).toEqual(['a']);
    expect(read(text, { target: 'three' }).problems[0]?.code).toBe('DOCKERFILE_INVALID');
  });

  it('reads past comments, heredocs, continuations and another escape', () => {
    expect(refs('FROM a\nRUN <<EOF cat\nFROM b\nEOF\nCOPY <<-"X" <<Y /to/\nFROM c\n\tX\nFROM d\nY\n')).toEqual(['a']);
    expect(refs('FROM a\nRUN echo \\\n# FROM b\n\n  && FROM c')).toEqual(['a']);
    expect(refs('# escape=`\nFROM `\n a\nRUN dir C:\\\nFROM b')).toEqual(['a', 'b']);
    expect(refs('FROM a\nRUN echo "<<" <<<EOF\nFROM b')).toEqual(['a', 'b']);
  });

  it.each([
    ['', 'DOCKERFILE_INVALID 1'],
    ['RUN x\nFROM a', 'DOCKERFILE_INVALID 1'],
    ['FROM a\nRUN x \\', 'DOCKERFILE_INVALID 2'],
    ['FROM a\nRUN <<E\nx', 'DOCKERFILE_INVALID 2'],
    ['ARG V\nFROM a:$V', 'DOCKERFILE_REFERENCE_UNKNOWN 2'],
    ['FROM a:$V', 'DOCKERFILE_REFERENCE_UNKNOWN 1'],
    ['ARG V\nFROM a:${V:-1}', 'DOCKERFILE_REFERENCE_UNKNOWN 2'],
    ['ARG V=x\nFROM a:${V#y}', 'DOCKERFILE_REFERENCE_UNKNOWN 2'],
    ['FROM --platform=$BUILDPLATFORM a', 'DOCKERFILE_REFERENCE_UNKNOWN 1'],
    ['FROM --platform=windows/amd64 a', 'DOCKERFILE_REFERENCE_UNKNOWN 1'],
    ['FROM a\nCOPY --from=$X /a /a', 'DOCKERFILE_REFERENCE_UNKNOWN 2'],
    ['FROM a\nFROM --platform=linux/arm64 a', 'DOCKERFILE_REFERENCE_UNKNOWN 2'],
    ['FROM UPPER', 'BAD_REFERENCE 1'],
    ['# syntax=docker/dockerfile:1\nFROM a', 'DOCKERFILE_FRONTEND 1'],
  ])('%j: %s', (text, expected) => {
    expect(codes(text)).toEqual([expected]);
  });

  it('never crashes, and what it has written out reads the same', { timeout: 60_000 }, () => {
    const word = fc.constantFrom(
      'FROM',
      'ARG',
      'COPY',
      '--from=',
      'a',
      '$V',
      '${V:-b}',
      '\\',
      '\n',
      '\n',
      ' ',
      '<<E',
      'E',
      '#',
      '"',
      '=',
      'AS',
      'scratch',
      '--platform=',
    );
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), (words) => {
        const first = read(words.join(''));
        if (first.problems.length > 0) return;
        const found = first.references.map((one) => one.ref);
        expect(read(first.text).references.map((one) => one.ref)).toEqual(found);
        // Whoever renders the step has to find the same references in the text, to pin them.
        const pinned = readAsRenderer(first.text).references.map((one) => one.reference);
        expect(new Set(pinned)).toEqual(new Set(found));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('fragments', () => {
  it.each([
    ['FROM a', 'FRAGMENT_HAS_FROM 1'],
    ['RUN x\n  from a', 'FRAGMENT_HAS_FROM 2'],
    ['RUN a \\', 'FRAGMENT_UNFINISHED 1'],
    ['RUN a \\\n\n# b\n', 'FRAGMENT_UNFINISHED 1'],
    ['RUN <<E\nFROM a', 'FRAGMENT_UNFINISHED 1'],
    ['COPY --from=a /x /x', 'FRAGMENT_REFERENCE 1'],
    ['RUN --mount=type=bind,from=a,target=/a x', 'FRAGMENT_REFERENCE 1'],
    ['ONBUILD RUN <<E\nx', 'FRAGMENT_UNFINISHED 1'],
  ])('%j: %s', (text, expected) => {
    expect(readFragment(text).problems.map((one) => `${one.code} ${one.line}`)).toEqual([expected]);
  });

  it('lists what it copies', () => {
    const text =
      'COPY --chown=0 certs/ "my file" /opt/\nADD ["a b", "/x"]\nADD https://example.com/x /x\nCOPY <<E /y\nE\nRUN x';
    expect(readFragment(text).sources).toEqual([
      { path: 'certs/', line: 1 },
      { path: 'my file', line: 1 },
      { path: 'a b', line: 2 },
    ]);
  });
});
