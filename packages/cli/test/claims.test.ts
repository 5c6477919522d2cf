/** What is said of images that somebody else has made, as a plan and a run show it. */
import { describe, expect, it } from 'vitest';
import type { Action, Image, NodeId } from '@rebake/sdk';
import { plainReporter } from '../src/render/progress.ts';
import { painter } from '../src/render/style.ts';
import { treeText } from '../src/render/tree.ts';
import type { Io } from '../src/index.ts';

const GLM = 'env/python/glm@exec#linux/amd64' as NodeId;
const NOTE = 'built by DSS 14.3.2 on 2026-11-01';

const glm: Image = {
  id: GLM,
  kind: 'env image',
  role: 'image',
  inputs: {},
  parents: [],
  because: [],
  spec: { steps: [], env: {} },
  platform: 'linux/amd64',
  builder: 'dss',
};

/** The line of a plan. */
function planned(unverified: readonly string[]): string {
  const action: Action = {
    node: GLM,
    atMost: 'adopt',
    ifChanged: [],
    reasons: [{ cause: { code: 'NEVER_BUILT', because: [] }, path: [GLM] }],
    claim: { note: NOTE, unverified },
    after: [],
    entry: null,
  };
  const name = (): string => 'env/python/glm@exec';
  return treeText({
    nodes: [glm],
    actions: [action],
    heading: () => null,
    name,
    blocked: new Map(),
    paint: painter(false),
  });
}

/** The line of a run. */
function settled(unverified: readonly string[]): string {
  let out = '';
  const io: Io = {
    cwd: '/',
    env: {},
    terminal: null,
    colors: false,
    ask: null,
    signal: new AbortController().signal,
    out: (text) => void (out += text),
    err: () => {},
    bytes: async () => {},
    redraw: () => {},
  };
  const reporter = plainReporter({ io, name: () => 'glm', now: () => 0, isWork: () => true, verbose: false });
  const time = '2026-01-01T00:00:00.000Z';
  const claim = { note: NOTE, unverified };
  const end = { type: 'node-settled', node: GLM, outcome: 'adopted', ms: 0, identity: null, claim } as const;
  reporter.event({ formatVersion: 1, run: 'r', seq: 1, time, ...end });
  return out;
}

describe('an image that somebody else has made', () => {
  it('stands in the plan with what is said of it instead of that it is new', () => {
    expect(planned([])).toMatch(new RegExp(`adopt {5}${NOTE}\\n$`));
    expect(planned(['its packages', 'its base'])).toContain(`adopt     ${NOTE} (not verified: its packages, its base)`);
  });

  it('is told in the same words when it was adopted', () => {
    expect(settled([])).toBe(`adopted   glm  ${NOTE}  0.0s\n`);
    expect(settled(['its packages'])).toBe(`adopted   glm  ${NOTE} (not verified: its packages)  0.0s\n`);
  });
});
