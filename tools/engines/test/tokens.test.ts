// What a token grants, and that it is signed as the registry wants it (the engine test shows the registry's own verdict).
import { expect, test } from 'vitest';
import { grant, parseScope } from '../src/tokens.ts';

test('scopes are parsed, also with a port in the name and several at once', () => {
  expect(parseScope('repository:a/b:pull,push repository:host:5000/c:pull registry:catalog:*')).toEqual([
    { type: 'repository', name: 'a/b', actions: ['pull', 'push'] },
    { type: 'repository', name: 'host:5000/c', actions: ['pull'] },
    { type: 'registry', name: 'catalog', actions: ['*'] },
  ]);
  expect(parseScope('')).toEqual([]);
});

test('a known user gets what is asked, anyone else reads repositories', () => {
  const asked = parseScope('repository:a:pull,push registry:catalog:*');
  expect(grant(asked, 'rebake')).toEqual(asked);
  expect(grant(asked, undefined)).toEqual([{ type: 'repository', name: 'a', actions: ['pull'] }]);
});
