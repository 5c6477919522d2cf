/** `rebake export [NODE…]` */
import { Command, InvalidArgumentError, Option } from 'commander';
import { exportImages, type ExportOptions, type ExportResult } from '@rebake/rebake';
import { bytesText } from '@rebake/sdk';
import { EXIT, type ExitCode } from '../exit.ts';
import type { Io } from '../io.ts';
import { count, painter, shortDigest } from '../render/style.ts';
import { projectOptions, reportDiagnostics } from './shared.ts';

interface Flags {
  readonly output: string;
  readonly format: ExportOptions['format'];
  readonly compression?: 'gzip';
}

/** Standard output, as other tools have it. */
const STANDARD = '-';
/** How often progress is printed where nothing can be drawn in place, in percent. */
const STEP = 10;

/** The command, given where its exit code goes. */
export function exportCommand(io: Io, exit: (code: ExitCode) => void): Command {
  return new Command('export')
    .description('write built images into one archive that `docker load` and `podman load` take')
    .argument('[node...]', 'images or publications, by id or short name; without any: all images')
    .requiredOption('-o, --output <file>', 'where to; - is standard output', parseOutput)
    .addOption(
      new Option('--format <format>', 'docker also loads into Docker and Podman, oci is an OCI layout alone')
        .choices(['docker', 'oci'])
        .default('docker'),
    )
    .addOption(new Option('--compression <kind>', 'compress layers anew, for Docker 20.10 and older').choices(['gzip']))
    .action(async (nodes: readonly string[], flags: Flags, command: Command) => {
      const isStream = flags.output === STANDARD;
      if (isStream && io.terminal !== null) {
        io.err('error: an archive is nothing for a terminal: name a file with --output, or pipe it on\n');
        return exit(EXIT.failed);
      }
      const result = await exportImages({
        ...projectOptions(command, io),
        nodes,
        format: flags.format,
        compression: flags.compression ?? 'as-is',
        output: isStream ? async (chunk) => io.bytes(chunk) : flags.output,
        onBytes: progress(io),
      });
      if (result.diagnostics.length > 0) reportDiagnostics(result.diagnostics, io, 'people');
      if (result.images === null) return exit(EXIT.failed);
      // Beside the archive itself nothing may be on standard output.
      io.err(summary(result, isStream ? 'standard output' : flags.output, io));
      return exit(EXIT.done);
    });
}

function parseOutput(value: string): string {
  if (value === '') throw new InvalidArgumentError('It names no file.');
  return value;
}

/** Prints each tenth once, on standard error; of a small archive nothing. */
function progress(io: Io): (done: number, of: number) => void {
  let next = STEP;
  return (done, of) => {
    const percent = Math.floor((done / of) * 100);
    if (of < 50_000_000 || percent < next || percent >= 100) return;
    next = percent - (percent % STEP) + STEP;
    io.err(`${painter(io.colors)('dim', `${percent} % of ${bytesText(of)}`)}\n`);
  };
}

function summary({ images, bytes }: ExportResult, to: string, io: Io): string {
  const paint = painter(io.colors);
  const lines = (images ?? []).map(({ node, identity, tags, layers, bytes: own }) => {
    const facts = `${shortDigest(identity)}, ${count(layers, 'layer')}, ${bytesText(own)}`;
    return `${node}  ${paint('dim', facts)}\n${tags.map((tag) => `  as ${tag}\n`).join('')}`;
  });
  return `${lines.join('')}Exported ${count(images?.length ?? 0, 'image')} to ${to}: ${bytesText(bytes)}.\n`;
}
