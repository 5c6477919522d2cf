// A root file system for builds whose contents nobody looks at: a shell with a few commands, taken out of the Debian tar, and stand-ins for
// those that the steps of DSS images call. An image on it is built, pushed and pulled in no time.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const COMMANDS = ['cat', 'chmod', 'chown', 'cut', 'dash', 'dirname', 'head', 'ln', 'mkdir', 'sh', 'sleep'];
const LIBRARIES = ['ld-linux-x86-64.so.2', 'libc.so.6', 'libpcre2-8.so.0', 'libpcre2-8.so.0.11.2', 'libselinux.so.1'];
const FILES = ['bin', 'etc/group', 'etc/passwd', 'lib', 'lib64', 'sbin', 'usr/lib64/ld-linux-x86-64.so.2'];
const MEMBERS = [
  ...FILES,
  ...COMMANDS.map((name) => `usr/bin/${name}`),
  ...LIBRARIES.map((name) => `usr/lib/x86_64-linux-gnu/${name}`),
];

/** An environment of it has an interpreter, which is this one, and no packages. */
const PYTHON = `#!/bin/sh
if [ "$2 $3" = '-m venv' ]; then
  mkdir -p "$4/bin" && ln -sf /usr/bin/python3.11 "$4/bin/python"
fi
`;

/** Looks in /etc for a number, as it is called. */
const GETENT = `#!/bin/sh
while IFS=: read -r name secret id rest; do
  if [ "$id" = "$2" ]; then
    echo "$name:$secret:$id:$rest"
    exit 0
  fi
done < "/etc/$1"
exit 2
`;

/** Options as they are given: each with its value but for two. */
const USERADD = `#!/bin/sh
while [ $# -gt 1 ]; do
  case $1 in
    --uid) uid=$2 ;;
    --gid) gid=$2 ;;
    --home-dir) home=$2 ;;
  esac
  case $1 in
    --no-*) shift ;;
    *) shift 2 ;;
  esac
done
echo "$1:x:$uid:$gid::$home:/bin/sh" >> /etc/passwd
`;

/** Writes it as a tar to `file`. The same Debian tar gives the same bytes. */
export function writeTinyRootfs({ rootfs }: { readonly rootfs: { readonly path: string } }, file: string): void {
  const root = mkdtempSync(join(tmpdir(), 'rebake-tiny-'));
  try {
    execFileSync('tar', [
      '--extract',
      '--file',
      rootfs.path,
      '--directory',
      root,
      ...MEMBERS.map((path) => `./${path}`),
    ]);
    for (const folder of ['tmp', 'root', 'home', 'usr/sbin']) mkdirSync(join(root, folder), { recursive: true });
    for (const [path, text] of Object.entries({
      'bin/python3.11': PYTHON,
      'bin/getent': GETENT,
      'sbin/useradd': USERADD,
    }))
      writeFileSync(join(root, 'usr', path), text, { mode: 0o755 });
    const same = ['--sort=name', '--owner=0', '--group=0', '--numeric-owner', '--mtime=@1000000000'];
    execFileSync('tar', ['--create', '--file', file, ...same, '--directory', root, '.']);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}
