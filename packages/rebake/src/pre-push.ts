/** Pre-push hooks: what is done once for each repository before rebake pushes into it, as DSS does it. */
import { posix } from 'node:path';
import type { PrePush } from '@rebake/model';
import { BuildFailure } from '@rebake/sdk';
import { runCommand } from '@rebake/sdk/building';

/** A repository that is about to be pushed into, and the tag that comes first. */
export interface PushTarget {
  readonly registry: string;
  readonly repository: string;
  readonly tag: string;
}

/** Runs the hook of a repository unless it was run already; those who come meanwhile wait for the same run. */
export type BeforePush = (
  target: PushTarget,
  call: { readonly signal: AbortSignal; readonly onLine: (line: string) => void },
) => Promise<void>;

/** The hooks of a declaration. The one that is declared nearest to a repository counts. */
export function prePushHooks(
  hooks: readonly PrePush[],
  env: Readonly<Record<string, string | undefined>>,
): BeforePush | undefined {
  if (hooks.every(({ mode }) => mode === 'none')) return undefined;
  const runs = new Map<string, Promise<void>>();
  return async (target, call) => {
    const hook = hookOf(hooks, target);
    if (hook === undefined || hook.mode === 'none') return;
    const key = `${target.registry}/${target.repository}`;
    const running = runs.get(key) ?? run(hook, target, env, call);
    runs.set(key, running);
    try {
      await running;
    } catch (error) {
      // Another push into it tries again.
      if (runs.get(key) === running) runs.delete(key);
      throw error;
    }
  };
}

function hookOf(hooks: readonly PrePush[], { registry, repository }: PushTarget): PrePush | undefined {
  const isUnder = ({ under }: PrePush): boolean =>
    under === '' || repository === under || repository.startsWith(`${under}/`);
  return hooks
    .filter((hook) => hook.registry === registry && isUnder(hook))
    .reduce<PrePush | undefined>(
      (nearest, hook) => (nearest === undefined || hook.under.length > nearest.under.length ? hook : nearest),
      undefined,
    );
}

/** Says of a repository of ECR that it is there already, which is no failure. */
const EXISTS = /RepositoryAlreadyExists/;

async function run(
  hook: PrePush,
  target: PushTarget,
  env: Readonly<Record<string, string | undefined>>,
  { signal, onLine }: Parameters<BeforePush>[1],
): Promise<void> {
  const argv = commandOf(hook, target);
  const { code, lastLines } = await runCommand(argv, { signal, env, onLine }).catch((error: unknown) => {
    throw error instanceof BuildFailure ? failed(target, error.error.words) : error;
  });
  if (code === 0 || (hook.mode === 'ecr' && lastLines.some((line) => EXISTS.test(line)))) return;
  const words = lastLines.join('\n').trim();
  throw failed(target, `${argv[0] ?? ''} ended with ${code ?? 'a signal'}${words === '' ? '' : `: ${words}`}`);
}

function commandOf({ mode, script, root }: PrePush, target: PushTarget): readonly string[] {
  const { registry, repository, tag } = target;
  const region = regionOf(registry);
  switch (mode) {
    case 'ecr':
      if (region === '') throw failed(target, 'the name of the registry says no region, so it is none of ECR');
      return ['aws', 'ecr', 'create-repository', '--region', region, '--repository-name', repository];
    case 'acr':
      // Repositories come by themselves there; the login does not.
      return ['az', 'acr', 'login', '--name', registry.split('.')[0] ?? registry];
    case 'custom':
      return [script ?? '', posix.join(registry, root), region, posix.relative(root, repository), tag];
    case 'none':
      throw new TypeError('there is nothing to run');
    default:
      return mode satisfies never;
  }
}

/** Registries of ECR are `ACCOUNT.dkr.ecr.REGION.…`; others have no region. */
function regionOf(registry: string): string {
  return /\.ecr(?:-fips)?\.(?<region>[a-z0-9-]+)\./.exec(registry)?.groups?.['region'] ?? '';
}

function failed({ registry, repository }: PushTarget, words: string): BuildFailure {
  return new BuildFailure({
    code: 'PRE_PUSH_FAILED',
    retry: 'never',
    words: `before the push into ${registry}/${repository}: ${words}`,
  });
}
