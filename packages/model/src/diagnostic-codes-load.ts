/** Codes of what loading and editing a declaration can find. One row a line: code, severity, what it means, what to do. */
import type { KindRow } from './diagnostic-row.ts';

// oxfmt-ignore
export const LOAD_ROWS = [
  ['CONFIG_NOT_FOUND', 'error', 'There is no declaration in this folder or in one above it, or the file that was named does not exist.', 'Write a `rebake.yaml` or a `rebake.config.ts`, or name the file with `--file`.'],
  ['CONFIG_UNREADABLE', 'error', 'The file of the declaration cannot be read, or is no text in UTF-8.', 'Check its permissions and its encoding.'],
  ['CONFIG_SYNTAX', 'error', 'The declaration is no valid YAML or TypeScript.', 'Correct the syntax at this place.'],
  ['CONFIG_THROWS', 'error', 'The declaration threw while it was evaluated.', 'Correct the code at this place; a declaration may be computed, but must not fail.'],
  ['CONFIG_NO_EXPORT', 'error', 'The file exports no declaration.', 'End it with `export default defineConfig({ … })`.'],
  ['CONFIG_TOO_LARGE', 'error', 'The declaration grows beyond all reason when its aliases are resolved, or is nested too deeply.', 'Use fewer aliases of aliases.'],
  ['DUPLICATE_KEY', 'error', 'A key stands twice in the same mapping, so that one of its values would be lost.', 'Remove or rename one of them.'],
  ['UNKNOWN_KEY', 'error', 'A key that rebake does not know at this place.', 'Correct the name of the key, or remove it.'],
  ['MISSING_KEY', 'error', 'A key that is needed at this place is not there.', 'Add the key.'],
  ['WRONG_TYPE', 'error', 'A value has another type than this key takes, such as a text where a list is expected.', 'Write a value of the expected type.'],
  ['BAD_VALUE', 'error', 'A value has the right type, but not a form that this key accepts.', 'Write one of the accepted values.'],
  ['BAD_NAME', 'error', 'A name of something declared has characters that are not safe in tags and paths, or is too long.', 'Use letters, digits, `_`, `-` and `.`.'],
  ['EXACTLY_ONE', 'error', 'Of several keys that exclude each other there is none, or more than one.', 'Keep exactly one of them.'],
  ['VERSION_NOT_QUOTED', 'error', 'A version without quotes, which YAML reads as a number: `3.10` becomes 3.1.', 'Put the version in quotes.'],
  ['INTERPOLATION_UNKNOWN', 'error', 'A `${…}` that rebake does not know; `${release.version}` is the only one.', 'Use `${release.version}`, write the value itself, or compute it in a `rebake.config.ts`.'],
  ['INTERPOLATION_NOT_HERE', 'error', 'A `${release.version}` where nothing is interpolated; tags and repositories are the only places.', 'Write the value itself.'],
  ['FILE_MISSING', 'error', 'A file or folder that the declaration names does not exist.', 'Correct the path; it is relative to the folder of the declaration.'],
  ['FILE_WRONG_KIND', 'error', 'A path names a folder where a file is expected, or the other way round.', 'Name a path of the expected kind.'],
  ['FILE_UNREADABLE', 'error', 'A file that the declaration names cannot be read, or is no text in UTF-8 where text is expected.', 'Check its permissions and its encoding.'],
  ['PATH_ESCAPES_ROOT', 'error', 'A path leads out of the folder of the declaration, directly or through a symbolic link, so that what is built would depend on files that nobody sees.', 'Move the file below the folder of the declaration.'],
  ['KIT_WITHOUT_VERSION', 'warning', 'The kit of a release has no readable `dss-version.json`, so that its version cannot be checked.', 'Name the folder of a whole DSS installation.'],
  ['RELEASE_NOT_DECLARED', 'error', 'An upgrade names a release that is not declared.', 'Name one of the declared releases.'],
  ['NOT_EDITABLE', 'error', 'The value to be changed is computed by the declaration, so that there is no place where it could be edited.', 'Change the code that computes it.'],
] as const satisfies readonly KindRow[];
