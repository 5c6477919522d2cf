/** Where Debian's packages put modules of Python, whose bytecode only their scripts would make. */
import type { LockedDeb } from '@rebake/image';

export interface PythonFolder {
  /** Such as `3.11`. */
  readonly version: string;
  /** Path from the root. */
  readonly interpreter: string;
  /** Path from the root; the standard library is below it. */
  readonly folder: string;
}

/** For who makes bytecode: standard libraries among these packages. Without it, importing much of one takes four times as long. */
export function pythonFolders(packages: readonly LockedDeb[]): readonly PythonFolder[] {
  return packages.flatMap(({ name }) => {
    const version = /^python(3\.\d+)-minimal$/.exec(name)?.[1];
    if (version === undefined) return [];
    return [{ version, interpreter: `usr/bin/python${version}`, folder: `usr/lib/python${version}` }];
  });
}
