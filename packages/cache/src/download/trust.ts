/** Which authorities are trusted: those of Node, of the machine, of the variables, and the given one. */
import { readFile } from 'node:fs/promises';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { BuildFailure } from '@rebake/image';
import type { DownloadAccess } from './types.ts';

const VARIABLES = ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'] as const;

/** Made once: parsing the certificates costs milliseconds. Rejects with `DOWNLOAD_FAILED` when one of the bundles cannot be used. */
export async function trustOf({ env, ca }: Pick<DownloadAccess, 'env' | 'ca'>): Promise<SecureContext> {
  const all = new Set([...getCACertificates('default'), ...getCACertificates('system')]);
  for (const name of VARIABLES) {
    const file = env[name];
    if (file === undefined || file === '') continue;
    all.add(await readFile(file, 'utf8').catch((error: unknown) => unusable(`${name}, ${file}`, error)));
  }
  if (ca !== null) all.add(Buffer.from(ca).toString('utf8'));
  try {
    return createSecureContext({ ca: [...all] });
  } catch (error) {
    return unusable(ca === null ? VARIABLES.join(' or ') : 'the CA bundle', error);
  }
}

function unusable(what: string, error: unknown): never {
  const words = `the certificates of ${what} cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  throw new BuildFailure({ code: 'DOWNLOAD_FAILED', retry: 'never', words }, { cause: error });
}
