/** What loading took out of a faulty declaration: whoever misses it here has had its diagnostic, and is not told again. */
import type { KeyPath } from './key-path.ts';

/** Paths that were taken out, and what lies around them. */
export class Removed {
  private readonly cut: ReadonlySet<string>;
  private readonly around = new Set<string>();

  constructor(removed: readonly string[]) {
    this.cut = new Set(removed);
    for (const path of removed) {
      for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) this.around.add(path.slice(0, dot));
    }
  }

  /** Whether something at this path, in it, or around all of it was taken out, so that nothing can be concluded from it. */
  touches(path: KeyPath): boolean {
    if (this.cut.size === 0) return false;
    return this.around.has(path.join('.')) || path.some((_, index) => this.cut.has(path.slice(0, index + 1).join('.')));
  }
}
