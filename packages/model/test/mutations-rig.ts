/** One mutation in a whole declaration, printed as YAML or TypeScript with one key a line, so that it is known which line was touched. */

export type Data = string | number | boolean | null | readonly Data[] | { readonly [key: string]: Data };
export type Format = 'yaml' | 'ts';
type Path = readonly string[];

/** A declaration that touches most sections, without a problem. */
export const SAMPLE: Data = {
  version: 1,
  release: { version: '14.1.2', kit: './kit' },
  registries: {
    eu: { url: 'registry.eu.example.com/dss' },
    us: { url: 'registry.us.example.com/dss', ca: './us-ca.pem' },
  },
  baseImages: {
    python: {
      type: 'container-exec',
      from: { rootfs: './rootfs.tar' },
      family: 'debian',
      python: ['3.11'],
      systemPackages: ['libgomp1'],
    },
    'python-gpu': { type: 'container-exec', from: { base: 'python' }, systemPackages: ['curl'] },
  },
  containerConfigs: {
    'cpu-eu': {
      engine: 'kubernetes',
      base: 'python',
      registry: 'eu',
      repository: 'cpu',
      tags: ['dss-${release.version}'],
    },
    'cpu-us': { engine: 'kubernetes', base: 'python', registry: 'us' },
    'gpu-eu': { engine: 'kubernetes', base: 'python-gpu', registry: 'eu', repository: 'gpu', platform: 'linux/amd64' },
  },
  codeEnvs: {
    glm: {
      language: 'python',
      interpreter: '3.11',
      packages: { file: 'envs/glm/requirements.txt' },
      containerConfigs: 'all',
    },
    embeddings: {
      language: 'python',
      interpreter: '3.11',
      packages: ['sentence-transformers', 'numpy>=1.26'],
      containerConfigs: ['gpu-eu'],
      deployment: 'design-managed',
      jupyter: true,
      resources: { mode: 'script', script: 'envs/embeddings/resources_init.py' },
      fragments: { atEnd: 'COPY certs/ /opt/certs/', files: ['certs'] },
    },
  },
  builders: { default: 'main', main: { type: 'docker', parallel: 2, timeout: '30m' } },
  build: { network: 'default' },
};

/** Files that the sample names. */
export const SAMPLE_FILES: Readonly<Record<string, string>> = {
  'kit/dss-version.json': '{"product_version":"14.1.2"}',
  'us-ca.pem': 'pem',
  'rootfs.tar': 'tar',
  'envs/glm/requirements.txt': 'scikit-learn\n',
  'envs/embeddings/resources_init.py': 'pass\n',
  'certs/ca.pem': 'pem',
};

/** Random numbers from a seed (mulberry32), so that every run tries the same mutations. */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
  };
}

const GARBAGE: readonly Data[] = [
  '$(id)',
  '`id`',
  "'; rm -rf / #",
  'a\nRUN id',
  '../../etc/passwd',
  '/etc/passwd',
  '${HOME}',
  '${release.version}',
  '\u0000',
  '\u001b[31m',
  '"',
  "'",
  '\\',
  '{{ x }}',
  '日本語',
  '😀',
  '\u202e',
  'x'.repeat(10_000),
  '',
  ' ',
  '-',
  '--privileged',
  '~',
  'null',
  '1e400',
  1e300,
  -1,
  0,
  0.5,
  1e20,
  true,
  false,
  null,
  [],
  {},
  [[]],
  [{}],
  { a: 1 },
  ['x', 3],
  [null],
];

/** A mutated declaration. `lines`: those of what was put there, else of what it was taken from; for names, also those that mean it. */
export interface Mutant {
  readonly what: string;
  readonly text: string;
  readonly lines: ReadonlySet<number>;
}

/** Makes the mutant of a seed. */
export function mutant(seed: number, format: Format): Mutant {
  const next = random(seed);
  const paths = pathsOf(SAMPLE, []);
  const path = paths[next(paths.length)] ?? [];
  const name = path.at(-1) ?? '';
  const parent = path.slice(0, -1);
  const value = at(SAMPLE, path);
  const kind =
    ['delete', 'rename', 'duplicate', 'type', 'garbage', 'garbage', 'typo', 'typo', 'syntax', 'crlf'][next(10)] ??
    'delete';
  const what = `${kind} ${path.join('.')}`;
  const isItem = Array.isArray(at(SAMPLE, parent));
  switch (kind) {
    case 'delete':
      return print(edit(SAMPLE, path, []), format, what, [parent], meaning(name));
    case 'rename': {
      const renamed = isItem ? name : typo(name, next);
      const entries: [string, Data][] = isItem
        ? [[name, typo(typeof value === 'string' ? value : JSON.stringify(value), next)]]
        : [[renamed, value]];
      return print(edit(SAMPLE, path, entries), format, what, [[...parent, renamed]], meaning(name));
    }
    case 'duplicate':
      return print(SAMPLE, format, what, [path], [], path);
    case 'type':
      return print(edit(SAMPLE, path, [[name, otherType(value, next)]]), format, what, [path], meaning(name));
    case 'typo':
      if (typeof value === 'string')
        return print(edit(SAMPLE, path, [[name, typo(value, next)]]), format, what, [path], []);
      return mutant(seed + 100_000, format);
    case 'syntax': {
      const plain = print(SAMPLE, format, what, [path], []);
      const [line = 1] = plain.lines;
      const text = plain.text.split('\n');
      const old = text[line - 1] ?? '';
      const mark = ['[', ']', '{', '}', '"', "'", ':', ',', '\t', '@', '%', '&', '*', '!', '|', '#'][next(16)] ?? '[';
      const column = next(old.length + 1);
      text[line - 1] = old.slice(0, column) + mark + old.slice(column);
      return { ...plain, what: `${what} ${mark}`, text: text.join('\n') };
    }
    case 'crlf': {
      const plain = print(edit(SAMPLE, path, [[name, otherType(value, next)]]), format, what, [path], meaning(name));
      return { ...plain, text: plain.text.replaceAll('\n', '\r\n') };
    }
    default:
      return print(
        edit(SAMPLE, path, [[name, GARBAGE[next(GARBAGE.length)] ?? null]]),
        format,
        what,
        [path],
        meaning(name),
      );
  }
}

function pathsOf(data: Data, path: Path): Path[] {
  if (typeof data !== 'object' || data === null) return [];
  return Object.entries(data).flatMap(([key, value]) => [[...path, key], ...pathsOf(value as Data, [...path, key])]);
}

function at(data: Data, path: Path): Data {
  let value: Data = data;
  for (const key of path) value = (value as { readonly [key: string]: Data })[key] ?? null;
  return value;
}

/** Paths where a declared name is used: who renames or removes it is told there. */
function meaning(name: string): Path[] {
  return pathsOf(SAMPLE, []).filter((path) => at(SAMPLE, path) === name);
}

function edit(data: Data, path: Path, entries: readonly (readonly [string, Data])[]): Data {
  const [key, ...rest] = path;
  if (Array.isArray(data)) {
    const items = data as readonly Data[];
    return items.flatMap((item, index) => {
      if (String(index) !== key) return [item];
      return rest.length === 0 ? entries.map(([, value]) => value) : [edit(item, rest, entries)];
    });
  }
  return Object.fromEntries(
    Object.entries(data as { readonly [key: string]: Data }).flatMap(([name, value]): [string, Data][] => {
      if (name !== key) return [[name, value]];
      return rest.length === 0
        ? entries.map(([to, put]): [string, Data] => [to, put])
        : [[name, edit(value, rest, entries)]];
    }),
  );
}

function typo(text: string, next: (below: number) => number): string {
  const index = next(text.length + 1);
  const rest = text.slice(index);
  switch (next(4)) {
    case 0:
      return text.slice(0, index) + rest.slice(1);
    case 1:
      return `${text.slice(0, index)}x${rest}`;
    case 2:
      return text.slice(0, index) + rest.charAt(0).toUpperCase() + rest.slice(1);
    default:
      return text.slice(0, index) + rest.charAt(1) + rest.charAt(0) + rest.slice(2);
  }
}

function otherType(value: Data, next: (below: number) => number): Data {
  const others: readonly Data[] = ['text', 7, true, null, ['a'], { a: 'b' }, [], {}];
  const kind = (data: Data): string => (Array.isArray(data) ? 'array' : data === null ? 'null' : typeof data);
  const different = others.filter((other) => kind(other) !== kind(value));
  return different[next(different.length)] ?? null;
}

/** Prints one key a line. */
function print(
  data: Data,
  format: Format,
  what: string,
  touched: readonly Path[],
  meant: readonly Path[],
  twice?: Path,
): Mutant {
  const lines: string[] = [];
  const spots = new Map<string, number>([['', format === 'ts' ? 2 : 1]]);
  if (format === 'ts') lines.push("import { defineConfig } from '@rebake/rebake';", 'export default defineConfig(({');
  walk(data, [], format === 'ts' ? '  ' : '');
  if (format === 'ts') lines.push('} as never));');
  const found = [...meant, ...touched].flatMap((path) => spots.get(path.join('\u0000')) ?? []);
  // A value that was put there may take several lines.
  for (const path of touched.filter((one) => one.length > 0 && !/^(delete|syntax)/.test(what))) {
    const below = `${path.join('\u0000')}\u0000`;
    for (const [spot, line] of spots) if (spot.startsWith(below)) found.push(line);
  }
  return { what, text: `${lines.join('\n')}\n`, lines: new Set(found) };

  function walk(value: Data, path: Path, indent: string): void {
    for (const [key, member] of Object.entries(value as { readonly [key: string]: Data })) {
      entry(key, member, [...path, key], indent, Array.isArray(value));
      if (twice?.join('\u0000') === [...path, key].join('\u0000'))
        entry(key, member, [...path, key], indent, Array.isArray(value));
    }
  }
  function entry(key: string, member: Data, path: Path, indent: string, isItem: boolean): void {
    spots.set(path.join('\u0000'), lines.length + 1);
    const written = /^[A-Za-z][A-Za-z0-9]*$/.test(key) ? key : JSON.stringify(key);
    const head = isItem ? (format === 'yaml' ? `${indent}- ` : indent) : `${indent}${written}: `;
    const nested = typeof member === 'object' && member !== null && Object.keys(member).length > 0;
    if (!nested) {
      lines.push(`${head}${JSON.stringify(member)}${format === 'ts' ? ',' : ''}`);
      return;
    }
    const [open, close] = Array.isArray(member) ? ['[', '],'] : ['{', '},'];
    lines.push(format === 'ts' ? head + open : head.trimEnd());
    walk(member, path, `${indent}  `);
    if (format === 'ts') lines.push(indent + close);
  }
}
