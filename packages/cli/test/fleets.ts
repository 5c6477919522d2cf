/** The declarations that tests of the command line start from. */

const KIT = {
  'kit/dss-version.json': '{"product_version": "14.1.1"}\n',
  'kit/python/dataiku/__init__.py': '__version__ = "14.1.1"\n',
};

/** A small fleet without registries: publications go into the fake engine. */
export const FLEET: Readonly<Record<string, string>> = {
  'rebake.yaml': `version: 1
release: { version: 14.1.1, kit: ./kit }
baseImages:
  python: { type: container-exec, from: { rootfs: ./rootfs.tar }, python: ["3.11"] }
containerConfigs:
  cpu: { engine: docker, base: python }
codeEnvs:
  glm: { language: python, interpreter: "3.11", packages: { file: glm.txt }, containerConfigs: all, jupyter: true }
  soup: { language: python, interpreter: "3.11", packages: [beautifulsoup4], containerConfigs: [cpu] }
builders: { default: docker }
`,
  'glm.txt': '# what glm needs\nglum==3.1.2\nscipy\n',
  'rootfs.tar': 'not really a tar, and nobody here looks inside',
  ...KIT,
};

/** The same in one registry, on an image of somebody else's: `eu.example.test/upstream/debian:12` has to be there. */
export const PUBLISHED: Readonly<Record<string, string>> = {
  ...FLEET,
  'rebake.yaml': `version: 1
release: { version: 14.1.1, kit: ./kit }
registries:
  eu: { url: eu.example.test/dss }
baseImages:
  python: { type: container-exec, from: { image: "eu.example.test/upstream/debian:12" }, python: ["3.11"] }
containerConfigs:
  cpu: { engine: kubernetes, base: python, registry: eu, repository: cpu }
codeEnvs:
  glm: { language: python, interpreter: "3.11", packages: { file: glm.txt }, jupyter: true }
builders: { default: docker }
`,
};
