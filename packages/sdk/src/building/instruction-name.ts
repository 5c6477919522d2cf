/** An instruction of a Dockerfile as a name for people: without mounts and ids in full, and scripts as one would type them. */
import { stripVTControlCharacters } from 'node:util';

const LONGEST = 160;

/** Shortens an instruction. */
export function instructionName(text: string): string {
  const name = stripVTControlCharacters(text)
    .replaceAll(/(^|\s)--(mount|network|security)=\S+/g, '$1')
    .replaceAll(/\s+/g, ' ')
    .replace(/^(RUN )(\[.*\])$/, (_all, run: string, argv: string) => run + commandLine(argv))
    .replaceAll(/([0-9a-f]{12})[0-9a-f]{52}/g, '$1')
    .trim();
  return name.length > LONGEST ? `${name.slice(0, LONGEST - 1)}…` : name;
}

/** The exec form in one line; a script that a shell runs goes without shell and folder. */
function commandLine(argv: string): string {
  let words: unknown;
  try {
    words = JSON.parse(argv);
  } catch {
    return argv;
  }
  if (!Array.isArray(words)) return argv;
  const [shell, script, ...more] = words.map(String);
  if (shell !== '/bin/sh' || !script?.endsWith('.sh')) return words.map(String).join(' ');
  return [script.slice(script.lastIndexOf('/') + 1), ...more].join(' ');
}
