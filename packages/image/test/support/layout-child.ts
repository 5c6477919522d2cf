/**
 * A process of its own that works on the layout named by its first argument, and says each thing that it has done:
 * `names PREFIX COUNT` gives COUNT names and ends; `fill` writes and names images, with large blobs in small pieces, until it is killed.
 */
import { BuildFailure, openLayout } from '../../src/index.ts';
import { tinyImage } from '../fake-registry.ts';
import { putImage } from '../layout-tools.ts';
import { IMAGES } from './layout-images.ts';

const [dir = '', what, prefix = '', count = ''] = process.argv.slice(2);
const layout = openLayout(dir);
const say = (text: string): void => void process.stdout.write(`${text}\n`);

if (what === 'names') {
  const target = await putImage(layout, tinyImage());
  say('ready');
  for (let i = 0; i < Number(count); i++) {
    await layout.name(`${prefix}-${i}`, target);
    say(`${prefix}-${i}`);
  }
} else {
  for (let i = 0; ; i++) {
    const image = IMAGES[i % IMAGES.length]!;
    try {
      await layout.name(`image-${i % IMAGES.length}`, await putImage(layout, image));
    } catch (error) {
      // The sweep of another process, which gives nobody any time, took it before it had a name, or while it was written.
      if (!(error instanceof BuildFailure && ['BLOB_MISSING', 'BLOB_BUSY'].includes(error.error.code))) throw error;
    }
    await layout.unname(`image-${(i + 1) % IMAGES.length}`);
    await layout.sweep({ olderThanMs: 0 });
    say('named');
  }
}
