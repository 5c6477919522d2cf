/** What the scripts of base-files, libc-bin, readline-common, tzdata and debianutils make. */
import type { Ground } from '../ground.ts';

const UTMP = 43;
const MAIL = 8;

export async function makeBase(ground: Ground): Promise<void> {
  if (ground.has('base-files')) await makeHierarchy(ground);
  if (ground.has('libc-bin')) await copy(ground, 'usr/share/libc-bin/nsswitch.conf', 'etc/nsswitch.conf');
  if (ground.has('readline-common')) await copy(ground, 'usr/share/readline/inputrc', 'etc/inputrc');
  if (ground.has('tzdata') && !(await ground.exists('etc/localtime'))) {
    ground.link('etc/localtime', '/usr/share/zoneinfo/Etc/UTC');
    ground.text('etc/timezone', 'Etc/UTC\n');
  }
  if (ground.has('fontconfig') || ground.has('fontconfig-config')) ground.folder('var/cache/fontconfig');
  await makeShells(ground);
}

/** As a script copies a default: only where nothing is. */
async function copy(ground: Ground, from: string, to: string): Promise<void> {
  if (await ground.exists(to)) return;
  const text = await ground.read(from);
  if (text !== null) ground.text(to, text);
}

async function makeHierarchy(ground: Ground): Promise<void> {
  await copy(ground, 'usr/share/base-files/dot.profile', 'root/.profile');
  await copy(ground, 'usr/share/base-files/dot.bashrc', 'root/.bashrc');
  await copy(ground, 'usr/share/base-files/profile', 'etc/profile');
  await copy(ground, 'usr/share/base-files/motd', 'etc/motd');
  for (const folder of ['mnt', 'srv', 'opt', 'etc/opt', 'var/opt', 'media', 'usr/local', 'run']) ground.folder(folder);
  for (const folder of ['share', 'share/man', 'bin', 'games', 'lib', 'include', 'sbin', 'src', 'etc']) {
    ground.folder(`usr/local/${folder}`);
  }
  ground.link('usr/local/man', 'share/man');
  ground.folder('var/mail', { mode: 0o2775, gid: MAIL });
  ground.link('var/spool/mail', '../mail');
  ground.folder('run/lock', { mode: 0o1777 });
  ground.link('var/run', '/run');
  ground.link('var/lock', '/run/lock');
  ground.text('var/log/wtmp', '', 0o664, UTMP);
  ground.text('var/log/btmp', '', 0o660, UTMP);
  ground.text('var/log/lastlog', '', 0o664, UTMP);
  ground.text('etc/environment', '');
  // dpkg's own script: whose packages these are.
  if (ground.brings('etc/dpkg/origins/debian')) ground.link('etc/dpkg/origins/default', 'debian');
}

const SHELLS = 'usr/share/debianutils/shells.d';

/** Each shell by both of its names, since /bin is /usr/bin. */
async function makeShells(ground: Ground): Promise<void> {
  const files = ground.below(SHELLS);
  if (files.length === 0) return;
  const known = (await ground.readBelow('etc/shells')) ?? '# /etc/shells: valid login shells\n/bin/sh\n/usr/bin/sh\n';
  const lines = known.split('\n').filter((line) => line !== '');
  for (const file of files) {
    for (const shell of ((await ground.read(file)) ?? '').split('\n')) {
      if (!shell.startsWith('/')) continue;
      for (const name of [shell, shell.startsWith('/usr/') ? null : `/usr${shell}`]) {
        if (name !== null && !lines.includes(name)) lines.push(name);
      }
    }
  }
  ground.text('etc/shells', `${lines.join('\n')}\n`);
}
