/** A company's package index: TLS by an authority of its own, a password, and a proxy as the only way to it. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createPlain, type RequestListener } from 'node:http';
import { createServer } from 'node:https';
import { connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { writeWheel, type WheelSpec } from '@rebake/tool-engines';
import { place, type Place } from './places.ts';

/** Name that no resolver knows: only the proxy leads there. */
const HOST = 'index.example.com';
export const USER = 'fleet';
/** Escaped in addresses, so that a sloppy reader gives it away. */
export const PASSWORD = 'pa:ss/w@rd';

/** A running index. */
export interface PrivateIndex extends AsyncDisposable {
  /** PEM. */
  readonly ca: Buffer;
  readonly caFile: string;
  readonly proxy: string;
  /** `https://HOST:PORT/NAME/simple`, one for each of the folders. */
  url(name: string): string;
  /** The same with the login. */
  urlWithLogin(name: string): string;
  readonly host: string;
  /** Requests with a login, and those that were turned away: `PATH STATUS`. */
  readonly asked: string[];
  /** What the proxy was asked for. */
  readonly tunnels: string[];
  /** Adds a wheel to a folder. */
  wheel(name: string, spec: WheelSpec): string;
  /** Adds a source archive that says what it needs without being built. */
  sdist(name: string, project: string, version: string): void;
}

/** Starts one. */
export async function privateIndex(): Promise<PrivateIndex> {
  const home = place();
  const { key, cert } = certificates(home);
  const asked: string[] = [];
  const tunnels: string[] = [];
  const front = await listen(createServer({ key, cert }, answer(home, asked)));
  const proxy = createPlain();
  proxy.on('connect', (request, socket: Socket) => {
    tunnels.push(request.url ?? '');
    const to = connect(front.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      to.pipe(socket).pipe(to);
    });
    for (const end of [socket, to]) end.on('error', () => void [socket.destroy(), to.destroy()]);
  });
  const tunnel = await listen(proxy);
  const host = `${HOST}:${front.port}`;
  return {
    ca: readFileSync(home.path('ca.pem')),
    caFile: home.path('ca.pem'),
    proxy: `http://127.0.0.1:${tunnel.port}`,
    host,
    url: (name) => `https://${host}/${name}/simple`,
    urlWithLogin: (name) => `https://${USER}:${encodeURIComponent(PASSWORD)}@${host}/${name}/simple`,
    asked,
    tunnels,
    wheel: (name, spec) => writeWheel(home.path(name), spec),
    sdist: (name, project, version) => writeSdist(home, name, project, version),
    async [Symbol.asyncDispose]() {
      await Promise.all([front.close(), tunnel.close()]);
      home[Symbol.dispose]();
    },
  };
}

/** Pages of PEP 503 over the folders, behind a password. */
function answer(home: Place, asked: string[]): RequestListener {
  const wanted = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
  return (request, response) => {
    const path = new URL(request.url ?? '/', 'https://x').pathname;
    const end = (status: number, body: string | Buffer = ''): void => {
      asked.push(`${path} ${status}`);
      response.writeHead(
        status,
        status === 401 ? { 'www-authenticate': 'Basic realm="x"' } : { 'content-type': 'text/html' },
      );
      response.end(body);
    };
    if (request.headers.authorization !== wanted) return end(401);
    const [, folder = '', kind, name = ''] = path.split('/');
    const files = readdirSync(home.path(folder));
    if (kind === 'files')
      return files.includes(name) ? end(200, readFileSync(home.path(`${folder}/${name}`))) : end(404);
    const links = files
      .filter((file) => projectOf(file) === name)
      .map(
        (file) =>
          `<a href="/${folder}/files/${file}#sha256=${sha256(readFileSync(home.path(`${folder}/${file}`)))}">${file}</a>`,
      );
    return links.length === 0 ? end(404) : end(200, `<!DOCTYPE html><html><body>${links.join('\n')}</body></html>`);
  };
}

function projectOf(file: string): string {
  return file
    .slice(0, file.search(/-\d/))
    .toLowerCase()
    .replaceAll(/[-_.]+/g, '-');
}

function writeSdist(home: Place, name: string, project: string, version: string): void {
  const folder = `${project}-${version}`;
  const info = ['Metadata-Version: 2.2', `Name: ${project}`, `Version: ${version}`, ''].join('\n');
  mkdirSync(home.path(name), { recursive: true });
  home.write(`sdists/${folder}/PKG-INFO`, info);
  home.write(`sdists/${folder}/pyproject.toml`, '[build-system]\nrequires = []\n');
  execFileSync('tar', ['-czf', home.path(`${name}/${folder}.tar.gz`), '-C', home.path('sdists'), folder]);
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function certificates(home: Place): { readonly key: Buffer; readonly cert: Buffer } {
  const openssl = (...args: readonly string[]): void => {
    execFileSync('openssl', args, { cwd: home.dir, stdio: ['ignore', 'ignore', 'pipe'] });
  };
  const key = ['-newkey', 'rsa:2048', '-nodes'];
  openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=Company', '-keyout', 'ca.key', '-out', 'ca.pem');
  openssl('req', ...key, '-subj', '/CN=index', '-keyout', 'own.key', '-out', 'own.csr');
  writeFileSync(home.path('ext'), `subjectAltName=DNS:${HOST}`);
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'ext'];
  openssl('x509', '-req', '-in', 'own.csr', ...signed, '-out', 'own.pem');
  return { key: readFileSync(home.path('own.key')), cert: readFileSync(home.path('own.pem')) };
}

async function listen(server: Server): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
