/** The image of an index that is meant. Attestations stand in an index as images of an unknown platform: they never are. */
import { BuildFailure, type Platform } from '../types.ts';
import { choosePlatform, type ImageIndex, type IndexEntry } from './documents.ts';

/** The entry for a platform. Rejects with `PLATFORM_MISSING`; `name`: of the index, for people. */
export function entryFor(index: ImageIndex, platform: Platform, name: string): IndexEntry {
  const entry = choosePlatform(index, platform);
  if (entry !== null) return entry;
  const has = images(index).flatMap(({ platform: its }) =>
    its === undefined ? [] : [`${its.os}/${its.architecture}`],
  );
  const list = [...new Set(has)].slice(0, 10).join(', ');
  throw platformMissing(`${name} has no image for ${platform}, only for ${list || 'none'}`);
}

/** The one image of an index that has no other, else null. */
export function onlyImage(index: ImageIndex): IndexEntry | null {
  const [first, ...others] = images(index);
  return first === undefined || others.length > 0 ? null : first;
}

export function platformMissing(words: string): BuildFailure {
  return new BuildFailure({ code: 'PLATFORM_MISSING', retry: 'never', words });
}

function images({ manifests }: ImageIndex): readonly IndexEntry[] {
  return manifests.filter(({ platform }) => platform?.os !== 'unknown');
}
