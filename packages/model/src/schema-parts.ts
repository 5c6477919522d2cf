/** The scalars and small shapes that all sections of the schema share: each says what it accepts, so that nothing written in a config can inject. */
import { z } from 'zod';
import { nameProblem } from './names.ts';

/** Marks texts that are handed on as they are, so that `${…}` in them is not rebake's to judge (Dockerfile fragments, options). */
export const VERBATIM = 'verbatim';
/** Marks texts in which {@link RELEASE_VERSION} is replaced. */
export const TEMPLATE = 'template';
/** Marks versions, which YAML reads as numbers unless they are quoted. */
export const VERSION = 'version';
/** Marks names: only ever compared, and safe in paths, tags and node ids. */
export const NAME = 'name';

/** What {@link kindOf} knows of a scalar. */
export type ScalarKind = typeof VERBATIM | typeof TEMPLATE | typeof VERSION | typeof NAME;

const kinds = z.registry<{ kind: ScalarKind; means: string }>();

/** How a scalar is treated apart from its type, and what it accepts in words; undefined for plain texts. */
export function kindOf(schema: z.core.$ZodType): { kind: ScalarKind; means: string } | undefined {
  return kinds.get(schema as z.ZodType);
}

function scalar<T extends z.ZodType>(schema: T, kind: ScalarKind, means: string): T {
  kinds.add(schema, { kind, means });
  return schema;
}

/** One line without control characters. */
const LINE = /^[^\p{Cc}\u2028\u2029]*$/u;

/** A line of text: no control characters, so no new lines. */
export const line = z.string().min(1).max(4096).regex(LINE, 'one line of text without control characters');

/** A path: one line; relative ones start at the config's folder. */
export const path = z.string().min(1).max(4096).regex(LINE, 'a path on one line');

/** Text that goes to a build as it stands; `${…}` in it is the Dockerfile's. */
export const verbatim = scalar(z.string().max(1_000_000), VERBATIM, 'text');

// Names are looked up in records: nothing that every object inherits may pass as one.
const NAME_WORDS =
  'a name: letters, digits, `_`, `-` and `.`, at most 100 of them, without `..` and with no word that JavaScript keeps for itself';
const inherited = new Set(Object.getOwnPropertyNames(Object.prototype));

/** Name of something declared: safe in paths, tags and node ids; see {@link nameProblem}. */
export const name = scalar(
  z
    .string()
    .regex(/^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?$/, NAME_WORDS)
    .max(100, NAME_WORDS)
    .refine((text) => nameProblem(text) === null && !inherited.has(text), NAME_WORDS),
  NAME,
  'a name',
);

const versionText = (pattern: RegExp, means: string): z.ZodString =>
  scalar(z.string().regex(pattern, means), VERSION, means);

/** Version of DSS, such as `14.1.2`, as `dss-version.json` writes it. */
export const dssVersion = versionText(
  /^\d{1,3}\.\d{1,3}\.\d{1,3}(?:[-.][0-9A-Za-z]{1,20}){0,3}$/,
  'a DSS version such as `14.1.2`',
);

/** Version of Python, such as `3.11`. */
export const pythonVersion = versionText(/^(2\.7|3\.\d{1,2})$/, 'a Python version such as `3.11`');

/** A Python version, or `custom`: an interpreter from the PATH of the DSS host. */
export const interpreter = versionText(/^(2\.7|3\.\d{1,2}|custom)$/, 'a Python version such as `3.11`, or `custom`');

/** Version of CUDA or cuDNN. */
export const cudaVersion = versionText(/^\d{1,3}(\.\d{1,3}){0,3}$/, 'a version such as `12.2`');

/** Version of glibc, such as `2.36`. */
export const glibcVersion = versionText(/^2\.\d{1,2}$/, 'a version of glibc such as `2.36`');

/** Platforms that images are built for. */
export const platform = z.enum(['linux/amd64', 'linux/arm64']);

/** Package of the operating system. */
export const systemPackage = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9+._:=~^-]{0,199}$/, 'a package name such as `libgomp1`');

/** One line of requirements. */
export const packageLine = z.string().max(4096).regex(LINE, 'one package a line');

/** `host[:port][/path]`, without a scheme. */
export const registryUrl = z
  .string()
  .max(512)
  .regex(
    /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/,
    '`host[:port][/path]` without `https://`, the path in lower case',
  );

const templated = (source: string): RegExp =>
  new RegExp(`^${source.replaceAll('X', String.raw`(?:[A-Za-z0-9]|\$\{[^{}]*\})`)}$`);

/** Tag of an image; `${release.version}` may stand in it. */
export const tag = scalar(
  z
    .string()
    .max(200)
    .regex(
      templated('(?:X|_)(?:X|[_.-])*'),
      'a tag: letters, digits, `_`, `.`, `-`; `${release.version}` may stand in it',
    ),
  TEMPLATE,
  'a tag',
);

/** Repository path below a registry; `${release.version}` may stand in it. */
export const repository = scalar(
  z
    .string()
    .max(255)
    .regex(
      /^(?:[a-z0-9]|\$\{[^{}]*\})+(?:(?:\.|_|__|-+|\/)(?:[a-z0-9]|\$\{[^{}]*\})+)*$/,
      'a repository path: lower-case letters, digits, `.`, `_`, `-`, `/`; `${release.version}` may stand in it',
    ),
  TEMPLATE,
  'a repository path',
);

/** Reference of an image, such as `almalinux:9` or `host/path/name@sha256:…`. Its parts are checked by the expansion. */
export const imageRef = z
  .string()
  .max(512)
  .regex(/^[A-Za-z0-9[][A-Za-z0-9._:/@[\]-]*$/, 'an image reference such as `almalinux:9`');

/** Duration in words of a person: `90s`, `30m`, `2h`. */
export const duration = z.string().regex(/^[1-9]\d{0,5}(s|m|h)$/, 'a duration such as `90s`, `30m` or `2h`');

/** Address of a web service. */
export const httpUrl = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[^\s\p{Cc}"'`\\$]+$/u, 'an address that starts with `http://` or `https://`');

const optional = z.boolean().optional().describe('Leave it out when it is missing, instead of failing.');

/** Where a secret comes from: a string is short for `{file}`. Its value is read only when a build needs it. */
export const secretRef = z
  .union([
    path.describe('Path of the file that holds it.'),
    z.strictObject({ file: path.describe('Path of the file that holds it.'), optional }),
    z.strictObject({ env: line.describe('Environment variable that holds it.'), optional }),
    z.strictObject({
      fileFromEnv: line.describe('Environment variable that holds the path of the file that holds it.'),
      optional,
    }),
  ])
  .transform((value) => (typeof value === 'string' ? { file: value } : value));

/** Packages: lines, or a file of lines. */
export const packages = z.union([
  z.array(packageLine).describe('One package a line, as in requirements.txt (Python) or names of CRAN packages (R).'),
  z.strictObject({ file: path.describe('File with one package a line, relative to the config.') }),
]);

/** Dockerfile instructions: as text, or in a file. */
export const fragment = z.union([
  verbatim,
  z.strictObject({ file: path.describe('File with the instructions, relative to the config.') }),
]);

/** Files and folders that instructions may COPY. */
export const files = z
  .array(path)
  .default([])
  .describe(
    'Files and folders, relative to the config, that the instructions may COPY by the same path. Nothing else reaches the build.',
  );

/** Who logs in and creates repositories before a push. */
export const prePush = z
  .strictObject({
    mode: z
      .enum(['none', 'ecr', 'acr', 'custom'])
      .describe('`none`, a cloud registry of which rebake knows what to do, or `custom` with a script.'),
    script: path.optional().describe('Script that is run before a push, for `custom`.'),
  })
  .describe('What is done before a push, as in the pre-push hook of DSS.');

/** Proxy that only builds see. */
export const proxy = z
  .strictObject({
    http: line.optional().describe('Proxy for http, as an address.'),
    https: line.optional().describe('Proxy for https, as an address.'),
    no: line.optional().describe('Hosts that are reached without the proxy, separated by commas.'),
  })
  .describe('Proxy while building; it is not in the finished image.');
