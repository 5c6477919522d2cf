/** Lines of a pull or push as progress: what happens to a layer as log lines, and all bytes together. */
import type { Progress } from '@rebake/sdk';
import type { EngineLine } from './json-lines.ts';

/** Layers report their bytes under these; a pull has two phases of which only the first moves bytes over the network. */
const MOVING = /^(Pushing|Downloading)$/;

/** A function that takes the lines of one transfer. */
export function transferProgress(emit: (progress: Progress) => void): (line: EngineLine) => void {
  const layers = new Map<string, { done: number; of: number }>();
  let shown = 0;
  return ({ id, status, current, total }) => {
    if (status === undefined) return;
    if (!MOVING.test(status) || current === undefined || id === undefined) {
      if (status !== 'Extracting') emit({ type: 'log', text: id === undefined ? status : `${id}: ${status}` });
      return;
    }
    layers.set(id, { done: current, of: Math.max(total ?? 0, current) });
    const all = [...layers.values()];
    const done = all.reduce((sum, layer) => sum + layer.done, 0);
    if (done <= shown) return;
    shown = done;
    emit({ type: 'bytes', done, of: all.reduce((sum, layer) => sum + layer.of, 0) });
  };
}
