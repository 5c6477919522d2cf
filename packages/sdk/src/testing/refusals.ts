/** What is asked of builders that cannot do something: that they refuse it, in words, instead of leaving it out. */
import { bringsGround, digestOfBytes } from '@rebake/image';
import type { Output, Step } from '@rebake/image';
import type { BuildAccess } from '../builder.ts';
import type { Lack } from '../plan.ts';
import type { Bench } from './bench.ts';
import { hold, matches, refused } from './rules.ts';
import { copy, fileSet, fragment, NO_FILES, rootfs, shell } from './steps.ts';

/** The smallest of each kind of step. */
function example(step: Step['step'], bench: Bench): Step {
  switch (step) {
    case 'rootfs':
      return rootfs(bench.rig.rootfs.path, bench.rig.rootfs.digest);
    case 'layout':
      return { step, files: NO_FILES, name: null };
    case 'debian':
      return { step, suite: 'bookworm', packages: [], mirror: null };
    case 'link':
      return { step, folder: '/opt', name: 'x', target: '/opt/y' };
    case 'dockerfile':
      return { step, text: 'FROM scratch\n', files: NO_FILES, froms: [] };
    case 'fragment':
      return fragment('RUN true');
    case 'system-packages':
      return { step, family: 'debian', names: ['hello'] };
    case 'user':
      return { step, name: 'someone', uid: 1234, gid: 1234, home: '/home/someone' };
    case 'python-env':
      return { step, prefix: '/opt/env', interpreter: '3', packages: { requirements: [] }, bytecode: false };
    case 'r-packages':
      return { step, library: '/opt/r', from: 'cran', names: ['A3'] };
    case 'copy':
      return copy(fileSet(bench.folder(), { 'a.txt': 'a' }), '/data');
    case 'run':
      return shell('true');
    case 'delegate':
      return { step, kind: 'nobody/knows-this', request: {}, at: [] };
    default:
      return step satisfies never;
  }
}

/** A builder that does not list a step refuses a job with it before it does anything, and has nothing under the key afterwards. */
export async function refusesStep(bench: Bench, step: Step['step']): Promise<void> {
  const key = bench.key();
  const one = example(step, bench);
  const job = bench.job(bringsGround(one) ? null : await parentFor(bench), [one], { key });
  await refused(
    bench.build(job),
    { code: 'STEP_UNSUPPORTED', retry: ['never', 'elsewhere'] },
    `A builder that does not list the step ${step} refuses jobs with it`,
  );
  const seen = await bench.inspect({ key });
  hold(seen.seen === 'no', 'After a refusal nothing is under the key', seen);
}

async function parentFor(bench: Bench): Promise<Output> {
  const { steps } = await bench.capabilities();
  if (steps.some((known) => known.startsWith('rootfs@'))) return bench.small();
  // Nobody will look for it.
  const nowhere = digestOfBytes('an image that is not there');
  const { address: registry } = bench.rig.registries.plain;
  return { identity: nowhere, at: [{ registry, repository: 'rebake-conformance/nothing', manifest: nowhere }] };
}

/** A builder that says that it lacks something refuses jobs that need it. */
export async function refusesOffer(bench: Bench, lack: Lack): Promise<void> {
  if (lack === 'engine-names') return namesOrRefuses(bench);
  const job = bench.job(await bench.base(), [shell('true')]);
  const { access } = job;
  const needing: Record<Exclude<Lack, 'engine-names'>, BuildAccess> = {
    secrets: { ...access, secrets: { ...access.secrets, 'pip-conf': { env: 'CONFORMANCE' } } },
    network: { ...access, network: access.network === 'none' ? 'host' : 'none' },
    proxy: { ...access, proxy: { http: 'http://proxy.example.com:3128' } },
  };
  await refused(
    bench.build({ ...job, access: needing[lack] }, { env: { CONFORMANCE: 'a secret' } }),
    { retry: ['never', 'elsewhere'] },
    `A builder that says that it lacks \`${lack}\` refuses jobs that need it`,
  );
  const seen = await bench.inspect({ key: job.key });
  hold(seen.seen === 'no', 'After a refusal nothing is under the key', seen);
}

/** Names that nobody else sees may be given or refused, but never only seemingly given. */
async function namesOrRefuses(bench: Bench): Promise<void> {
  const image = await bench.makeUnique();
  const name = `rebake-conformance/named:${bench.run}`;
  try {
    const at = await bench.tag(image, name);
    const seen = await bench.inspect(at);
    hold(seen.seen === 'yes', 'A name that was given leads to the image, or is refused', seen);
  } catch (error) {
    const refusal = await refused(Promise.reject(error as Error), {}, 'A name is given, or refused');
    matches(refusal, { retry: ['never', 'elsewhere'] }, 'A refusal of a name is for good');
  }
}
