/** What a declaration may say of the builder, and what is said of what it may not. */
import { describe, expect, it } from 'vitest';
import { ociOptions } from '../src/options.ts';

const check = async (value: unknown) => ociOptions['~standard'].validate(value);

describe('options', () => {
  it('are filled in where nothing is said', async () => {
    const settings = { compression: 'gzip', cache: null, maxLayers: 100, layout: null };
    expect(await check(undefined)).toEqual({ value: settings });
    expect(await check({})).toEqual({ value: settings });
  });

  it('are taken as they are said', async () => {
    const options = { compression: 'zstd', cache: '/var/cache/r', maxLayers: 40, store: { layout: 'images' } };
    expect(await check(options)).toEqual({
      value: { compression: 'zstd', cache: '/var/cache/r', maxLayers: 40, layout: 'images' },
    });
  });

  it.each([
    ['oci', []],
    [{ compresion: 'zstd' }, ['compresion']],
    [{ compression: 'xz' }, ['compression']],
    [{ maxLayers: 126 }, ['maxLayers']],
    [{ maxLayers: 5 }, ['maxLayers']],
    [{ maxLayers: 40.5 }, ['maxLayers']],
    [{ cache: '' }, ['cache']],
    [{ cache: 5 }, ['cache']],
    [{ store: 'images' }, ['store']],
    [{ store: { folder: 'images' } }, ['store', 'folder']],
    [{ store: { layout: 7 } }, ['store', 'layout']],
  ])('are refused: %j', async (value, path) => {
    const { issues } = await check(value);
    expect(issues?.map((issue) => issue.path ?? [])).toEqual([path]);
  });
});
