/** Images as data: steps, file sets, Dockerfile rendering, OCI documents, registry client. No domain word. */
export * from './types.ts';
export * from './canonical.ts';
