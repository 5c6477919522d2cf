// Declarations of any size: one release, two bases, three container configs, and code envs with a requirements file each.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** What to declare. */
export interface FleetOptions {
  /** Code envs; each selects one container config, so this is the number of env images and of publications too. */
  readonly envs: number;
  /** `host:port/path` to publish to; null publishes into the engine. */
  readonly registry: string | null;
}

/** Files of a project by their path below its root. */
export type Files = ReadonlyMap<string, string | Uint8Array>;

/** Container configs and the bases that they run on. Envs select them in turn. */
const CONFIGS = [
  { name: 'cpu-eu', base: 'python' },
  { name: 'cpu-us', base: 'python' },
  { name: 'gpu-eu', base: 'python-gpu' },
] as const;

/** Packages to fill requirements with, the kind that real envs ask for; nothing is ever installed from here. */
const PACKAGES = ['pandas', 'numpy', 'scikit-learn', 'requests', 'flask', 'statsmodels', 'matplotlib', 'boto3'];

/** Name of the code env with this number. */
export function envName(index: number): string {
  return `env-${String(index).padStart(5, '0')}`;
}

/** Path of its requirements file below the root. */
export function requirementsPath(index: number): string {
  return `envs/${envName(index)}/requirements.txt`;
}

/** The base that the env with this number is built on. */
export function baseOf(index: number): string {
  return configOf(index).base;
}

/** The files of a fleet: a function of the options alone. */
export function fleetFiles(options: FleetOptions): Files {
  const { envs, registry } = options;
  const numbers = Array.from({ length: envs }, (_, index) => index);
  const yaml = [
    'version: 1',
    'builders: { default: docker }',
    'release: { version: 14.1.2 }',
    ...(registry === null ? [] : ['registries:', `  local: { url: "${registry}" }`]),
    'baseImages:',
    '  python: { type: container-exec, from: { rootfs: ./rootfs.tar }, python: ["3.11"] }',
    '  python-gpu: { type: container-exec, from: { base: python }, systemPackages: [libgomp1] }',
    'containerConfigs:',
    ...CONFIGS.map(({ name, base }) => {
      const to = registry === null ? '' : `, registry: local`;
      return `  ${name}: { engine: kubernetes, base: ${base}${to}, repository: ${name} }`;
    }),
    'codeEnvs:',
    ...numbers.map((index) => {
      const file = `packages: { file: ${requirementsPath(index)} }`;
      return `  ${envName(index)}: { language: python, interpreter: "3.11", ${file}, containerConfigs: [${configOf(index).name}] }`;
    }),
  ];
  return new Map<string, string | Uint8Array>([
    ['rebake.yaml', `${yaml.join('\n')}\n`],
    // Two blocks of zeros: the tar archive of no files.
    ['rootfs.tar', new Uint8Array(1024)],
    ...numbers.map((index) => [requirementsPath(index), requirements(index)] as const),
  ]);
}

/** Writes files below a folder, and gives the folder. */
export function writeFiles(dir: string, files: Files): string {
  const folders = new Set([...files.keys()].map((path) => dirname(join(dir, path))));
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  for (const [path, content] of files) writeFileSync(join(dir, path), content);
  return dir;
}

function configOf(index: number): (typeof CONFIGS)[number] {
  return CONFIGS[index % CONFIGS.length] ?? CONFIGS[0];
}

/** Four packages, no two envs with the same lines: the last version is the env's number. */
function requirements(index: number): string {
  const picked = [0, 1, 2, 3].map((at) => PACKAGES[(index + at) % PACKAGES.length]);
  return picked.map((name, at) => `${name}==1.${at}.${at === 3 ? index : 0}\n`).join('');
}
