/** Debian packages as layers. */
import type { Step } from '@rebake/image';
import type { Compression, ImageFs, Layer } from '@rebake/layers';
import { failure } from './failures.ts';
import type { Means } from './means.ts';

export async function debianLayers(
  _step: Extract<Step, { readonly step: 'debian' }>,
  _parent: ImageFs | null,
  _compression: Compression,
  _means: Means,
): Promise<readonly Layer[]> {
  return Promise.reject(failure('DEB_INVALID', 'not yet'));
}
