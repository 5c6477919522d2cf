/** How a daemon is reached from where it runs: BuildKit's own client joins its standard input and output with the daemon's socket. */

/** The command; the daemon is the one of BUILDKIT_HOST there, else the one at the usual socket. */
export const DIAL: readonly string[] = ['buildctl', 'dial-stdio'];

/** The command, for the daemon at a socket. */
export function dialAt(socket: string | undefined): readonly string[] {
  return socket === undefined ? DIAL : ['buildctl', '--addr', `unix://${socket}`, 'dial-stdio'];
}
