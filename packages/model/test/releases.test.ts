/** The table of releases, and what an upgrade changes by it. */
import { describe, expect, test } from 'vitest';
import { RELEASE_LINES } from '../src/release-table.ts';
import { releaseChanges } from '../src/release-changes.ts';
import { compareReleases, isReleaseVersion } from '../src/releases.ts';

const becomes = (from: string, to: string) =>
  Object.fromEntries(releaseChanges(from, to).pythons.map((one) => [one.version, one.becomes]));

describe('the table', () => {
  test('is in order, and each behaviour begins within its line', () => {
    const majors = RELEASE_LINES.map((line) => line.major);
    expect(majors).toEqual(majors.toSorted((a, b) => a - b));
    for (const { major, behaviours } of RELEASE_LINES)
      for (const { since } of behaviours) {
        expect(isReleaseVersion(since)).toBe(true);
        expect(since.split('.')[0]).toBe(String(major));
      }
  });

  test('orders versions by their numbers', () => {
    expect(['14.10.0', '9.0.1', '14.2.1', '15.0.0-beta1'].toSorted(compareReleases)).toEqual([
      '9.0.1',
      '14.2.1',
      '14.10.0',
      '15.0.0-beta1',
    ]);
  });
});

describe('releaseChanges', () => {
  test('says which interpreters disappear, and what brings them all the same', () => {
    const { pythons, baseOs, cuda, major } = releaseChanges('13.5.0', '14.3.2');
    expect(pythons).toEqual([
      { version: '3.6', becomes: 'gone', addition: 'PYTHON36_SUPPORT' },
      { version: '3.7', becomes: 'gone', addition: 'PYTHON37_SUPPORT' },
      { version: '3.9', becomes: 'default', addition: null },
    ]);
    expect(baseOs).toEqual({ from: 'AlmaLinux 8', to: 'AlmaLinux 9', changed: true });
    expect(cuda).toEqual({ from: '10.0', to: '11.8', changed: true });
    expect(major).toBe(true);
  });

  test('concludes nothing from what is unknown', () => {
    expect(becomes('13.5.0', '15.2.1')).toEqual({ '3.6': 'optional', '3.7': 'unknown', '3.9': 'optional' });
    const { baseOs, unknown } = releaseChanges('14.3.2', '15.2.1');
    expect(baseOs.changed).toBeNull();
    expect(unknown).toContain('interpreters of the default base of DSS 15.2.1');
    expect(releaseChanges('14.3.2', '99.0.0')).toMatchObject({ distributionsGone: null, major: true });
  });

  test('says which distributions can no longer be asked for', () => {
    expect(releaseChanges('12.6.4', '14.3.2').distributionsGone).toEqual(['centos7']);
  });

  test('tells the behaviours that begin on the way, and no others', () => {
    const since = (from: string, to: string) => releaseChanges(from, to).behaviours.map((one) => one.since);
    expect(since('12.6.2', '14.3.0')).toEqual(['12.6.3', '14.2.2', '14.3.0']);
    expect(since('14.3.0', '14.3.0')).toEqual([]);
    expect(releaseChanges('14.1.2', '14.5.1').major).toBe(false);
  });
});
