/** Answers of the engine's API, checked: ids become parts of paths and identities of images. */
import { isDigest } from '@rebake/image';
import type { Platform } from '@rebake/image';
import { failure } from '@rebake/sdk/building';
import type { LayeredImage } from '@rebake/sdk/building';

/** What an engine says about itself. */
export interface EngineInfo {
  readonly id: string;
  readonly platform: Platform;
}

/** What an engine says about an image. */
export type EngineImage = LayeredImage;

const ARCHITECTURES: Readonly<Record<string, Platform>> = {
  x86_64: 'linux/amd64',
  amd64: 'linux/amd64',
  aarch64: 'linux/arm64',
  arm64: 'linux/arm64',
};

/** Checks the answer of `/info`; throws for engines that rebake cannot work with. */
export function infoOf(answer: unknown, host: string): EngineInfo {
  const { ID: id, OSType: os, Architecture: architecture, DriverStatus: driver } = record(answer);
  if (typeof id !== 'string' || !/^[\x21-\x7e]{1,256}$/.test(id)) throw invalid(`${host} gives no usable engine id`);
  // With containerd's store an image's id is the digest of its index, and is not kept when it is pushed.
  if (
    Array.isArray(driver) &&
    driver.some((pair) => Array.isArray(pair) && String(pair[1]).startsWith('io.containerd.snapshotter'))
  ) {
    const words = `${host} keeps its images in containerd's store, where an image's id is not its config digest; set "features": {"containerd-snapshotter": false} in its daemon.json`;
    throw failure('ENGINE_UNSUPPORTED', 'never', words);
  }
  const platform = typeof architecture === 'string' ? ARCHITECTURES[architecture] : undefined;
  if (os !== 'linux' || !platform)
    throw failure(
      'ENGINE_UNSUPPORTED',
      'never',
      `${host} runs on ${String(os)}/${String(architecture)}; rebake builds for linux/amd64 and linux/arm64`,
    );
  return { id, platform };
}

/** Checks the answer of `/images/NAME/json`. */
export function imageOf(answer: unknown): EngineImage {
  const { Id: id, RootFS: rootFs } = record(answer);
  const { Layers: layers = [] } = record(rootFs);
  if (!isDigest(id)) throw invalid('an image whose id is no digest');
  if (!Array.isArray(layers) || !layers.every(isDigest)) throw invalid(`an image whose layers are no digests: ${id}`);
  return { id, layers };
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw invalid('no object where one was expected');
  return value as Readonly<Record<string, unknown>>;
}

function invalid(words: string): Error {
  return failure('ENGINE_ANSWER_INVALID', 'never', `unexpected answer of the engine: ${words}`);
}
