/** What DSS answers to a request that takes time: where it stands, and what it says of the outcome. */
import { isObject, type JsonObject } from '@rebake/dss';

/** Words of a failure longer than this are cut at the front: the cause stands at the end. */
const MOST_WORDS = 4000;

const FAILED: ReadonlySet<unknown> = new Set(['ERROR', 'FATAL']);

/** Id of the job that a call with `wait=false` has started; null where it is done already. */
export function jobOf(answer: JsonObject): string | null {
  const id = answer['jobId'];
  return typeof id === 'string' && id !== '' && answer['hasResult'] !== true ? id : null;
}

/** How far a job is. A job that is neither alive nor has a result was aborted, or DSS was started again meanwhile. */
export function stateOf(future: JsonObject): 'running' | 'done' | 'lost' {
  if (future['hasResult'] === true) return 'done';
  return future['alive'] === true && future['aborted'] !== true ? 'running' : 'lost';
}

/** What DSS says went wrong, from an answer with status 200; null where nothing did. */
export function failureIn(answer: JsonObject): string | null {
  const result = isObject(answer['result']) ? answer['result'] : answer;
  const failed = messagesIn(result).filter(({ severity }) => FAILED.has(severity));
  if (failed.length > 0) return lastOf(failed.map(wordsOf).join('\n'));
  const held = result['messages'];
  const flagged = isObject(held) && (held['error'] === true || FAILED.has(held['maxSeverity']));
  return flagged ? 'DSS says that there was an error, and not which' : null;
}

/** The end of a text. */
export function lastOf(text: string): string {
  return text.length <= MOST_WORDS ? text : `…${text.slice(-MOST_WORDS)}`;
}

/** Name of the newest of an env's logs. */
export function newestLog(logs: readonly JsonObject[]): string | null {
  let newest: { readonly name: string; readonly at: number } | null = null;
  for (const log of logs) {
    const name = log['name'];
    const at = log['lastModified'];
    if (typeof name !== 'string') continue;
    const one = { name, at: typeof at === 'number' ? at : 0 };
    if (newest === null || one.at > newest.at) newest = one;
  }
  return newest?.name ?? null;
}

function messagesIn(result: JsonObject): readonly JsonObject[] {
  const held = result['messages'];
  const list = isObject(held) ? held['messages'] : held;
  return Array.isArray(list) ? list.filter(isObject) : [];
}

function wordsOf(message: JsonObject): string {
  const parts = ['title', 'message', 'details'].map((name) => message[name]);
  const words = parts.filter((part): part is string => typeof part === 'string' && part !== '');
  return words.length > 0 ? [...new Set(words)].join(': ') : 'an error without words';
}
