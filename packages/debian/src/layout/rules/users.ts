/** The users and groups that every Debian has: copies of base-passwd's masters, with shadows where `passwd` is there. */
import { LAYER_TIME } from '@rebake/layers';
import type { Ground } from '../ground.ts';

const SHADOW = 42;
const DAY_SECONDS = 86_400;

export async function makeUsers(ground: Ground): Promise<void> {
  if (!ground.has('base-passwd') || !ground.isWhole) return;
  const users = (await ground.read('usr/share/base-passwd/passwd.master')) ?? '';
  const groups = (await ground.read('usr/share/base-passwd/group.master')) ?? '';
  if (!ground.has('passwd')) {
    ground.text('etc/passwd', users);
    ground.text('etc/group', groups);
    return;
  }
  // What `shadowconfig on` does: passwords move to files that only root reads. There are none yet; the day is that of all files here.
  const day = Math.floor(LAYER_TIME / DAY_SECONDS);
  ground.text(
    'etc/passwd',
    lines(users, ([name, , ...rest]) => [name, 'x', ...rest]),
  );
  ground.text(
    'etc/group',
    lines(groups, ([name, , ...rest]) => [name, 'x', ...rest]),
  );
  ground.text(
    'etc/shadow',
    lines(users, ([name]) => [name, '*', day, 0, 99_999, 7, '', '', '']),
    0o640,
    SHADOW,
  );
  ground.text(
    'etc/gshadow',
    lines(groups, ([name, , , members]) => [name, '*', '', members]),
    0o640,
    SHADOW,
  );
  ground.text('etc/subuid', '');
  ground.text('etc/subgid', '');
  ground.text('var/log/faillog', '');
  if (ground.has('libpam-modules')) ground.text('etc/security/opasswd', '', 0o600);
}

type Cell = string | number | undefined;

function lines(text: string, map: (cells: readonly string[]) => readonly Cell[]): string {
  return text
    .split('\n')
    .filter((line) => line.includes(':'))
    .map((line) => `${map(line.split(':')).join(':')}\n`)
    .join('');
}
