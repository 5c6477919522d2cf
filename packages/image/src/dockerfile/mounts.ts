/** Whether a user's own instructions lend files to a RUN: what an engine's cache may not look at. */
import type { ImageSpec } from '../types.ts';
import { parseDockerfile } from './parse.ts';

/** A mount of files; `bind` is also what a mount is that names no type. */
const LENDS = /^--mount=(?!.*type=(secret|ssh|tmpfs|cache))/i;

/**
 * Whether a fragment or a Dockerfile of a user mounts files (of the context, of a stage or of another image) into a RUN. Podman and Buildah (1.28)
 * know such a RUN again by its text, whatever the files hold by now: for them, it has to be built without the cache. The steps of rebake's own need no such
 * care: the folders that they mount are named by their contents.
 */
export function mountsFiles(spec: ImageSpec): boolean {
  return spec.steps.some(
    (step) =>
      (step.step === 'fragment' || step.step === 'dockerfile') &&
      parseDockerfile(step.text).instructions.some(({ words }) => words.some(({ text }) => LENDS.test(text))),
  );
}
