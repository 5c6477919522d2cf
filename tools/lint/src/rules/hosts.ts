// No host of a package registry in the repository: which mirror to use is the business of the machine. The hosts are
// those that this machine's own clients know, so that no list of them has to stand here either.
import { execFileSync, spawnSync } from 'node:child_process';
import type { Finding, Workspace } from '../workspace.ts';

/** Each prints addresses, and may be missing or fail: a machine without Go has no Go proxy to leak. */
const clients = [
  'npm config get registry',
  'go env GOPROXY',
  'grep -rhoE "https?://[^ /]+" /etc/apt/sources.list /etc/apt/sources.list.d',
  'python3 -m pip config list',
  `python3 -c 'from pip._internal.models.index import PyPI as p; print(p.url); print("https://" + p.file_storage_domain)'`,
  'printenv PIP_INDEX_URL UV_INDEX_URL UV_DEFAULT_INDEX',
];

export function hosts(workspace: Workspace): Finding[] {
  const known = knownHosts();
  if (known.length === 0) {
    const help = 'Check `npm config get registry`.';
    return [{ file: '.npmrc', message: 'no package registry is known to this machine', help }];
  }
  const pattern = known.map((host) => host.replaceAll('.', '\\.')).join('|');
  // Status 1 is git's way to say that nothing matches.
  const grep = spawnSync('git', ['grep', '-nIiE', '--untracked', pattern], { cwd: workspace.root, encoding: 'utf8' });
  if (grep.status !== 0 && grep.status !== 1) throw new Error(`git grep failed: ${grep.stderr}`);
  return grep.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [file = '', number = '0'] = line.split(':');
      const help = 'Take the address from configuration or from the machine.';
      return { file, line: Number(number), message: 'names the host of a package registry', help };
    });
}

function knownHosts(): string[] {
  const printed = clients.map((client) => {
    try {
      return execFileSync('sh', ['-c', client], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    } catch {
      return '';
    }
  });
  const found = [...printed.join('\n').matchAll(/https?:\/\/(?:[^/@\s]*@)?([^/:\s,'"]+)/g)];
  const names = found.map((match) => match[1] ?? '').filter((host) => host !== '' && !/^(127\.|localhost)/.test(host));
  return [...new Set(names)].toSorted();
}
