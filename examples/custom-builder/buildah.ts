/** A builder over Buildah's command line: all that rebake asks of one. docs/how-to/write-a-builder.md walks through it. */
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as sdk from '@rebake/sdk';
import * as kit from '@rebake/sdk/building';
import { z } from 'zod';

/** `command`: Buildah and its global options; `env`: its environment beside PATH and HOME. */
const options = z.strictObject({
  command: z.array(z.string().min(1)).min(1).default(['buildah']),
  env: z.record(z.string(), z.string()).default({}),
});
const infoAnswer = z.object({
  host: z.object({ arch: z.enum(['amd64', 'arm64']) }),
  store: z.object({ GraphRoot: z.string() }),
});
const imageAnswer = z.object({
  FromImageID: z.string().regex(/^[0-9a-f]{64}$/),
  OCIv1: z.object({ rootfs: z.object({ diff_ids: z.array(z.custom<sdk.Digest>(sdk.isDigest)) }) }),
});
const MISSING = /image not known|no such image|identifier is not an image|does not exist/;

function createBuildah({ command, env }: z.output<typeof options>, place: sdk.BuilderPlace): sdk.Builder {
  /** Runs Buildah without a shell; what it says when it fails are the words of the failure. */
  async function buildah(ctx: sdk.Ctx, args: readonly string[], code = 'ENGINE_REFUSED'): Promise<string> {
    const onLine = code === 'ENGINE_REFUSED' ? () => undefined : kit.stepLines(ctx.emit.bind(ctx));
    const environment = { PATH: place.env['PATH'], HOME: place.env['HOME'], ...env };
    const end = await kit.runCommand([...command, ...args], { signal: ctx.signal, env: environment, onLine });
    if (end.code === 0) return end.stdout;
    const words = end.lastLines.join('\n');
    if (code === 'STEP_FAILED' && !/exit status \d+/.test(words)) code = 'BUILD_REFUSED';
    if (code !== 'STEP_FAILED' && MISSING.test(words)) code = 'IMAGE_MISSING';
    throw (/_MISSING|_FAILED$/.test(code) ? null : kit.registryFailure(words)) ?? kit.failure(code, 'never', words);
  }

  async function probe(ctx: sdk.Ctx): Promise<sdk.Capabilities> {
    const { host, store } = infoAnswer.parse(JSON.parse(await buildah(ctx, ['info'])));
    return {
      engine: `buildah:${hostname()}:${store.GraphRoot}`,
      contents: sdk.DOCKERFILE_CONTENTS,
      steps: sdk.DOCKERFILE_STEPS,
      platforms: [`linux/${host.arch}`],
      reproducible: false,
    };
  }

  /** An image of this storage by name or id; null if there is none. */
  async function find(ctx: sdk.Ctx, name: string): Promise<kit.LayeredImage | null> {
    try {
      const answer = await buildah(ctx, ['inspect', '--type=image', kit.containersName(name)]);
      const { FromImageID: id, OCIv1 } = imageAnswer.parse(JSON.parse(answer));
      return { id: `sha256:${id}`, layers: OCIv1.rootfs.diff_ids };
    } catch (error) {
      if (error instanceof sdk.BuildFailure && error.error.code === 'IMAGE_MISSING') return null;
      throw error;
    }
  }

  /** Options for a registry: its login in a file, its authority in a folder. */
  async function reach(ctx: sdk.Ctx, host: string): Promise<string[]> {
    const access = ctx.registry(host);
    const args = [`--authfile=${await kit.writeAuthFile([host], ctx)}`];
    if (kit.isInsecure(access)) return [...args, '--tls-verify=false'];
    return access.ca === undefined ? args : [...args, `--cert-dir=${await kit.writeCaFolder(access.ca, ctx)}`];
  }

  return {
    probe,

    async build({ key, spec, platform, parent, froms, access }, ctx) {
      const { engine } = await probe(ctx);
      const reference = (image: sdk.Output) => kit.containersName(kit.fromReference(image, engine).text);
      const rendered = sdk.renderDockerfile(spec, {
        parent: parent && reference(parent),
        froms: Object.fromEntries(Object.entries(froms).map(([from, image]) => [from, reference(image)])),
      });
      const from = parent && kit.fromReference(parent, engine);
      const below = from?.local === true ? await find(ctx, from.text) : null;
      if (from?.local === true && below?.id !== parent?.identity)
        throw kit.failure('PARENT_MISSING', 'never', `${from.text} is not there as it was planned; plan again`);
      const { dockerfile, ignoreFile, context } = await kit.writeContext(rendered, ctx.scratch);
      const hosts = [parent, ...Object.values(froms)].flatMap((image) => image?.at ?? []);
      const [host] = hosts.flatMap((at) => ('registry' in at ? [at.registry] : []));
      const iid = join(ctx.scratch, 'iid');
      const args = ['build', '--format=oci', '--layers', '--force-rm', '--identity-label=false'];
      args.push(`--no-cache=${sdk.mountsFiles(spec)}`, `--platform=${platform}`, `--iidfile=${iid}`);
      args.push(`--file=${dockerfile}`, `--ignorefile=${ignoreFile}`);
      if (access.network !== 'default') args.push(`--network=${access.network}`);
      for (const { id, path } of await kit.writeSecrets(access, ctx)) args.push(`--secret=id=${id},src=${path}`);
      for (const [name, value] of Object.entries(access.proxy ?? {}))
        for (const variable of [`${name}_proxy`, `${name}_proxy`.toUpperCase()])
          args.push(`--build-arg=${variable}=${value}`);
      if (host !== undefined) args.push(...(await reach(ctx, host)));
      await buildah(ctx, [...args, context], 'STEP_FAILED');

      const built = await find(ctx, (await readFile(iid, 'utf8')).trim());
      if (!built) throw kit.failure('IMAGE_MISSING', 'backoff', 'buildah built an image and has it no more');
      kit.checkBelow(below, built);
      const at = await this.tag({ identity: built.id, at: [] }, kit.candidateName(key), ctx);
      return { identity: built.id, at: [at] };
    },

    async fetch(image, key, ctx) {
      const from = await kit.fromFirstRegistry(image, ctx.signal, async (at) => {
        const args = ['pull', '--quiet', ...(await reach(ctx, at.registry)), kit.pullReference(at)];
        return `sha256:${(await buildah(ctx, args, 'PULL_REFUSED')).trim()}`;
      });
      const at = await this.tag(image, kit.candidateName(key), ctx);
      // The name that the pull gave it.
      await buildah(ctx, ['rmi', kit.pullReference(from)]);
      return at;
    },

    async push(image, { registry, repository, key }, ctx) {
      const { repository: to, tag } = kit.registryName(registry, repository, sdk.candidateTag(key));
      const file = join(ctx.scratch, 'digest');
      const args = ['push', '--format=oci', `--digestfile=${file}`, ...(await reach(ctx, registry))];
      await buildah(ctx, [...args, kit.containersName(image.identity), `docker://${to}:${tag}`], 'PUSH_REFUSED');
      return (await readFile(file, 'utf8')).trim() as sdk.Digest;
    },

    async tag(image, name, ctx) {
      const { repository, tag } = kit.parseName(name);
      await buildah(ctx, ['tag', kit.containersName(image.identity), kit.containersName(`${repository}:${tag}`)]);
      return { engine: (await probe(ctx)).engine, name };
    },

    inspect: (at, ctx) =>
      kit.observe(async () => {
        const { engine } = await probe(ctx);
        const name = kit.nameHere(at, engine);
        const found = name === null ? null : await find(ctx, name);
        return found && name !== null ? { identity: found.id, at: [{ engine, name }] } : null;
      }),

    async remove(at, ctx) {
      const name = kit.nameHere(at, (await probe(ctx)).engine);
      if (name !== null && (await find(ctx, name))) await buildah(ctx, ['rmi', kit.containersName(name)]);
    },

    async close() {},
  };
}

export const plugin = sdk.definePlugin({
  name: 'buildah',
  builders: { buildah: sdk.defineBuilder({ options, create: createBuildah }) },
});
