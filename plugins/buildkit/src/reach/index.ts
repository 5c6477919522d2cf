/** Reaching BuildKit daemons: addresses, and byte streams to what they name. */
export { parseAddress, showAddress } from './address.ts';
export type { AddressError, BuildkitAddress } from './address.ts';
export { connectTo } from './connect.ts';
export type { ReachOptions, TlsPaths } from './options.ts';
