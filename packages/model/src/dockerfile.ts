/** Reads a user's Dockerfile for what it is built from. */
import type { Platform } from '@rebake/sdk';
import { splitDockerfile } from './dockerfile-lines.ts';
import type { DockerfileLines, Instruction } from './dockerfile-lines.ts';
import { imagesIn, splitFlags, splitOnce, splitWords, unquote } from './dockerfile-words.ts';
import type { DockerfileProblem } from './dockerfile-words.ts';
import { expandVariables } from './dockerfile-variables.ts';
import { isReference } from './names.ts';

/** An image that a Dockerfile refers to by name. `line` counts from 1. */
export interface Reference {
  readonly ref: string;
  readonly platform: Platform;
  readonly line: number;
}

/** A Dockerfile, read. */
export interface DockerfileFacts {
  /** The text with variables of FROM lines replaced, build arguments as defaults, and nothing after the target stage. */
  readonly text: string;
  /** Each image once, in the order of the text. */
  readonly references: readonly Reference[];
  readonly problems: readonly DockerfileProblem[];
}

/** Reads a whole Dockerfile for one platform. */
export function readDockerfile(
  text: string,
  options: {
    readonly platform: Platform;
    readonly args?: Readonly<Record<string, string>> | undefined;
    readonly target?: string | undefined;
  },
): DockerfileFacts {
  return new Reader(splitDockerfile(text, 'whole'), options).read();
}

class Reader {
  private readonly file: DockerfileLines;
  private readonly options: Parameters<typeof readDockerfile>[1];
  private readonly variables: Map<string, string | null>;
  private readonly stages: (string | null)[] = [];
  private readonly references = new Map<string, Reference>();
  private readonly problems: DockerfileProblem[] = [];
  private readonly out: string[];
  private ended: number | null = null;

  constructor(file: DockerfileLines, options: Parameters<typeof readDockerfile>[1]) {
    this.file = file;
    this.options = options;
    this.out = [...file.lines];
    const [os, arch] = options.platform.split('/') as [string, string];
    // What the building machine is, is no fact of the declaration: BUILDPLATFORM and its parts stay unknown.
    this.variables = new Map<string, string | null>([
      ['TARGETPLATFORM', options.platform],
      ['TARGETOS', os],
      ['TARGETARCH', arch],
      ['TARGETVARIANT', ''],
      ['BUILDPLATFORM', null],
      ['BUILDOS', null],
      ['BUILDARCH', null],
      ['BUILDVARIANT', null],
    ]);
  }

  read(): DockerfileFacts {
    const { file, options } = this;
    const syntax = file.directives.get('syntax');
    if (syntax)
      this.problem(
        'DOCKERFILE_FRONTEND',
        syntax.line,
        `The frontend \`${syntax.value}\` is fetched by the engine and not followed`,
      );
    for (const instruction of file.instructions) {
      if (instruction.keyword === 'FROM' && this.targetReached()) {
        this.ended = instruction.from;
        break;
      }
      this.instruction(instruction);
    }
    if (this.stages.length === 0) this.problem('DOCKERFILE_INVALID', 0, 'The Dockerfile has no FROM');
    else if (options.target !== undefined && !this.targetReached())
      this.problem('DOCKERFILE_INVALID', 0, `The Dockerfile has no stage \`${options.target}\``);
    if (this.ended === null && file.unfinished !== null) {
      this.problem(
        'DOCKERFILE_INVALID',
        file.instructions.at(-1)?.from ?? 0,
        `The last instruction ends in an open ${file.unfinished}`,
      );
    }
    const text = this.out
      .slice(0, this.ended ?? undefined)
      .filter((line) => line !== GONE)
      .join('\n');
    return {
      text: text.endsWith('\n') ? text : `${text}\n`,
      references: [...this.references.values()],
      problems: this.problems,
    };
  }

  private targetReached(): boolean {
    const { target } = this.options;
    return (
      target !== undefined &&
      this.stages.length > 0 &&
      (this.stages.at(-1) === target.toLowerCase() || String(this.stages.length - 1) === target)
    );
  }

  private instruction(instruction: Instruction): void {
    const { keyword, rest, from } = instruction;
    if (keyword === 'ARG') this.arg(instruction);
    else if (keyword === 'FROM') this.from(instruction);
    else if (this.stages.length === 0) {
      this.problem('DOCKERFILE_INVALID', from, `\`${keyword.slice(0, 20)}\` stands before the first FROM`);
    } else if (keyword === 'COPY' || keyword === 'ADD' || keyword === 'RUN') {
      for (const image of imagesIn(keyword, rest)) this.use(image, from);
    }
  }

  private arg(instruction: Instruction): void {
    const given = this.options.args ?? {};
    const words = splitWords(instruction.rest);
    if (this.stages.length === 0) {
      for (const word of words) {
        const [name = '', value] = splitOnce(word, '=');
        const set = given[name] ?? (value === undefined ? null : expandVariables(unquote(value), this.variables));
        if (set !== null || !this.variables.has(name)) this.variables.set(name, set);
      }
    }
    if (!words.some((word) => Object.hasOwn(given, splitOnce(word, '=')[0] ?? ''))) return;
    const written = words.map((word) => {
      const name = splitOnce(word, '=')[0] ?? '';
      const value = Object.hasOwn(given, name) ? given[name] : undefined;
      return value === undefined ? word : `${name}=${quote(value, this.file)}`;
    });
    this.replace(instruction, `ARG ${written.join(' ')}`);
  }

  private from(instruction: Instruction): void {
    const { flags, rest } = splitFlags(instruction.rest);
    const [written = '', as, stage] = rest.split(/\s+/);
    const ref = expandVariables(written, this.variables);
    const asked = flags.find((flag) => flag.name === 'platform')?.value;
    const platform =
      asked === undefined ? this.options.platform : knownPlatform(expandVariables(asked, this.variables));
    const earlier = ref !== null && this.stages.includes(ref.toLowerCase());
    this.stages.push(as?.toUpperCase() === 'AS' && stage !== undefined ? stage.toLowerCase() : null);
    if (ref === null || ref === '')
      return this.problem(
        'DOCKERFILE_REFERENCE_UNKNOWN',
        instruction.from,
        `What \`FROM ${written}\` is built on cannot be known before the build`,
      );
    if (platform === null)
      return this.problem(
        'DOCKERFILE_REFERENCE_UNKNOWN',
        instruction.from,
        `The platform \`${asked}\` of \`${ref}\` cannot be known before the build`,
      );
    const line = [
      'FROM',
      ...(asked === undefined ? [] : [`--platform=${platform}`]),
      ref,
      ...(as === undefined ? [] : [as, stage ?? '']),
    ].join(' ');
    this.replace(instruction, line);
    if (earlier || ref === 'scratch') return;
    this.reference(ref, platform, instruction.from);
  }

  /** `COPY --from` and mounts: a stage, the number of one, or an image. The engine expands no variables there. */
  private use(image: string, line: number): void {
    if (image === 'scratch' || this.stages.includes(image.toLowerCase())) return;
    if (/^\d+$/.test(image) && Number(image) < this.stages.length) return;
    if (image.includes('$'))
      return this.problem(
        'DOCKERFILE_REFERENCE_UNKNOWN',
        line,
        `What \`${image}\` refers to cannot be known before the build`,
      );
    this.reference(image, this.options.platform, line);
  }

  private reference(ref: string, platform: Platform, line: number): void {
    if (!isReference(ref)) return this.problem('BAD_REFERENCE', line, `\`${ref.slice(0, 100)}\` is no image reference`);
    const before = this.references.get(ref);
    if (before === undefined) this.references.set(ref, { ref, platform, line: line + 1 });
    else if (before.platform !== platform) {
      this.problem(
        'DOCKERFILE_REFERENCE_UNKNOWN',
        line,
        `\`${ref}\` is used for two platforms, so that it cannot be pinned to one image`,
      );
    }
  }

  private replace(instruction: Instruction, text: string): void {
    this.out[instruction.from] = text;
    this.out.fill(GONE, instruction.from + 1, instruction.to + 1);
  }

  private problem(code: DockerfileProblem['code'], line: number, message: string): void {
    this.problems.push({ code, line: line + 1, message });
  }
}

// Lines that were joined to another one; a NUL cannot stand in a Dockerfile.
const GONE = '\0';

/** A build argument as a quoted word, in which the engine expands nothing. */
function quote(value: string, file: DockerfileLines): string {
  const escape = file.directives.get('escape')?.value === '`' ? '`' : '\\';
  return `"${value.replaceAll(/["$\\`]/g, (mark) => (mark === '"' || mark === '$' || mark === escape ? escape + mark : mark))}"`;
}

function knownPlatform(text: string | null): Platform | null {
  switch (text) {
    case 'linux/amd64':
    case 'linux/arm64':
      return text;
    case 'linux/arm64/v8':
      return 'linux/arm64';
    default:
      return null;
  }
}
