/** Which authorities are trusted: those of Node, of the machine, of the variables, and the given one. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { BuildFailure } from '@rebake/image';
import type { DownloadAccess } from './types.ts';

const VARIABLES = ['SSL_CERT_FILE', 'NODE_EXTRA_CA_CERTS'] as const;
const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** Made once: parsing the certificates costs milliseconds. Rejects with `DOWNLOAD_FAILED` when one of the bundles cannot be used. */
export async function trustOf({ env, ca }: Pick<DownloadAccess, 'env' | 'ca'>): Promise<SecureContext> {
  const all = new Set([...getCACertificates('default'), ...getCACertificates('system')]);
  const add = (what: string, text: string): void => {
    for (const certificate of certificatesOf(what, text)) all.add(certificate);
  };
  for (const name of VARIABLES) {
    const file = env[name];
    if (file === undefined || file === '') continue;
    const what = `${name}, ${file},`;
    add(what, await readFile(file, 'utf8').catch((error: unknown) => unusable(what, error)));
  }
  if (ca !== null) add('the CA bundle', Buffer.from(ca).toString('utf8'));
  return createSecureContext({ ca: [...all] });
}

/** OpenSSL leaves out what it does not understand, without a word. */
function certificatesOf(what: string, text: string): readonly string[] {
  const blocks = text.match(CERTIFICATE) ?? [];
  try {
    if (blocks.length === 0) throw new Error('there is none in it');
    for (const block of blocks) void new X509Certificate(block);
  } catch (error) {
    return unusable(what, error);
  }
  return blocks;
}

function unusable(what: string, error: unknown): never {
  const words = `the certificates of ${what} cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  throw new BuildFailure({ code: 'DOWNLOAD_FAILED', retry: 'never', words }, { cause: error });
}
