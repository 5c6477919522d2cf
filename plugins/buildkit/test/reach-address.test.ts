/** Addresses of daemons: what buildctl takes, and what would become something else on its way. */
import { describe, expect, it } from 'vitest';
import { parseAddress, showAddress } from '../src/reach/index.ts';

describe('an address', () => {
  it.each([
    ['unix:///run/buildkit/buildkitd.sock', { kind: 'unix', path: '/run/buildkit/buildkitd.sock' }],
    ['tcp://build.example.com:1234', { kind: 'tcp', host: 'build.example.com', port: 1234 }],
    ['tcp://127.0.0.1:1234/', { kind: 'tcp', host: '127.0.0.1', port: 1234 }],
    ['tcp://[::1]:1234', { kind: 'tcp', host: '::1', port: 1234 }],
    ['docker-container://buildkitd', { kind: 'docker-container', name: 'buildkitd' }],
    ['docker-container://b_1.x-2?context=far', { kind: 'docker-container', name: 'b_1.x-2', context: 'far' }],
    ['podman-container://buildkitd', { kind: 'podman-container', name: 'buildkitd' }],
    ['kube-pod://buildkit-0', { kind: 'kube-pod', pod: 'buildkit-0' }],
    [
      'kube-pod://buildkit-0?namespace=ci&context=arn:aws:eks:x/y&container=buildkitd',
      { kind: 'kube-pod', pod: 'buildkit-0', namespace: 'ci', context: 'arn:aws:eks:x/y', container: 'buildkitd' },
    ],
    ['ssh://me@build.example.com:2222', { kind: 'ssh', target: { host: 'build.example.com', user: 'me', port: 2222 } }],
    ['ssh://build/run/b.sock', { kind: 'ssh', target: { host: 'build', path: '/run/b.sock' } }],
  ])('%s', (text, expected) => {
    const address = parseAddress(text);
    expect(address).toEqual(expected);
    if ('error' in address) throw new Error(address.error);
    expect(parseAddress(showAddress(address))).toEqual(expected);
  });

  it.each([
    ['', /must be unix:/],
    ['/run/buildkit/buildkitd.sock', /must be unix:/],
    ['npipe:////./pipe/x', /must be unix:/],
    ['UNIX:///x', /must be unix:/],
    ['unix://relative', /unix:\/\/\/path/],
    [`unix:///${'x'.repeat(107)}`, /at most 107 bytes/],
    ['unix:///a\0b', /unix:\/\/\/path/],
    ['tcp://host', /tcp:\/\/host:port/],
    ['tcp://host:0', /tcp:\/\/host:port/],
    ['tcp://host:65536', /tcp:\/\/host:port/],
    ['tcp://me@host:1', /tcp:\/\/host:port/],
    ['tcp://host:1/path', /tcp:\/\/host:port/],
    ['tcp://[host]:1', /tcp:\/\/host:port/],
    ['tcp://-x:1', /tcp:\/\/host:port/],
    ['docker-container://', /docker-container:\/\/NAME/],
    ['docker-container://a/b', /docker-container:\/\/NAME/],
    ['docker-container://../x', /docker-container:\/\/NAME/],
    ['docker-container://-it', /docker-container:\/\/NAME/],
    ['docker-container://a?contxt=b', /docker-container:\/\/NAME/],
    ['docker-container://a?context=../b', /docker-container:\/\/NAME/],
    ['docker-container://a?context=bb&context=cc', /docker-container:\/\/NAME/],
    ['podman-container://a?context=bb', /podman-container:\/\/NAME/],
    ['podman-container://a b', /podman-container:\/\/NAME/],
    ['kube-pod://', /kube-pod:\/\/POD/],
    ['kube-pod://-x', /kube-pod:\/\/POD/],
    ['kube-pod://Upper', /kube-pod:\/\/POD/],
    ['kube-pod://a/b', /kube-pod:\/\/POD/],
    ['kube-pod://a?namespace=--all', /kube-pod:\/\/POD/],
    ['kube-pod://a?context=-x', /kube-pod:\/\/POD/],
    ['kube-pod://a?kubeconfig=x', /kube-pod:\/\/POD/],
    ['kube-pod://a?container=', /kube-pod:\/\/POD/],
    ['ssh://-oProxyCommand=x', /cannot be a host/],
    ['ssh://me:secret@build', /holds a password/],
    ['ssh://build/$(id)', /path of a socket/],
  ])('%j is refused', (text, why) => {
    expect(parseAddress(text)).toEqual({ error: expect.stringMatching(why) });
  });
});
