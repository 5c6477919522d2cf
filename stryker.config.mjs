// Mutation testing of what must not be wrong in silence: `npm run mutation`, or with `-- --mutate FILE`.
export default {
  testRunner: 'vitest',
  plugins: ['@stryker-mutator/vitest-runner'],
  mutate: [
    'packages/planner/src/**/*.ts',
    'packages/engine/src/apply/{assumptions,cell,heap,lanes,machine,scheduler}.ts',
  ],
  vitest: { configFile: 'vitest.config.ts', related: true },
  ignorePatterns: ['**/dist', '**/.tsbuild', '.nx', '.rebake', '.engines', 'reports'],
  concurrency: 2,
  reporters: ['clear-text', 'progress', 'html'],
  thresholds: { high: 90, low: 80, break: null },
};
