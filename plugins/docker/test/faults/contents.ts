/** Faults in what is built: identities, layers, config, steps and files. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { digestOfBytes } from '@rebake/image';
import type { Digest, Output, Step } from '@rebake/image';
import type { Builder } from '@rebake/sdk';
import { withJob, withSteps, withFiles, oneFile } from './fault.ts';
import type { Fault } from './fault.ts';

const BUILD = ['rootfs', 'candidate', 'identity', 'on-parent', 'again', 'two-keys', 'no-facts'].map(
  (id) => `build/${id}`,
);
const CONFIG = ['as-in-spec', 'verbatim', 'inherited', 'build-env', 'root-while-building'].map((id) => `config/${id}`);
const CONTEXTS = ['ignore-files', 'undeclared', 'alike', 'moved', 'missing', 'symlinks'].map((id) => `contexts/${id}`);

/** Faults of this kind. */
export const contents: readonly Fault[] = [
  {
    that: 'does a step that it does not list',
    asked: ['steps/copy', 'steps/user'],
    fails: ['steps/user'],
    breaks: (good) => ({
      ...good,
      async probe(ctx) {
        const can = await good.probe(ctx);
        return { ...can, steps: can.steps.filter((step) => !step.startsWith('user@')) };
      },
    }),
  },
  {
    that: 'leaves links out',
    asked: ['steps/copy', 'steps/link'],
    fails: ['steps/link'],
    breaks: (good) =>
      withJob(good, (job) => ({
        ...job,
        spec: { ...job.spec, steps: job.spec.steps.filter(({ step }) => step !== 'link') },
      })),
  },
  {
    that: 'has an identity of its own making',
    asked: BUILD,
    fails: ['build/identity'],
    breaks: withOtherIdentities,
  },
  {
    that: 'writes the key into the image',
    asked: BUILD,
    fails: ['build/no-facts'],
    breaks: (good) =>
      withJob(good, (job) => ({ ...job, spec: { ...job.spec, env: { ...job.spec.env, BUILT_AS: job.key } } })),
  },
  {
    that: 'flattens images',
    asked: ['build/rootfs', 'build/candidate', 'build/identity', 'build/on-parent', 'build/again'],
    fails: ['build/on-parent'],
    breaks: (good) =>
      withJob(good, (job, { scratch }) => {
        const isSmall = job.parent !== null && job.spec.steps.every(({ step }) => step === 'copy');
        if (!isSmall) return job;
        // An empty archive: two blocks of zeros.
        const ground: Step = { step: 'rootfs', files: oneFile(scratch, 'empty.tar', Buffer.alloc(1_024)) };
        return { ...job, parent: null, spec: { ...job.spec, steps: [ground, ...job.spec.steps] } };
      }),
  },
  {
    that: 'forgets the environment',
    asked: CONFIG,
    fails: ['config/as-in-spec', 'config/verbatim', 'config/inherited', 'config/build-env'],
    breaks: (good) => withJob(good, (job) => ({ ...job, spec: { ...job.spec, env: {} } })),
  },
  {
    that: 'builds with the environment of the finished image',
    asked: CONFIG,
    fails: ['config/build-env'],
    breaks: (good) =>
      withJob(good, ({ spec, ...job }) => ({
        ...job,
        spec: { ...spec, buildEnv: { ...spec.env, ...spec.buildEnv } },
      })),
  },
  {
    that: 'puts commands together for a shell',
    asked: ['steps/run', 'steps/run-mount', 'steps/copy'],
    fails: ['steps/run'],
    breaks: (good) =>
      withSteps(good, (step) => [
        step.step === 'run' && step.argv[0] === 'python3'
          ? { ...step, argv: ['/bin/sh', '-c', step.argv.map((word) => `"${word}"`).join(' ')] }
          : step,
      ]),
  },
  {
    that: 'takes files as they are now, whatever was planned',
    asked: CONTEXTS,
    fails: ['contexts/moved', 'contexts/symlinks'],
    breaks: (good) =>
      withFiles(good, ({ root, files }) => ({
        root,
        files: files.map((file) => {
          const path = join(root, file.path);
          const isSmall = existsSync(path) && statSync(path).size < 1_000_000;
          return isSmall ? { ...file, digest: digestOfBytes(readFileSync(path)) } : file;
        }),
      })),
  },
  {
    that: 'obeys a .dockerignore among the files',
    asked: CONTEXTS,
    fails: ['contexts/ignore-files'],
    breaks: (good) =>
      withFiles(good, ({ root, files }) => ({
        root,
        files: files.filter(({ path }) => path.startsWith('.') || !files.some((one) => one.path === '.dockerignore')),
      })),
  },
  {
    that: 'takes whatever lies beside a file',
    asked: CONTEXTS,
    fails: ['contexts/undeclared'],
    breaks: (good) =>
      withFiles(good, ({ root, files }) => {
        const [only] = files;
        if (files.length !== 1 || only?.path !== 'in/a.txt') return { root, files };
        const folder = dirname(only.path);
        const beside = readdirSync(join(root, folder)).map((name) => {
          const bytes = readFileSync(join(root, folder, name));
          return { path: `${folder}/${name}`, digest: digestOfBytes(bytes), exec: false };
        });
        return { root, files: [...files, ...beside.filter(({ path }) => path !== only.path)] };
      }),
  },
];

/** Identities that nobody else knows, with one another in order. */
function withOtherIdentities(good: Builder): Builder {
  const real = KNOWN_IDENTITIES;
  const wrong = <T extends Output>(output: T): T => {
    const identity = digestOfBytes(`wrong ${output.identity}`);
    real.set(identity, output.identity);
    return { ...output, identity };
  };
  const right = (output: Output): Output => ({ ...output, identity: real.get(output.identity) ?? output.identity });
  return {
    ...good,
    build: async (job, ctx) => wrong(await good.build({ ...job, parent: job.parent && right(job.parent) }, ctx)),
    push: (image, to, ctx) => good.push(right(image), to, ctx),
    tag: (image, name, ctx) => good.tag(right(image), name, ctx),
    async inspect(at, ctx) {
      const seen = await good.inspect(at, ctx);
      return seen.seen === 'yes' ? { seen: 'yes', value: wrong(seen.value) } : seen;
    },
  };
}

const KNOWN_IDENTITIES = new Map<Digest, Digest>();
