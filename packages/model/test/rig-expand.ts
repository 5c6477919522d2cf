/** Writes a declaration into a folder of its own, loads it as a user's would be, and expands it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createFileHasher } from '@rebake/image';
import type { Diagnostic, Image, Node, Publication } from '@rebake/sdk';
import { onTestFinished } from 'vitest';
import type { Expansion, Loaded } from '../src/contract.ts';
import { expand } from '../src/expand/index.ts';
import { load } from '../src/load/load.ts';

/** A declaration, expanded. */
export interface Rig {
  readonly root: string;
  readonly loaded: Loaded;
  readonly expansion: Expansion;
  /** Of the rules only. */
  readonly diagnostics: readonly Diagnostic[];
  /** Of loading only. */
  readonly loading: readonly Diagnostic[];
}

/** Loads and expands; `files` by path, `rebake.yaml` or `rebake.config.ts` among them. The folder goes with the test. */
export async function rig(files: Readonly<Record<string, string>>): Promise<Rig> {
  const root = mkdtempSync(join(tmpdir(), 'rebake-model-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const outcome = await load({ cwd: root, hasher: createFileHasher({ cacheFile: null, now: Date.now }) });
  const { loaded } = outcome;
  if (loaded === null) throw new Error(`not loaded: ${JSON.stringify(outcome.diagnostics, null, 1)}`);
  const expansion = expand(
    loaded,
    outcome.removed.map((path) => path.join('.')),
  );
  return { root, loaded, expansion, diagnostics: expansion.diagnostics, loading: outcome.diagnostics };
}

/** A small declaration that has no problem; sections can be replaced, null leaves one out. */
export function declaration(changed: Readonly<Record<string, string | null>> = {}): string {
  const sections: Record<string, string | null> = {
    release: '{ version: "14.1.2" }',
    registries: '{ eu: { url: registry.example.com/dss } }',
    baseImages: '{ python: { type: container-exec, from: { image: "debian:12" }, python: ["3.11"] } }',
    containerConfigs: '{ cpu: { engine: kubernetes, base: python, registry: eu } }',
    codeEnvs: '{ glm: { language: python, interpreter: "3.11", packages: [numpy] } }',
    builders: '{ default: docker }',
    ...changed,
  };
  const lines = Object.entries(sections).flatMap(([key, text]) => (text === null ? [] : [`${key}: ${text}`]));
  return `version: 1\n${lines.join('\n')}\n`;
}

/** Diagnostics as one line each: code, line and column. */
export function told(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ code, where }) => `${code} ${where?.line}:${where?.column}`);
}

/** The node of an id. */
export function nodeOf(expansion: Expansion, id: string): Node {
  const node = expansion.nodes.find((one) => one.id === id);
  if (node === undefined) throw new Error(`no ${id} among ${expansion.nodes.map((one) => one.id).join(', ')}`);
  return node;
}

/** The image of an id. */
export function imageOf(expansion: Expansion, id: string): Image {
  const node = nodeOf(expansion, id);
  if (node.role !== 'image') throw new Error(`${id} is no image`);
  return node;
}

/** All publications. */
export function publicationsOf(expansion: Expansion): Publication[] {
  return expansion.nodes.filter((node) => node.role === 'publication');
}

/** Inputs as key → digest: what counts. */
export function ledgerOf(node: Node): Record<string, string> {
  return Object.fromEntries(Object.entries(node.inputs).map(([key, input]) => [key, input.digest]));
}

/** A value without the folders of this machine and without places. */
export function portable(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) =>
      key === 'root' ? '…' : key === 'at' || key === 'because' ? undefined : inner,
    ),
  );
}
