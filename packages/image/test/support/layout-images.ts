/** The images of the tests that kill: small layers that several have, and large ones of their own. */
import { tinyImage } from '../fake-registry.ts';

export const IMAGES = Array.from({ length: 3 }, (_, i) =>
  tinyImage('amd64', ['shared', `own ${i}`, `${i}`.repeat((1 << 20) + i), 'large and shared'.repeat(50_000)]),
);
