/** Which user instructions lend files to a RUN. */
import { expect, it } from 'vitest';
import { mountsFiles } from '../src/index.ts';

const fragment = (text: string) =>
  mountsFiles({ steps: [{ step: 'fragment', place: 'atEnd', text, files: { root: '/', files: [] } }], env: {} });

it.each([
  ['RUN --mount=type=bind,source=a,target=/a cat /a', true],
  ['RUN --mount=target=/a cat /a', true],
  ['RUN --network=none \\\n  --mount=from=x,target=/a cat /a', true],
  ['ONBUILD RUN --mount=target=/a cat /a', true],
  ['RUN --mount=type=secret,id=ca cat /a', false],
  ['RUN --mount=type=cache,target=/a cat /a', false],
  ['COPY a /a', false],
])('%j lends files: %s', (text, lends) => {
  expect(fragment(text)).toBe(lends);
});

it('steps of rebake’s own lend only folders that are named by their contents', () => {
  const files = { root: '/', files: [] };
  expect(
    mountsFiles({ steps: [{ step: 'run', files, mount: '/m', workdir: '/', argv: ['id'], env: {} }], env: {} }),
  ).toBe(false);
});
