/** Connections to daemons in pods, through the user's own kubectl: their config, credentials and plugins are what counts. */
import type { BuildFailure } from '@rebake/image';
import { commandDuplex, failure } from '@rebake/sdk/building';
import type { BrokenCommand, CommandDuplex } from '@rebake/sdk/building';
import type { BuildkitAddress } from './address.ts';
import { DIAL } from './dial.ts';
import { acceptGreeting } from './greeting.ts';

type Pod = Extract<BuildkitAddress, { kind: 'kube-pod' }>;

/** Runs BuildKit's client in the pod, whose standard input and output then are the connection. */
export function connectToPod(
  address: Pod,
  env: Readonly<Record<string, string | undefined>>,
  shown: string,
): CommandDuplex {
  const { pod, namespace, context, container } = address;
  const argv = [
    'kubectl',
    ...(context === undefined ? [] : [`--context=${context}`]),
    ...(namespace === undefined ? [] : [`--namespace=${namespace}`]),
    'exec',
    '--stdin',
    ...(container === undefined ? [] : [`--container=${container}`]),
    pod,
    '--',
    ...DIAL,
  ];
  return commandDuplex(argv, { env, accept: acceptGreeting(shown), explain: (end) => podFailure(end, shown) });
}

/** What no second try mends; a pod that is not there may come back. */
const HOPELESS =
  /forbidden|unauthorized|must be logged in|x509:|context was not found|context .*does not exist|executable file not found|exit code 12[67]|invalid configuration/i;

function podFailure({ code, words, hasSpoken }: BrokenCommand, shown: string): BuildFailure {
  const why = words === '' ? `kubectl ended with ${code === null ? 'a signal' : `exit code ${code}`}` : words;
  if (hasSpoken) return failure('ENGINE_LOST', 'backoff', `lost the connection to ${shown}: ${why}`);
  return failure('ENGINE_UNREACHABLE', HOPELESS.test(why) ? 'never' : 'backoff', `${shown}: ${why}`);
}
