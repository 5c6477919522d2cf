/** Why a build failed, from BuildKit's answers and from broken connections. */
import { create } from '@bufbuild/protobuf';
import { BuildFailure } from '@rebake/image';
import { describe, expect, it } from 'vitest';
import { buildFailure } from '../src/build-failure.ts';
import { StatusResponseSchema } from '../src/generated/control_pb.ts';
import { BuildProgress } from '../src/progress.ts';
import { ConnectionLost, GrpcError } from '../src/status.ts';

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
      new GrpcError(
        2,
        'failed to solve: failed to push r.example.com/x: unexpected status from HEAD request to https://r.example.com/v2/x/blobs/y: 401 Unauthorized',
      ),
      'REGISTRY_DENIED',
      'never',
    ],
    [
      new GrpcError(
        14,
        'failed to push r.example.com/x: unexpected status from POST request to https://r.example.com/v2/x/blobs/uploads/: 503 Service Unavailable',
      ),
      'REGISTRY_UNREACHABLE',
      'backoff',
    ],
    [
      new GrpcError(
        2,
        'error writing manifest blob: unexpected status from PUT request to https://r.example.com/v2/x/manifests/1: 429 Too Many Requests',
      ),
      'REGISTRY_BUSY',
      'backoff',
    ],
    [
      new GrpcError(2, 'failed to configure registry cache exporter: dial tcp: lookup r.example.com: no such host'),
      'REGISTRY_UNREACHABLE',
      'backoff',
    ],
    [
      new GrpcError(2, 'failed to calculate checksum of ref a::b: "/certificates/denied.txt": not found'),
      'BUILD_REFUSED',
      'never',
    ],
    [new GrpcError(2, 'dockerfile parse error on line 1: unknown instruction: DENIED'), 'BUILD_REFUSED', 'never'],
    [new GrpcError(12, 'unknown service moby.buildkit.v1.Control'), 'ENGINE_UNSUPPORTED', 'never'],
    [Object.assign(new Error('connect ENOENT /x'), { code: 'ENOENT' }), 'ENGINE_UNREACHABLE', 'backoff'],
    [
      new GrpcError(2, 'failed to do request: dial tcp 127.0.0.1:1: connect: connection refused'),
      'REGISTRY_UNREACHABLE',
      'backoff',
    ],
  ])('%o is %s', (error, code, retry) => {
    expect(buildFailure(error, { fault: undefined, progress: quiet, host })).toMatchObject({ error: { code, retry } });
  });

  it('leaves out what every failure begins with', () => {
    const error = new GrpcError(
      2,
      'failed to solve: failed to create LLB definition: no build stage in current context',
    );
    expect(buildFailure(error, { fault: undefined, progress: quiet, host })).toMatchObject({
      error: { words: 'no build stage in current context' },
    });
  });

  it('with a full disk says so, also when the step said it', () => {
    const progress = progressOf('exit code: 1', 'OSError: [Errno 28] No space left on device\n');
    expect(buildFailure(new GrpcError(2, 'exit code: 1'), { fault: undefined, progress, host })).toMatchObject({
      error: { code: 'ENGINE_FULL' },
    });
  });
});
