/** What the command line needs of the world around it, as a value: tests hand in their own. */
import type { Builder } from '@rebake/sdk';

/** Streams, terminal, environment and interruption of one invocation. */
export interface Io {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Null when standard output is not a terminal. */
  readonly terminal: { readonly columns: number } | null;
  /** Whether colours are wanted: a terminal, and neither NO_COLOR nor a dumb one. */
  readonly colors: boolean;
  /** Null when nobody can answer. */
  readonly ask: ((question: string) => Promise<string>) | null;
  /** Aborted by the first Ctrl-C. */
  readonly signal: AbortSignal;
  out(text: string): void;
  err(text: string): void;
  /** Bytes to standard output, for another program; resolves when there is room for more. */
  bytes(chunk: Uint8Array): Promise<void>;
  /** Replaces the block drawn last, where there is a terminal: `null` leaves it as it is and goes on below. */
  redraw(block: string | null): void;
  /** Clock, ids and builders that a program gives instead of the process's own and those that the declaration names. */
  readonly given?: {
    readonly now?: () => number;
    readonly randomId?: () => string;
    readonly builders?: Readonly<Record<string, Builder>>;
  };
}
