/** A code env with a lock, through the command: what is planned, and why, when the lock changes. */
import { digestOfBytes } from '@rebake/sdk';
import { describe, expect, it } from 'vitest';
import { EXIT } from '../src/exit.ts';
import { FLEET } from './fleets.ts';
import { readable } from './readable.ts';
import { rig } from './rig.ts';

/** A lock of the env `soup`, made from what it declares. */
function lock(packages: Readonly<Record<string, string>>, host = 'files.example.com'): string {
  const entries = Object.entries(packages).map(
    ([name, version]) => `[[packages]]
name = "${name}"
version = "${version}"
wheels = [{ url = "https://${host}/${name}-${version}-py3-none-any.whl", hashes = { sha256 = "${digestOfBytes(`${name} ${version}`).slice(7)}" } }]
`,
  );
  return `lock-version = "1.0"
created-by = "a test"

${entries.join('\n')}
[tool.rebake]
interpreter = "3.11"
platform = "linux/amd64"
glibc = "2.28"
requirements = { beautifulsoup4 = "${digestOfBytes('beautifulsoup4')}" }
`;
}

const BEFORE = { beautifulsoup4: '4.12.3', pip: '24.0', soupsieve: '2.5' };
const AFTER = { beautifulsoup4: '4.13.0', pip: '24.0', 'typing-extensions': '4.12.2' };
const LOCKED = { ...FLEET, 'pylock.soup.toml': lock(BEFORE) };

describe('a lock that changes', () => {
  it('is the reason, package by package, for the env that uses it alone', async () => {
    using project = rig(LOCKED);
    expect(await project.rebake('apply --auto-approve')).toMatchObject({ code: EXIT.done });
    expect(await project.rebake('plan')).toMatchObject({
      code: EXIT.done,
      out: expect.stringContaining('Nothing to do'),
    });
    project.write('pylock.soup.toml', lock(AFTER));
    const plan = await project.rebake('plan');
    const why = await project.rebake('why env/soup');
    const told = readable(`$ rebake plan\n${plan.out}\n$ rebake why env/soup\n${why.out}`);
    await expect(told).toMatchFileSnapshot('golden/lock-change.txt');
  });

  it('in its addresses only is none', async () => {
    using project = rig(LOCKED);
    await project.rebake('apply --auto-approve');
    project.write('pylock.soup.toml', lock(BEFORE, 'mirror.example.com'));
    expect((await project.rebake('plan')).out).toContain('Nothing to do');
  });

  it('is left out of what it was made from, and that is a warning where it is not needed', async () => {
    using project = rig(LOCKED);
    await project.rebake('apply --auto-approve');
    project.edit('rebake.yaml', '[beautifulsoup4]', '[beautifulsoup4, lxml]');
    const { out, err, code } = await project.rebake('plan');
    expect(code).toBe(EXIT.done);
    expect(out).toContain('Nothing to do');
    expect(err).toContain(
      'warning[LOCK_OUTDATED]: `pylock.soup.toml` of the code env `soup` is out of date: lxml was added',
    );
    project.edit('rebake.yaml', 'version: 1', 'version: 1\nlocks: required');
    const required = await project.rebake('plan');
    expect(required.code).toBe(EXIT.failed);
    expect(required.err).toContain('error[LOCK_OUTDATED]');
    expect(required.err).toContain('error[LOCK_MISSING]: The code env `glm` needs a lock');
    expect(required.err).toContain('help: Run `rebake lock glm`.');
  });
});
