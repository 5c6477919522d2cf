// One file at start-up, the rest in chunks that are loaded when a command needs them: what starts is what is used.
import { defineConfig, type Plugin } from 'rolldown';

/** Commander can start a program for a subcommand. rebake has none such, and loading child_process at every start costs some milliseconds. */
const withoutChildProcess: Plugin = {
  name: 'commander-without-child-process',
  resolveId: (source, importer) =>
    source === 'node:child_process' && importer?.includes('/commander/') === true ? '\0no-child-process' : null,
  load: (id) => (id === '\0no-child-process' ? 'export default {};' : null),
};

export default defineConfig({
  input: { rebake: 'src/launcher.ts' },
  platform: 'node',
  resolve: { conditionNames: ['@rebake/source', 'node', 'import', 'default'] },
  plugins: [withoutChildProcess],
  // Heavy and rarely needed, or with native parts: a compiler, an SSH client, signatures, xz. Loaded from node_modules, by import(). Not undici:
  // of that, another major may lie where the bundle would find it.
  external: ['ts-morph', 'dockerode', 'openpgp', '@napi-rs/lzma'],
  output: {
    dir: 'dist',
    format: 'esm',
    chunkFileNames: 'chunks/[name].js',
    sourcemap: true,
    cleanDir: false,
  },
});
