/** Who sends a context for whom, and until when. */
import { describe, expect, it } from 'vitest';
import { ContextSharing } from '../src/context-sharing.ts';
import type { Local } from '../src/file-sync.ts';
import type { Session } from '../src/session.ts';

function sessionOf(id: string) {
  const state = { isOpen: true, fault: undefined as unknown, filesFault: undefined as unknown };
  const session: Session = {
    id,
    get isOpen() {
      return state.isOpen;
    },
    fault: () => state.fault,
    filesFault: () => state.filesFault,
    close: () => (state.isOpen = false),
  };
  return { session, state };
}

const local = (isShared: boolean): Local => ({ files: [], isShared, modified: () => 0 });
const offer = (sharedKey: string, isShared = true) => ({
  sharedKey,
  locals: { context: local(isShared), dockerfile: local(false) },
});
const FROM_A = { 'local-sessionid:context': 'a' };

describe('builds with the same files', () => {
  it('get them from the session of the first, which stays until the last has ended', () => {
    const sharing = new ContextSharing();
    const [a, b, c] = ['a', 'b', 'c'].map(sessionOf) as [
      ReturnType<typeof sessionOf>,
      ...ReturnType<typeof sessionOf>[],
    ];
    const first = sharing.take(a.session, offer('k'));
    const second = sharing.take(b!.session, offer('k'));
    expect([first.attributes, second.attributes]).toEqual([{}, FROM_A]);
    first.leave();
    expect([a.state.isOpen, b!.state.isOpen]).toEqual([true, true]);
    const third = sharing.take(c!.session, offer('k'));
    expect(third.attributes).toEqual(FROM_A);
    second.leave();
    expect([a.state.isOpen, b!.state.isOpen]).toEqual([true, false]);
    third.leave();
    expect([a.state.isOpen, c!.state.isOpen]).toEqual([false, false]);
  });

  it('get them from their own session once nobody is left', () => {
    const sharing = new ContextSharing();
    sharing.take(sessionOf('a').session, offer('k')).leave();
    expect(sharing.take(sessionOf('b').session, offer('k')).attributes).toEqual({});
  });

  it('do not get them from a session that has ended or was at fault', () => {
    const sharing = new ContextSharing();
    const [a, b] = [sessionOf('a'), sessionOf('b')];
    sharing.take(a.session, offer('k'));
    a.state.isOpen = false;
    const second = sharing.take(b.session, offer('k'));
    expect(second.attributes).toEqual({});
    b.state.filesFault = new Error('moved');
    expect(sharing.take(sessionOf('c').session, offer('k')).attributes).toEqual({});
    second.leave();
    // The one that took its place is still the one.
    expect(sharing.take(sessionOf('d').session, offer('k')).attributes).toEqual({ 'local-sessionid:context': 'c' });
  });

  it('fail for what went wrong with the files, and for nothing else of the others', () => {
    const sharing = new ContextSharing();
    const [a, b] = [sessionOf('a'), sessionOf('b')];
    const first = sharing.take(a.session, offer('k'));
    const second = sharing.take(b.session, offer('k'));
    a.state.fault = new Error('no such secret');
    expect([first.fault(), second.fault()]).toEqual([a.state.fault, undefined]);
    a.state.filesFault = new Error('moved');
    expect(second.fault()).toBe(a.state.filesFault);
    b.state.fault = new Error('its own');
    expect(second.fault()).toBe(b.state.fault);
  });
});

describe('builds with other files', () => {
  it('get them from their own sessions, and end with them', () => {
    const sharing = new ContextSharing();
    const [a, b, c] = [sessionOf('a'), sessionOf('b'), sessionOf('c')];
    const seats = [
      sharing.take(a.session, offer('k')),
      sharing.take(b.session, offer('l')),
      sharing.take(c.session, offer('k', false)),
    ];
    expect(seats.map(({ attributes }) => attributes)).toEqual([{}, {}, {}]);
    for (const seat of seats) seat.leave();
    expect([a, b, c].map(({ state }) => state.isOpen)).toEqual([false, false, false]);
  });
});
