// What a benchmark is: a name, and a function that measures both sides in one run and gives rows of figures.

/** Samples of one side, in the unit of their row. */
export interface Side {
  /** What was measured, such as `rebake plan` or `node -e 0`. */
  readonly what: string;
  readonly samples: readonly number[];
}

export type Unit = 'ms' | 'µs' | 'MB' | 'MiB';

/** What is made of the medians: their quotient, their difference for each of `per` things, or how many of `count` things a second. */
export type Comparison =
  | { readonly by: 'times' }
  | { readonly by: 'difference'; readonly per: number; readonly of: string }
  | { readonly by: 'rate'; readonly count: number; readonly of: string };

/** One line of a result: a figure of ours, what stands beside it, and the bar that it is held against. */
export interface Row {
  /** What is asked. */
  readonly what: string;
  readonly unit: Unit;
  readonly ours: Side;
  /** Null where nothing comparable exists. */
  readonly peer: Side | null;
  readonly compare: Comparison | null;
  /** The bar in words, such as `≤ 4 ×`; null where none was set. Printed beside the figure, never asserted: figures are the machine's. */
  readonly bar: string | null;
}

/** What a benchmark may use. */
export interface Bench {
  readonly name: string;
  /** One line for `--help` and for the table. */
  readonly title: string;
  run(tools: Tools): Promise<readonly Row[]>;
}

/** The surroundings of a run. */
export interface Tools {
  /** Root of the repository. */
  readonly root: string;
  /** A folder of this run's own, removed at its end. */
  readonly scratch: string;
  /** Says on standard error what is going on. */
  readonly note: (text: string) => void;
}

/** Something that a benchmark needs is not there: no result, and a line that says what to do about it. */
export class NotMeasured extends Error {
  override readonly name = 'NotMeasured';
}
