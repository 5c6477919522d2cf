/** Every diagnostic that arises when a declaration meets the world, through the command that gives it. */
import { describe, expect, it } from 'vitest';
import { LIBRARY_DIAGNOSTICS } from '@rebake/rebake';
import { declaration, toldToPeople } from './declarations.ts';
import { failingUv } from './fake-uv.ts';
import { FLEET } from './fleets.ts';
import { copyToLayout } from './layout-copy.ts';
import { plugin } from './plugin-cases.ts';
import { rig, type Rig } from './rig.ts';

type Code = (typeof LIBRARY_DIAGNOSTICS)[number]['code'];

interface Case {
  readonly command: string;
  /** With the declaration's own file first; {@link FLEET} where none are given. */
  readonly files?: Readonly<Record<string, string>>;
  readonly before?: (project: Rig) => unknown;
  /** What its uv answers: an exit code, and words. */
  readonly uv?: readonly [code: number, words: string];
  /** Where it is told to be. */
  readonly place?: string;
  readonly exit?: number;
  readonly message: string;
  readonly help?: string;
}

const ENVS = `{ glm: { language: python, interpreter: "3.11", containerConfigs: [cpu] } }`;
const withEnvs = (codeEnvs: string, more: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> => ({
  'rebake.yaml': declaration({
    containerConfigs: '{ cpu: { engine: docker, base: python }, gpu: { engine: docker, base: python } }',
    codeEnvs,
    ...more,
  }),
});

/** A sound declaration whose state is kept by a plugin. */
const withState = (store: string): Readonly<Record<string, string>> => ({
  'rebake.yaml': declaration({ plugins: '[./mine.js]', state: '{ type: bucket }' }),
  'mine.js': plugin(`stores: { bucket: { options: any, ${store} } }`),
});

const CASES: Readonly<Record<Code, Case>> = {
  OBSERVATION_UNKNOWN: {
    command: 'plan',
    // Nobody listens on port 1.
    files: withEnvs(ENVS, {
      baseImages: '{ python: { type: container-exec, from: { image: "127.0.0.1:1/debian:12" }, python: ["3.11"] } }',
    }),
    place: 'rebake.yaml:4:53',
    message: 'connect ECONNREFUSED 127.0.0.1:1',
  },
  BUILDER_UNKNOWN: {
    command: 'plan',
    before: ({ engine }) => (engine.reachable = false),
    place: 'rebake.yaml:4:11',
    message: '`base/python#linux/amd64` (and 5 more): connect ECONNREFUSED fake.sock',
    help: 'Start the engine',
  },
  BUILDER_CANNOT: {
    command: 'plan',
    before: ({ engine }) => (engine.steps = ['rootfs@1', 'user@1', 'copy@1', 'run@1']),
    place: 'rebake.yaml:4:11',
    message: 'python-env@2',
  },
  PLUGIN_NAME: {
    command: 'plugin new ../up',
    message: '`../up` cannot name a plugin package',
    help: 'Use lower-case letters',
  },
  FOLDER_NOT_EMPTY: {
    command: 'plugin new rebake-kiln --dir .',
    message: 'is there and not empty',
    help: 'Name another folder with `--dir`.',
  },
  STORE_FAILED: {
    command: 'state list',
    files: withState('open: async () => { throw new Error("connection refused"); }'),
    place: 'rebake.yaml:8:16',
    message: 'The state `bucket` cannot be opened: connection refused',
    help: 'Make it reachable',
  },
  STORE_BROKEN: {
    command: 'show',
    files: withState(
      'open: async () => new Proxy({}, { get: (_, name) => name === "then" ? undefined : async () => 7 })',
    ),
    place: 'rebake.yaml:8:16',
    message: 'The state `bucket`: it answered with a state without a lineage',
  },
  TARGET_UNKNOWN: {
    command: 'plan --target gml',
    message: 'there is no node `gml`',
    help: 'Did you mean `env/python/glm@python#linux/amd64`?',
  },
  TARGET_AMBIGUOUS: {
    command: 'apply --rebuild base',
    files: {
      ...FLEET,
      'rebake.yaml': `${FLEET['rebake.yaml']}`.replace(
        'codeEnvs:',
        '  gpu: { engine: docker, base: python, repository: gpu }\ncodeEnvs:',
      ),
    },
    message: '`base` means several nodes: `publication/engine/gpu/base`, `publication/engine/python/base`',
  },
  PLAN_FILE_UNREADABLE: { command: 'apply rebake.yaml', message: '`rebake.yaml`: it is not JSON' },
  FILES_REFUSED: { command: 'plan --out nowhere/x.plan', message: 'ENOENT: no such file or directory' },
  CONFIRMATION_NEEDED: { command: 'apply', message: 'nobody here can approve this plan', help: '--auto-approve' },
  UNKNOWN_WORKLOAD: {
    command: 'resolve --config cpu --workload cobol',
    message: 'there is no workload `cobol`',
    help: 'It is one of python-recipe',
  },
  UNKNOWN_ENV: {
    command: 'resolve --env gml --config cpu',
    message: 'There is no code env `gml`',
    help: 'Did you mean `glm`?',
  },
  NOT_BUILT: {
    command: 'resolve --env glm --config cpu',
    exit: 10,
    message: '`publication/engine/python/pyenv-glm` was never published',
  },
  OUT_OF_DATE: {
    command: 'resolve --env glm --config cpu',
    before: async (project) => {
      await project.rebake('apply --auto-approve');
      project.edit('glm.txt', '3.1.2', '3.1.3');
    },
    exit: 11,
    message: '`env/python/glm@python#linux/amd64` is not as declared: the image is an older one',
    help: '`rebake why env/python/glm@python#linux/amd64` says why; `rebake apply` mends it.',
  },
  NOT_SELECTED: {
    command: 'resolve --env glm --config gpu',
    files: withEnvs(ENVS),
    exit: 12,
    message: 'The code env `glm` is not selected for the container config `gpu`',
    help: 'Add `gpu` to its `containerConfigs`, or use `cpu`.',
  },
  INCOMPATIBLE: {
    command: 'resolve --env glm --config cpu',
    files: withEnvs('{ glm: { language: python, deployment: design-non-managed } }'),
    exit: 13,
    message: 'The code env `glm` cannot run in containers (ENV_NON_MANAGED)',
  },
  NO_JUPYTER: {
    command: 'resolve --env soup --config cpu --workload python-notebook',
    exit: 14,
    message: 'The code env `soup` has no Jupyter support',
  },
  WRONG_LANGUAGE: {
    command: 'resolve --env glm --config cpu --workload r-recipe',
    exit: 15,
    message: '`r-recipe` needs an R env, and `glm` is a Python env',
  },
  PRUNE_LAYOUTS_LEFT: {
    command: 'prune',
    before: async (project) => {
      await project.rebake('apply --auto-approve');
      await copyToLayout(project);
      project.write('rebake.yaml', 'version: 1\n');
    },
    exit: 0,
    message: 'the images of this project are left as they are',
    help: 'rebake validate',
  },
  EXPORT_NOT_HERE: {
    command: 'export base/python --output base.tar',
    place: 'rebake.yaml:4:11',
    message: '`base/python#linux/amd64` was not built yet',
    help: 'rebake apply',
  },
  EXPORT_ZSTD: {
    command: 'export base/python --output base.tar',
    before: async (project) => {
      await project.rebake('apply --auto-approve');
      await copyToLayout(project, 'zstd');
    },
    exit: 0,
    message: 'Docker 20.10 and older cannot load',
    help: '--compression gzip',
  },
  LOCK_UNRESOLVABLE: {
    command: 'lock glm',
    uv: [1, 'error: No solution found\n  cause: Because glum==3.1.2 depends on scipy<1 and you require scipy>=1'],
    place: 'rebake.yaml:8:59',
    message: 'no versions of its packages fit `env/python/glm`: No solution found: Because glum==3.1.2',
    help: 'then run `rebake lock glm`',
  },
  LOCK_TOOL_FAILED: {
    command: 'lock glm',
    uv: [2, 'error: Failed to fetch: `https://me:pw@pypi.example.com/simple/glum/`'],
    place: 'rebake.yaml:8:59',
    message: '`env/python/glm` could not be locked: Failed to fetch: `https://pypi.example.com/simple/glum/`',
  },
  LOCK_TOOL_MISSING: {
    command: 'lock',
    message: '`REBAKE_UV` names /nowhere/uv, which does not say that it is uv',
    help: 'Install uv, or name it with `REBAKE_UV`',
  },
  LOCK_UNKNOWN: {
    command: 'lock gml',
    message: 'there is nothing to lock that is called `gml`',
    help: 'Did you mean `glm`?',
  },
  LOCK_DUE: {
    command: 'lock --check soup',
    place: 'rebake.yaml:9:60',
    message: 'the lock `pylock.soup.toml` of `env/python/soup` is missing',
    help: 'Run `rebake lock soup`.',
  },
  NO_ENTRY: { command: 'state rm glm', message: 'the state has no entry of `glm`', help: 'rebake state list' },
};

describe('every diagnostic of the library is told by a command', () => {
  it.each(Object.entries(CASES))(
    '%s',
    async (code, { command, files = FLEET, before, uv, place, exit = 1, message, help }) => {
      using project = rig(files);
      await before?.(project);
      const env = { REBAKE_UV: uv === undefined ? '/nowhere/uv' : failingUv(project, ...uv) };
      const ran = await project.rebake(command, { env });
      const told = toldToPeople(ran);
      expect(told.map(({ brief }) => brief)).toEqual([place === undefined ? code : `${code} ${place}`]);
      expect(told[0]?.message).toContain(message);
      expect(told[0]?.help).toContain(help ?? '');
      expect(ran.code).toBe(exit);
    },
  );

  it('has a case for each row of the table', () => {
    expect(Object.keys(CASES).toSorted()).toEqual(LIBRARY_DIAGNOSTICS.map(({ code }) => code as string).toSorted());
  });
});
