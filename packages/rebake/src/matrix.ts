/** `matrix`: code envs × container configs, each cell with how things stand there and why. */
import { isWorkload, resolveBinding, type Binding, type Expansion, type Workload } from '@rebake/model';
import type { Action, Diagnostic, Digest, NodeId } from '@rebake/sdk';
import { libraryDiagnostic } from './diagnostics.ts';
import { withPlan, type Planned } from './plan.ts';
import { withExpansion, withProject, type ProjectOptions } from './project.ts';
import type { SessionOptions } from './session.ts';

/** What to look at. */
export interface MatrixOptions extends ProjectOptions, SessionOptions {
  /** A kind of work, as `resolve` knows them; absent: whatever the env is for. */
  readonly workload?: string;
  /** `none` trusts the state instead of looking at engines and registries. */
  readonly refresh?: 'all' | 'none';
}

/**
 * How things stand in one cell:
 *
 * - `current`: what a run gets is as declared;
 * - `stale`: there is an image, and it is not as declared;
 * - `may change`: as declared, unless what it stands on comes out different;
 * - `missing`: nothing was built yet;
 * - `unpublished`: it is built (or found), and not where the config pulls it from;
 * - `failed`: the last try failed;
 * - `never`: DSS makes no images of this env, or the declaration of it is at fault;
 * - `not selected`: nobody asked for it;
 * - `unfit`: the env cannot do this kind of work;
 * - `unknown`: it could not be seen.
 */
export type CellStatus =
  | 'current'
  | 'stale'
  | 'may change'
  | 'missing'
  | 'unpublished'
  | 'failed'
  | 'never'
  | 'not selected'
  | 'unfit'
  | 'unknown';

/** One cell. */
export interface MatrixCell {
  readonly config: string;
  readonly status: CellStatus;
  /** The action of the plan that says why, for `stale`, `may change`, `missing` and `unpublished`. */
  readonly action: Action | null;
  /** Why, in words of a diagnostic or of an engine; null where the action says it, or nothing has to be said. */
  readonly words: string | null;
  /** Of the last success. */
  readonly identity: Digest | null;
  /** When that was; RFC 3339, UTC. */
  readonly since: string | null;
}

/** One code env, or version of one; `env` null: runs without a code env. */
export interface MatrixRow {
  readonly env: string | null;
  readonly language: 'python' | 'r' | null;
  readonly cells: readonly MatrixCell[];
}

/** The matrix; null when the declaration cannot be read. */
export interface MatrixResult {
  readonly matrix: {
    readonly configs: readonly string[];
    readonly rows: readonly MatrixRow[];
    /** The plan that it was made from; null: nothing could be planned. */
    readonly planned: Planned | null;
  } | null;
  readonly diagnostics: readonly Diagnostic[];
}

/** Makes the matrix. Errors of single envs are cells of it, and stand in nobody else's way. */
export async function matrix(options: MatrixOptions): Promise<MatrixResult> {
  const nothing = (diagnostics: readonly Diagnostic[]): MatrixResult => ({ matrix: null, diagnostics });
  const { workload, refresh = 'all' } = options;
  if (workload !== undefined && !isWorkload(workload))
    return nothing([libraryDiagnostic('UNKNOWN_WORKLOAD', `there is no kind of work \`${workload}\``)]);
  return withProject(options, nothing, async (project) => {
    const { expansion, diagnostics } = project.declaration;
    if (expansion === null) return nothing(diagnostics);
    // What has an error has no nodes; the rest is planned all the same.
    return withPlan(withExpansion(project, expansion), { ...options, refresh }, async (result) => {
      const { planned } = result;
      if (planned === null) return nothing([...diagnostics, ...result.diagnostics]);
      const cells = new Cells(expansion, planned, workload ?? null, diagnostics);
      const { configs } = expansion;
      const rows = [null, ...expansion.envs.keys()].map((env): MatrixRow => ({
        env,
        language: env === null ? null : (expansion.envs.get(env)?.language ?? null),
        cells: configs.map((config) => cells.of(env, config)),
      }));
      return { matrix: { configs, rows, planned }, diagnostics: result.diagnostics };
    });
  });
}

class Cells {
  readonly #expansion: Expansion;
  readonly #planned: Planned;
  readonly #workload: Workload | null;
  readonly #diagnostics: readonly Diagnostic[];
  readonly #actions: ReadonlyMap<NodeId, Action>;
  readonly #bindings: ReadonlyMap<string, Binding>;

  constructor(expansion: Expansion, planned: Planned, workload: Workload | null, diagnostics: readonly Diagnostic[]) {
    this.#expansion = expansion;
    this.#planned = planned;
    this.#workload = workload;
    this.#diagnostics = diagnostics;
    this.#actions = new Map(planned.plan.actions.map((action) => [action.node, action]));
    this.#bindings = new Map(expansion.bindings.map((one) => [`${one.config} ${one.env ?? ''}`, one]));
  }

  of(env: string | null, config: string): MatrixCell {
    const refused = this.#refused(env, config);
    if (refused !== null) return refused;
    const binding = this.#bindings.get(`${config} ${env ?? ''}`);
    if (binding === undefined)
      return cell(config, 'unknown', { words: `the container config \`${config}\` has problems of its own` });
    const { state, blocked, blockers } = this.#planned;
    const entry = state.entries.get(binding.image);
    const known = { identity: entry?.output.identity ?? null, since: entry?.at ?? null };
    const ids = [binding.image, binding.publication];
    const blocker = ids.map((id) => blocked.get(id)).find((id) => id !== undefined);
    if (blocker !== undefined) {
      const why = blockers.find(({ node }) => node === blocker)?.why.words ?? 'it could not be seen';
      return cell(config, 'unknown', { ...known, words: why });
    }
    const actions = ids.map((id) => this.#actions.get(id)).filter((one) => one !== undefined && one.atMost !== 'keep');
    const [action] = actions;
    if (action === undefined) return cell(config, 'current', known);
    const failure = state.failures.get(binding.image) ?? state.failures.get(binding.publication);
    if (failure !== undefined) return cell(config, 'failed', { ...known, action, words: failure.error.words });
    if (action.node === binding.publication || action.atMost === 'adopt' || action.atMost === 'fetch')
      return cell(config, action.ifChanged.length > 0 ? 'may change' : 'unpublished', { ...known, action });
    if (entry === undefined) return cell(config, 'missing', { ...known, action });
    return cell(config, action.ifChanged.length > 0 ? 'may change' : 'stale', { ...known, action });
  }

  #refused(env: string | null, config: string): MatrixCell | null {
    if (env === null) return null;
    const facts = this.#expansion.envs.get(env);
    if (facts?.refused !== null && facts?.refused !== undefined) {
      const path = `codeEnvs.${facts.name}`;
      const told = this.#diagnostics.find(
        ({ code, where }) => code === facts.refused && (where?.path === path || where?.path.startsWith(`${path}.`)),
      );
      return cell(config, 'never', { words: `${facts.refused}${told === undefined ? '' : `: ${told.message}`}` });
    }
    if (this.#workload !== null) {
      const resolved = resolveBinding(this.#expansion, { env, config, workload: this.#workload });
      const code = resolved.ok ? null : resolved.refusal.code;
      if (!resolved.ok && (code === 'NO_JUPYTER' || code === 'WRONG_LANGUAGE'))
        return cell(config, 'unfit', { words: resolved.refusal.message });
    }
    return facts?.configs.includes(config) === true ? null : cell(config, 'not selected', {});
  }
}

function cell(config: string, status: CellStatus, rest: Partial<MatrixCell>): MatrixCell {
  return { config, status, action: null, words: null, identity: null, since: null, ...rest };
}
