// Mutation testing of what must not be wrong in silence: `npm run mutation`, or with `-- --mutate FILE`.
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  mutate: ['packages/planner/src/**/*.ts', 'packages/model/src/expand/**/*.ts'],
  vitest: { configFile: 'vitest.config.ts', related: true },
  ignorePatterns: ['**/dist', '**/.tsbuild', '.nx', '.rebake'],
  concurrency: 2,
  reporters: ['clear-text', 'progress', 'html'],
  thresholds: { high: 90, low: 80, break: null },
};
