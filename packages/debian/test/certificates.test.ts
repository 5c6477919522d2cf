// The name under which OpenSSL looks for an authority; the real ones are compared with OpenSSL in debian.engine.test.ts.
import { expect, test } from 'vitest';
import { subjectHash } from '../src/layout/rules/subject-hash.ts';

test('what is no certificate has no hash', () => {
  expect(subjectHash('')).toBeNull();
  expect(subjectHash('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')).toBeNull();
});
