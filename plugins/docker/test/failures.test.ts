/** Errors of the engine, of BuildKit and of connections, in one vocabulary. */
import { create } from '@bufbuild/protobuf';
import { BuildFailure } from '@rebake/image';
import { describe, expect, it } from 'vitest';
import { buildFailure } from '../src/build-failure.ts';
import { StatusResponseSchema } from '../src/buildkit/generated/control_pb.ts';
import { BuildProgress } from '../src/buildkit/progress.ts';
import { ConnectionLost, GrpcError } from '../src/buildkit/status.ts';
import { engineFailure, registryFailure } from '../src/failures.ts';

const host = 'unix:///x';

function progressOf(error: string, log: string): BuildProgress {
  const progress = new BuildProgress(() => undefined);
  progress.take(
    create(StatusResponseSchema, {
      vertexes: [{ digest: 'v', name: '[2/2] RUN --mount=type=secret,id=ca pip install x', error }],
      logs: [{ vertex: 'v', stream: 2n, msg: Buffer.from(log) }],
    }),
  );
  return progress;
}

const quiet = progressOf('', '');

describe('a failed build', () => {
  it('is the fault of a step, in the words that it printed', () => {
    const progress = progressOf(
      'process did not complete successfully: exit code: 1',
      'ERROR: No matching distribution found for x\n',
    );
    expect(buildFailure(new GrpcError(2, 'exit code: 1'), { fault: undefined, progress, host })).toMatchObject({
      error: {
        code: 'STEP_FAILED',
        retry: 'never',
        words: 'RUN pip install x: exit code 1\nERROR: No matching distribution found for x',
      },
    });
  });

  it('takes the exit code from the details, and explains 137', () => {
    const error = new GrpcError(2, 'x', { vertex: 'v', exitCode: 137 });
    expect(buildFailure(error, { fault: undefined, progress: quiet, host })).toMatchObject({
      error: { code: 'STEP_FAILED', words: 'RUN pip install x: exit code 137 (killed, probably for want of memory)' },
    });
  });

  it('is ours first, whatever BuildKit makes of it', () => {
    const fault = new BuildFailure({ code: 'INPUT_MOVED', retry: 'never', words: 'a.txt' });
    expect(buildFailure(new GrpcError(2, 'exit code: 1'), { fault, progress: quiet, host })).toBe(fault);
  });

  it.each([
    [new ConnectionLost('closed'), 'ENGINE_LOST', 'backoff'],
    [new GrpcError(14, 'transport is closing'), 'ENGINE_LOST', 'backoff'],
    [new GrpcError(1, 'context canceled'), 'ENGINE_LOST', 'backoff'],
    [new GrpcError(2, 'dockerfile parse error line 3: unknown instruction: FOO'), 'BUILD_REFUSED', 'never'],
    [new GrpcError(2, 'write /x: no space left on device'), 'ENGINE_FULL', 'elsewhere'],
    [new GrpcError(2, 'pull access denied, repository does not exist'), 'REGISTRY_DENIED', 'never'],
    [
      new GrpcError(2, 'failed to do request: dial tcp 127.0.0.1:1: connect: connection refused'),
      'REGISTRY_UNREACHABLE',
      'backoff',
    ],
  ])('%o is %s', (error, code, retry) => {
    expect(buildFailure(error, { fault: undefined, progress: quiet, host })).toMatchObject({ error: { code, retry } });
  });

  it('with a full disk says so, also when the step said it', () => {
    const progress = progressOf('exit code: 1', 'OSError: [Errno 28] No space left on device\n');
    expect(buildFailure(new GrpcError(2, 'exit code: 1'), { fault: undefined, progress, host })).toMatchObject({
      error: { code: 'ENGINE_FULL' },
    });
  });
});

describe('a failed request', () => {
  const system = (code: string) => Object.assign(new Error(`connect ${code}`), { code });

  it.each([
    [system('ECONNREFUSED'), 'ENGINE_UNREACHABLE', 'backoff'],
    [system('ENOENT'), 'ENGINE_UNREACHABLE', 'backoff'],
    [system('EACCES'), 'ENGINE_UNREACHABLE', 'never'],
    [system('CERT_HAS_EXPIRED'), 'ENGINE_UNREACHABLE', 'never'],
    [new AggregateError([system('ECONNREFUSED')]), 'ENGINE_UNREACHABLE', 'backoff'],
    [
      Object.assign(new Error('(HTTP code 400)'), { statusCode: 400, json: { message: 'bad' } }),
      'ENGINE_REFUSED',
      'never',
    ],
    [
      Object.assign(new Error('(HTTP code 500)'), { statusCode: 500, json: { message: 'no space left on device' } }),
      'ENGINE_FULL',
      'elsewhere',
    ],
  ])('%o is %s', (error, code, retry) => {
    expect(engineFailure(error, host)).toMatchObject({ error: { code, retry } });
  });

  it('that is a bug stays one', () => {
    const bug = new TypeError('x is not a function');
    expect(engineFailure(bug, host)).toBe(bug);
  });

  it('has words that cannot drive a terminal', () => {
    const error = Object.assign(new Error('x'), { statusCode: 400, json: { message: '\u001B[31mred\u0007' } });
    expect(engineFailure(error, host)).toMatchObject({ error: { words: 'red' } });
  });
});

describe('words about a registry', () => {
  it.each([
    ['unauthorized: authentication required', 'REGISTRY_DENIED'],
    ['no basic auth credentials', 'REGISTRY_DENIED'],
    ['x509: certificate signed by unknown authority', 'REGISTRY_TLS'],
    ['http: server gave HTTP response to HTTPS client', 'REGISTRY_TLS'],
    ['toomanyrequests: slow down', 'REGISTRY_BUSY'],
    ['manifest unknown: manifest unknown', 'REGISTRY_NOT_FOUND'],
    ['dial tcp: lookup r.example.com: no such host', 'REGISTRY_UNREACHABLE'],
  ])('%s: %s', (words, code) => {
    expect(registryFailure(words)?.error.code).toBe(code);
  });

  it('about something else are not', () => {
    expect(registryFailure('dockerfile parse error')).toBeNull();
  });
});
