/** Amounts as people read them. */
const UNITS = ['B', 'kB', 'MB', 'GB', 'TB'] as const;

/** Bytes with a unit: `14.2 MB`. */
export function inUnits(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** Layers in numbers: `12 layers, 14.2 MB`. */
export function sizesOf(layers: readonly { readonly size: number }[]): string {
  const bytes = layers.reduce((sum, { size }) => sum + size, 0);
  return `${layers.length} ${layers.length === 1 ? 'layer' : 'layers'}, ${inUnits(bytes)}`;
}
