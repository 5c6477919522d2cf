/**
 * Assumptions: a ledger-fresh image that may be absent keeps its identity only as long as nobody demands it. This file says when
 * nobody can any more, so that what rests on it may go on.
 */
import type { Cell } from './cell.ts';
import { settledForGood } from './cell.ts';

/**
 * Makes firm every known cell that rests on nothing a still undecided node could demand. Returns those. O(nodes + edges).
 * `cells` are parents first.
 */
export function settleAssumptions(cells: readonly Cell[]): readonly Cell[] {
  const open = new Set<Cell>();
  for (const cell of cells) {
    // It may turn out to be nowhere, and is built again then.
    if (asked(cell)) open.add(cell);
    if (asked(cell) || undecided(cell)) markAncestors(cell, open);
  }
  const firm: Cell[] = [];
  for (const cell of cells) {
    if (cell.phase !== 'known' || cell.firm || open.has(cell) || !cell.parents.every(settledForGood)) continue;
    cell.firm = true;
    firm.push(cell);
  }
  return firm;
}

/** An answer about where it is, is still out. */
function asked(cell: Cell): boolean {
  return cell.presence?.work === 'locate';
}

/** It may still come to demand something: it was not judged yet, or has to be judged again. */
function undecided(cell: Cell): boolean {
  return cell.phase === 'waiting' || cell.phase === 'asking' || cell.again;
}

function markAncestors(cell: Cell, open: Set<Cell>): void {
  const pending = [cell];
  for (let next = pending.pop(); next; next = pending.pop()) {
    for (const parent of next.parents) {
      if (parent.firm || open.has(parent)) continue;
      open.add(parent);
      pending.push(parent);
    }
  }
}
