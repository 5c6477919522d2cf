/** What the scripts of Python's and R's packages make. */
import type { Ground } from '../ground.ts';

export async function makeLanguages(ground: Ground): Promise<void> {
  makePython(ground);
  if (ground.has('libpaper1') && !(await ground.exists('etc/papersize'))) ground.text('etc/papersize', `${PAPER}\n`);
  if (ground.has('r-base-core')) await makeR(ground);
}

function makePython(ground: Ground): void {
  for (const path of ground.below('usr/bin')) {
    const version = /^usr\/bin\/python(3\.\d+)$/.exec(path)?.[1];
    if (version === undefined) continue;
    ground.folder(`usr/local/lib/python${version}/dist-packages`);
    ground.text(`var/lib/python/python${version}_installed`, '');
  }
  if (!ground.has('python3-minimal')) return;
  const lines = ['[DEFAULT]', '# how to byte-compile (comma separated: standard, optimize)', 'byte-compile = standard'];
  ground.text('etc/python3/debian_config', `${lines.join('\n')}\n`);
}

/** What libpaper takes when nobody is asked. */
const PAPER = 'letter';

async function makeR(ground: Ground): Promise<void> {
  const template = await ground.read('usr/lib/R/etc/Renviron.ucf');
  if (template !== null && !(await ground.exists('etc/R/Renviron'))) {
    const paper = ((await ground.read('etc/papersize')) ?? PAPER).trim();
    ground.text(
      'etc/R/Renviron',
      template.replace(/^R_PAPERSIZE_USER=\$\{R_PAPERSIZE\}/gm, () => `R_PAPERSIZE_USER=\${R_PAPERSIZE-'${paper}'}`),
    );
  }
  ground.folder('usr/local/lib/R');
  ground.folder('usr/local/lib/R/site-library');
}
