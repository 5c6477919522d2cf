/** Every generated file of docs/reference, and where it comes from. */
import { configJsonSchema, inputsReference } from '@rebake/model';
import { planJsonSchema } from '@rebake/planner';
import { cliPage } from './cli-page.ts';
import { configPage, type Schema } from './config-page.ts';
import { conformancePage } from './conformance-page.ts';
import { diagnosticsPage } from './diagnostics-page.ts';
import { eventJsonSchema } from './event-schema.ts';
import { reasonsPage } from './reasons-page.ts';

/** A file below the root of the repository. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

/** Makes all of them. */
export async function makePages(): Promise<readonly Page[]> {
  const config = await configJsonSchema();
  const pages: Readonly<Record<string, string>> = {
    'cli.md': cliPage(),
    'config.md': configPage(config as Schema),
    'conformance.md': conformancePage(),
    'diagnostics.md': diagnosticsPage(),
    'event.schema.json': json(eventJsonSchema()),
    'inputs.md': inputsReference(),
    'plan.schema.json': json(await planJsonSchema()),
    'reasons.md': reasonsPage(),
    'rebake.schema.json': json(config),
  };
  return Object.entries(pages).map(([name, text]) => ({ path: `docs/reference/${name}`, text }));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
