/** Layers in numbers, for people. */
import { bytesText } from '@rebake/image';

/** `12 layers, 14 MB`. */
export function sizesOf(layers: readonly { readonly size: number }[]): string {
  const bytes = layers.reduce((sum, { size }) => sum + size, 0);
  return `${layers.length} ${layers.length === 1 ? 'layer' : 'layers'}, ${bytesText(bytes)}`;
}
