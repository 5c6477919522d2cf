// Bytecode is made once for each wheel and interpreter, in order, within bounds, and not at all once nobody wants it.
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Digest } from '@rebake/image';
import { openBytecode, type Bytecode } from '../src/layer/bytecode.ts';
import { createGate } from '../src/layer/gate.ts';
import type { PlannedFile, PlannedWheel } from '../src/wheel/layout.ts';
import { createRig, type Rig } from './support/rig.ts';

let rig: Rig;
beforeEach(() => void (rig = createRig()));
afterEach(async () => rig.close());

const digest = (digit: string): Digest => `sha256:${digit.repeat(64)}`;

function plan(...names: readonly string[]): PlannedWheel {
  const files = names.map((name): PlannedFile => {
    const bytes = Buffer.from(name);
    return {
      path: `lib/${name}.py`,
      mode: 0o644,
      size: bytes.length,
      hash: '',
      bytes: async () => Promise.resolve(bytes),
      whole: async () => Promise.resolve(bytes),
    };
  });
  return {
    files,
    record: () => ({
      path: 'RECORD',
      mode: 0o644,
      size: 0,
      hash: '',
      bytes: async () => Promise.resolve(new Uint8Array()),
      whole: async () => Promise.resolve(new Uint8Array()),
    }),
  };
}

interface Run {
  readonly compiled: string[];
  open(
    plans: readonly PlannedWheel[],
    wheels: readonly Digest[],
    more?: {
      readonly id?: Digest;
      readonly room?: number;
      readonly prefix?: string;
      readonly sources?: readonly (readonly PlannedFile[])[];
    },
  ): Promise<Bytecode>;
}

function start(): Run {
  const compiled: string[] = [];
  return {
    compiled,
    open: async (
      plans,
      wheels,
      { id = digest('1'), room = 1 << 20, prefix = '/env', sources = plans.map(({ files }) => files) } = {},
    ) =>
      openBytecode(
        {
          cache: rig.cache,
          paths: { prefix, interpreter: '3.11' },
          wheels: wheels.map((one) => ({ digest: one })),
          signal: rig.means.signal,
        },
        {
          compiler: {
            compile: async (path, source) => {
              compiled.push(path);
              const text = Buffer.from(source).toString();
              return Promise.resolve(text.startsWith('bad') ? null : Buffer.from(`code of ${text}`));
            },
            close: () => undefined,
          },
          id,
          room: createGate(room),
        },
        sources,
        plans,
      ),
  };
}

async function readAll(bytecode: Bytecode, count: number): Promise<readonly (string | null)[]> {
  const all: (string | null)[] = [];
  for (let i = 0; i < count; i++) {
    const made = await bytecode.next();
    all.push(made?.bytes.toString() ?? null);
    made?.written();
  }
  await bytecode.keep();
  await bytecode.stop();
  return all;
}

test('a wheel is compiled once, whatever layer it is in', async () => {
  const first = start();
  const expected = ['code of a', null, 'code of c'];
  expect(await readAll(await first.open([plan('a', 'bad', 'c')], [digest('a')]), 3)).toEqual(expected);
  expect(first.compiled).toHaveLength(3);
  const second = start();
  const both = await second.open([plan('x'), plan('a', 'bad', 'c')], [digest('b'), digest('a')]);
  expect(await readAll(both, 4)).toEqual(['code of x', ...expected]);
  expect(second.compiled).toEqual(['/env/lib/x.py']);
});

test.each([{ id: digest('2') }, { prefix: '/other' }])(
  'for another interpreter or prefix it is compiled again',
  async (more) => {
    await readAll(await start().open([plan('a')], [digest('a')]), 1);
    const again = start();
    await readAll(await again.open([plan('a')], [digest('a')], more), 1);
    expect(again.compiled).toHaveLength(1);
  },
);

test('of a wheel that another one replaces in part nothing is kept', async () => {
  const whole = plan('a', 'b');
  await readAll(await start().open([whole], [digest('a')], { sources: [whole.files.slice(0, 1)] }), 1);
  const again = start();
  await readAll(await again.open([whole], [digest('a')]), 2);
  expect(again.compiled).toHaveLength(2);
});

test('nothing is kept of what was stopped halfway, and room is given back', async () => {
  const halfway = start();
  const bytecode = await halfway.open([plan('a', 'b', 'c')], [digest('a')], { room: 3 });
  (await bytecode.next())?.written();
  await bytecode.stop();
  const again = start();
  await readAll(await again.open([plan('a', 'b', 'c')], [digest('a')]), 3);
  expect(again.compiled).toHaveLength(3);
});

test('no more is made ahead than there is room for', async () => {
  const run = start();
  const bytecode = await run.open([plan('a', 'b', 'c', 'd')], [digest('a')], { room: 6 });
  const first = await bytecode.next();
  expect(run.compiled.length).toBeLessThanOrEqual(2);
  first?.written();
  expect(await readAll(bytecode, 3)).toEqual(['code of b', 'code of c', 'code of d']);
});

test('a gate lets through in the order of asking, and what is too large alone', async () => {
  const gate = createGate(2);
  const order: string[] = [];
  const enter = async (name: string, cost: number): Promise<() => void> => {
    const leave = await gate.enter(cost, rig.means.signal);
    order.push(name);
    return leave;
  };
  const leaveFirst = await enter('first', 2);
  const large = enter('large', 5);
  const last = enter('last', 1);
  expect(order).toEqual(['first']);
  leaveFirst();
  const leaveLarge = await large;
  expect(order).toEqual(['first', 'large']);
  leaveLarge();
  (await last)();
  expect(order).toEqual(['first', 'large', 'last']);
});

test('whoever gives up waiting makes way', async () => {
  const gate = createGate(1);
  const leave = await gate.enter(1, rig.means.signal);
  const stop = new AbortController();
  const waiting = gate.enter(1, stop.signal);
  const next = gate.enter(1, rig.means.signal);
  stop.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  leave();
  (await next)();
});
