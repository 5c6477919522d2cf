/**
 * Sends a context once, however many builds use it side by side. A daemon keeps a copy of what it was sent under the session's shared key, but
 * a build that still runs locks it, and the next one would be sent everything again. So builds with the same key name one session for the
 * context, the one that was there first: to the daemon it is then one and the same source. That session stays until none of them needs it.
 */
import type { Offer, Session } from './session.ts';

/** A build's own session, together with the one that sends its context. */
export interface Seat {
  readonly session: Session;
  /** Attributes of the frontend that say where files come from. */
  readonly attributes: Readonly<Record<string, string>>;
  /** What went wrong on our side for this build, if anything did. */
  fault(): unknown;
  /** To be called when the build is over, once. */
  leave(): void;
}

interface Shared {
  readonly session: Session;
  builds: number;
}

/** The builds of one daemon. */
export class ContextSharing {
  readonly #byKey = new Map<string, Shared>();

  /** Takes a build's session in, which is closed when nobody needs it any more. */
  take(session: Session, { sharedKey, locals }: Pick<Offer, 'sharedKey' | 'locals'>): Seat {
    const names = Object.entries(locals).flatMap(([name, { isShared }]) => (isShared ? [name] : []));
    const own: Shared = { session, builds: 1 };
    if (names.length === 0) return { session, attributes: {}, fault: () => session.fault(), leave: () => leave(own) };
    const found = this.#byKey.get(sharedKey);
    const host = found?.session.isOpen === true && found.session.filesFault() === undefined ? found : own;
    if (host === own) this.#byKey.set(sharedKey, own);
    else host.builds += 1;
    return {
      session,
      attributes:
        host === own ? {} : Object.fromEntries(names.map((name) => [`local-sessionid:${name}`, host.session.id])),
      fault: () => session.fault() ?? host.session.filesFault(),
      leave: () => {
        if (host !== own) leave(own);
        leave(host);
        if (host.builds === 0 && this.#byKey.get(sharedKey) === host) this.#byKey.delete(sharedKey);
      },
    };
  }
}

function leave(shared: Shared): void {
  shared.builds -= 1;
  if (shared.builds === 0) shared.session.close();
}
