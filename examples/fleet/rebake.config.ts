// The example fleet: one DSS release, two base images, three container configs, two registries, six code envs.
// `./run` starts real engines and registries, and hands their addresses in through the environment.
import { defineConfig } from '@rebake/rebake';

const { FLEET_EU = 'registry.eu.example.com', FLEET_US = 'registry.us.example.com', FLEET_US_CA } = process.env;
const { FLEET_BUILDER = 'docker' } = process.env;

export default defineConfig({
  version: 1,
  release: { version: '14.1.1', kit: './kits/14.1.1' },

  registries: {
    eu: { url: `${FLEET_EU}/dss` },
    us: { url: `${FLEET_US}/dss`, ...(FLEET_US_CA ? { ca: FLEET_US_CA } : {}) },
  },

  baseImages: {
    // A Debian with Python 3.11; `./run` puts the archive here.
    python: {
      type: 'container-exec',
      from: { rootfs: './bookworm.tar' },
      python: ['3.11'],
      systemPackages: ['libgomp1'],
    },
    // Same ground, one more system library: stands for the bigger base that GPU workloads get.
    'python-gpu': { type: 'container-exec', from: { base: 'python' }, systemPackages: ['libopenblas0'] },
  },

  containerConfigs: {
    'cpu-eu': { engine: 'kubernetes', base: 'python', registry: 'eu', repository: 'cpu' },
    'cpu-us': { engine: 'kubernetes', base: 'python', registry: 'us' },
    'gpu-eu': { engine: 'kubernetes', base: 'python-gpu', registry: 'eu' },
  },

  codeEnvs: {
    glm: {
      language: 'python',
      interpreter: '3.11',
      packages: { file: 'envs/glm/requirements.txt' },
      containerConfigs: 'all',
      jupyter: true,
      fragments: { atEnd: 'COPY certs/ /opt/certs/', files: ['certs'] },
    },
    pulse: {
      language: 'python',
      interpreter: '3.11',
      packages: { file: 'envs/pulse/requirements.txt' },
      containerConfigs: ['cpu-eu'],
    },
    gutenberg: {
      language: 'python',
      interpreter: '3.11',
      packages: { file: 'envs/gutenberg/requirements.txt' },
      containerConfigs: 'all',
    },
    snowflake: {
      language: 'python',
      interpreter: '3.11',
      packages: { file: 'envs/snowflake/requirements.txt' },
      containerConfigs: ['cpu-eu', 'cpu-us'],
      deployment: 'plugin-managed',
    },
    movies: {
      language: 'python',
      interpreter: '3.11',
      packages: { file: 'envs/movies/requirements.txt' },
      containerConfigs: ['cpu-us'],
    },
    // Cannot be installed any more: fails alone, with pip's own words.
    'image-classifier': {
      language: 'python',
      interpreter: '3.11',
      packages: { file: 'envs/image-classifier/requirements.txt' },
      containerConfigs: ['gpu-eu'],
    },
  },

  // Any builder makes the same images; where its engine is, it takes from the environment as the engine's own client does.
  builders: { default: FLEET_BUILDER },

  // How builds reach the package registries: facts of this machine, never part of a fingerprint.
  build: { network: 'host', ca: { fileFromEnv: 'FLEET_BUILD_CA', optional: true } },
});
