// Specs for the tests of Dockerfile rendering: one a step or feature, each with what it is built from.
import type { Digest, FileSet, ImageSpec, Step } from '../src/index.ts';
import type { Ground } from '../src/index.ts';
import { digestOfBytes } from '../src/index.ts';

export const PARENT: Ground = { parent: 'registry.example:5000/base/python@sha256:' + 'a'.repeat(64), froms: {} };
export const NO_PARENT: Ground = { parent: null, froms: {} };
export const NO_FILES: FileSet = { root: '/nowhere', files: [] };

export const digest = (text: string): Digest => digestOfBytes(text);

/** A set of files whose contents are their paths; `*` at the end marks executables. */
export function files(...paths: string[]): FileSet {
  return {
    root: '/home/someone/fleet',
    files: paths.map((path) => ({
      path: path.replace(/\*$/, ''),
      digest: digest(path),
      exec: path.endsWith('*'),
    })),
  };
}

export function spec(steps: readonly Step[], rest: Partial<ImageSpec> = {}): ImageSpec {
  return { steps, env: {}, ...rest };
}

interface Case {
  readonly spec: ImageSpec;
  readonly ground: Ground;
}

const pinned = `registry.example/python@sha256:${'b'.repeat(64)}`;
const tools = `registry.example/tools@sha256:${'c'.repeat(64)}`;

export const USER_DOCKERFILE = `# escape=\\
ARG VERSION=3.11
FROM --platform=linux/amd64 python:\${VERSION} AS build
COPY requirements.txt /tmp/
RUN --mount=type=bind,from=tools:1,target=/tools \\
    # a comment in between
    pip install -r /tmp/requirements.txt
FROM scratch AS empty
from build
COPY --from=empty / /nothing/
COPY --from=tools:1 /bin/tool /usr/local/bin/
RUN echo "FROM nowhere" \\`;

/** By name of the golden file. */
export const CASES: Readonly<Record<string, Case>> = {
  rootfs: { ground: NO_PARENT, spec: spec([{ step: 'rootfs', files: files('images/bookworm "1".tar') }]) },
  dockerfile: {
    ground: { parent: null, froms: { 'python:3.11': pinned, 'tools:1': tools } },
    spec: spec(
      [
        {
          step: 'dockerfile',
          text: USER_DOCKERFILE,
          files: files('requirements.txt', 'bin/run*'),
          froms: ['python:3.11', 'tools:1'],
        },
        { step: 'system-packages', family: 'debian', names: ['libgomp1'] },
      ],
      { user: 'someone' },
    ),
  },
  'dockerfile-alone': {
    ground: { parent: null, froms: { 'python:3.11': pinned } },
    spec: spec([{ step: 'dockerfile', text: 'FROM python:3.11\nUSER 1000', files: NO_FILES, froms: ['python:3.11'] }]),
  },
  'dockerfile-backtick': {
    ground: { parent: null, froms: { 'python:3.11': pinned } },
    spec: spec(
      [
        { step: 'dockerfile', text: '# escape=`\r\nFROM python:3.11\r\n', files: NO_FILES, froms: ['python:3.11'] },
        { step: 'user', name: 'someone', uid: 500, gid: 500, home: '/home/someone' },
      ],
      { env: { TRICKY: 'a \\ b ` c " d $e' } },
    ),
  },
  fragment: {
    ground: PARENT,
    spec: spec([
      {
        step: 'fragment',
        place: 'at start',
        text: '\nUSER nobody\r\nCOPY certs/ /opt/certs/',
        files: files('certs/a.pem'),
      },
      {
        step: 'fragment',
        place: 'after packages',
        text: 'RUN echo one && \\\n    echo two \\\n# the end\n\n',
        files: NO_FILES,
      },
      { step: 'fragment', place: 'at end', text: '# nothing but a comment', files: NO_FILES },
    ]),
  },
  'system-packages-debian': {
    ground: PARENT,
    spec: spec([
      {
        step: 'system-packages',
        family: 'debian',
        names: ['libgomp1', 'g++', 'libc6:amd64', 'curl=7.88.1-10+deb12u8'],
      },
    ]),
  },
  'system-packages-rhel': {
    ground: PARENT,
    spec: spec([{ step: 'system-packages', family: 'rhel', names: ['libgomp', 'python3.11', '@development-tools'] }]),
  },
  user: {
    ground: PARENT,
    spec: spec([{ step: 'user', name: 'dataiku', uid: 500, gid: 500, home: '/home/dataiku' }], {
      user: 'dataiku',
      workdir: '/home/dataiku',
    }),
  },
  'python-env': {
    ground: PARENT,
    spec: spec([
      {
        step: 'python-env',
        prefix: '/opt/code-env',
        interpreter: '3.11',
        packages: {
          requirements: [
            'pandas==2.2.3',
            'scikit-learn>=1.3,<1.5; python_version >= "3.8"',
            'pkg @ file:///$HOME;`id`',
          ],
        },
        bytecode: false,
      },
    ]),
  },
  'python-env-bytecode': {
    ground: PARENT,
    spec: spec([
      {
        step: 'python-env',
        prefix: '/opt/code-env',
        interpreter: '3.9',
        packages: { requirements: [] },
        bytecode: true,
      },
    ]),
  },
  'r-packages-cran': {
    ground: PARENT,
    spec: spec([{ step: 'r-packages', library: '/opt/R/lib', from: 'cran', names: ['dplyr', 'data.table'] }]),
  },
  'r-packages-debian': {
    ground: PARENT,
    spec: spec([{ step: 'r-packages', library: '/unused', from: 'debian', names: ['dplyr', 'RJSONIO'] }]),
  },
  copy: {
    ground: PARENT,
    spec: spec([
      { step: 'copy', files: files('b/file', 'a/tool*', 'weird $name "x"'), to: '/opt/kit', owner: 'root:0' },
      { step: 'copy', files: files('x'), to: '/opt/my kit/$v', owner: '500' },
      { step: 'copy', files: NO_FILES, to: '/opt/empty', owner: 'root' },
    ]),
  },
  run: {
    ground: PARENT,
    spec: spec([
      {
        step: 'run',
        files: files('resources_init.py'),
        mount: '/run/resources',
        workdir: '/opt/code-env',
        argv: ['bin/python', '/run/resources/resources_init.py', '$HOME; echo `id`', 'two\nlines'],
        env: { HF_HOME: '/opt/models', A: 'b c' },
      },
      { step: 'run', files: NO_FILES, mount: '/unused', workdir: '/', argv: ['ldconfig'], env: {} },
    ]),
  },
  config: {
    ground: PARENT,
    spec: spec([], {
      env: { PYTHONPATH: '/opt/python', TRICKY: 'a "b" $c ${d} \\ \'e\' # é\t', EMPTY: '', PATH: '/a:/b' },
      buildEnv: { PYTHONPATH: '', R_LIBS_USER: '', ONLY_BUILD: 'x' },
      user: 'dataiku:root',
      workdir: '/home/data iku',
      entrypoint: ['/opt/bin/python', '-m', 'runner', '"$x"'],
    }),
  },
};
