/** What builders answer, checked: a plugin is somebody else's code, and what it says goes into state, plans and references. */
import { BuildFailure, isDigest, isRegistryHost, isRepository } from '@rebake/sdk';
import type { BuildError, Built, Capabilities, Digest, Lack, Location, Output, Platform, Seen } from '@rebake/sdk';

const PLATFORMS: readonly Platform[] = ['linux/amd64', 'linux/arm64'];
const LACKS: readonly Lack[] = ['engine-names', 'secrets', 'network', 'proxy'];
const MOST_PARALLEL = 1024;
const CONTENTS = /^[a-z0-9][a-z0-9._-]{0,63}@[0-9]{1,6}$/;
// oxlint-disable-next-line no-control-regex -- control characters are what is refused
const UNSHOWABLE = /[\u0000-\u001f\u007f]/;
const LONGEST_NAME = 512;
const CODE = /^[A-Z][A-Z0-9_]{0,63}$/;

/** Whatever was thrown at the boundary of a plugin, as a failure. The reason of an abort passes as it is. */
export function asFailure(error: unknown, signal: AbortSignal, who: string): unknown {
  if ((error instanceof BuildFailure && isError(error.error)) || (signal.aborted && error === signal.reason))
    return error;
  const words = error instanceof Error ? error.message : String(error);
  return new BuildFailure(
    { code: 'BUILDER_BROKEN', retry: 'never', words: `builder ${who}: ${words}` },
    { cause: error },
  );
}

const RETRIES: readonly unknown[] = ['never', 'backoff', 'elsewhere'] satisfies readonly BuildError['retry'][];

/** Whether a failure says what one has to say: it may come from another copy of the SDK, of another version. */
function isError(value: unknown): value is BuildError {
  const { code, retry, words } = (value ?? {}) as Partial<Record<string, unknown>>;
  return typeof code === 'string' && CODE.test(code) && RETRIES.includes(retry) && typeof words === 'string';
}

/** A failure for what nobody should answer. */
function wrong(who: string, what: string): BuildFailure {
  return new BuildFailure({ code: 'BUILDER_ANSWER', retry: 'never', words: `builder ${who} answered with ${what}` });
}

/** Checks an answer to `probe`. */
export function checkCapabilities(who: string, value: Capabilities): Capabilities {
  const { engine, contents, steps, platforms, reproducible, lacks = [], parallel } = record(who, value);
  if (!isName(engine)) throw wrong(who, 'no engine id');
  if (typeof contents !== 'string' || !CONTENTS.test(contents)) throw wrong(who, 'no contents class such as `name@1`');
  if (!Array.isArray(steps) || !steps.every((step) => typeof step === 'string')) throw wrong(who, 'no list of steps');
  if (!Array.isArray(platforms)) throw wrong(who, 'no list of platforms');
  const known = PLATFORMS.filter((platform) => platforms.includes(platform));
  // A lack that this kernel does not know could be of anything: better no build than a wrong one.
  if (!Array.isArray(lacks) || !lacks.every((lack) => LACKS.includes(lack as Lack)))
    throw wrong(who, 'a lack that nobody knows');
  const limited = Number.isInteger(parallel) && (parallel as number) >= 1 && (parallel as number) <= MOST_PARALLEL;
  return {
    engine,
    contents,
    steps: [...(steps as string[])],
    platforms: known,
    reproducible: reproducible === true,
    ...(lacks.length > 0 ? { lacks: [...(lacks as Lack[])] } : {}),
    ...(limited ? { parallel: parallel as number } : {}),
  };
}

/** Checks an image that a builder says it has: an identity, and at least one place. */
export function checkOutput(who: string, value: Output): Output {
  const { identity, at } = record(who, value);
  if (!isDigest(identity)) throw wrong(who, 'an identity that is no digest');
  if (!Array.isArray(at) || at.length === 0) throw wrong(who, 'an image that is nowhere');
  return { identity, at: at.map((location) => checkLocation(who, location as Location)) };
}

/** Checks what was built. A record that cannot be shown is left out: nothing rests on it. */
export function checkBuilt(who: string, value: Built): Built {
  const output = checkOutput(who, value);
  return isName(value.record) ? { ...output, record: value.record } : output;
}

/** Checks one place. */
export function checkLocation(who: string, value: Location): Location {
  const { registry, repository, manifest, engine, name } = record(who, value);
  if (engine !== undefined) {
    if (!isName(engine) || !isName(name)) throw wrong(who, 'a place without an engine or a name');
    return { engine, name };
  }
  if (typeof registry !== 'string' || !isRegistryHost(registry)) throw wrong(who, 'a place that is no registry');
  if (typeof repository !== 'string' || !isRepository(repository)) throw wrong(who, 'a place that is no repository');
  return { registry, repository, manifest: checkDigest(who, manifest) };
}

/** Checks a digest. */
export function checkDigest(who: string, value: unknown): Digest {
  if (!isDigest(value)) throw wrong(who, 'a digest that is none');
  return value;
}

/** Checks an observation. */
export function checkSeen(who: string, value: Seen<Output>): Seen<Output> {
  const { seen, value: output, why } = record(who, value);
  if (seen === 'no') return { seen };
  if (seen === 'yes') return { seen, value: checkOutput(who, output as Output) };
  const { code, words } = record(who, why ?? {});
  if (seen !== 'unknown' || typeof code !== 'string' || typeof words !== 'string') throw wrong(who, 'no observation');
  return { seen, why: why as BuildError };
}

function record(who: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null) throw wrong(who, 'nothing');
  return value as Record<string, unknown>;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= LONGEST_NAME && !UNSHOWABLE.test(value);
}
