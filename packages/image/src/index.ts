/** Images as data: steps, file sets, Dockerfile rendering, OCI documents, registry client. No domain word. */
export * from './types.ts';
export type { DebianMirror, LockedDeb, LockedFile, LockedPackage } from './locks/types.ts';
export { bytesText } from './bytes-text.ts';
export * from './canonical.ts';
export * from './digest.ts';
export { FileProblem, fileProblem } from './files/problem.ts';
export type { FileProblemCode } from './files/problem.ts';
export { digestFile } from './files/hash.ts';
export { createFileHasher } from './files/hasher.ts';
export type { FileFacts, FileHasher } from './files/hasher.ts';
export type { TreeOptions } from './files/tree.ts';
export { CONTEXT_FILE_TIME, readContextFile, verifyFileSet } from './files/send.ts';
export type { ContextFile } from './files/send.ts';
export { isRegistryHost, isRepository, isTag, parseReference } from './oci/reference.ts';
export type { Reference, ReferenceError } from './oci/reference.ts';
export { InvalidDocument } from './oci/checks.ts';
export {
  choosePlatform,
  MAX_CONFIG_BYTES,
  MAX_MANIFEST_BYTES,
  MEDIA_TYPES,
  parseConfig,
  parseManifest,
} from './oci/documents.ts';
export type { Descriptor, ImageConfig, ImageIndex, ImageManifest, IndexEntry } from './oci/documents.ts';
export { createCredentialStore } from './credentials/store.ts';
export type { CredentialStore } from './credentials/store.ts';
export { createRegistryClient } from './registry/client.ts';
export type { BlobMemory } from './registry/blobs.ts';
export type {
  ManifestAt,
  ReferenceAt,
  RegistryClient,
  RegistryClientOptions,
  RepositoryAt,
  RequestOptions,
  Resolved,
} from './registry/client.ts';
export type { CopyOptions, DownloadOptions, Sent, SentBytes, UploadOptions } from './registry/options.ts';
export { openLayout } from './layout/layout.ts';
export type {
  BlobRange,
  BlobSink,
  BlobSource,
  BlobWriter,
  ExpectedBlob,
  Layout,
  LayoutOptions,
  StoredImage,
  SweepOptions,
  Swept,
  WriteStatus,
} from './layout/types.ts';
export { checkSpec } from './dockerfile/check-spec.ts';
export { mountsFiles } from './dockerfile/mounts.ts';
export { DOCKERFILE_CONTENTS, DOCKERFILE_STEPS, renderDockerfile } from './dockerfile/render.ts';
export type { Ground, RenderedDockerfile } from './dockerfile/render.ts';
export { readDockerfile } from './dockerfile/references.ts';
export type { DockerfileFacts, DockerfileReference } from './dockerfile/references.ts';
export { isLoopback } from './registry/transport.ts';
export { observe } from './registry/errors.ts';
export { createSlots } from './registry/slots.ts';
export type { Slots } from './registry/slots.ts';
