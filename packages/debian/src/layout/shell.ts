/** As much of shell as is needed to read commands out of maintainer scripts, which are never run. */

/**
 * Calls of a command, each as its words. Lines that go on behind a backslash are put together; what has variables or substitutions in it is
 * left out, since only running could say what it means.
 */
export function callsOf(script: string, command: string): readonly (readonly string[])[] {
  const calls: string[][] = [];
  for (const line of script.replace(/\\\r?\n/g, ' ').split(/\n|;|&&|\|\|/)) {
    const words = line.trim().split(/\s+/);
    const at = words.indexOf(command);
    // Before it may stand `if`, `then` or `exec`, but nothing that looks like a sentence.
    if (at < 0 || at > 2) continue;
    const end = words.findIndex((word, index) => index > at && /^(?:#|\d?>|<|\|)/.test(word));
    const rest = words.slice(at + 1, end < 0 ? undefined : end).map((word) => word.replace(/^(["'])(.*)\1$/, '$2'));
    if (rest.every((word) => !/[$`"'*?]/.test(word))) calls.push(rest);
  }
  return calls;
}
