/** Wheels made by tests. */
import { createHash } from 'node:crypto';
import { zip, type ZipEntry } from './zip.ts';

export interface WheelOptions {
  readonly name?: string;
  readonly version?: string;
  readonly tag?: string;
  readonly isPurelib?: boolean;
  readonly files?: readonly ZipEntry[];
  readonly entryPoints?: string;
  readonly wheelVersion?: string;
  /** Rows of RECORD as they are to be written. */
  readonly record?: (rows: readonly string[]) => readonly string[];
  readonly metadata?: string;
}

export function wheelFileName({ name = 'demo', version = '1.0', tag = 'py3-none-any' }: WheelOptions = {}): string {
  return `${name}-${version}-${tag}.whl`;
}

export function makeWheel(options: WheelOptions = {}): Buffer {
  const { name = 'demo', version = '1.0', tag = 'py3-none-any', isPurelib = true } = options;
  const info = `${name}-${version}.dist-info`;
  const entries: ZipEntry[] = [
    ...(options.files ?? [{ name: `${name}/__init__.py`, content: 'value = 1\n' }]),
    {
      name: `${info}/METADATA`,
      content: options.metadata ?? `Metadata-Version: 2.1\nName: ${name}\nVersion: ${version}\n`,
    },
    {
      name: `${info}/WHEEL`,
      content: `Wheel-Version: ${options.wheelVersion ?? '1.0'}\nGenerator: test\nRoot-Is-Purelib: ${isPurelib ? 'true' : 'false'}\nTag: ${tag}\n`,
    },
  ];
  if (options.entryPoints !== undefined)
    entries.push({ name: `${info}/entry_points.txt`, content: options.entryPoints });
  const rows = entries
    .filter((entry) => !entry.name.endsWith('/'))
    .map((entry) => {
      const content = Buffer.from(entry.content ?? '');
      const quoted = /[",]/.test(entry.name) ? `"${entry.name.replaceAll('"', '""')}"` : entry.name;
      return `${quoted},sha256=${createHash('sha256').update(content).digest('base64url')},${content.length}`;
    });
  rows.push(`${info}/RECORD,,`);
  entries.push({ name: `${info}/RECORD`, content: `${(options.record?.(rows) ?? rows).join('\n')}\n` });
  return zip(entries);
}
