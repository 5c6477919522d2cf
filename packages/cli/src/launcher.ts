// The first file that runs: refuses an old Node before anything needs a new one, and turns the compile cache on
// before anything worth caching is loaded. Everything else is behind the import().
import module from 'node:module';

const oldest = 24;

if (Number(process.versions.node.split('.')[0]) < oldest) {
  process.stderr.write(
    `rebake: needs Node ${oldest} or later, but ${process.execPath} is ${process.version}. ` +
      `Install Node ${oldest}, or run 'npm ci' with install scripts allowed: it brings one along.\n`,
  );
  process.exitCode = 1;
} else {
  module.enableCompileCache();
  const { main } = await import('./main.ts');
  await main();
}
