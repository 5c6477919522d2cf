/** The uv that is fetched where the user has none: one version, by the digests of its wheels on PyPI. */
import type { Digest } from '@rebake/image';

/** The version that is fetched. */
export const UV_VERSION = '0.13.9';
/** The oldest uv that does what is asked of it: `pip compile --format pylock.toml`, and taking versions from such a lock. */
export const UV_OLDEST = '0.8.0';

/** One wheel of uv. */
export interface UvWheel {
  /** File name, as every index has it. */
  readonly name: string;
  readonly digest: Digest;
  readonly size: number;
}

/** Node's name of a machine, and of its libc → the wheel for it. */
const WHEELS: Readonly<Record<string, UvWheel>> = {
  'x64-glibc': {
    name: `uv-${UV_VERSION}-py3-none-manylinux_2_17_x86_64.manylinux2014_x86_64.whl`,
    digest: 'sha256:d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19',
    size: 17_606_939,
  },
  'x64-musl': {
    name: `uv-${UV_VERSION}-py3-none-musllinux_1_1_x86_64.whl`,
    digest: 'sha256:2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25',
    size: 19_295_638,
  },
  'arm64-glibc': {
    name: `uv-${UV_VERSION}-py3-none-manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64.whl`,
    digest: 'sha256:5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe',
    size: 18_026_789,
  },
};
// One wheel for both.
const ALIASES: Readonly<Record<string, string>> = { 'arm64-musl': 'arm64-glibc' };

/** The wheel for a machine; null: there is none that rebake knows. `machine`: such as `x64-glibc`. */
export function pinnedWheel(machine: string): UvWheel | null {
  const key = ALIASES[machine] ?? machine;
  return Object.hasOwn(WHEELS, key) ? (WHEELS[key] ?? null) : null;
}

/** What this process runs on, as {@link pinnedWheel} takes it. */
export function thisMachine(): string {
  if (process.platform !== 'linux') return `${process.arch}-${process.platform}`;
  const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
  return `${process.arch}-${header.glibcVersionRuntime === undefined ? 'musl' : 'glibc'}`;
}
