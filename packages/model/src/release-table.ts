/** What is known of DSS release lines, as data with its sources. `null` is "unknown": nothing is concluded from it. */

/** Where a fact is from: `kit` (the image builder in an install dir), `docs` (public documentation), or `users` (what users of it report). */
export type ReleaseSource = 'kit' | 'docs' | 'users';

/** CUDA of a GPU base. */
export interface ReleaseCuda {
  /** Taken where none is asked for. */
  readonly default: string;
  /** cuDNN that comes with the default; null: unknown. */
  readonly cudnn: string | null;
  /** Versions that can be asked for, ends included; null: unknown. */
  readonly range: readonly [least: string, most: string] | null;
}

/** Something that a version does differently from those before. */
export interface ReleaseBehaviour {
  /** First version that does so: `MAJOR.MINOR.PATCH`. */
  readonly since: string;
  readonly words: string;
  readonly source: ReleaseSource;
}

/** One release line. `defaultPythons` are the interpreters in the default base image, which a declared base need not follow. */
export interface ReleaseLine {
  /** Major version, as in `14`. */
  readonly major: number;
  /** Operating system of the default base. */
  readonly baseOs: string | null;
  /** What `--distrib` takes, the default first; null: unknown, or there is no such option. */
  readonly distributions: readonly string[] | null;
  /** In the default container-exec base; null where the documentation does not say. */
  readonly defaultPythons: readonly string[] | null;
  /** Can be asked for on top of these, as far as is known. More may be possible. */
  readonly optionalPythons: readonly string[];
  readonly cuda: ReleaseCuda | null;
  readonly behaviours: readonly ReleaseBehaviour[];
  readonly notes: string;
  readonly source: ReleaseSource;
}

/** Release lines, oldest first. */
export const RELEASE_LINES: readonly ReleaseLine[] = [
  {
    major: 9,
    baseOs: 'CentOS 7',
    distributions: null,
    defaultPythons: ['3.7'],
    optionalPythons: [],
    cuda: { default: '10.0', cudnn: null, range: ['9.0', '11.0'] },
    behaviours: [],
    notes: '`build-push` ignores `--tag` for the name in the registry',
    source: 'kit',
  },
  {
    major: 10,
    baseOs: null,
    distributions: null,
    defaultPythons: null,
    optionalPythons: ['3.8', '3.9', '3.10'],
    cuda: null,
    behaviours: [{ since: '10.0.4', words: 'Python 3.8 to 3.10 can be added to a base', source: 'docs' }],
    notes: 'CentOS 7 probably',
    source: 'docs',
  },
  {
    major: 11,
    baseOs: null,
    distributions: null,
    defaultPythons: null,
    optionalPythons: ['3.8', '3.9', '3.10'],
    cuda: null,
    behaviours: [],
    notes: 'CentOS 7 probably',
    source: 'docs',
  },
  {
    major: 12,
    baseOs: 'CentOS 7',
    distributions: ['centos7', 'almalinux8'],
    defaultPythons: null,
    optionalPythons: [],
    cuda: null,
    behaviours: [
      {
        since: '12.4.0',
        words: 'env images are rebuilt when their base changes, in the Deployer section only',
        source: 'docs',
      },
      { since: '12.6.2', words: 'a rebuild deletes the old image from the repository', source: 'docs' },
      { since: '12.6.3', words: 'deleting an env deletes the tag of its image', source: 'docs' },
    ],
    notes: '',
    source: 'docs',
  },
  {
    major: 13,
    baseOs: 'AlmaLinux 8',
    distributions: null,
    defaultPythons: ['3.6', '3.7', '3.9'],
    optionalPythons: [],
    cuda: { default: '10.0', cudnn: '7.6', range: ['9.0', '11.2'] },
    behaviours: [],
    notes: '',
    source: 'docs',
  },
  {
    major: 14,
    baseOs: 'AlmaLinux 9',
    distributions: ['almalinux9', 'almalinux8'],
    defaultPythons: ['3.9'],
    optionalPythons: ['3.10', '3.13'],
    cuda: { default: '11.8', cudnn: '8.7', range: null },
    behaviours: [
      {
        since: '14.2.2',
        words: 'Python 3.13 by the release notes; the page on base images does not say so',
        source: 'docs',
      },
      { since: '14.3.0', words: 'push and pull URLs of a registry are two settings', source: 'docs' },
      {
        since: '14.5.0',
        words: 'changed runtime additions make a new version of an env on automation nodes',
        source: 'docs',
      },
    ],
    notes: '3.10 is in the default base where DSS itself uses it',
    source: 'docs',
  },
  {
    major: 15,
    baseOs: null,
    distributions: null,
    defaultPythons: null,
    optionalPythons: ['3.6', '3.9', '3.11', '3.12', '3.13'],
    cuda: null,
    behaviours: [
      {
        since: '15.0.0',
        words: 'settings split into `buildConfigs` and `executionConfigs`; images are made by image builders',
        source: 'docs',
      },
      {
        since: '15.0.0',
        words: 'with automatic rebuild on, the first recipe that needs an out-of-date env or CDE image waits for it',
        source: 'docs',
      },
    ],
    notes: 'el9 probably; interpreters are those that users pass',
    source: 'users',
  },
];
