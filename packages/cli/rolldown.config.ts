// One file at start-up, the rest in chunks that are loaded when a command needs them: what starts is what is used.
import { defineConfig } from 'rolldown';

export default defineConfig({
  input: { rebake: 'src/launcher.ts' },
  platform: 'node',
  resolve: { conditionNames: ['@rebake/source', 'node', 'import', 'default'] },
  // Heavy and rarely needed: a compiler, and an SSH client with native parts. Loaded from node_modules, by import().
  external: ['ts-morph', 'dockerode'],
  output: {
    dir: 'dist',
    format: 'esm',
    chunkFileNames: 'chunks/[name].js',
    sourcemap: true,
    cleanDir: false,
  },
});
