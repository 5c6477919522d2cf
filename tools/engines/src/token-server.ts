// The token server of the registry with token auth. Arguments: the port, the folder of secrets (see lib/registries.sh).
// GET with basic auth as Docker does it, POST with a password as OAuth2 clients (containerd, BuildKit) try first.
import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { grant, issueToken, LIFETIME, parseScope } from './tokens.ts';

const [port, secret] = process.argv.slice(2);
if (port === undefined || secret === undefined) throw new Error('usage: token-server.ts PORT SECRETS');
const read = (name: string): string => readFileSync(join(secret, name), 'utf8');
const signer = { key: read('token.key'), certificate: read('token.crt') };
const password = read('password').trim();
const username = read('htpasswd').split(':', 1)[0] ?? '';

interface Login {
  readonly user: string;
  readonly password: string;
}

function basicLogin(request: IncomingMessage): Login | undefined {
  const [scheme, value] = request.headers.authorization?.split(' ') ?? [];
  if (scheme?.toLowerCase() !== 'basic' || value === undefined) return undefined;
  const decoded = Buffer.from(value, 'base64').toString();
  const colon = decoded.indexOf(':');
  return { user: decoded.slice(0, colon), password: decoded.slice(colon + 1) };
}

interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

async function answer(request: IncomingMessage): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://tokens');
  if (url.pathname === '/health') return { status: 200 };
  if (url.pathname !== '/token') return { status: 404 };
  const isPost = request.method === 'POST';
  const fields = isPost ? new URLSearchParams(await text(request)) : url.searchParams;
  if (isPost && fields.get('grant_type') !== 'password')
    return { status: 400, body: { error: 'unsupported_grant_type' } };
  const login = isPost
    ? { user: fields.get('username') ?? '', password: fields.get('password') ?? '' }
    : basicLogin(request);
  if (login !== undefined && (login.user !== username || login.password !== password)) {
    return { status: 401, body: { errors: [{ code: 'UNAUTHORIZED', message: 'wrong user or password' }] } };
  }
  const now = Math.floor(Date.now() / 1000);
  const access = grant(fields.getAll('scope').flatMap(parseScope), login?.user);
  const token = issueToken(signer, { user: login?.user, service: fields.get('service') ?? '', access, now });
  const issued_at = new Date(now * 1000).toISOString();
  return { status: 200, body: { token, access_token: token, expires_in: LIFETIME, issued_at } };
}

const server = createServer((request, response) => {
  answer(request).then(
    ({ status, body }) => {
      console.log(`${request.method} ${request.url?.split('?')[0]} ${status}`);
      response
        .writeHead(status, { 'Content-Type': 'application/json' })
        .end(body === undefined ? '' : JSON.stringify(body));
    },
    (error: unknown) => {
      console.error(error);
      response.writeHead(500).end();
    },
  );
});
server.listen(Number(port), '127.0.0.1');
