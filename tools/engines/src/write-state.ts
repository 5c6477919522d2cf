// Run by `up`: writes engines.json, engines.env and the Docker client's config from what the shell found out.
// Arguments: NAME=HOST:PORT for each registry; everything else comes by environment variables.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EnginesState } from './state.ts';
import { REGISTRY3_NAMES, REGISTRY_NAMES, statePath } from './state.ts';

function need(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`write-state: ${name} is not set`);
  return value;
}

/** A value of several lines, as an array. */
const lines = (name: string): string[] => need(name).split('\n');

/** `NAME=VALUE` lines. */
const variablesOf = (name: string): Record<string, string> =>
  Object.fromEntries(lines(name).map((line) => [line.split('=', 1)[0] ?? '', line.slice(line.indexOf('=') + 1)]));

/** Readers never see half a file, and an unchanged one keeps its time. */
function replace(path: string, text: string): void {
  try {
    if (readFileSync(path, 'utf8') === text) return;
  } catch {
    // Not there yet.
  }
  writeFileSync(`${path}.tmp`, text, { mode: 0o600 });
  renameSync(`${path}.tmp`, path);
}

const dir = need('ENGINES_DIR');
const secret = need('SECRET');
const addresses = new Map(process.argv.slice(2).map((pair) => pair.split('=', 2) as [string, string]));
const credentials = {
  username: need('USERNAME'),
  password: readFileSync(join(secret, 'password'), 'utf8').trim(),
};

function registry(name: string): { url: string; address: string } {
  const address = addresses.get(name);
  if (address === undefined) throw new Error(`write-state: no address for ${name}`);
  return { url: `${name.startsWith('tls') ? 'https' : 'http'}://${address}`, address };
}

const configDir = join(dir, 'docker-config');
const realm = `http://127.0.0.1:${need('TOKEN_PORT')}/token`;
const state: EnginesState = {
  version: 1,
  dir,
  docker: {
    host: `unix://${need('DOCKER_SOCKET')}`,
    socket: need('DOCKER_SOCKET'),
    cli: need('DOCKER_CLI'),
    baseImage: need('BASE_IMAGE'),
    buildNetwork: 'host',
    configDir,
  },
  registries: {
    plain: registry('plain'),
    auth: { ...registry('auth'), ...credentials },
    tls: { ...registry('tls'), ...credentials, ca: join(secret, 'ca.crt') },
    token: { ...registry('token'), ...credentials, realm },
    plain3: registry('plain3'),
    tls3: { ...registry('tls3'), ...credentials, ca: join(secret, 'ca.crt') },
    token3: { ...registry('token3'), ...credentials, realm: realm.replace('127.0.0.1', 'localhost') },
  },
  crane: { path: join(need('REGISTRY3_BIN'), 'crane') },
  buildkit: {
    address: `unix://${need('BUILDKIT_SOCKET')}`,
    buildctl: join(need('BUILDKIT_BIN'), 'buildctl'),
    buildkitd: join(need('BUILDKIT_BIN'), 'buildkitd'),
    tls: {
      address: `tcp://127.0.0.1:${need('BUILDKIT_PORT')}`,
      ca: join(secret, 'buildkit/ca.crt'),
      cert: join(secret, 'buildkit/client.crt'),
      key: join(secret, 'buildkit/client.key'),
      server: { cert: join(secret, 'buildkit/server.crt'), key: join(secret, 'buildkit/server.key') },
      expired: { cert: join(secret, 'buildkit/expired.crt'), key: join(secret, 'buildkit/expired.key') },
      otherCa: join(secret, 'buildkit/other-ca.crt'),
    },
  },
  podman: {
    host: `unix://${need('PODMAN_SOCKET')}`,
    socket: need('PODMAN_SOCKET'),
    cli: lines('PODMAN_CLI'),
    env: variablesOf('PODMAN_ENV'),
    baseImage: need('PODMAN_IMAGE'),
  },
  podmanRootless: {
    host: `unix://${need('ROOTLESS_SOCKET')}`,
    socket: need('ROOTLESS_SOCKET'),
    cli: lines('ROOTLESS_CLI'),
    env: variablesOf('ROOTLESS_ENV'),
    baseImage: need('PODMAN_IMAGE'),
    user: need('ROOTLESS_USER'),
    uid: Number(need('ROOTLESS_UID')),
  },
  buildah: {
    path: need('BUILDAH_PATH'),
    cli: lines('BUILDAH_CLI'),
    env: variablesOf('BUILDAH_ENV'),
    root: need('BUILDAH_ROOT'),
    runroot: need('BUILDAH_RUNROOT'),
    baseImage: need('PODMAN_IMAGE'),
  },
  ssh: {
    host: '127.0.0.1',
    port: Number(need('SSH_PORT')),
    user: need('SSH_USER'),
    alias: need('SSH_ALIAS'),
    identity: join(need('SSH_SECRET'), 'user'),
    knownHosts: join(dir, 'ssh/known_hosts'),
    config: join(dir, 'ssh/config'),
  },
  kube: {
    url: `https://127.0.0.1:${need('KUBE_PORT')}`,
    kubeconfig: join(dir, 'kube/config'),
    kubectl: need('KUBECTL'),
    namespace: need('KUBE_NAMESPACE'),
    pod: need('KUBE_POD'),
    container: need('KUBE_CONTAINER'),
  },
  rootfs: { path: need('ROOTFS'), digest: need('ROOTFS_DIGEST') },
  ca: { path: need('CA') },
  wheels: { indexUrl: `http://127.0.0.1:${need('WHEELS_PORT')}/simple/`, dir: join(dir, 'wheels') },
};

mkdirSync(configDir, { recursive: true });
const ALL = [...REGISTRY_NAMES, ...REGISTRY3_NAMES];
const auth = Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64');
const auths = Object.fromEntries(
  ALL.filter((name) => !name.startsWith('plain')).map((name) => [state.registries[name].address, { auth }]),
);
replace(join(configDir, 'config.json'), `${JSON.stringify({ auths }, null, 2)}\n`);

const variables: Record<string, string> = {
  DOCKER_HOST: state.docker.host,
  DOCKER_CONFIG: configDir,
  DOCKER_BUILDKIT: '1',
  REBAKE_DOCKER_CLI: state.docker.cli,
  BUILDKIT_HOST: state.buildkit.address,
  CONTAINER_HOST: state.podman.host,
  REBAKE_PODMAN_ROOTLESS_HOST: state.podmanRootless.host,
  REBAKE_SSH_CONFIG: state.ssh.config,
  REBAKE_KUBECONFIG: state.kube.kubeconfig,
  REBAKE_BUILDCTL: state.buildkit.buildctl,
  REBAKE_BASE_IMAGE: state.docker.baseImage,
  REBAKE_ROOTFS: state.rootfs.path,
  REBAKE_CA: state.ca.path,
  REBAKE_INDEX_URL: state.wheels.indexUrl,
  REBAKE_REGISTRY_USERNAME: credentials.username,
  REBAKE_REGISTRY_PASSWORD: credentials.password,
  REBAKE_REGISTRY_TLS_CA: state.registries.tls.ca,
};
for (const name of ALL) variables[`REBAKE_REGISTRY_${name.toUpperCase()}`] = state.registries[name].address;
const quoted = (value: string): string => `'${value.replaceAll("'", `'\\''`)}'`;
replace(
  join(dir, 'engines.env'),
  Object.entries(variables)
    .map(([name, value]) => `export ${name}=${quoted(value)}\n`)
    .join(''),
);
replace(statePath(dir), `${JSON.stringify(state, null, 2)}\n`);
