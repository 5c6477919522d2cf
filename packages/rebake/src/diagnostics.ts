/** Diagnostics that arise when a declaration meets the world: blockers, targets, plan files. */
import { fromSource } from '@rebake/model';
import type { TargetProblem } from '@rebake/planner';
import type { Blocker, Diagnostic, DiagnosticKind, Node, Where } from '@rebake/sdk';

/** Codes of this package, for the reference page. */
export const LIBRARY_DIAGNOSTICS = [
  {
    code: 'OBSERVATION_UNKNOWN',
    severity: 'error',
    means:
      'Something that the plan needs to know could not be looked at: a registry or an engine did not answer, or refused.',
    help: 'Make it reachable and plan again; or plan with `--refresh=false`, which trusts the state.',
  },
  {
    code: 'BUILDER_UNKNOWN',
    severity: 'error',
    means: 'A builder that has to build something does not answer, or was never asked what it can do.',
    help: 'Start the engine, or correct the options of the builder.',
  },
  {
    code: 'BUILDER_CANNOT',
    severity: 'error',
    means:
      'A builder does not know a step, does not build for the platform, or cannot do what the declaration asks of builds: secrets, a network, a proxy, a name in its engine.',
    help: 'Choose another builder for this node.',
  },
  {
    code: 'STORE_FAILED',
    severity: 'error',
    means: 'The state, which a plugin keeps, cannot be opened, read or written.',
    help: 'Make it reachable, then run the same command again: what was done is found by its key.',
  },
  {
    code: 'STORE_BROKEN',
    severity: 'error',
    means: 'The plugin that keeps the state answers with what no state can say.',
    help: 'Mend the plugin, or tell its authors; until then, leave `state` out to keep the state in `.rebake`.',
  },
  {
    code: 'TARGET_UNKNOWN',
    severity: 'error',
    means: 'A node named on the command line is not in the graph.',
    help: 'Name a node as `rebake show` lists it.',
  },
  {
    code: 'TARGET_AMBIGUOUS',
    severity: 'error',
    means: 'A short name on the command line means several nodes.',
    help: 'Name one of them in full.',
  },
  {
    code: 'LOCK_UNRESOLVABLE',
    severity: 'error',
    means:
      'No set of versions fits what a code env or a base asks for. The message has the explanation of the resolver.',
    help: 'Change the packages, then run `rebake lock` again.',
  },
  {
    code: 'LOCK_TOOL_MISSING',
    severity: 'error',
    means:
      'Python packages are locked with uv, which is not on PATH, and could not be fetched from your package index.',
    help: 'Install uv, or name it with `REBAKE_UV`; or make the index reachable.',
  },
  {
    code: 'LOCK_TOOL_FAILED',
    severity: 'error',
    means: 'A lock could not be made: uv does not run, or a package index or a Debian mirror does not answer.',
    help: 'Mend what the message says, then run `rebake lock` again: what is locked stays locked.',
  },
  {
    code: 'LOCK_UNKNOWN',
    severity: 'error',
    means: 'A name given to `rebake lock` is that of nothing that has packages to lock.',
    help: 'Name a code env, or a base image with packages.',
  },
  {
    code: 'LOCK_DUE',
    severity: 'error',
    means: '`rebake lock --check` found a lock that is missing, or was made from something else than is declared now.',
    help: 'Run `rebake lock`, and commit what it writes.',
  },
  {
    code: 'PLAN_FILE_UNREADABLE',
    severity: 'error',
    means: 'A plan file is missing, or is no plan of this version.',
    help: 'Make it again with `rebake plan --out FILE`.',
  },
  {
    code: 'FILES_REFUSED',
    severity: 'error',
    means:
      'The operating system refuses a file of rebake: a plan file, a page, or something in `.rebake` beside the declaration.',
    help: 'Check the path, its permissions and the space on the disk.',
  },
  {
    code: 'CONFIRMATION_NEEDED',
    severity: 'error',
    means: '`apply` and `prune` ask before they act, and there is no terminal to ask on.',
    help: 'Read the plan, then run with `--auto-approve`, or apply a saved plan file.',
  },
  {
    code: 'PLUGIN_NAME',
    severity: 'error',
    means: 'The name given to `rebake plugin new` cannot name a package.',
    help: 'Use lower-case letters, digits and dashes, such as `rebake-builder-acme` or `@acme/rebake-builder`.',
  },
  {
    code: 'FOLDER_NOT_EMPTY',
    severity: 'error',
    means: 'The folder in which `rebake plugin new` would write holds something already.',
    help: 'Name another folder with `--dir`.',
  },
  {
    code: 'UNKNOWN_WORKLOAD',
    severity: 'error',
    means: 'A workload named on the command line is none that DSS runs in containers.',
    help: 'See `rebake resolve --help`.',
  },
  {
    code: 'NOT_BUILT',
    severity: 'error',
    means: '`resolve` was asked for an image that was never published.',
    help: 'Run `rebake apply`.',
  },
  {
    code: 'OUT_OF_DATE',
    severity: 'error',
    means: '`resolve` was asked for an image that is older than the declaration.',
    help: 'Run `rebake apply`.',
  },
  {
    code: 'NOT_SELECTED',
    severity: 'error',
    means: '`resolve` was asked for a code env on a container config that it does not select.',
    help: 'Add the config to the env, or use another.',
  },
  {
    code: 'INCOMPATIBLE',
    severity: 'error',
    means: '`resolve` was asked for a code env that cannot be used in containers.',
    help: 'Run `rebake validate`.',
  },
  {
    code: 'NO_JUPYTER',
    severity: 'error',
    means: '`resolve` was asked for a notebook, and the code env has no Jupyter support.',
    help: 'Set `jupyter: true` in the env, and apply.',
  },
  {
    code: 'WRONG_LANGUAGE',
    severity: 'error',
    means: '`resolve` was asked for a workload of another language than the code env.',
    help: 'Choose a code env of that language.',
  },
  {
    code: 'EXPORT_NOT_HERE',
    severity: 'error',
    means:
      '`export` was asked for an image that is in no image layout of this project: it was never built, or its builder keeps it elsewhere.',
    help: 'Build it with builder `oci` (or `buildkit` without a repository) by `rebake apply`; what Docker or Podman has built, save with them.',
  },
  {
    code: 'EXPORT_ZSTD',
    severity: 'warning',
    means:
      'An image in an archive for Docker has layers that are compressed by zstd: newer Docker, Podman and containerd load them, Docker 20.10 and older do not.',
    help: 'Export with `--compression gzip`.',
  },
  {
    code: 'PRUNE_LAYOUTS_LEFT',
    severity: 'warning',
    means:
      '`prune` looked at the cache alone: the declaration cannot be understood, so nobody knows which images of this project are needed.',
    help: 'Correct the declaration (`rebake validate`), then prune again.',
  },
  {
    code: 'UNKNOWN_ENV',
    severity: 'error',
    means: 'A code env named on the command line is not declared.',
    help: 'Name a declared code env.',
  },
  {
    code: 'NO_ENTRY',
    severity: 'error',
    means: '`state rm` names a node that the state does not have.',
    help: 'List the nodes with `rebake state list`.',
  },
] as const satisfies readonly DiagnosticKind[];

type Code = (typeof LIBRARY_DIAGNOSTICS)[number]['code'];

/** A diagnostic of this package's table. */
export function libraryDiagnostic(
  code: Code,
  message: string,
  options: { readonly where?: Where | null; readonly help?: string } = {},
): Diagnostic {
  const kind = LIBRARY_DIAGNOSTICS.find((row) => row.code === code);
  const { where = null, help = kind?.help ?? '' } = options;
  return { code, severity: kind?.severity ?? 'error', message: `${message}${fromSource(where)}`, where, help };
}

/** What to do where the failure behind a blocker says more than its code. */
const BLOCKER_HELP: Readonly<Record<string, string>> = {
  EXTERNAL_NOT_FOUND: 'Correct the reference, or put the image there.',
  NOT_OBSERVED: 'Plan once without `--refresh=false`.',
  REGISTRY_DENIED: 'Log in with `docker login`, or ask for the right to pull there.',
};

/** One diagnostic for each cause: a registry that is down is one problem, however many nodes wait for it. */
export function blockerDiagnostics(blockers: readonly Blocker[], nodes: readonly Node[]): readonly Diagnostic[] {
  const groups = new Map<string, Blocker[]>();
  for (const blocker of blockers) {
    const key = `${blocker.why.code} ${blocker.why.words}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [blocker]);
    else group.push(blocker);
  }
  const places =
    groups.size === 0
      ? new Map<string, Where>()
      : new Map(nodes.flatMap((node) => (node.because[0] === undefined ? [] : [[node.id as string, node.because[0]]])));
  return [...groups.values()].map((group) => {
    const [first] = group as [Blocker, ...Blocker[]];
    const others = group.length === 1 ? '' : ` (and ${group.length - 1} more)`;
    return libraryDiagnostic(first.code, `\`${first.node}\`${others}: ${first.why.words}`, {
      where: places.get(first.node) ?? null,
      ...helpFor(first),
    });
  });
}

function helpFor({ why }: Blocker): { readonly help?: string } {
  const help = BLOCKER_HELP[why.code];
  return help === undefined ? {} : { help };
}

/** A target that selects nothing, or too much. */
export function selectionDiagnostic({ code, target, candidates }: TargetProblem): Diagnostic {
  const named = candidates.map((id) => `\`${id}\``);
  if (code === 'TARGET_AMBIGUOUS')
    return libraryDiagnostic(code, `\`${target}\` means several nodes: ${named.join(', ')}`);
  return libraryDiagnostic(
    code,
    `there is no node \`${target}\``,
    named.length === 0 ? {} : { help: `Did you mean ${named.join(' or ')}?` },
  );
}
