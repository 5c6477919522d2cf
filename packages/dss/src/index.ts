/** What rebake knows of a DSS instance, and how it talks to one. */
export type * from './reading.ts';
