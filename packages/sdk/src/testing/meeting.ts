/**
 * A place where build steps and the suite meet: a step connects, says who it is, and goes on when it is let go. So that something happens while
 * a step runs, and nobody ever sleeps; and when a step is ended from outside, its connection ends with it.
 */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { RuleBroken } from './rules.ts';

/** A meeting that has been opened. */
export interface Meeting {
  /** The command with which a step waits here under a name: it ends with 0 when it is let go, else with 3. */
  wait(name: string): readonly string[];
  /** Resolves when a step of this name has come. */
  arrived(name: string): Promise<void>;
  /** Lets a step go. */
  release(name: string): void;
  /** Resolves when a step of this name is no more. */
  gone(name: string): Promise<void>;
  /** Ends it: steps that wait still end with a failure, so that none outlives the suite. */
  close(): Promise<void>;
}

const WAIT = `import socket, sys
with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as meeting:
    meeting.sendall(sys.argv[3].encode() + b"\\n")
    sys.exit(0 if meeting.recv(1) == b"g" else 3)
`;

interface Guest {
  readonly arrived: PromiseWithResolvers<void>;
  readonly gone: PromiseWithResolvers<void>;
  socket?: Socket;
}

/** Opens a meeting. `host`: how build steps reach this machine. */
export async function openMeeting(host: string): Promise<Meeting> {
  const guests = new Map<string, Guest>();
  const sockets = new Set<Socket>();
  const guest = (name: string): Guest => {
    let found = guests.get(name);
    if (!found) guests.set(name, (found = { arrived: Promise.withResolvers(), gone: Promise.withResolvers() }));
    return found;
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    let text = '';
    let known: Guest | undefined;
    socket.setEncoding('utf8');
    socket.on('data', (chunk: string) => {
      text += chunk;
      if (known !== undefined || !text.includes('\n')) return;
      known = guest(text.slice(0, text.indexOf('\n')));
      known.socket = socket;
      known.arrived.resolve();
    });
    // A process that is killed ends its connection in one way or another.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      sockets.delete(socket);
      known?.gone.resolve();
    });
  });
  server.listen(0, host === '127.0.0.1' ? host : '0.0.0.0');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    wait: (name) => ['python3', '-c', WAIT, host, String(port), name],
    arrived: (name) => guest(name).arrived.promise,
    release: (name) => void guest(name).socket?.end('g'),
    gone: (name) => guest(name).gone.promise,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The promise's outcome, or `rule` broken where it does not come in time. */
export async function within<T>(ms: number, promise: Promise<T>, rule: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new RuleBroken(rule, `nothing within ${ms / 1_000} s`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
