/** `resolve`: the image that a run of (code env or none, container config, workload) uses, with its digest; or why there is none. */
import { isWorkload, resolveBinding, type Binding, type RefusalCode } from '@rebake/model';
import type { Diagnostic, Digest, NodeId, Output, Entry } from '@rebake/sdk';
import { libraryDiagnostic } from './diagnostics.ts';
import { WORKLOADS } from './workloads.ts';
import { withPlan, type Planned, type PlanOptions } from './plan.ts';
import { hasErrors, withProject, type Project } from './project.ts';

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

/** Inputs of a publication that name its tags begin so. */
const TAG_INPUT = 'tags/';

type Answer = Pick<ResolveResult, 'status' | 'reference' | 'identity' | 'publication' | 'diagnostics'>;

async function resolveBound(project: Project, options: ResolveOptions, binding: Binding): Promise<Answer> {
  const { publication } = binding;
  const refresh = options.refresh ?? 'none';
  return withPlan(
    project,
    { ...options, targets: [publication], rebuild: [], refresh },
    async ({ planned, diagnostics }) => {
      if (planned === null) throw new Error('a declaration that binds can be planned');
      const { output, stale } = standOf(planned, publication);
      const answer = {
        publication,
        reference: output === null ? null : reference(binding, output, planned.state.entries.get(publication)),
        identity: output?.identity ?? null,
      };
      // Who asks the state only, and finds nothing there, has no need of the rest of the world.
      const blind = refresh === 'none' && output === null;
      if (planned.blockers.length > 0 && !blind) return { ...answer, status: 'invalid', diagnostics };
      if (output === null) {
        const words = `\`${publication}\` was never published`;
        return { ...answer, status: 'not-built', diagnostics: [libraryDiagnostic('NOT_BUILT', words)] };
      }
      if (stale === null) return { ...answer, status: 'found', diagnostics: [] };
      const help = `\`rebake why ${stale}\` says why; \`rebake apply\` mends it.`;
      const words = `\`${stale}\` is not as declared: the image is an older one`;
      return { ...answer, status: 'stale', diagnostics: [libraryDiagnostic('OUT_OF_DATE', words, { help })] };
    },
  );
}

interface Stand {
  /** What is published; null: nothing that anybody knows of. */
  readonly output: Output | null;
  /** The first node, from the ground up, that the publication rests on and that is not as it should be. */
  readonly stale: NodeId | null;
}

/** How a publication stands. One that only has to be noted (on a machine with another state, after another machine's apply) is as it should be. */
function standOf(planned: Planned, publication: NodeId): Stand {
  const known = planned.state.entries.get(publication)?.output ?? null;
  const needed = planned.plan.actions.filter(({ atMost }) => atMost !== 'keep');
  const [stale] = needed.filter(({ atMost }) => atMost !== 'adopt');
  const seen = planned.world.outputs.get(publication);
  const noted = needed.some(({ node }) => node === publication) && seen?.seen === 'yes';
  if (stale === undefined) return { output: noted ? seen.value : known, stale: null };
  return { output: known, stale: stale.node };
}

/** A stale image is still under the tags that it was published with: after an upgrade, those of the old release. */
function reference(binding: Binding, output: Output, entry: Entry | undefined): string {
  const inputs = Object.keys(entry?.inputs ?? {});
  const tags = inputs.flatMap((key) => (key.startsWith(TAG_INPUT) ? [key.slice(TAG_INPUT.length)] : []));
  const tag = tags.includes(binding.tag) ? binding.tag : (tags[0] ?? binding.tag);
  const name = `${binding.pullName}:${tag}`;
  const manifest = output.at.flatMap((location) => ('registry' in location ? [location.manifest] : []))[0];
  return manifest === undefined ? name : `${name}@${manifest}`;
}
