/** Secrets, logins and authorities as files, for builders that drive a command: on a command line, everybody on the machine could read them. */
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BuildAccess, Ctx } from '../builder.ts';

/** A secret in a file. */
export interface SecretFile {
  readonly id: string;
  readonly path: string;
}

/** Writes the secrets of a build into a folder of `ctx.scratch`, readable by this user alone; optional ones that are missing are left out. */
export async function writeSecrets(access: BuildAccess, ctx: Ctx): Promise<readonly SecretFile[]> {
  const folder = join(ctx.scratch, 'secrets');
  await mkdir(folder, { mode: 0o700 });
  const written: SecretFile[] = [];
  for (const [index, [id, ref]] of Object.entries(access.secrets).entries()) {
    const bytes = await ctx.secret(ref);
    if (bytes === null) continue;
    const path = join(folder, String(index));
    await writeFile(path, bytes, { mode: 0o600 });
    written.push({ id, path });
  }
  return written;
}

/** Writes a login file as Docker's `config.json` has it (`auths`), for the hosts that have a login; returns its path. */
export async function writeAuthFile(hosts: Iterable<string>, ctx: Ctx): Promise<string> {
  const auths: Record<string, object> = {};
  for (const host of new Set(hosts)) {
    const login = await ctx.credentials(host);
    if (login === null) continue;
    auths[host] =
      'identityToken' in login
        ? { identitytoken: login.identityToken }
        : { auth: Buffer.from(`${login.username}:${login.password}`).toString('base64') };
  }
  const path = join(ctx.scratch, 'auth.json');
  await writeFile(path, JSON.stringify({ auths }), { mode: 0o600 });
  return path;
}

/** A folder that holds one authority as `ca.crt`, as the `certs.d` folders of containers' tools do; returns its path. */
export async function writeCaFolder(ca: string, ctx: Ctx): Promise<string> {
  const folder = join(ctx.scratch, 'certificates');
  await mkdir(folder, { recursive: true });
  await copyFile(ca, join(folder, 'ca.crt'));
  return folder;
}
