/** What Buildah and Podman print while they build, as progress. */
import type { Progress } from '../event.ts';

/** A headline; what a step printed without a line end stands before it. */
const HEADLINE = /^(.*?)STEP (\d+)\/(\d+): (.*)$/;

/** A function that takes one line after the other. Steps count upwards: what only looks like a headline is a line like any other. */
export function stepLines(emit: (progress: Progress) => void): (line: string) => void {
  let last = 0;
  return (line) => {
    const [, before = '', index, of, name = ''] = HEADLINE.exec(line) ?? [];
    const step = Number(index);
    if (!(step > last)) return emit({ type: 'log', text: line });
    last = step;
    if (before !== '') emit({ type: 'log', text: before });
    emit({ type: 'step', index: step, of: Number(of), name });
  };
}
