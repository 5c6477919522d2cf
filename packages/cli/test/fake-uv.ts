/** Stands in for uv where its resolving is not the point: an index of one line a package, in the project's own folder. */
import { chmodSync } from 'node:fs';
import type { Rig } from './rig.ts';

/** What both answer to being asked who they are, and whether there is a Python. */
const HEAD = `#!/bin/sh
case "$1 $2" in
  "--version ") echo "uv 0.13.9 (a test)"; exit 0 ;;
  "python find") exit 0 ;;
esac
`;

/** A uv that fails so. Its path. */
export function failingUv(project: Rig, code: number, words: string): string {
  return script(project, `${HEAD}cat >&2 <<'END'\n${words}\nEND\nexit ${code}\n`);
}

/**
 * A uv that finds the newest version of `index` (`NAME VERSION` a line), or the one that is locked unless it is told to upgrade. Names that are
 * not there cannot be resolved. Its path.
 */
export function fakeUv(project: Rig): string {
  return script(
    project,
    `${HEAD}index='${project.path('index')}'
old=$(cat pylock.toml 2>/dev/null)
{
  printf 'lock-version = "1.0"\\n'
  while read -r line; do
    name=\${line%%[=<>]*}
    found=$(grep "^$name " "$index") || { echo "error: No solution found\n  cause: Because $name was not found" >&2; exit 1; }
    version=\${found#* }
    case "$* $old" in
      *--upgrade\\ * | *--upgrade-package="$name"\\ *) ;;
      *"\${name}-"*.whl*) version=$(echo "$old" | sed -n "s/.*\${name}-\\([0-9.]*\\)-py3.*/\\1/p") ;;
    esac
    hash=$(printf '%064d' "$(echo "$version" | tr -d .)")
    printf '[[packages]]\\nname = "%s"\\nversion = "%s"\\n' "$name" "$version"
    printf 'wheels = [{ url = "https://files.example.com/%s-%s-py3-none-any.whl", hashes = { sha256 = "%s" } }]\\n' "$name" "$version" "$hash"
  done < requirements.txt
} > new || exit 1
mv new pylock.toml
`,
  );
}

function script(project: Rig, text: string): string {
  project.write('bin/uv', text);
  chmodSync(project.path('bin/uv'), 0o755);
  return project.path('bin/uv');
}
