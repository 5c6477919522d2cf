/** The temporary folder of this process, moved for a while: so that what a builder leaves in it can be told from everybody else's. */

/** Runs `work` while `folder` is the temporary folder. */
export async function withTemporaryFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const before = process.env['TMPDIR'];
  process.env['TMPDIR'] = folder;
  try {
    return await work();
  } finally {
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
  }
}
