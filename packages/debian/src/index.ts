/** Debian packages as layers, from the signed index of a mirror: no maintainer script runs. */
export type { Means } from './means.ts';
export { machineMirror } from './mirror/machine.ts';
export { resolveDebian } from './resolve/resolve.ts';
export type { DebianWish, Resolution } from './resolve/resolve.ts';
export { debianLayers } from './layers.ts';
export { extractDebs } from './extract.ts';
export { glibcOf } from './glibc.ts';
export { debianPythons } from './pythons.ts';
export type { DebianPython } from './pythons.ts';
