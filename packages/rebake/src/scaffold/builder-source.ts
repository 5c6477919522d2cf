/** The source of a new builder: a class with every method of the contract, which does nothing yet and says so in the contract's own words. */
import type { ContractMethod } from './contract.ts';

/** What a method of a builder that can do nothing answers. A method that is not here, because the contract has grown, refuses. */
const BODIES: Readonly<Record<string, readonly string[]>> = {
  probe: [
    '// The first call on an engine: it finds out whether there is one, and who it is.',
    "const { code, stdout, lastLines } = await runCommand([this.#command, '--version'], {",
    '  signal: ctx.signal,',
    "  env: { PATH: this.#env['PATH'] },",
    '});',
    "if (code !== 0) throw failure('ENGINE_UNREACHABLE', 'backoff', lastLines.join('\\n'));",
    'return {',
    '  engine: `NAME:${stdout.trim()}`,',
    '  contents: DOCKERFILE_CONTENTS,',
    '  // Name steps here as you write them, such as `rootfs@1`: the conformance suite then asks for them.',
    '  steps: [],',
    "  platforms: ['linux/amd64'],",
    '  reproducible: false,',
    '};',
  ],
  build: [
    'const { steps } = await this.probe(ctx);',
    'const unknown = job.spec.steps.find(({ step }) => !steps.includes(`${step}@${STEP_VERSIONS[step]}`));',
    "if (unknown) throw failure('STEP_UNSUPPORTED', 'elsewhere', `NAME does not know the step ${unknown.step}`);",
    "throw failure('STEP_UNSUPPORTED', 'elsewhere', 'NAME builds nothing yet');",
  ],
  fetch: ["throw failure('IMAGE_MISSING', 'never', `NAME has no way to bring ${image.identity} into its engine yet`);"],
  push: ["throw failure('IMAGE_MISSING', 'never', `NAME has no image ${image.identity}`);"],
  tag: ["throw failure('IMAGE_MISSING', 'never', `NAME has no image ${image.identity}`);"],
  inspect: [
    'return observe(async () => {',
    '  const { engine } = await this.probe(ctx);',
    '  // The name to look for; null: it is in another engine, and so not here.',
    '  const name = nameHere(at, engine);',
    '  return name === null ? null : this.#find(name);',
    '});',
  ],
  remove: [
    'const { engine } = await this.probe(ctx);',
    'const name = nameHere(at, engine);',
    'if (name === null || (await this.#find(name)) === null) return;',
    "throw failure('ENGINE_REFUSED', 'never', `NAME cannot remove ${name} yet`);",
  ],
  close: ['// Close what the first call opened.'],
};

/** Writes the class. `name` is the builder's kind, `className` its class. */
export function builderSource(methods: readonly ContractMethod[], name: string, className: string): string {
  const types = [
    ...new Set(['Builder', 'BuilderPlace', 'Output', ...methods.flatMap((method) => method.types)]),
  ].toSorted();
  return [
    `/** The builder of kind \`${name}\`: one method for each thing that rebake asks. It can do nothing yet, and says so. */`,
    "import { DOCKERFILE_CONTENTS, STEP_VERSIONS } from '@rebake/sdk';",
    `import type { ${types.join(', ')} } from '@rebake/sdk';`,
    "import { failure, nameHere, observe, runCommand } from '@rebake/sdk/building';",
    `import type { ${className}Options } from './options.ts';`,
    '',
    '/** A builder over one engine, which is reached through a command. */',
    `export class ${className} implements Builder {`,
    '  readonly #command: string;',
    "  readonly #env: BuilderPlace['env'];",
    '',
    `  constructor(options: ${className}Options, place: BuilderPlace) {`,
    '    this.#command = options.command;',
    '    this.#env = place.env;',
    '  }',
    '',
    ...methods.flatMap((method) => [...methodSource(method, name).map((line) => (line === '' ? '' : `  ${line}`)), '']),
    '  /** Looks for an image in the engine by name; null if there is none. */',
    '  async #find(_name: string): Promise<Output | null> {',
    '    // An engine in which nothing was built holds nothing.',
    '    return null;',
    '  }',
    '}',
    '',
  ].join('\n');
}

function methodSource({ name, comment, parameters, returns }: ContractMethod, kind: string): string[] {
  const body = BODIES[name] ?? [`throw failure('METHOD_UNSUPPORTED', 'never', '${kind} does not know ${name}');`];
  const signature = parameters.map((one) => `${one.name}: ${one.type.replaceAll(/\s+/g, ' ')}`).join(', ');
  return [
    ...comment.split('\n').map((line) => line.trim().replace(/^\*/, ' *')),
    `async ${name}(${signature}): ${returns} {`,
    ...body.map((line) => (line === '' ? '' : `  ${line.replaceAll('NAME', kind)}`)),
    '}',
  ].filter((line) => line !== '');
}
