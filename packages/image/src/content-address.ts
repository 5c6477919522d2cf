/** Content address, as in OCI: `sha256:` and 64 lower-case hex digits. */
export type Digest = `sha256:${string}`;
