/** Path of keys in a declaration. */

/** From the root: names of keys, and indices of lists. */
export type KeyPath = readonly (string | number)[];
