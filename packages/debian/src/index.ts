/** Debian packages as layers, from the signed index of a mirror: no maintainer script runs. */
export {};
