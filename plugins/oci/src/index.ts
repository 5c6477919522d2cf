/** The embedded builder: OCI images with no engine. */
export {};
