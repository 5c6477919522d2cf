/** What is known of DSS release lines, as data with its sources. `null` is "unknown": nothing is concluded from it. */

/** One release line. `python` are the interpreters in the default base image, which a declared base need not follow. */
export interface ReleaseLine {
  /** Major version, as in `14`. */
  readonly major: number;
  readonly baseOs: string | null;
  /** In the default container-exec base; null where the documentation does not say. */
  readonly defaultPythons: readonly string[] | null;
  /** CUDA of the default GPU base, as documented. */
  readonly cuda: string | null;
  readonly notes: string;
  /** Where it is from: `kit` (the image builder in an install dir) or `docs` (the public documentation of that version). */
  readonly source: 'kit' | 'docs';
}

/** Release lines, oldest first. */
export const RELEASE_LINES: readonly ReleaseLine[] = [
  {
    major: 9,
    baseOs: 'CentOS 7',
    defaultPythons: ['3.7'],
    cuda: '10.0 (9.0 to 11.0 selectable)',
    notes: '',
    source: 'kit',
  },
  {
    major: 10,
    baseOs: null,
    defaultPythons: null,
    cuda: null,
    notes: 'CentOS 7 probably; 3.8 to 3.10 can be added from 10.0.4 on',
    source: 'docs',
  },
  {
    major: 11,
    baseOs: null,
    defaultPythons: null,
    cuda: null,
    notes: 'CentOS 7 probably; 3.8 to 3.10 can be added',
    source: 'docs',
  },
  {
    major: 12,
    baseOs: 'CentOS 7',
    defaultPythons: null,
    cuda: null,
    notes: 'AlmaLinux 8 selectable; from 12.6.2 on DSS deletes old images when it rebuilds',
    source: 'docs',
  },
  {
    major: 13,
    baseOs: 'AlmaLinux 8',
    defaultPythons: ['3.6', '3.7', '3.9'],
    cuda: '10.0 (9.0 to 11.2 selectable)',
    notes: '',
    source: 'docs',
  },
  {
    major: 14,
    baseOs: 'AlmaLinux 9',
    defaultPythons: ['3.9'],
    cuda: '11.8',
    notes: 'AlmaLinux 8 selectable; 3.10 too where DSS itself uses it',
    source: 'docs',
  },
  {
    major: 15,
    baseOs: null,
    defaultPythons: null,
    cuda: null,
    notes: 'settings restructured; image builders; rebuilds images on first use',
    source: 'docs',
  },
];

const VERSION = /^(?<major>[0-9]{1,3})\.[0-9]{1,3}\.[0-9]{1,3}(?:[-.][0-9A-Za-z]{1,20}){0,3}$/;

/** Whether a text is a DSS version as `dss-version.json` writes it: three numbers, perhaps a suffix (`14.1.2`, `15.0.0-beta1`). */
export function isReleaseVersion(text: string): boolean {
  return VERSION.test(text);
}

/** The line that a version belongs to; null where nothing is known of it. */
export function releaseLine(version: string): ReleaseLine | null {
  const major = Number(VERSION.exec(version)?.groups?.['major'] ?? Number.NaN);
  return RELEASE_LINES.find((line) => line.major === major) ?? null;
}

/** A sentence on the interpreters of a release's default base, for help lines; empty where they are unknown. */
export function defaultPythonsSentence(version: string | null): string {
  const line = version === null ? null : releaseLine(version);
  if (!line?.defaultPythons) return '';
  return ` The default base of DSS ${line.major} has Python ${line.defaultPythons.join(', ')}: an upgrade may remove an interpreter.`;
}
