// One vitest for the whole workspace: `unit` needs nothing but Node, `engine` needs the engines of tools/engines.
import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

// Tests run on the sources of every package: a build can be neither missing nor stale.
const source = '@rebake/source';

const everything = ['packages/*/test/**', 'plugins/*/test/**', 'tools/*/test/**', 'examples/*/test/**'];
const ignored = ['**/node_modules/**', '**/dist/**', '**/fixtures/**', '**/.stryker-tmp/**'];

export default defineConfig({
  resolve: { conditions: [source, ...defaultClientConditions] },
  ssr: { resolve: { conditions: [source, ...defaultServerConditions] } },
  test: {
    reporters: ['default', './tools/test/reporter.ts'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: everything.map((folder) => `${folder}/*.test.ts`),
          exclude: [...ignored, '**/*.engine.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'engine',
          include: everything.map((folder) => `${folder}/*.engine.test.ts`),
          exclude: ignored,
          // The engines are shared, and two cores build no faster than one test at a time.
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
