// What specs become, as golden files to be read and reviewed like code; and the guard that ties them to the contents class.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf, DOCKERFILE_CONTENTS, renderDockerfile, type RenderedDockerfile } from '../src/index.ts';
import { CASES } from './specs.ts';

const GOLDEN = join(import.meta.dirname, 'golden');

/** Scripts are the same wherever they are used; a golden file shows those of the feature that brought them. */
const SHOWS_SCRIPTS = new Set([
  'system-packages-debian',
  'system-packages-rhel',
  'user',
  'python-env',
  'r-packages-cran',
  'run',
]);

function show({ dockerfile, files }: RenderedDockerfile, withScripts: boolean): string {
  const context = files.map((file) => {
    const head = `--- ${file.path}${file.exec ? ' (executable)' : ''}`;
    if ('source' in file) return `${head} from ${file.source}\n`;
    const isScript = /\.(sh|py|R)$/.test(file.path);
    return isScript && !withScripts ? `${head}\n` : `${head}\n${file.text}`;
  });
  return [dockerfile, ...context].join('\n');
}

const rendered = Object.entries(CASES).map(([name, { spec, ground }]) => ({
  name,
  result: renderDockerfile(spec, ground),
}));

describe('rendered Dockerfiles', () => {
  it.each(rendered)('$name', async ({ name, result }) => {
    await expect(show(result, SHOWS_SCRIPTS.has(name))).toMatchFileSnapshot(join(GOLDEN, `${name}.txt`));
  });

  it('change only together with the contents class', () => {
    const recorded = JSON.parse(readFileSync(join(GOLDEN, 'contents.json'), 'utf8')) as Record<string, string>;
    const bytes = digestOf(rendered.map(({ name, result }) => [name, result.dockerfile, result.files]));
    const help =
      'Rendered bytes changed: raise DOCKERFILE_CONTENTS and record this digest for the new class in golden/contents.json.';
    expect(recorded[DOCKERFILE_CONTENTS], `${help}\n${bytes}`).toBe(bytes);
  });

  it('do not depend on the order in which things were declared, or on the call', () => {
    for (const { name, result } of rendered) {
      const { spec, ground } = CASES[name]!;
      const reversed = Object.fromEntries(Object.entries(spec.env).toReversed());
      expect(renderDockerfile({ ...spec, env: reversed }, ground)).toEqual(result);
    }
  });
});
