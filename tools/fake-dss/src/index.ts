/** A stand-in for DSS, for tests. */
export {};
