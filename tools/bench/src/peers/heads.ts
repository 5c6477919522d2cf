// What a look at a registry costs at least: asks for each reference once, by HEAD over kept connections, and does nothing with the answer.
// Arguments: URL of the registry, file with a `REPOSITORY TAG` a line, connections.
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';

const [url, file, connections] = process.argv.slice(2);
if (url === undefined || file === undefined || connections === undefined)
  throw new Error('usage: heads.ts URL FILE CONNECTIONS');

const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
const headers = { Accept: 'application/vnd.oci.image.manifest.v1+json' };

async function head(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}${path}`, { method: 'HEAD', agent, headers }, (response) => {
      response.resume();
      response.once('end', () => {
        if (response.statusCode === 200) resolve();
        else reject(new Error(`HEAD ${path}: HTTP ${response.statusCode}`));
      });
    });
    asked.once('error', reject);
    asked.end();
  });
}

const lines = readFileSync(file, 'utf8').trim().split('\n');
await Promise.all(
  lines.map(async (line) => {
    const [repository, tag] = line.split(' ');
    return head(`/v2/${repository}/manifests/${tag}`);
  }),
);
agent.destroy();
