// A package index over a folder of wheels, on loopback: PEP 503 pages with hashes, read anew at every request.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

export interface WheelIndex extends AsyncDisposable {
  /** For pip's `--index-url`. */
  readonly indexUrl: string;
}

/** Serves the folder. Port 0, the default, takes a free one: a test that adds wheels of its own serves a folder of its own. */
export async function serveWheels(dir: string, port = 0): Promise<WheelIndex> {
  const server = createServer((request, response) => {
    const [, root, name, rest] = new URL(request.url ?? '/', 'http://index').pathname.split('/');
    if (root === 'simple' && name === '')
      return page(
        response,
        projects(dir).map((project) => link(`${project}/`, project)),
      );
    if (root === 'simple' && name !== undefined && rest === '') return project(response, dir, name);
    if (root === 'files' && name !== undefined && wheels(dir).includes(name)) {
      response.setHeader('Content-Type', 'application/octet-stream');
      response.end(readFileSync(join(dir, name)));
      return;
    }
    notFound(response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    indexUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/simple/`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function project(response: ServerResponse, dir: string, name: string): void {
  const files = wheels(dir).filter((file) => projectOf(file) === name);
  if (files.length === 0) return notFound(response);
  page(
    response,
    files.map((file) => {
      const hash = createHash('sha256')
        .update(readFileSync(join(dir, file)))
        .digest('hex');
      return link(`/files/${file}#sha256=${hash}`, file, 'data-requires-python="&gt;=3.8"');
    }),
  );
}

function wheels(dir: string): string[] {
  return readdirSync(dir)
    .filter((file) => file.endsWith('.whl'))
    .toSorted();
}

function projects(dir: string): string[] {
  return [...new Set(wheels(dir).map(projectOf))];
}

/** The normalized name (PEP 503) of a wheel's project. */
function projectOf(file: string): string {
  return file
    .slice(0, file.indexOf('-'))
    .replace(/[-_.]+/g, '-')
    .toLowerCase();
}

function link(href: string, text: string, attributes = ''): string {
  return `<a href="${href}" ${attributes}>${text}</a><br>`;
}

function page(response: ServerResponse, links: readonly string[]): void {
  response.setHeader('Content-Type', 'text/html; charset=utf-8');
  response.end(`<!DOCTYPE html><html><body>\n${links.join('\n')}\n</body></html>\n`);
}

function notFound(response: ServerResponse): void {
  response.statusCode = 404;
  response.end();
}
