/** Env images: spec and ledger of one code env on one base and platform. Neither knows the env's name or the release. */
import { digestOfBytes } from '@rebake/sdk';
import type { Image, ImageSpec, Inputs, NodeId, Platform, Step } from '@rebake/sdk';
import type { Loaded } from '../contract.ts';
import type { BaseFacts, CodeEnvFacts } from '../rules/facts.ts';
import type { Pins } from '../rules/pins.ts';
import { installedPackages, requirementLines } from '../rules/packages.ts';
import { baseId } from './base.ts';
import { Ledger, short } from './inputs.ts';
import { debianStep, lockedPackages, pinnedDebian, pinnedPython } from './pins.ts';
import { CODE_ENV, CODE_ENV_R, HOME, homeOf, KIT_PATHS, KIT_PYTHON, MOUNT, NO_KIT_PATHS, RESOURCES } from './places.ts';

/** Id of an env image. */
export function envId(env: CodeEnvFacts, base: BaseFacts, platform: Platform): NodeId {
  return `env/${env.language}/${env.id}@${base.name}#${platform}` as NodeId;
}

/** Makes the images of one env. What does not depend on the base is made once, and shared by all of them. */
export class EnvImages {
  private readonly loaded: Loaded;
  private readonly env: CodeEnvFacts;
  private readonly variants = new Map<string, Variant>();

  constructor(loaded: Loaded, env: CodeEnvFacts) {
    this.loaded = loaded;
    this.env = env;
  }

  /** The node of this env on one base. */
  node(base: BaseFacts, platform: Platform, pins: Pins): Image {
    const { env, loaded } = this;
    const variant = this.variant(env.interpreter ?? base.builtin, base.user.name, platform, pins);
    return {
      id: envId(env, base, platform),
      kind: 'env image',
      role: 'image',
      platform,
      builder: pins.builder,
      inputs: variant.inputs,
      parents: [baseId(base.name, platform)],
      get because() {
        return [loaded.locate(env.path)];
      },
      get spec() {
        return variant.spec;
      },
    };
  }

  private variant(interpreter: string, user: string, platform: Platform, pins: Pins): Variant {
    const key = `${interpreter} ${user} ${platform} ${pins.key}`;
    const known = this.variants.get(key);
    if (known !== undefined) return known;
    const inputs = inputsOf(this.loaded, this.env, interpreter, user, platform, pins);
    const made = new Variant(this.env, interpreter, user, pins, inputs);
    this.variants.set(key, made);
    return made;
  }
}

/** What images of one env have in common. The spec is made when somebody asks: a plan with nothing to build never does. */
class Variant {
  readonly inputs: Inputs;
  private readonly env: CodeEnvFacts;
  private readonly interpreter: string;
  private readonly user: string;
  private readonly pins: Pins;
  private made: ImageSpec | undefined;

  constructor(env: CodeEnvFacts, interpreter: string, user: string, pins: Pins, inputs: Inputs) {
    this.env = env;
    this.interpreter = interpreter;
    this.user = user;
    this.pins = pins;
    this.inputs = inputs;
  }

  get spec(): ImageSpec {
    this.made ??= specOf(this.env, this.interpreter, this.user, this.pins);
    return this.made;
  }
}

function inputsOf(
  loaded: Loaded,
  env: CodeEnvFacts,
  interpreter: string,
  user: string,
  platform: Platform,
  { python, debian }: Pins,
): Inputs {
  const at =
    (...more: string[]) =>
    () =>
      loaded.locate([...env.contentsPath, ...more]);
  const ledger = new Ledger<'env image'>();
  const { fragments, files } = env.fragments;
  // In the order of keys.
  if (!env.bytecode) ledger.text('bytecode', 'false', at('bytecode'));
  if (debian !== null) pinnedDebian(ledger, debian, env.contentsPath);
  if (fragments.length > 0) ledger.files('fragment-files/', files, at('fragments', 'files'));
  for (const { place, text } of fragments) {
    ledger.note(`fragment/${place}`, {
      digest: digestOfBytes(text),
      shown: short(text),
      at: at('fragments', fieldOf(place)),
    });
  }
  ledger.text('interpreter', env.language === 'r' ? 'r' : interpreter, at('interpreter'));
  // What a lock pins has the kernel among it.
  if (python !== null) pinnedPython(ledger, python, env.contentsPath);
  else if (debian === null) {
    if (env.jupyter) ledger.text('jupyter', 'true', at('jupyter'));
    for (const { key, lines, at: place } of env.packages)
      ledger.text(key as `packages/${string}`, lines.length === 1 ? (lines[0] ?? '') : lines.join(' | '), place);
  }
  ledger.text('platform', platform);
  const { resources } = env;
  if (resources?.mode === 'copy') ledger.files('resources/files/', resources.files, at('resources', 'dir'));
  if (resources !== null) ledger.text('resources/mode', resources.mode, at('resources'));
  if (resources?.mode === 'script') {
    for (const file of resources.files.files) {
      ledger.note('resources/script', {
        digest: file.digest,
        shown: resources.script,
        at: at('resources', 'script'),
      });
    }
  }
  return ledger.text('user', user).inputs();
}

/** `after-packages` → `afterPackages`. */
function fieldOf(place: string): string {
  return place.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function specOf(env: CodeEnvFacts, interpreter: string, user: string, pins: Pins): ImageSpec {
  const steps: Step[] = [
    ...fragmentSteps(env, ['at-start', 'before-packages', 'after-conda-packages']),
    packagesStep(env, interpreter, pins),
    ...fragmentSteps(env, ['after-packages']),
    ...resourcesSteps(env, user),
    ...fragmentSteps(env, ['at-end']),
  ];
  const libraries = env.language === 'r' ? { R_LIBS: CODE_ENV_R } : { CODE_ENV_PYTHONPATH: CODE_ENV };
  return {
    steps: inHome(steps),
    buildEnv: NO_KIT_PATHS,
    env: { ...KIT_PATHS, ...libraries },
    user,
    workdir: homeOf(user),
  };
}

/** DSS carries fragments out in its own folder: paths in them may be relative to it. */
function inHome(steps: readonly Step[]): Step[] {
  const first = steps.findIndex(({ step }) => step === 'fragment');
  return steps.map((step, index) =>
    index === first && step.step === 'fragment' ? { ...step, text: `WORKDIR ${HOME}\n${step.text}` } : step,
  );
}

function fragmentSteps(env: CodeEnvFacts, places: readonly string[]): Step[] {
  const { fragments, files } = env.fragments;
  if (fragments.length === 0) return [];
  return fragments
    .filter(({ place }) => places.includes(place))
    .map(({ place, text }) => ({ step: 'fragment', place, text, files }));
}

function packagesStep(env: CodeEnvFacts, interpreter: string, { python, debian }: Pins): Step {
  if (debian !== null) return debianStep(debian);
  const lines = requirementLines(installedPackages(env));
  if (env.language === 'r') return { step: 'r-packages', library: CODE_ENV_R, from: 'cran', names: lines };
  return {
    step: 'python-env',
    prefix: CODE_ENV,
    interpreter,
    packages: python === null ? { requirements: lines } : lockedPackages(python),
    bytecode: env.bytecode,
  };
}

function resourcesSteps({ resources }: CodeEnvFacts, user: string): Step[] {
  if (resources === null) return [];
  if (resources.mode === 'copy') return [{ step: 'copy', files: resources.files, to: RESOURCES, owner: `${user}:0` }];
  // The script asks the code of DSS where its folder is, and so needs it on its path again.
  const argv = [`${CODE_ENV}/bin/python`, `${MOUNT}/${resources.script}`];
  return [
    { step: 'run', files: resources.files, mount: MOUNT, workdir: RESOURCES, argv, env: { PYTHONPATH: KIT_PYTHON } },
  ];
}
