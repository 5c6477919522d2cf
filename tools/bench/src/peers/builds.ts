// Builds by the engine's API alone: sends every context of a folder to POST /build of the engine's own BuildKit, so many at a time, and prints
// `CONTEXT IMAGE-ID` for each. Arguments: socket of the engine, folder of tar files, builds at a time.
import { readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const [socketPath, folder, parallel] = process.argv.slice(2);
if (socketPath === undefined || folder === undefined || parallel === undefined)
  throw new Error('usage: builds.ts SOCKET FOLDER PARALLEL');

const agent = new Agent({ keepAlive: true });
// Version 2 of the builder is BuildKit.
const path = '/build?version=2&networkmode=host&dockerfile=Dockerfile';

async function build(context: Buffer): Promise<string> {
  const answer = await new Promise<string>((resolve, reject) => {
    const asked = request(
      { socketPath, path, method: 'POST', agent, headers: { 'Content-Type': 'application/x-tar' } },
      (response) => {
        text(response).then(resolve, reject);
      },
    );
    asked.once('error', reject);
    asked.end(context);
  });
  const messages = answer
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { id?: string; error?: string; aux?: { ID?: string } });
  const failed = messages.find(({ error }) => error !== undefined);
  const id = messages.find((message) => message.id === 'moby.image.id')?.aux?.ID;
  if (failed !== undefined || id === undefined) throw new Error(failed?.error ?? `no image: ${answer.slice(-500)}`);
  return id;
}

const queue = readdirSync(folder).toSorted();
const worker = async (): Promise<void> => {
  for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
    const id = await build(readFileSync(join(folder, name)));
    process.stdout.write(`${name} ${id}\n`);
  }
};
await Promise.all(Array.from({ length: Number(parallel) }, worker));
agent.destroy();
