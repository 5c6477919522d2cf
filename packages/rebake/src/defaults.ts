/** What holds where nobody says otherwise. */

/** Actions at a time. */
export const DEFAULT_PARALLELISM = 8;

/** How long one build, fetch or push may take, in milliseconds: two hours. A hung engine must not hang a run for ever. */
export const DEFAULT_TIMEOUT_MS = 7_200_000;

/** Longest time of one publication, in milliseconds: a registry that says nothing for this long is taken for lost. */
export const PUBLISH_TIMEOUT_MS = 3_600_000;
