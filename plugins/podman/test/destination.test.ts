/** Which Podman is meant: options, environment, and the files of the `podman` command. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findDestination } from '../src/destination.ts';
import { showHost } from '../src/host.ts';
import type { PodmanOptions } from '../src/index.ts';

/** As `podman machine init` of Podman 5 writes it on a Mac. */
const MACHINE = {
  Connection: {
    Default: 'podman-machine-default',
    Connections: {
      'podman-machine-default': {
        URI: 'ssh://core@127.0.0.1:53685/run/user/501/podman/podman.sock',
        Identity: '/Users/me/.local/share/containers/podman/machine/machine',
        IsMachine: true,
      },
      'podman-machine-default-root': {
        URI: 'ssh://root@127.0.0.1:53685/run/podman/podman.sock',
        Identity: '/Users/me/.local/share/containers/podman/machine/machine',
        IsMachine: true,
      },
      secure: {
        URI: 'tcp://build.example.com:8443',
        TLSCA: '/ca.pem',
        TLSCert: '/cert.pem',
        TLSKey: '/key.pem',
      },
    },
  },
  Farm: {},
};

/** As Podman 4 writes it. */
const CONTAINERS_CONF = `[containers]

[engine]
  active_service = "devel"
  [engine.service_destinations]
    [engine.service_destinations.devel]
      uri = "ssh://root@devel.example.com:22/run/podman/podman.sock"
      identity = "/home/me/.ssh/devel"
    [engine.service_destinations.podman-machine-default]
      uri = "ssh://core@localhost:40000/run/user/1000/podman/podman.sock"
      is_machine = true

[machine]
`;

let root: string;
let home: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'rebake-podman-'));
  home = join(root, 'home');
});

afterEach(() => rmSync(root, { recursive: true }));

function write(path: string, text: string): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

async function find(options: PodmanOptions = {}, env: Record<string, string> = {}, uid = 1000) {
  const system = [join(root, 'usr'), join(root, 'etc')];
  const { host, ...rest } = await findDestination(options, { env: { HOME: home, ...env }, uid, system });
  return { host: showHost(host), ...rest };
}

describe('without any connection', () => {
  it('it is the usual socket: of the user, or of the system for root', async () => {
    const env = { XDG_RUNTIME_DIR: '/run/user/7' };
    expect(await find({}, env)).toEqual({ host: 'unix:///run/user/7/podman/podman.sock', machine: false });
    expect((await find()).host).toBe('unix:///run/user/1000/podman/podman.sock');
    expect((await find({}, env, 0)).host).toBe('unix:///run/podman/podman.sock');
  });

  it('it is what options and environment say, in this order', async () => {
    const env = { CONTAINER_HOST: 'tcp://127.0.0.1:1', CONTAINER_SSHKEY: '/key' };
    expect(await find({ host: 'unix:///x' }, env)).toMatchObject({ host: 'unix:///x' });
    expect(await find({}, env)).toEqual({ host: 'tcp://127.0.0.1:1', identity: '/key', machine: false });
    expect(await find({ identity: '/mine' }, env)).toMatchObject({ identity: '/mine' });
    expect((await find({}, { CONTAINER_HOST: '' })).host).toBe('unix:///run/user/1000/podman/podman.sock');
  });

  it.each([
    [{}, { CONTAINER_HOST: 'ssh://x' }, /ENGINE_UNREACHABLE: CONTAINER_HOST is "ssh:\/\/x": must be .*path is missing/],
    [{ connection: 'x' }, {}, /the option connection is "x", and podman knows no such connection/],
    [{}, { CONTAINER_CONNECTION: 'x' }, /CONTAINER_CONNECTION is "x", and podman knows no such connection/],
  ])('%j with %j cannot be followed', async (options, env, expected) => {
    await expect(find(options, env)).rejects.toThrow(expected);
  });
});

describe('with connections of Podman 5', () => {
  const machine = {
    host: 'ssh://core@127.0.0.1:53685/run/user/501/podman/podman.sock',
    identity: '/Users/me/.local/share/containers/podman/machine/machine',
    machine: true,
  };

  beforeEach(() => write('home/.config/containers/podman-connections.json', JSON.stringify(MACHINE)));

  it('it is the default one: a machine, with its key', async () => {
    expect(await find()).toEqual(machine);
    expect(await find({}, {}, 0)).toEqual(machine);
  });

  it('it is the one that is named, also if there is a host in the environment that is not', async () => {
    const rootful = { host: 'ssh://root@127.0.0.1:53685/run/podman/podman.sock' };
    expect(await find({ connection: 'podman-machine-default-root' })).toMatchObject(rootful);
    expect(await find({}, { CONTAINER_CONNECTION: 'podman-machine-default-root' })).toMatchObject(rootful);
    const env = { CONTAINER_HOST: 'unix:///x', CONTAINER_SSHKEY: '/other' };
    expect(await find({ connection: 'podman-machine-default' }, env)).toEqual(machine);
    expect(await find({}, env)).toMatchObject({ host: 'unix:///x' });
  });

  it('it has the certificates of its connection', async () => {
    expect(await find({ connection: 'secure' })).toEqual({
      host: 'tcp://build.example.com:8443',
      tls: { ca: '/ca.pem', cert: '/cert.pem', key: '/key.pem' },
      machine: false,
    });
  });

  it('it goes before containers.conf, which is asked for what it does not know', async () => {
    write('home/.config/containers/containers.conf', CONTAINERS_CONF);
    expect(await find()).toEqual(machine);
    expect((await find({ connection: 'devel' })).host).toBe('ssh://root@devel.example.com:22/run/podman/podman.sock');
  });

  it('the file is where the environment says', async () => {
    const other = write(
      'other.json',
      JSON.stringify({ Connection: { Default: 'a', Connections: { a: { URI: 'unix:///a' } } } }),
    );
    expect((await find({}, { PODMAN_CONNECTIONS_CONF: other })).host).toBe('unix:///a');
    expect((await find({}, { XDG_CONFIG_HOME: join(root, 'nowhere') })).host).toBe(
      'unix:///run/user/1000/podman/podman.sock',
    );
  });
});

describe('with connections of Podman 4', () => {
  it('it is the active one', async () => {
    write('home/.config/containers/containers.conf', CONTAINERS_CONF);
    expect(await find()).toEqual({
      host: 'ssh://root@devel.example.com:22/run/podman/podman.sock',
      identity: '/home/me/.ssh/devel',
      machine: false,
    });
    expect(await find({ connection: 'podman-machine-default' })).toEqual({
      host: 'ssh://core@localhost:40000/run/user/1000/podman/podman.sock',
      machine: true,
    });
  });

  it('later files win: the system’s, the administrator’s, parts, the user’s, and the last word', async () => {
    const active = (name: string) => `[engine]\nactive_service = "${name}"\n`;
    const destination = (name: string) =>
      `[engine.service_destinations.${name}]\nuri = "unix:///${name}"\n${name === 'c' ? '' : `[engine.service_destinations.same]\nuri = "unix:///same-${name}"\n`}`;
    write('usr/containers.conf', active('a') + destination('a'));
    expect((await find()).host).toBe('unix:///a');
    write('etc/containers.conf', active('b') + destination('b'));
    expect((await find()).host).toBe('unix:///b');
    write('etc/containers.conf.d/10-x.conf', active('c') + destination('c'));
    write('etc/containers.conf.d/README', 'no TOML');
    expect((await find()).host).toBe('unix:///c');
    write('home/.config/containers/containers.conf.d/1.conf', active('d') + destination('d'));
    expect((await find()).host).toBe('unix:///d');
    expect((await find({ connection: 'same' })).host).toBe('unix:///same-d');
    const last = write('last.conf', active('a'));
    expect((await find({}, { CONTAINERS_CONF_OVERRIDE: last })).host).toBe('unix:///a');
    const only = write('only.conf', active('e') + destination('e'));
    expect((await find({}, { CONTAINERS_CONF: only })).host).toBe('unix:///e');
  });
});

describe('with files that cannot be understood', () => {
  it('says which', async () => {
    write('home/.config/containers/podman-connections.json', '{');
    await expect(find()).rejects.toThrow(/ENGINE_UNREACHABLE: .*podman-connections\.json.* cannot be read/);
    expect((await find({ host: 'unix:///x' })).host).toBe('unix:///x');
    write('home/.config/containers/podman-connections.json', '[]');
    write('home/.config/containers/containers.conf', '[engine\nactive_service');
    await expect(find()).rejects.toThrow(/containers\.conf.* cannot be read/);
  });

  it('passes over what is about other things, and what is no connection', async () => {
    write('home/.config/containers/containers.conf', 'this is [no TOML');
    const connections = { a: 7, b: { URI: 7 }, c: { URI: '' }, d: { URI: 'unix:///d', Identity: 7, IsMachine: 'yes' } };
    write(
      'home/.config/containers/podman-connections.json',
      JSON.stringify({ Connection: { Default: 7, Connections: connections } }),
    );
    expect((await find()).host).toBe('unix:///run/user/1000/podman/podman.sock');
    expect(await find({ connection: 'd' })).toEqual({ host: 'unix:///d', machine: false });
    await expect(find({ connection: 'a' })).rejects.toThrow(/no such connection/);
  });
});
