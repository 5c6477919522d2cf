/** BuildKit's own API, spoken natively: gRPC over any byte stream, sessions that serve files, secrets and logins, builds with their progress. */
export { buildFailure } from './build-failure.ts';
export type { Circumstances } from './build-failure.ts';
export { Channel } from './channel.ts';
export type { Connect, Method } from './channel.ts';
export type { Local } from './file-sync.ts';
export { entitlementsOf, frontendAttributes, offerOf } from './job.ts';
export { BuildProgress, stepName } from './progress.ts';
export type { FailedStep } from './progress.ts';
export { startSession } from './session.ts';
export type { Greeting, Offer, OpenSession, Session } from './session.ts';
export { solve } from './solve.ts';
export type { Build } from './solve.ts';
export { ConnectionLost, GrpcCode, GrpcError } from './status.ts';
