/** A wheel that is open: what it says of itself, held against the lock and the rules. */
import { createHash, hash as hashOnce } from 'node:crypto';
import { parseVersion, compareVersions } from '../choose/version.ts';
import { normalizeName } from '../choose/tags.ts';
import { failure } from '../failures.ts';
import { parseRecord } from './record.ts';
import { openZip, type Zip, type ZipFile } from './zip.ts';

/** A file of a wheel, with the hash that it has to have. */
export interface WheelFile {
  readonly path: string;
  readonly mode: number;
  readonly size: number;
  /** As in RECORD; that of {@link Wheel.record} itself is not there. */
  readonly hash: string;
  /** The content, checked against all that is said of it. */
  read(): Promise<Buffer>;
  /** The same in parts, each gone when the next one is asked for; the last comes only after all is checked. */
  stream(): AsyncGenerator<Uint8Array>;
}

export interface Wheel {
  /** File name. */
  readonly file: string;
  /** All but RECORD and its signatures. */
  readonly files: readonly WheelFile[];
  /** Name of the folder, such as `six-1.17.0.dist-info`. */
  readonly distInfo: string;
  /** `six-1.17.0.data`, or null where there is none. */
  readonly data: string | null;
  close(): void;
}

/** What a wheel is expected to be. */
export interface ExpectedWheel {
  readonly file: string;
  /** Normalized. */
  readonly name: string;
  readonly version: string | null;
}

const MAX_METADATA = 16 << 20;

/** Opens the wheel in `path` and checks all but the contents of its files, which are checked when read. Rejects with `WHEEL_INVALID`. */
export async function openWheel(path: string, size: number, expected: ExpectedWheel): Promise<Wheel> {
  const zip = await openZip(path, size, expected.file);
  try {
    return await checked(zip, expected);
  } catch (thrown) {
    zip.close();
    throw thrown;
  }
}

async function checked(zip: Zip, expected: ExpectedWheel): Promise<Wheel> {
  const refuse = (words: string): Error => failure('WHEEL_INVALID', `${expected.file}: ${words}`);
  const tops = [...new Set(zip.files.map(({ path }) => path.slice(0, path.indexOf('/') + 1 || undefined)))];
  const infos = tops.filter((top) => top.toLowerCase().endsWith('.dist-info/'));
  const distInfo = infos[0]?.slice(0, -1);
  if (infos.length !== 1 || distInfo === undefined || !distInfo.endsWith('.dist-info')) {
    throw refuse(
      infos.length > 1 ? `it has more than one folder .dist-info: ${infos.join(', ')}` : 'it has no folder .dist-info',
    );
  }
  const byPath = new Map(zip.files.map((file) => [file.path, file]));
  const text = async (name: string): Promise<string> => {
    const file = byPath.get(`${distInfo}/${name}`);
    if (file === undefined) throw refuse(`it has no ${distInfo}/${name}`);
    if (file.size > MAX_METADATA) throw refuse(`${distInfo}/${name} is too large`);
    return (await zip.read(file)).toString('utf8');
  };
  const about = headers(await text('METADATA'));
  const wheel = headers(await text('WHEEL'));
  const [infoName = '', infoVersion = ''] = distInfo.slice(0, -'.dist-info'.length).split(/-(?=[^-]*$)/);
  for (const [name, where] of [
    [infoName, 'its folder'],
    [about['name'] ?? '', 'METADATA'],
  ] as const) {
    if (normalizeName(name) !== expected.name)
      throw refuse(`${where} calls it ${JSON.stringify(name)}, the lock ${expected.name}`);
  }
  for (const [version, where] of [
    [infoVersion, 'its folder'],
    [about['version'] ?? '', 'METADATA'],
  ] as const) {
    if (!isSameVersion(version, expected.version ?? about['version'] ?? '')) {
      throw refuse(
        `${where} says that it is version ${JSON.stringify(version)}, not ${expected.version ?? about['version'] ?? 'one'}`,
      );
    }
  }
  const wheelVersion = wheel['wheel-version'] ?? '';
  if (!/^1\.\d+$/.test(wheelVersion))
    throw refuse(`it is a wheel of version ${JSON.stringify(wheelVersion)}, of which nothing is known`);
  const datas = tops.filter((top) => top.endsWith('.data/'));
  const data = datas.find((top) => top === `${distInfo.slice(0, -'.dist-info'.length)}.data/`)?.slice(0, -1) ?? null;
  const rows = parseRecord(await text('RECORD'));
  if (rows === null) throw refuse('its RECORD cannot be read');
  const recorded = new Map(rows.map((row) => [row.path, row]));
  const files: WheelFile[] = [];
  for (const file of zip.files) {
    if (file.path === `${distInfo}/RECORD` || /^RECORD\.(jws|p7s)$/.test(file.path.slice(distInfo.length + 1)))
      continue;
    const row = recorded.get(file.path);
    if (row === undefined) throw refuse(`${JSON.stringify(file.path)} is not in its RECORD`);
    const [algorithm = '', value = ''] = row.hash.split(/=(.*)/s);
    if (!ALGORITHMS.has(algorithm) || value === '')
      throw refuse(`RECORD has no hash of ${JSON.stringify(file.path)} that counts`);
    if (row.size !== '' && row.size !== String(file.size)) {
      throw refuse(`${JSON.stringify(file.path)} has ${file.size} bytes, in RECORD ${row.size}`);
    }
    files.push(wheelFile(zip, file, algorithm, value, refuse));
  }
  return {
    file: expected.file,
    files,
    distInfo,
    data,
    close: () => zip.close(),
  };
}

/** Those of the specification that are `sha256` or better. */
const ALGORITHMS = new Set(['sha256', 'sha384', 'sha512']);

function wheelFile(
  zip: Zip,
  file: ZipFile,
  algorithm: string,
  value: string,
  refuse: (words: string) => Error,
): WheelFile {
  const wrong = (): Error => refuse(`${JSON.stringify(file.path)} does not fit its hash in RECORD`);
  const wanted = value.replace(/=+$/, '');
  return {
    path: file.path,
    mode: file.mode,
    size: file.size,
    hash: `${algorithm}=${wanted}`,
    read: async () => {
      const bytes = await zip.read(file);
      if (hashOnce(algorithm, bytes, 'base64url') !== wanted) throw wrong();
      return bytes;
    },
    async *stream() {
      const hasher = createHash(algorithm);
      let held: Uint8Array | null = null;
      for await (const part of zip.stream(file)) {
        hasher.update(part);
        if (held !== null) yield held;
        held = part;
      }
      if (hasher.digest('base64url') !== wanted) throw wrong();
      if (held !== null) yield held;
    },
  };
}

function isSameVersion(a: string, b: string): boolean {
  // Until the specification said otherwise, `-` and `+` became `_` in folders.
  const [x, y] = [parseVersion(a.replace(/_/, '+')) ?? parseVersion(a.replaceAll('_', '-')), parseVersion(b)];
  return x !== null && y !== null ? compareVersions(x, y) === 0 : a === b;
}

/** Headers of a message, by lower-case name; the first of each. */
function headers(text: string): Readonly<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const line of text.split(/\r?\n/)) {
    if (line === '') break;
    const match = /^([A-Za-z0-9-]+):[ \t]*(.*?)[ \t]*$/.exec(line);
    if (match?.[1] === undefined || match[2] === undefined) continue;
    const key = match[1].toLowerCase();
    if (!Object.hasOwn(found, key)) found[key] = match[2];
  }
  return found;
}
