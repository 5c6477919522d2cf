/** Asking many questions of few hosts: not too many at once, and a host that does not answer is asked once only. */
import type { BuildError, Seen } from '@rebake/sdk';

/** Failures that are the host's, not the question's. */
const HOST_IS_DOWN: ReadonlySet<string> = new Set(['REGISTRY_UNREACHABLE', 'REGISTRY_TLS', 'ENGINE_UNREACHABLE']);

/** Whether a host that was found down is asked again: before a plan, no; during an apply, where waiting may help, yes. */
export type SilentHosts = 'ask once' | 'ask again';

/** Bounds what runs at once. */
export class Gate {
  #free: number;
  readonly #waiting: (() => void)[] = [];
  readonly #hosts = new Map<string, Promise<BuildError | null>>();

  readonly #silent: SilentHosts;

  /** `concurrency`: questions at once, over all hosts. */
  constructor(concurrency: number, silent: SilentHosts) {
    this.#free = concurrency;
    this.#silent = silent;
  }

  /**
   * Asks a question of a host. The first one goes alone; if it finds the host down, all others have their answer, in the host's own
   * words, without waiting for the same again.
   */
  async ask<T>(host: string, question: () => Promise<Seen<T>>): Promise<Seen<T>> {
    if (this.#silent === 'ask again') return this.#limited(question);
    const first = this.#hosts.get(host);
    if (!first) {
      const answer = this.#limited(question);
      this.#hosts.set(
        host,
        answer.then(downBy, () => null),
      );
      return answer;
    }
    const down = await first;
    return down ? { seen: 'unknown', why: down } : this.#limited(question);
  }

  async #limited<T>(question: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await question();
    } finally {
      const next = this.#waiting.shift();
      // The place goes on to the next one without becoming free between.
      if (next) next();
      else this.#free += 1;
    }
  }
}

function downBy(answer: Seen<unknown>): BuildError | null {
  return answer.seen === 'unknown' && HOST_IS_DOWN.has(answer.why.code) ? answer.why : null;
}
