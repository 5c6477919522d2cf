/** The signed list of what an archive holds: verified first, and only what the signature covers is read. */
import { failure } from '../failures.ts';

/** What is used of an `InRelease` file. Times in milliseconds since the epoch. (No interface: only a type can be kept as a fact.) */
export type Release = {
  readonly codename: string;
  readonly suite: string;
  readonly date: number;
  /** Null: it does not expire. */
  readonly validUntil: number | null;
  readonly hasByHash: boolean;
  readonly components: readonly string[];
  /** Path below the suite's folder → what is there; of the compressed lists of packages only. */
  readonly files: Readonly<Record<string, { readonly size: number; readonly sha256: string }>>;
};

/** A key file: its bytes, binary or armored, and its path for people. */
export interface Keyring {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * The release in a clear-signed text. One good signature by one of the keys is enough, as for apt. Throws `DEBIAN_INDEX_INVALID`; `name` is what
 * the text is called there.
 */
export async function verifyRelease(
  name: string,
  text: string,
  keyrings: readonly Keyring[],
  now: number,
): Promise<Release> {
  return parseRelease(name, await verified(name, text, keyrings, now));
}

async function verified(name: string, text: string, keyrings: readonly Keyring[], now: number): Promise<string> {
  const pgp = await import('openpgp');
  const keys = await Promise.all(
    keyrings.map(async ({ path, bytes }) => {
      try {
        const isArmored = bytes[0] === 0x2d;
        return isArmored
          ? await pgp.readKeys({ armoredKeys: Buffer.from(bytes).toString('latin1') })
          : await pgp.readKeys({ binaryKeys: bytes });
      } catch (error) {
        throw failure('DEBIAN_INDEX_INVALID', `the keyring ${path} cannot be read: ${wordsOf(error)}`, error);
      }
    }),
  );
  let signed: string;
  let reasons: readonly string[];
  try {
    const message = await pgp.readCleartextMessage({ cleartextMessage: text });
    const { data, signatures } = await pgp.verify({ message, verificationKeys: keys.flat(), date: new Date(now) });
    signed = data;
    const results = await Promise.all(
      signatures.map(async ({ verified: outcome, keyID }) => {
        try {
          await outcome;
          return null;
        } catch (error) {
          return `${keyID.toHex()}: ${wordsOf(error)}`;
        }
      }),
    );
    if (results.includes(null)) return signed;
    reasons = results.filter((reason) => reason !== null);
  } catch (error) {
    throw failure('DEBIAN_INDEX_INVALID', `${name} is not a signed index: ${wordsOf(error)}`, error);
  }
  const by = keyrings.map(({ path }) => path).join(', ');
  const why = reasons.length === 0 ? 'it has no signature' : reasons.join('; ');
  throw failure('DEBIAN_INDEX_INVALID', `${name} is not signed by a key of ${by}: ${why}`);
}

const LIST = /^ ([0-9a-f]{64}) +(\d{1,12}) (\S+\/Packages\.xz)$/;

function parseRelease(name: string, text: string): Release {
  const fields = new Map<string, string>();
  const files: Record<string, { readonly size: number; readonly sha256: string }> = {};
  let key = '';
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith(' ')) {
      const match = key === 'sha256' ? LIST.exec(line) : null;
      if (match !== null) files[match[3] ?? ''] = { sha256: match[1] ?? '', size: Number(match[2]) };
      continue;
    }
    const colon = line.indexOf(':');
    key = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (key !== '') fields.set(key, line.slice(colon + 1).trim());
  }
  const date = Date.parse(fields.get('date') ?? '');
  const until = fields.get('valid-until');
  const validUntil = until === undefined ? null : Date.parse(until);
  if (Number.isNaN(date) || Number.isNaN(validUntil)) {
    throw failure('DEBIAN_INDEX_INVALID', `${name} does not say when it was made and until when it is valid`);
  }
  return {
    codename: fields.get('codename') ?? '',
    suite: fields.get('suite') ?? '',
    date,
    validUntil,
    hasByHash: fields.get('acquire-by-hash')?.toLowerCase() === 'yes',
    components: (fields.get('components') ?? '').split(/\s+/).filter((part) => part !== ''),
    files,
  };
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
