/** Names that DSS gives to its images. */
import { describe, expect, it } from 'vitest';
import { dssBaseName, dssEnvRepository } from '../src/dss-names.ts';

describe('names of DSS', () => {
  it.each([
    ['exec', 'dku-exec-base-abc123'],
    ['spark', 'dku-spark-base-abc123'],
    ['cde', 'dku-cde-base-abc123'],
    ['api-deployer', 'dku-apideployer-apinode-base'],
  ] as const)('a base of the type %s is named by the install id in small letters, and by the release', (type, name) => {
    expect(dssBaseName(type, 'ABC123', '14.3.2')).toEqual({ repository: name, tag: 'dss-14.3.2' });
  });

  it('images of an env are named by their base, the language, the env and its version', () => {
    const base = dssBaseName('exec', 'abc', '14.3.2');
    expect(dssEnvRepository(base, { language: 'python', name: 'GLM' })).toBe('dku-exec-base-abc-dss-14.3.2-pyenv-glm');
    expect(dssEnvRepository(base, { language: 'r', name: 'stats', version: 'V2' })).toBe(
      'dku-exec-base-abc-dss-14.3.2-renv-stats-v2',
    );
  });

  it('a base handed over under a name of its own is the beginning of the env’s name', () => {
    const own = { repository: 'our-base', tag: 'r7' };
    expect(dssEnvRepository(own, { language: 'python', name: 'glm' })).toBe('our-base-r7-pyenv-glm');
  });
});
