/** Keeps what looks like a secret out of all that is written or shown. */
import type { Json } from '../reading.ts';
import { isObject } from '../settings.ts';

const KEY =
  /pass(?:word|wd|phrase)?$|secret|token|credential|api[._-]?key|access[._-]?key|account[._-]?key|private[._-]?key|\.key\./i;
const VALUE = /:\/\/[^/@\s]*:[^/@\s]*@|-----BEGIN [A-Z ]*PRIVATE KEY|^(?:dkuaps|dkuapr)-/;

/** Whether a value should not be shown, by the key that it stands under or its own look. */
export function isSecret(key: string, value: Json): boolean {
  if (typeof value === 'string' && VALUE.test(value)) return true;
  return KEY.test(key) && value !== null && value !== '' && typeof value !== 'boolean';
}

/** The same JSON with a word in the place of every secret. */
export function withoutSecrets(value: Json, key = ''): Json {
  if (isSecret(key, value)) return '(looks like a secret)';
  if (Array.isArray(value)) return value.map((one: Json) => withoutSecrets(one, key));
  if (!isObject(value)) return value;
  // DSS keeps properties as rows of a key and a value.
  const named = typeof value['key'] === 'string' ? value['key'] : null;
  return Object.fromEntries(
    Object.entries(value).map(([its, one]) => [
      its,
      withoutSecrets(one, its === 'value' && named !== null ? named : its),
    ]),
  );
}
