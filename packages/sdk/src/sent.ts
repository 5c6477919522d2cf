/** Bytes that pushes and copies took: added up, and in words. */
import type { SentBytes } from '@rebake/image';

/** The sum of two. */
export function addSent(a: SentBytes, b: SentBytes): SentBytes {
  return { uploaded: a.uploaded + b.uploaded, mounted: a.mounted + b.mounted, skipped: a.skipped + b.skipped };
}

/** `pushed 12.1 MB, mounted 80.4 MB, 3.2 MB were there`, without the parts that are nothing; `nothing to push` for an image without content. */
export function sentText({ uploaded, mounted, skipped }: SentBytes): string {
  const parts = [
    ...(uploaded > 0 ? [`pushed ${size(uploaded)}`] : []),
    ...(mounted > 0 ? [`mounted ${size(mounted)}`] : []),
    ...(skipped > 0 ? [`${size(skipped)} were there`] : []),
  ];
  return parts.length === 0 ? 'nothing to push' : parts.join(', ');
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  return bytes < 100_000 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
