/** Config files that rebake writes and edits itself. */
import { expect, it } from 'vitest';
import { ConfigNotEditable, configText, configValue, editedConfig } from '@rebake/model';

it('writes sections that are read as they were', () => {
  const sections = {
    release: { version: '15.0' },
    codeEnvs: { on: { packages: ['six'], note: '# no\nyes', python: '3.10' } },
  };
  expect(configValue(configText(sections))).toEqual({ version: 1, ...sections });
});

it('sets, adds and removes values, and keeps comments', () => {
  const text = 'version: 1 # ours\ncodeEnvs:\n  a: { owner: x, jupyter: true } # mine\n';
  const edits = [
    { path: ['codeEnvs', 'a', 'owner'], value: 'y' },
    { path: ['codeEnvs', 'a', 'jupyter'], value: undefined },
    { path: ['codeEnvs', 'b', 'packages'], value: ['six'] },
  ];
  const edited = editedConfig(text, edits);
  expect(edited).toContain('version: 1 # ours\n');
  expect(edited).toContain('# mine\n');
  expect(configValue(edited)).toEqual({ version: 1, codeEnvs: { a: { owner: 'y' }, b: { packages: ['six'] } } });
});

it('says of what cannot be edited or read that it cannot', () => {
  const edit = [{ path: ['codeEnvs', 'a', 'owner'], value: 'y' }];
  expect(() => editedConfig('codeEnvs: { a: 1 }', edit)).toThrow(ConfigNotEditable);
  expect(() => editedConfig('a: [', edit)).toThrow(ConfigNotEditable);
  expect(configValue('a: [')).toBeNull();
  expect(configValue('- 1')).toBeNull();
});
