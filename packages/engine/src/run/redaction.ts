/** Redaction: whatever is emitted passes here, and registered secrets come out as `***`. */

/** Shorter texts are not taken for secrets: they would black out half of every log. */
const SHORTEST = 5;
/** Lines of a secret file shorter than this are words, not keys. */
const SHORTEST_LINE = 16;
const MASK = '***';
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;
const URL_LOGIN = /[a-z][a-z0-9+.-]*:\/\/([^\s/@:]*)(?::([^\s/@]*))?@/gi;
const SETTING = /^\s*[\w.-]*(?:pass|token|secret|key|auth|credential)[\w.-]*\s*[=:]\s*["']?(.+?)["']?\s*$/i;

/** Knows the secrets of a run. */
export interface Redactor {
  /** Registers a value read for a build: the value itself and what in it is a secret by its form. */
  learn(value: string | Uint8Array): void;
  /** Masks every registered secret. */
  clean(text: string): string;
  /** A cleaner for text that comes in pieces: a secret cut by two pieces is found too. */
  stream(): RedactingStream;
}

/** Cleans pieces of one stream in order; `end` gives what was held back. */
export interface RedactingStream {
  push(piece: string): string;
  end(): string;
}

/** Makes a redactor that knows nothing yet. */
export function createRedactor(): Redactor {
  const secrets = new Set<string>();
  let pattern: RegExp | null = null;
  const anySecret = (): RegExp => {
    pattern ??= new RegExp(
      [...secrets]
        .toSorted((a, b) => b.length - a.length)
        .map((secret) => escapePattern(secret))
        .join('|'),
      'g',
    );
    return pattern;
  };
  const clean = (text: string): string => (secrets.size === 0 ? text : text.replace(anySecret(), MASK));
  return {
    learn(value) {
      const text = typeof value === 'string' ? value : new TextDecoder().decode(value);
      for (const secret of secretsIn(text)) secrets.add(secret);
      pattern = null;
    },
    clean,
    stream() {
      let held = '';
      return {
        push(piece) {
          const text = held + piece;
          const cut =
            secrets.size === 0 ? text.length : afterWhole(text, startOfUnfinished(text, secrets), anySecret());
          held = text.slice(cut);
          return clean(text.slice(0, cut));
        },
        end() {
          const rest = clean(held);
          held = '';
          return rest;
        },
      };
    },
  };
}

/** Everything in a secret's text that must not be shown: the whole, its other spellings, logins in URLs, values of settings, long lines. */
function secretsIn(text: string): readonly string[] {
  // Certificates are public, and three thousand lines of them would slow every line of every log.
  const value = text.replace(CERTIFICATE, '').trim();
  const found = new Set<string>([value]);
  for (const [, user = '', password] of value.matchAll(URL_LOGIN)) {
    // `https://TOKEN@host` has the secret as its user.
    found.add(password ?? user);
    if (password !== undefined) found.add(decoded(password));
  }
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  for (const line of lines) {
    const setting = SETTING.exec(line)?.[1];
    if (setting !== undefined) found.add(setting);
    else if (lines.length > 1 && line.length >= SHORTEST_LINE && !/[\s=:]/.test(line)) found.add(line);
  }
  const spelled = [...found];
  for (const secret of spelled) {
    if (secret.includes('\n')) continue;
    found.add(Buffer.from(secret).toString('base64'));
    found.add(encodeURIComponent(secret));
    found.add(JSON.stringify(secret).slice(1, -1));
  }
  return [...found].filter((secret) => secret.length >= SHORTEST);
}

function escapePattern(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A cut that would go through a whole secret goes behind it. */
function afterWhole(text: string, cut: number, secrets: RegExp): number {
  for (const { index, 0: secret } of text.matchAll(secrets)) {
    if (index < cut && cut < index + secret.length) return index + secret.length;
  }
  return cut;
}

/** Where in `text` a secret may have begun that only the next piece completes; its length when none has. */
function startOfUnfinished(text: string, secrets: ReadonlySet<string>): number {
  let start = text.length;
  for (const secret of secrets) {
    for (let length = Math.min(secret.length - 1, text.length); length > text.length - start; length--) {
      if (text.endsWith(secret.slice(0, length))) {
        start = text.length - length;
        break;
      }
    }
  }
  return start;
}
