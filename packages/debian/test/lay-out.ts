// Lays the packages of a lock out and prints their diff IDs: for tests that do it as another user. Arguments: the lock, and a folder for the cache.
import { readFile } from 'node:fs/promises';
import { createDownloader, openCache } from '@rebake/cache';
import type { LockedDeb } from '@rebake/image';
import { debianLayers } from '../src/index.ts';

const [, , lock = '', dir = ''] = process.argv;
const { env } = process;
const cache = openCache(dir);
const download = createDownloader(cache, { env, ca: null, login: async () => Promise.resolve(null) });
const packages = JSON.parse(await readFile(lock, 'utf8')) as readonly LockedDeb[];
const step = { step: 'debian', suite: 'bookworm', packages, mirror: null } as const;
const signal = new AbortController().signal;
const layers = await debianLayers(step, null, 'gzip', { cache, download, env, signal, log: () => undefined });
process.stdout.write(JSON.stringify({ uid: process.getuid?.(), layers: layers.map(({ diffId }) => diffId) }));
await download.close();
await cache.close();
