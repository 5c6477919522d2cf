/** Secrets: there while a step runs, and nowhere else, ever. */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Step } from '@rebake/image';
import { group, offers, steps } from '../group.ts';
import type { Bench } from '../bench.ts';
import { hold, refused, same } from '../rules.ts';
import { fileSet, fragment, shell } from '../steps.ts';
import { withTemporaryFolder } from '../temporary.ts';

/** A step that uses a secret as pip does, and that no engine has seen before: its digest is printed, so that nobody has to print the secret. */
const uses = (bench: Bench, more = ''): Step => shell(`${USES}${more}`, bench.key());

const USES =
  'test -s "$PIP_CONFIG_FILE" && echo "used $(sha256sum < "$PIP_CONFIG_FILE" | cut -c 1-12)" && echo used > /used.txt';

/** A secret that cannot be anywhere by chance, as a file. */
function makeSecret(bench: Bench): { readonly marker: string; readonly file: string } {
  const marker = crypto.randomUUID().repeat(4);
  const { root } = fileSet(bench.folder(), { secret: `# ${marker}\n` });
  return { marker, file: join(root, 'secret') };
}

/** Everything below a folder that holds a text. */
function filesWith(folder: string, marker: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(marker));
}

export const secrets = group('secrets', [
  {
    id: 'do-not-leak',
    title: 'lets steps use a secret, and leaves nothing of it in layers, config, history and log',
    why: 'An image is copied to where its makers never look; a secret in it is public.',
    needs: [...steps('rootfs', 'run'), ...offers('secrets')],
    async run(bench) {
      const { marker, file } = makeSecret(bench);
      const base = await bench.base();
      const { output, log, seen } = await bench.make(base, [uses(bench)], { secrets: { 'pip-conf': { file } } });
      hold(
        log.some((line) => line.startsWith('used ')),
        'A step can read the secrets of its job',
        log,
      );
      hold(!JSON.stringify(seen).includes(marker), 'No secret is in what is reported');
      const stored = await bench.read(output);
      hold(!stored.config.text.includes(marker), 'No secret is in the config of an image or in its history');
      hold(!stored.manifestText.includes(marker), 'No secret is in the manifest of an image');
      const first = (await bench.read(base)).diffIds.length;
      for (let index = first; index < stored.diffIds.length; index++) {
        const layer = Buffer.from(await stored.layer(index));
        hold(!layer.includes(marker), 'No secret is in any layer of an image', `layer ${index}`);
      }
    },
  },
  {
    id: 'in-instructions',
    title: 'gives a secret to a user’s own instructions that mount it, under the id of the declaration',
    why: 'Fragments install from private places too.',
    needs: [...steps('rootfs', 'fragment'), ...offers('secrets')],
    async run(bench) {
      const { marker, file } = makeSecret(bench);
      // The text of instructions is in the image; so that the secret is not in the text, its check comes as a file.
      const files = fileSet(bench.folder(), { 'check.sh': `test "$(cat /run/secrets/own)" = "# ${marker}"` });
      const text = `RUN --mount=type=secret,id=own --mount=type=bind,target=/dev/check sh /dev/check/check.sh && echo the same
RUN --mount=type=secret,id=constructor test ! -s /run/secrets/constructor && echo no such secret`;
      const { log } = await bench.make(await bench.base(), [fragment(text, files)], { secrets: { own: { file } } });
      hold(log.includes('the same'), 'A secret is mounted under its id, with its bytes', log);
      hold(log.includes('no such secret'), 'A secret that nobody declared is not there', log);
    },
  },
  {
    id: 'optional',
    title: 'leaves out an optional secret that is missing',
    why: 'A pip.conf is on some machines and not on others; neither changes the image.',
    needs: [...steps('rootfs', 'run'), ...offers('secrets')],
    async run(bench) {
      const { log } = await bench.make(await bench.base(), [shell('echo "pip [${PIP_CONFIG_FILE-}]"')], {
        secrets: { 'pip-conf': { env: 'NOT_SET', optional: true } },
      });
      hold(log.includes('pip []'), 'A step goes without an optional secret that is missing', log);
    },
  },
  {
    id: 'missing',
    title: 'fails where a secret that is needed is missing, with what the kernel says of it',
    why: 'A build that goes on without its secret fails later, in words about something else.',
    needs: [...steps('rootfs', 'run'), ...offers('secrets')],
    async run(bench) {
      const key = bench.key();
      await refused(
        bench.make(await bench.base(), [uses(bench)], { key, secrets: { 'pip-conf': { env: 'NOT_SET' } } }),
        { code: 'SECRET_MISSING', retry: 'never' },
        'What `ctx.secret` rejects with is the failure of the build',
      );
      const seen = await bench.inspect({ key });
      hold(seen.seen === 'no', 'After a failure nothing is under the key', seen);
    },
  },
  {
    id: 'changed',
    title: 'makes the same image with another secret',
    why: 'A password that is changed every month must not build everything every month.',
    needs: [...steps('rootfs', 'run'), ...offers('secrets')],
    async run(bench) {
      const identities = [];
      // What a step prints is not in the image; what it leaves is the same.
      const step = shell('test -s "$PIP_CONFIG_FILE" && echo "$1" > /changed.txt', bench.run);
      for (let time = 0; time < 2; time++) {
        const { file } = makeSecret(bench);
        identities.push(
          (await bench.make(await bench.base(), [step], { secrets: { 'pip-conf': { file } } })).output.identity,
        );
      }
      const { reproducible } = await bench.capabilities();
      if (reproducible) same(identities[1], identities[0], 'A secret has no part in the identity of an image');
    },
  },
  {
    id: 'failure',
    title: 'does not tell a secret when a step fails that has it',
    why: 'Failures are kept in state and shown in CI.',
    needs: [...steps('rootfs', 'run'), ...offers('secrets')],
    async run(bench) {
      const { marker, file } = makeSecret(bench);
      const { words } = await refused(
        bench.make(await bench.base(), [uses(bench, '; echo broken; exit 3')], { secrets: { 'pip-conf': { file } } }),
        { code: 'STEP_FAILED', retry: 'never' },
        'A step with a secret that fails is STEP_FAILED',
      );
      hold(!words.includes(marker), 'No secret is in the words of a failure');
    },
  },
  {
    id: 'on-disk',
    title: 'leaves no secret in folders of this machine that outlive the call',
    why: 'What lies around is backed up, copied and read by others.',
    needs: [...steps('rootfs', 'run'), ...offers('secrets')],
    async run(bench) {
      const { marker, file } = makeSecret(bench);
      const temporary = bench.folder();
      const place = bench.place();
      const step = uses(bench);
      const job = bench.job(await bench.base(), [step], { secrets: { 'pip-conf': { file } } });
      await withTemporaryFolder(temporary, async () => {
        await bench.using(bench.rig.create(place), (calls) => calls.build(job));
      });
      mkdirSync(place.dir, { recursive: true });
      const left = [...filesWith(temporary, marker), ...filesWith(place.dir, marker)];
      same(left, [], 'No secret stays in the temporary folder or in the builder’s own');
    },
  },
]);
