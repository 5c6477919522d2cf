// `npm run bench [NAME…] [--json] [--record]`: measures, and prints the bars beside the figures. Fails only when something could not be
// measured, never over a time.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { applyOverhead } from './benches/apply-overhead.ts';
import { builderOverhead } from './benches/builder-overhead.ts';
import { contextTransfer } from './benches/context-transfer.ts';
import { distributed } from './benches/distributed.ts';
import { embeddedCold } from './benches/embedded-cold.ts';
import { embeddedMany } from './benches/embedded-many.ts';
import { embeddedShared } from './benches/embedded-shared.ts';
import { embeddedSize } from './benches/embedded-size.ts';
import { noop } from './benches/noop.ts';
import { planner } from './benches/planner.ts';
import { refresh } from './benches/refresh.ts';
import { slopes } from './benches/slope.ts';
import { startup } from './benches/startup.ts';
import { NotMeasured, type Bench } from './bench.ts';
import { machine, machineText } from './machine.ts';
import { record, table, type BenchResult } from './report.ts';

const BENCHES: readonly Bench[] = [
  startup,
  noop,
  slopes,
  planner,
  refresh,
  applyOverhead,
  builderOverhead,
  contextTransfer,
  distributed,
  embeddedCold,
  embeddedShared,
  embeddedSize,
  embeddedMany,
];

const USAGE = `npm run bench -- [NAME…] [--json] [--record]

${BENCHES.map(({ name, title }) => `  ${name.padEnd(16)}${title}`).join('\n')}

  --json          results as JSON instead of a table
  --record        write the results into docs/benchmarks.md
`;

const root = resolve(import.meta.dirname, '../../..');

function chosen(names: readonly string[]): readonly Bench[] {
  const unknown = names.filter((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0) throw new NotMeasured(`no benchmark is called ${unknown.join(', ')}\n\n${USAGE}`);
  return names.length === 0 ? BENCHES : BENCHES.filter(({ name }) => names.includes(name));
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean' }, record: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help === true) return console.log(USAGE);
  const note = (text: string): void => console.error(text);
  const facts = machine(new Date());
  const results: BenchResult[] = [];
  for (const bench of chosen(positionals)) {
    note(`${bench.name}: ${bench.title}`);
    const scratch = mkdtempSync(join(tmpdir(), `rebake-bench-${bench.name}-`));
    try {
      results.push({ name: bench.name, rows: await bench.run({ root, scratch, note: (text) => note(`  ${text}`) }) });
    } catch (error) {
      if (!(error instanceof NotMeasured)) throw error;
      note(`${bench.name}: not measured: ${error.message}`);
      process.exitCode = 1;
    } finally {
      rmSync(scratch, { recursive: true, force: true });
    }
  }
  if (values.json === true) console.log(JSON.stringify({ formatVersion: 1, machine: facts, results }, null, 2));
  else console.log(`\n${table(results)}\n\n${machineText(facts)}`);
  if (values.record === true) {
    const file = join(root, 'docs/benchmarks.md');
    writeFileSync(file, record(readFileSync(file, 'utf8'), results, facts));
    note(`recorded in ${file}`);
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof NotMeasured)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
