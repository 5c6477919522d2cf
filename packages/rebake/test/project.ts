/** A project in a temporary folder, and a builder of a program's own: what the library is used with here. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { candidateTag, digestOf, STEP_VERSIONS, type Builder, type Digest, type Output, type Seen } from '@rebake/sdk';

/** A folder that is removed at the end of a test. */
export interface Folder extends Disposable {
  readonly dir: string;
  /** What every function of the library takes. */
  readonly options: { readonly cwd: string; readonly env: Readonly<Record<string, string | undefined>> };
  write(name: string, text: string): void;
}

/** Makes a folder with files in it. */
export function folder(files: Readonly<Record<string, string>>): Folder {
  const dir = mkdtempSync(join(tmpdir(), 'rebake-library-'));
  const write = (name: string, text: string): void => writeFileSync(join(dir, name), text);
  for (const [name, text] of Object.entries(files)) write(name, text);
  return {
    dir,
    options: { cwd: dir, env: { HOME: dir } },
    write,
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}

/** One base, one env, published into the engine; `builders` as it is to be declared. */
export function declaration(builders = '{ default: docker }'): Readonly<Record<string, string>> {
  return {
    'rebake.yaml': `version: 1
release: { version: 14.1.2 }
baseImages:
  python: { type: container-exec, from: { rootfs: ./rootfs.tar }, python: ["3.11"] }
containerConfigs:
  local: { engine: docker, base: python }
codeEnvs:
  glm: { language: python, interpreter: "3.11", packages: [scipy] }
builders: ${builders}
`,
    'rootfs.tar': 'looked into by nobody',
  };
}

/** A builder whose images are hashes of what they are made from. `closed` counts. */
export interface OwnBuilder extends Builder {
  readonly built: Digest[];
  closed: number;
}

/** Makes one with an empty engine. */
export function ownBuilder(): OwnBuilder {
  const names = new Map<string, Digest>();
  const at = (name: string) => ({ engine: 'own', name });
  const look = (name: string): Seen<Output> => {
    const identity = names.get(name);
    return identity === undefined ? { seen: 'no' } : { seen: 'yes', value: { identity, at: [at(name)] } };
  };
  const builder: OwnBuilder = {
    built: [],
    closed: 0,
    probe: async () => ({
      engine: 'own',
      contents: 'own@1',
      steps: Object.entries(STEP_VERSIONS).map(([step, version]) => `${step}@${version}`),
      platforms: ['linux/amd64'],
      reproducible: true,
    }),
    async build({ key }) {
      const identity = digestOf(['image', key]);
      names.set(candidateTag(key), identity);
      builder.built.push(key);
      return { identity, at: [at(candidateTag(key))] };
    },
    fetch: () => Promise.reject(new Error('there is no registry here')),
    push: () => Promise.reject(new Error('there is no registry here')),
    async tag({ identity }, name) {
      names.set(name, identity);
      return at(name);
    },
    inspect: async (place) => look('key' in place ? candidateTag(place.key) : 'name' in place ? place.name : ''),
    remove: async (place) => void ('name' in place && names.delete(place.name)),
    close: async () => void (builder.closed += 1),
  };
  return builder;
}
