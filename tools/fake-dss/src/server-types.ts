/** What a started server takes and tells. */
import type { FakeInstance, Json, JsonObject } from './types.ts';

/** One request as it came in; `path` without the base path. */
export interface RecordedCall {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: Json;
}

/** How a request goes wrong, the first `times` times it is made (always, if not given). */
export interface Fault {
  readonly method: string;
  readonly path: string;
  readonly times?: number;
  readonly kind: 'status' | 'message' | 'drop' | 'garbage';
  /** The HTTP status of kind `status`; 500 if not given. */
  readonly status?: number;
  readonly words?: string;
}

/** An image build that DSS has finished. */
export interface BuiltImages {
  readonly language: string;
  readonly name: string;
  readonly version: string | null;
}

/** Options of `startFakeDss`. */
export interface ServerOptions {
  readonly tls?: { readonly key: string; readonly cert: string };
  readonly faults?: readonly Fault[];
  /** How long a build takes; 0 if not given. */
  readonly imageBuildMs?: number;
  /** Called before a build is reported as finished. */
  readonly onImagesBuilt?: (built: BuiltImages) => Promise<void>;
}

/** An answer before it is written. */
export interface Answer {
  readonly status: number;
  readonly body: Json;
  readonly text?: boolean;
}

/** The server's own copy of the instance. */
export interface State {
  instance: FakeInstance;
  readonly futures: Map<string, Future>;
  readonly logs: Map<string, Record<string, string>>;
  readonly options: ServerOptions;
}

/** A task under way or ended. */
export interface Future {
  readonly done: Promise<void>;
  readonly abort: () => void;
  state: JsonObject;
}
