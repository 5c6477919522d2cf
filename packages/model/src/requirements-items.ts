/** What a line of a requirements file is found to be. */

/** A line of packages. `line` counts from 1; `column` is that of its first character that counts. */
export type RequirementItem = { readonly line: number; readonly column: number } & RequirementLine;

/** The same without its place. */
export type RequirementLine =
  | {
      readonly kind: 'package';
      /** Normalized name; of a URL without one, the URL. */
      readonly name: string;
      /** The line in its one spelling, as it goes into a requirements file. */
      readonly text: string;
    }
  /** An option that decides what is installed, such as `--extra-index-url`. */
  | { readonly kind: 'option'; readonly name: string; readonly text: string }
  | RequirementProblem;

/** A line that cannot go into an image. */
export interface RequirementProblem {
  readonly kind: 'problem';
  readonly code:
    | 'REQUIREMENT_INVALID'
    | 'REQUIREMENT_LOCAL_PATH'
    | 'REQUIREMENT_EDITABLE'
    | 'REQUIREMENT_FIND_LINKS'
    | 'REQUIREMENT_INCLUDE'
    | 'REQUIREMENT_OPTION'
    | 'REQUIREMENT_CREDENTIALS'
    | 'REQUIREMENT_VARIABLE';
  readonly message: string;
}

/** Makes a problem. */
export function problem(code: RequirementProblem['code'], message: string): RequirementProblem {
  return { kind: 'problem', code, message };
}
