/** A stand-in for DSS, for tests. */
export type * from './types.ts';
