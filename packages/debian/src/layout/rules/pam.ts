/** The settings that all services share (pam-auth-update), for the one way of logging in that a new system has: passwords of Unix. */
import type { Ground } from '../ground.ts';

/** File → what its block of modules is called in a profile. */
const FILES = [
  { file: 'common-account', key: 'account', section: 'Account' },
  { file: 'common-auth', key: 'auth', section: 'Auth' },
  { file: 'common-password', key: 'password', section: 'Password' },
  { file: 'common-session', key: 'session', section: 'Session' },
  { file: 'common-session-noninteractive', key: 'session_nonint', section: 'Session' },
] as const;

export async function makePam(ground: Ground): Promise<void> {
  if (!ground.has('libpam-runtime') || !ground.isWhole) return;
  const profile = (await ground.read('usr/share/pam-configs/unix')) ?? '';
  for (const { file, key, section } of FILES) {
    const template = await ground.read(`usr/share/pam/${file}`);
    if (template === null) continue;
    const kind = key.replace('_nonint', '');
    // pam-auth-update puts a space between a module and its options, also where there are none.
    const modules = sectionOf(profile, `${section}-Initial`).map(
      (line) => `${kind}\t${line.endsWith('.so') ? `${line} ` : line}`,
    );
    const isPrimary = new RegExp(`^${section}-Type: Primary$`, 'm').test(profile);
    // One module ends its block by jumping over the line that denies.
    const block = modules.join('\n').replaceAll('success=end', 'success=1');
    const primary = isPrimary ? block : `${kind}\t[default=1]\t\t\tpam_permit.so`;
    const filled = template.split('\n').flatMap((line) => {
      if (line === `$${key}_primary`) return [primary];
      if (line === `$${key}_additional`) return isPrimary ? [] : [block];
      return [line];
    });
    ground.text(`etc/pam.d/${file}`, filled.join('\n'));
  }
}

function sectionOf(profile: string, name: string): readonly string[] {
  const lines = profile.split('\n');
  const from = lines.indexOf(`${name}:`) + 1;
  if (from === 0) return [];
  const to = lines.findIndex((line, at) => at >= from && !/^\s/.test(line));
  return lines.slice(from, to < 0 ? undefined : to).map((line) => line.trim());
}
