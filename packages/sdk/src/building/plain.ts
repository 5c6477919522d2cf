/** Small facts about registries and names that tools other than Docker want to be told. */
import { isLoopback, parseReference } from '@rebake/image';
import type { RegistryAccess } from '@rebake/image';

/** Whether a registry is spoken to without TLS, or with a certificate that nobody checks: it is declared so, or is this machine (as in Docker). */
export function isInsecure({ host, ca, insecure }: RegistryAccess): boolean {
  return insecure === true || (ca === undefined && isLoopback(host));
}

/** A name, or an id, as Podman and Buildah take it: a name without a host is `localhost/NAME` there, so that no registry is asked for it; ids are bare. */
export function containersName(name: string): string {
  const id = /^(?:sha256:)?([0-9a-f]{64})$/.exec(name)?.[1];
  if (id !== undefined) return id;
  const reference = parseReference(name);
  return 'error' in reference || reference.registry !== null ? name : `localhost/${name}`;
}
