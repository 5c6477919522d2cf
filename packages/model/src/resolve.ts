/** The static part of `rebake resolve`: which publication a run of (env, config, workload) uses, or why none. What was built is not known here. */
import type { Binding, Expansion } from './contract.ts';
import { insteadOf, listed } from './names.ts';

/** Kinds of work that DSS runs in containers, with what each asks of a code env. */
export const WORKLOADS = {
  'python-recipe': { language: 'python', notebook: false },
  'r-recipe': { language: 'r', notebook: false },
  ml: { language: 'python', notebook: false },
  'deep-learning': { language: 'python', notebook: false },
  'python-notebook': { language: 'python', notebook: true },
  'r-notebook': { language: 'r', notebook: true },
  'python-webapp': { language: 'python', notebook: false },
  'r-webapp': { language: 'r', notebook: false },
  'continuous-python': { language: 'python', notebook: false },
  agent: { language: 'python', notebook: false },
  'agent-tool': { language: 'python', notebook: false },
  'local-model': { language: 'python', notebook: false },
  'document-extraction': { language: 'python', notebook: false },
} as const satisfies Record<string, { readonly language: 'python' | 'r'; readonly notebook: boolean }>;

/** Name of a kind of work. */
export type Workload = keyof typeof WORKLOADS;

/** Whether a text from outside names a kind of work. */
export function isWorkload(text: string): text is Workload {
  return Object.hasOwn(WORKLOADS, text);
}

/** What to resolve. `env` is `NAME` or `NAME:VERSION`; null: a run without a code env. */
export interface ResolveRequest {
  readonly env: string | null;
  readonly config: string;
  readonly workload: Workload;
}

/** Why a run has no image. */
export type RefusalCode =
  | 'UNKNOWN_ENV'
  | 'UNKNOWN_CONFIG'
  | 'NOT_SELECTED'
  | 'INCOMPATIBLE'
  | 'NO_JUPYTER'
  | 'WRONG_LANGUAGE';

/** A refusal, in words, with what to do. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
  readonly help: string;
  /** For INCOMPATIBLE: code of the diagnostic that keeps the env out. */
  readonly cause: string | null;
}

/** A binding, or a refusal. */
export type Resolved =
  | { readonly ok: true; readonly binding: Binding }
  | { readonly ok: false; readonly refusal: Refusal };

/** Resolves one run. The first of these reasons that applies is the answer: unknown names, the env itself, the workload, the selection. */
export function resolveBinding(expansion: Expansion, request: ResolveRequest): Resolved {
  const { env, config, workload } = request;
  if (!expansion.configs.includes(config)) {
    return refused(
      'UNKNOWN_CONFIG',
      `There is no container config \`${config}\``,
      insteadOf(config, expansion.configs, 'container config'),
    );
  }
  if (env !== null) {
    const refusal = refusalOfEnv(expansion, env, workload);
    if (refusal !== null) return refusal;
  }
  const binding = expansion.bindings.find((one) => one.env === env && one.config === config);
  if (binding !== undefined) return { ok: true, binding };
  const chosen = env === null ? [] : (expansion.envs.get(env)?.configs ?? []);
  if (env === null || chosen.includes(config))
    return refused(
      'INCOMPATIBLE',
      `The container config \`${config}\` has problems of its own`,
      'Run `rebake validate`.',
    );
  const help =
    chosen.length === 0
      ? `Add \`${config}\` to its \`containerConfigs\`.`
      : `Add \`${config}\` to its \`containerConfigs\`, or use ${listed(chosen)}.`;
  return refused(
    'NOT_SELECTED',
    `The code env \`${env}\` is not selected for the container config \`${config}\``,
    help,
  );
}

function refusalOfEnv(expansion: Expansion, env: string, workload: Workload): Resolved | null {
  const facts = expansion.envs.get(env);
  if (facts === undefined) {
    const versions = [...expansion.envs].filter(([, one]) => one.name === env).map(([id]) => id);
    if (versions.length > 0)
      return refused(
        'UNKNOWN_ENV',
        `The code env \`${env}\` has versions, and none was named`,
        `Name one of ${listed(versions)}.`,
      );
    return refused(
      'UNKNOWN_ENV',
      `There is no code env \`${env}\``,
      insteadOf(env, [...expansion.envs.keys()], 'code env'),
    );
  }
  if (facts.refused !== null) {
    const told = expansion.diagnostics.find((one) => one.code === facts.refused);
    return refused(
      'INCOMPATIBLE',
      `The code env \`${env}\` cannot run in containers (${facts.refused})`,
      told?.help ?? 'Run `rebake validate`.',
      facts.refused,
    );
  }
  const { language, notebook } = WORKLOADS[workload];
  if (facts.language !== language) {
    const words = { python: 'a Python env', r: 'an R env' };
    return refused(
      'WRONG_LANGUAGE',
      `\`${workload}\` needs ${words[language]}, and \`${env}\` is ${words[facts.language]}`,
      `Choose ${words[language]}.`,
    );
  }
  if (notebook && !facts.jupyter) {
    return refused(
      'NO_JUPYTER',
      `The code env \`${env}\` has no Jupyter support, which notebooks need`,
      'Set `jupyter: true` in the env, and apply.',
    );
  }
  return null;
}

function refused(code: RefusalCode, message: string, help: string, cause: string | null = null): Resolved {
  return { ok: false, refusal: { code, message, help, cause } };
}
