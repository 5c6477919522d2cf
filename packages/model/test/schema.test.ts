import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { configJsonSchema, defineConfig, DIAGNOSTIC_KINDS, type ConfigInput } from '../src/index.ts';
import { folder } from './load-rig.ts';

type Json = { readonly [key: string]: unknown };

/** Every schema of a property in a JSON Schema, with its path. */
function properties(schema: Json, path: string, found: [string, Json][] = []): [string, Json][] {
  for (const [key, value] of Object.entries((schema['properties'] ?? {}) as Record<string, Json>)) {
    found.push([`${path}.${key}`, value]);
    properties(value, `${path}.${key}`, found);
  }
  for (const key of ['additionalProperties', 'items']) {
    const inner = schema[key];
    if (typeof inner === 'object' && inner !== null) properties(inner as Json, `${path}.*`, found);
  }
  for (const one of (schema['anyOf'] ?? []) as Json[]) properties(one, path, found);
  return found;
}

describe('the schema', () => {
  it('is published as it is (npm run docs writes it)', async () => {
    const published = fileURLToPath(new URL('../../../docs/reference/rebake.schema.json', import.meta.url));
    expect(JSON.parse(readFileSync(published, 'utf8'))).toEqual(await configJsonSchema());
  });

  it('describes every field', async () => {
    const silent = properties(await configJsonSchema(), '').filter(
      ([, { description }]) => typeof description !== 'string',
    );
    expect(silent.map(([path]) => path)).toEqual([]);
  });

  it('takes every field of a whole declaration', async () => {
    const whole: ConfigInput = defineConfig({
      $schema: './rebake.schema.json',
      version: 1,
      releases: { design: { version: '14.1.2' }, automation: { version: '13.5.7' } },
      registries: {
        eu: { url: 'registry.example.com:5000/dss', pushUrl: 'push.example.com/dss', prePush: { mode: 'ecr' } },
        local: { url: 'localhost:5000', insecure: true, parallel: 4 },
      },
      baseImages: {
        python: {
          type: 'container-exec',
          release: 'design',
          from: { debian: { suite: 'bookworm', packages: ['libgomp1'] } },
          python: ['3.11', '3.9'],
          r: true,
          systemPackages: ['git'],
          family: 'debian',
          user: { uid: 1000 },
          fragments: { prepend: 'RUN true', append: 'ENV A=${B}' },
          buildOptions: ['--ulimit nofile=1024'],
          cranMirror: 'https://cran.example.com',
          proxy: { http: 'http://proxy.example.com:3128', no: 'localhost' },
          tags: ['dss-${release.version}'],
          repository: 'dku-exec-base-abc',
        },
        gpu: {
          type: 'container-exec',
          from: { base: 'python' },
          cuda: '12.2',
          cudnn: '8.9.7',
          platform: 'linux/amd64',
        },
        other: { type: 'cde', from: { image: 'almalinux:9' }, distribution: 'almalinux9' },
      },
      containerConfigs: {
        cpu: {
          engine: 'kubernetes',
          base: 'python',
          registry: 'eu',
          repository: 'team-${release.version}/cpu',
          tags: ['latest', 'dss-${release.version}'],
          usableBy: 'allowed',
          allowedGroups: ['data team'],
          workloadType: 'ANY',
          properties: { 'a.b': '${dss.variable}' },
        },
      },
      codeEnvs: {
        glm: {
          language: 'python',
          interpreter: '3.11',
          packages: ['scikit-learn==1.4.*', '# why', ''],
          conda: { packages: ['numpy'] },
          corePackages: { set: 'PANDAS10' },
          jupyter: true,
          fragments: { atStart: 'RUN true' },
          cacheBusting: 'none',
          runtimeAdditions: ['BASIC_GPU_ENABLING'],
          containerConfigs: ['cpu'],
          sparkConfigs: 'all',
          deployment: 'automation-versioned',
          versions: { v1: { packages: ['a'] } },
          acceptedInterpreters: ['3.9'],
          extraPythonPath: ['/opt/x'],
          owner: 'me',
          contact: 'me@example.com',
          lock: 'glm.lock',
          builder: 'fast',
        },
      },
      sparkConfigs: { s: { base: 'python', description: 'x' } },
      codeStudioTemplates: { vs: { base: 'python', codeEnvs: ['glm'] } },
      instances: { design: { url: 'https://dss.example.com:11200', apiKey: { env: 'DSS_KEY' } } },
      builtinEnv: { packages: [] },
      builders: {
        default: 'docker',
        fast: { type: 'docker', parallel: 4, timeout: '30m', options: { host: 'x' } },
        p: 'podman',
      },
      build: {
        ca: './ca.pem',
        pipConfig: { fileFromEnv: 'PIP_CONFIG_FILE', optional: true },
        secrets: { netrc: { env: 'N' } },
        network: 'host',
      },
      plugins: ['./plugin.ts'],
      sources: {},
      nodes: { docs: { type: 'site' } },
      state: { type: 'bucket', options: { name: 'x' } },
    });
    using project = folder({ 'rebake.config.ts': `export default ${JSON.stringify(whole)};\n` });
    const { loaded, diagnostics } = await project.load();
    expect(diagnostics).toEqual([]);
    expect(loaded?.config.build.ca).toEqual({ file: './ca.pem' });
  });

  it.each([
    ['a scheme in a registry', { registries: { a: { url: 'https://x' } } }],
    [
      'an option as system package',
      { baseImages: { a: { type: 'cde', from: { base: 'b' }, systemPackages: ['-o x'] } } },
    ],
    [
      'a shell in a system package',
      { baseImages: { a: { type: 'cde', from: { base: 'b' }, systemPackages: ['a;id'] } } },
    ],
    ['a new line in a package', { codeEnvs: { a: { language: 'python', packages: ['a\nb'] } } }],
    ['a new line in a path', { codeEnvs: { a: { language: 'python', packages: { file: 'a\nb' } } } }],
    ['a tag with a slash', { containerConfigs: { a: { engine: 'docker', base: 'b', tags: ['a/b'] } } }],
    ['a repository that climbs', { containerConfigs: { a: { engine: 'docker', base: 'b', repository: '../b' } } }],
    ['a user with a colon', { baseImages: { a: { type: 'cde', from: { base: 'b' }, user: { name: 'a:b' } } } }],
    ['root as user', { baseImages: { a: { type: 'cde', from: { base: 'b' }, user: { uid: 0 } } } }],
    ['a reference that is an option', { baseImages: { a: { type: 'cde', from: { image: '--x' } } } }],
    ['a duration without a unit', { builders: { default: 'd', d: { type: 'docker', timeout: '30' } } }],
    ['no tags at all', { containerConfigs: { a: { engine: 'docker', base: 'b', tags: [] } } }],
    ['another version of the shape', { version: 2 }],
  ])('refuses %s, once', async (_what, part) => {
    const declaration = { version: 1, release: { version: '14.1.2' }, ...part };
    using project = folder({ 'rebake.yaml': JSON.stringify(declaration) });
    const { diagnostics } = await project.load();
    expect(diagnostics.map(({ code }) => code)).toEqual([expect.stringMatching(/^BAD_(VALUE|NAME)$/)]);
  });
});

describe('the table of diagnostics', () => {
  it('has each code once, with what it means and what to do', () => {
    const codes = DIAGNOSTIC_KINDS.map(({ code }) => code);
    expect(new Set(codes).size).toBe(codes.length);
    for (const { code, means, help } of DIAGNOSTIC_KINDS) {
      expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/);
      expect(means).toMatch(/[.]$/);
      expect(help).toMatch(/[.?]$/);
    }
  });
});
