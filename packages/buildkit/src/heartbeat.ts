/** Notices that the other side of a connection has gone silent while calls run on it: a daemon that hangs, a network that swallows packets. */
import type { ClientHttp2Session } from 'node:http2';
import { constants } from 'node:http2';
import { framePrefix } from './frames.ts';

/** Runs something again and again; returns what ends that. */
export type Every = (ms: number, run: () => void) => () => void;

/** Beats in which nothing came before the other side is asked for a sign of life, and before it is given up: 9 s after the last sign at the latest. */
const ASK_AFTER = 2;
const LOST_AFTER = 8;
const BEAT_MS = 1_000;

/** On the clock of the machine; keeps no process alive. */
export const everyByClock: Every = (ms, run) => {
  const timer = setInterval(run, ms);
  timer.unref();
  return () => clearInterval(timer);
};

/**
 * Counts beats without a sign of life, and calls `silent` with their number of seconds when it is one too many. Beats and not time: a
 * process that was asleep itself has missed none.
 */
export function countSilence(
  every: Every,
  isAlive: () => boolean,
  ask: () => void,
  silent: (seconds: number) => void,
): () => void {
  let beats = 0;
  const stop = every(BEAT_MS, () => {
    beats = isAlive() ? 0 : beats + 1;
    if (beats === ASK_AFTER) ask();
    if (beats < LOST_AFTER) return;
    stop();
    silent((LOST_AFTER * BEAT_MS) / 1_000);
  });
  return stop;
}

/**
 * Asks for a sign of life with gRPC's health check: any answer is one, also "unimplemented". No HTTP/2 ping: servers of gRPC for Go take more
 * than two of them in five minutes for an attack and end the connection.
 */
export function askForLife(session: ClientHttp2Session, alive: () => void): void {
  if (session.closed || session.destroyed) return;
  const call = session.request({
    ':method': 'POST',
    ':path': '/grpc.health.v1.Health/Check',
    'content-type': 'application/grpc+proto',
    te: 'trailers',
  });
  call.on('response', () => {
    alive();
    call.close(constants.NGHTTP2_CANCEL);
  });
  // The connection's end is everybody's news.
  call.on('error', () => undefined);
  call.resume();
  call.end(framePrefix(0));
}
