// Layers and real engines: Docker and Podman load what is written here and show each file as it was meant; a real root file system is looked into
// as the engines show it; and what they save is read as the image that it is.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { openCache, type Cache } from '@rebake/cache';
import type { Digest } from '@rebake/image';
import { describeEngine } from '@rebake/tool-engines/vitest';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  importTar,
  LAYER_TIME,
  openImageArchive,
  openImageFs,
  writeLayer,
  type ImageFs,
  type Layer,
  type TreeEntry,
} from '../src/index.ts';
import { collect, file, folder, hardlink, sha256, signal, sourceOf, symlink, tarOf } from './support/rig.ts';

const run = promisify(execFile);

const LONG = `opt/test/${'folder/'.repeat(20)}${'n'.repeat(200)}`;
const parents = (path: string): TreeEntry[] =>
  path
    .split('/')
    .slice(0, -1)
    .map((_, i, all) => folder(all.slice(0, i + 1).join('/')));

/** All that a layer can have, and what engines should say of it. */
const ENTRIES: readonly TreeEntry[] = [
  ...parents(LONG),
  file('opt/test/plain', 'content\n'),
  file('opt/test/run', '#!/bin/sh\necho ran\n', 0o755),
  { ...file('opt/test/suid', 'x', 0o4750), uid: 1000, gid: 5_000_000 },
  { ...folder('opt/test/sticky', 0o1777), uid: 7, gid: 8 },
  file('opt/test/Főtanúsítvány with spaces', 'utf-8'),
  symlink('opt/test/link', LONG.slice('opt/test/'.length)),
  hardlink('opt/test/second', 'opt/test/plain'),
  file(LONG, 'long'),
  file('etc/.wh.issue'),
];
const EXPECTED = [
  "f 644 0 0 8 2 '' opt/test/plain",
  "f 755 0 0 19 1 '' opt/test/run",
  "f 4750 1000 5000000 1 1 '' opt/test/suid",
  "d 1777 7 8 '' opt/test/sticky",
  "f 644 0 0 5 1 '' opt/test/Főtanúsítvány with spaces",
  `l 777 0 0 '${LONG.slice('opt/test/'.length)}' opt/test/link`,
  "f 644 0 0 8 2 '' opt/test/second",
  `f 644 0 0 4 1 '' ${LONG}`,
];

/** Prints a line for each file: kind, mode, owner, group, of files size and links to it, target, path. */
const SHOW = `import os, stat, sys
for top in sys.argv[1:]:
    for where, folders, files in os.walk(top):
        for name in folders + files:
            path = os.path.join(where, name)
            s = os.lstat(path)
            kind = {stat.S_IFREG: "f", stat.S_IFDIR: "d", stat.S_IFLNK: "l"}.get(stat.S_IFMT(s.st_mode), "o")
            more = f" {s.st_size} {s.st_nlink}" if kind == "f" else ""
            target = os.readlink(path) if kind == "l" else ""
            print(f"{kind} {stat.S_IMODE(s.st_mode):o} {s.st_uid} {s.st_gid}{more} '{target}' {path[1:]}", int(s.st_mtime), sep="\\t")
`;

describeEngine('layers', ['docker', 'podman', 'rootfs', 'crane'], ({ docker, podman, rootfs, crane }) => {
  const dir = mkdtempSync(join(tmpdir(), 'rebake-layers-engine-'));
  const name = `rebake-test/${randomUUID()}`;
  let cache: Cache;
  let layers: readonly Layer[];
  let identity: Digest;
  const archive = join(dir, 'image.tar');

  const tool = async (command: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> =>
    (await run(command, args, { env: { ...process.env, ...env }, maxBuffer: 1 << 26 })).stdout.trim();
  const engines = {
    docker: async (...args: string[]) => tool(docker.cli, args, { DOCKER_HOST: docker.host }),
    podman: async (...args: string[]) => tool(podman.cli[0] ?? '', [...podman.cli.slice(1), ...args]),
  };

  beforeAll(async () => {
    cache = openCache(join(dir, 'cache'));
    const options = { compression: 'gzip', signal } as const;
    const below = await importTar(cache, rootfs.path, rootfs.digest as Digest, options);
    layers = [below, await writeLayer(cache, ENTRIES, options)];
    const config = Buffer.from(
      JSON.stringify({
        architecture: 'amd64',
        os: 'linux',
        config: { Env: ['PATH=/usr/bin:/bin', 'LC_ALL=C.UTF-8'] },
        rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      }),
    );
    identity = sha256(config);
    writeFileSync(archive, await archiveOf(cache, config, layers, name));
    for (const engine of Object.values(engines)) await engine('load', '--input', archive);
  });
  afterAll(async () => {
    for (const engine of Object.values(engines))
      await engine('image', 'rm', '--force', `${name}:x`).catch(() => undefined);
    await cache.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const fs = (): ImageFs =>
    openImageFs(
      cache,
      layers.map((layer) => sourceOf(cache, layer)),
      signal,
    );

  it.each(['docker', 'podman'] as const)(
    'of ours are loaded by %s, which shows every file as it was meant',
    async (engine) => {
      const id = await engines[engine]('image', 'inspect', '--format', '{{.Id}}', `${name}:x`);
      expect(id.replace('sha256:', '')).toBe(identity.slice(7));
      const shown = await engines[engine](
        'run',
        '--rm',
        '--network',
        'none',
        `${name}:x`,
        'python3',
        '-c',
        SHOW,
        '/opt/test',
      );
      const lines = shown.split('\n').map((line) => line.split('\t'));
      expect(lines.map(([line]) => line)).toEqual(expect.arrayContaining([...EXPECTED]));
      expect(new Set(lines.map(([, time]) => time))).toEqual(new Set([String(LAYER_TIME)]));
      const ran = await engines[engine](
        'run',
        '--rm',
        '--network',
        'none',
        `${name}:x`,
        'sh',
        '-c',
        '/opt/test/run; test -e /etc/issue || echo gone',
      );
      expect(ran).toBe('ran\ngone');
    },
  );

  it('are looked into as Docker shows them', async () => {
    const image = fs();
    const tops = ['etc', 'opt', 'usr/bin', 'usr/lib', 'var/lib/dpkg'];
    const args = [
      'run',
      '--rm',
      '--network',
      'none',
      `${name}:x`,
      'python3',
      '-c',
      SHOW,
      ...tops.map((top) => `/${top}`),
    ];
    const theirs = (await engines.docker(...args))
      .split('\n')
      .map((line) => (line.split('\t')[0] ?? '').replace(/^(f \S+ \S+ \S+ \S+) \S+/, '$1'));
    const ours: string[] = [];
    async function walk(path: string): Promise<void> {
      for (const child of await image.list(path)) {
        const at = `${path}/${child}`;
        const found = (await image.stat(at, { follow: false }))!;
        const size = found.type === 'file' ? ` ${found.size}` : '';
        ours.push(
          `${found.type[0] === 's' ? 'l' : found.type[0]} ${found.mode.toString(8)} ${found.uid} ${found.gid}${size} '${found.target ?? ''}' ${at}`,
        );
        if (found.type === 'directory') await walk(at);
      }
    }
    for (const top of tops) await walk(top);
    // The engine puts files of its own in these places.
    const own = /etc\/(hosts|hostname|resolv\.conf|mtab)$/;
    const sorted = (lines: readonly string[]): string[] => lines.filter((line) => !own.test(line)).toSorted();
    expect(ours.length).toBeGreaterThan(3000);
    expect(sorted(ours)).toEqual(sorted(theirs));
  });

  it('are read file by file, and extracted, so that an interpreter of the image runs on this machine', async () => {
    const image = fs();
    const release = Buffer.from((await image.read('etc/os-release', 10_000))!).toString();
    expect(release).toBe(
      `${await engines.docker('run', '--rm', '--network', 'none', `${name}:x`, 'cat', '/etc/os-release')}\n`,
    );
    const out = join(dir, 'out');
    const isWanted = (path: string): boolean =>
      /^(bin|lib64|lib)$|^usr\/(bin\/python|lib\/python3|lib64|lib\/[^/]*linux-gnu\/)/.test(path);
    expect(await image.extract(out, isWanted, signal)).toBeGreaterThan(500);
    const loader = (await image.stat('lib64/ld-linux-x86-64.so.2'))!.path;
    const library = `${out}/usr/lib/x86_64-linux-gnu`;
    const python = [
      join(out, loader),
      '--library-path',
      library,
      '--argv0',
      join(out, 'usr/bin/python3'),
      join(out, 'usr/bin/python3'),
    ];
    const said = await tool(
      python[0]!,
      [...python.slice(1), '-I', '-S', '-c', 'import json, sys; print(json.__file__)'],
      { PYTHONHOME: `${out}/usr` },
    );
    expect(said).toBe(join(out, 'usr/lib/python3.11/json/__init__.py'));
  });

  it('of archives that engines and tools save are those that they were', async () => {
    const saved: Record<string, string> = {
      'docker.tar': 'docker',
      'podman.tar': 'docker-archive',
      'podman-oci.tar': 'oci-archive',
    };
    for (const [path, kind] of Object.entries(saved)) {
      const to = join(dir, path);
      if (kind === 'docker') await engines.docker('save', '--output', to, `${name}:x`);
      else await engines.podman('save', '--format', kind, '--output', to, `${name}:x`);
      const digest = sha256(await collect(bytesOf(to)));
      const files = { root: dirname(to), files: [{ path: basename(to), digest, exec: false }] };
      const opened = await openImageArchive(cache, files, null, 'linux/amd64', signal);
      expect(
        opened.layers.map(({ diffId }) => diffId),
        path,
      ).toEqual(layers.map(({ diffId }) => diffId));
      // Podman writes the config anew for the older format.
      if (kind !== 'docker-archive') expect(opened.identity, path).toBe(identity);
      rmSync(to);
    }
  });

  it('are what GNU tar extracts as somebody without rights, and what crane and skopeo take', async () => {
    const blob = join(dir, 'layer.tar.gz');
    writeFileSync(blob, await collect(cache.read(layers[1]!.digest)));
    const out = mkdtempSync(join(dir, 'tar-'));
    const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups'];
    await run('chmod', ['755', dir]);
    await run('chown', ['65534', out]);
    await run('setpriv', [...asNobody, 'tar', '-C', out, '-xzf', blob], { env: { ...process.env, LC_ALL: 'C.UTF-8' } });
    expect(await tool('cat', [join(out, LONG)])).toBe('long');
    expect(await tool('cat', [join(out, 'opt/test/Főtanúsítvány with spaces')])).toBe('utf-8');
    const copied = join(dir, 'copied');
    await tool('skopeo', ['--insecure-policy', 'copy', `docker-archive:${archive}`, `oci:${copied}:x`]);
    const raw = JSON.parse(await tool('skopeo', ['inspect', '--raw', `oci:${copied}:x`])) as {
      config: { digest: string };
    };
    expect(raw.config.digest).toBe(identity);
    const validated = await run(crane.path, ['validate', '--tarball', archive]);
    expect(validated.stdout + validated.stderr).toContain('PASS');
  });
});

async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  for await (const piece of createReadStream(path)) yield piece as Buffer;
}

/** What `docker load` takes. */
async function archiveOf(cache: Cache, config: Buffer, layers: readonly Layer[], name: string): Promise<Buffer> {
  const blobs = await Promise.all(
    layers.map(async ({ digest }) => ({ path: `${digest.slice(7)}.tar.gz`, bytes: await collect(cache.read(digest)) })),
  );
  const manifest = [
    { Config: `${sha256(config).slice(7)}.json`, RepoTags: [`${name}:x`], Layers: blobs.map(({ path }) => path) },
  ];
  return tarOf([
    { name: manifest[0]!.Config, content: config as unknown as string },
    ...blobs.map(({ path, bytes }) => ({ name: path, content: bytes as unknown as string })),
    { name: 'manifest.json', content: JSON.stringify(manifest) },
  ]);
}
