/** Tiny declarations, section by section, for tests of what is wrong with them; and what was told, in short. */
import type { Ran } from './rig.ts';

/** Sections of a declaration that has nothing wrong with it. */
export const SOUND: Readonly<Record<string, string>> = {
  version: '1',
  release: '{ version: 14.1.2 }',
  registries: '{ eu: { url: registry.example.com/dss } }',
  baseImages: '{ python: { type: container-exec, from: { image: "debian:12" }, python: ["3.11"] } }',
  containerConfigs: '{ cpu: { engine: kubernetes, base: python, registry: eu } }',
  codeEnvs: '{ glm: { language: python, interpreter: "3.11" } }',
};

/** The text of a declaration with some sections in the place of the sound ones; null leaves one out. */
export function declaration(sections: Readonly<Record<string, string | null>>): string {
  // Last, where no section before it is moved by it: no lock is needed where an engine resolves packages.
  const builders = 'builders' in sections ? {} : { builders: '{ default: docker }' };
  return Object.entries({ ...SOUND, ...sections, ...builders })
    .flatMap(([key, value]) => (value === null ? [] : [`${key}: ${value}\n`]))
    .join('');
}

/** One diagnostic as a command told it: `CODE` or `CODE FILE:LINE:COLUMN`, with its sentences. */
export interface Told {
  readonly brief: string;
  readonly severity: string;
  readonly message: string;
  readonly help: string;
}

interface Document {
  readonly diagnostics: readonly {
    readonly code: string;
    readonly severity: string;
    readonly message: string;
    readonly help: string;
    readonly where: { readonly file: string; readonly line: number; readonly column: number } | null;
  }[];
}

const HUMAN =
  /^(?:(?<place>\S+:\d+:\d+): )?(?<severity>error|warning)\[(?<code>\w+)\]: (?<message>.*)\n {2}help: (?<help>.*)$/gm;

/** What a command told for people, on standard error. */
export function toldToPeople({ err }: Ran): readonly Told[] {
  return [...err.matchAll(HUMAN)].map(({ groups = {} }) => {
    const { place, code = '', severity = '', message = '', help = '' } = groups;
    return { brief: place === undefined ? code : `${code} ${place}`, severity, message, help };
  });
}

/** What a command told programs, on standard output. */
export function toldToPrograms({ out }: Ran): readonly Told[] {
  return (JSON.parse(out) as Document).diagnostics.map(({ code, where, ...rest }) => ({
    brief: where === null ? code : `${code} ${where.file.replace('$DIR/', '')}:${where.line}:${where.column}`,
    ...rest,
  }));
}
