/** `resolve`: the image that a run of (code env or none, container config, workload) uses, with its digest; or why there is none. */
import { isWorkload, resolveBinding, WORKLOADS as WORKLOAD_TABLE, type Binding, type RefusalCode } from '@rebake/model';
import { selectNodes } from '@rebake/planner';
import type { Diagnostic, Digest, Entry, NodeId } from '@rebake/sdk';
import { libraryDiagnostic } from './diagnostics.ts';
import { withPlan, type Planned, type PlanOptions } from './plan.ts';
import { hasErrors, withProject, type Project } from './project.ts';

/** Kinds of work that can be asked for. */
export const WORKLOADS: readonly string[] = Object.keys(WORKLOAD_TABLE);

/** What to resolve. */
export interface ResolveOptions extends PlanOptions {
  /** Null: a run without a code env, on the base. */
  readonly codeEnv: string | null;
  readonly containerConfig: string;
  readonly workload: string;
}

/** One case each; the command gives each an exit code. */
export type ResolveStatus =
  | 'found'
  | 'invalid'
  | 'not-built'
  | 'stale'
  | 'not-selected'
  | 'incompatible'
  | 'no-jupyter'
  | 'wrong-language';

/** The answer. `reference` is there when `found`, and, of the image as it was, when `stale`. */
export interface ResolveResult {
  readonly formatVersion: 1;
  readonly status: ResolveStatus;
  /** `host/repository:tag@sha256:…`; where there is no registry, the name in the engine. */
  readonly reference: string | null;
  /** Config digest of the image: what engines call its ID. */
  readonly identity: Digest | null;
  readonly publication: NodeId | null;
  /** What rebake's images are for: a live DSS runs env images that it built itself. */
  readonly runBy: 'dss-or-others' | 'others';
  readonly diagnostics: readonly Diagnostic[];
}

const REFUSED: Readonly<Record<RefusalCode, ResolveStatus>> = {
  UNKNOWN_ENV: 'invalid',
  UNKNOWN_CONFIG: 'invalid',
  NOT_SELECTED: 'not-selected',
  INCOMPATIBLE: 'incompatible',
  NO_JUPYTER: 'no-jupyter',
  WRONG_LANGUAGE: 'wrong-language',
};

/** Resolves one run. Trusts the state unless `refresh` is `all`. */
export async function resolve(options: ResolveOptions): Promise<ResolveResult> {
  const runBy = options.codeEnv === null ? 'dss-or-others' : 'others';
  const none = { reference: null, identity: null, publication: null };
  const answer = await withProject(
    options,
    (diagnostics): Answer => ({ ...none, status: 'invalid', diagnostics }),
    async (project) => {
      const bound = bindingOf(project, options);
      return 'binding' in bound ? resolveBound(project, options, bound.binding) : { ...none, ...bound };
    },
  );
  return { formatVersion: 1, runBy, ...answer };
}

type Refused = Pick<ResolveResult, 'status' | 'diagnostics'>;

/** What the declaration alone says of a run. */
function bindingOf({ declaration }: Project, options: ResolveOptions): { readonly binding: Binding } | Refused {
  const { expansion, diagnostics } = declaration;
  if (expansion === null) return { status: 'invalid', diagnostics };
  const { codeEnv: env, containerConfig: config, workload } = options;
  if (!isWorkload(workload)) {
    const help = `It is one of ${WORKLOADS.join(', ')}.`;
    const unknown = libraryDiagnostic('UNKNOWN_WORKLOAD', `there is no workload \`${workload}\``, { help });
    return { status: 'invalid', diagnostics: [unknown] };
  }
  const found = resolveBinding(expansion, { env, config, workload });
  if (!found.ok) {
    const { code, message, help } = found.refusal;
    return { status: REFUSED[code], diagnostics: [{ code, severity: 'error', message, help, where: null }] };
  }
  return hasErrors(diagnostics) ? { status: 'invalid', diagnostics } : { binding: found.binding };
}

type Answer = Pick<ResolveResult, 'status' | 'reference' | 'identity' | 'publication' | 'diagnostics'>;

async function resolveBound(project: Project, options: ResolveOptions, binding: Binding): Promise<Answer> {
  const target = [binding.publication];
  return withPlan(
    project,
    { ...options, targets: target, rebuild: [], refresh: options.refresh ?? 'none' },
    async ({ planned, diagnostics }) => {
      if (planned === null) throw new Error('a declaration that binds can be planned');
      const entry = planned.state.entries.get(binding.publication);
      const answer = {
        publication: binding.publication,
        reference: entry === undefined ? null : reference(binding, entry),
        identity: entry?.output.identity ?? null,
      };
      if (planned.blockers.length > 0) return { ...answer, status: 'invalid', diagnostics };
      if (entry === undefined) {
        return {
          ...answer,
          status: 'not-built',
          diagnostics: [libraryDiagnostic('NOT_BUILT', `\`${binding.publication}\` was never published`)],
        };
      }
      const stale = firstStale(planned, binding.publication);
      if (stale === null) return { ...answer, status: 'found', diagnostics: [] };
      return {
        ...answer,
        status: 'stale',
        diagnostics: [
          libraryDiagnostic('OUT_OF_DATE', `\`${stale}\` is not as declared: the image is an older one`, {
            help: `\`rebake why ${stale}\` says why; \`rebake apply\` mends it.`,
          }),
        ],
      };
    },
  );
}

/** The first node, from the ground up, that this publication rests on and that is not as it should be. */
function firstStale(planned: Planned, publication: NodeId): NodeId | null {
  const needed = selectNodes(planned.expansion.nodes, [publication], 'with-ancestors');
  const wanted = new Set(needed.ok ? needed.nodes : []);
  return planned.plan.actions.find(({ node, atMost }) => wanted.has(node) && atMost !== 'keep')?.node ?? null;
}

function reference(binding: Binding, entry: Entry): string {
  const name = `${binding.pullName}:${binding.tag}`;
  const manifest = entry.output.at.flatMap((location) => ('registry' in location ? [location.manifest] : []))[0];
  return manifest === undefined ? name : `${name}@${manifest}`;
}
