/** Platforms that rebake builds for, written as in OCI. */
export type Platform = `linux/${'amd64' | 'arm64'}`;
