/** `npm run docs`: writes the generated pages; with `--check`, says which of them are out of date instead. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkCodes } from './check-codes.ts';
import { makePages, type Page } from './pages.ts';

const root = join(import.meta.dirname, '../../..');
const [flag, ...rest] = process.argv.slice(2);
if ((flag !== undefined && flag !== '--check') || rest.length > 0) {
  console.error('npm run docs [-- --check]');
  process.exit(1);
}

const pages = await makePages();
const problems = [...checkCodes(root)];
const changed = pages.filter(isChanged);
for (const { path, text } of changed) {
  if (flag === '--check') {
    problems.push(`${path} is out of date: npm run docs`);
    continue;
  }
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  console.log(`wrote ${path}`);
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(`${pages.length} pages are up to date.`);

function isChanged({ path, text }: Page): boolean {
  try {
    return readFileSync(join(root, path), 'utf8') !== text;
  } catch {
    return true;
  }
}
