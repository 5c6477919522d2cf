/** Nodes of tests, in one line each. */
import { digestOf } from '@rebake/sdk';
import type { External, Image, ImageSpec, NodeId, Publication } from '@rebake/sdk';

export const id = (name: string): NodeId => name as NodeId;

/** An external image `ref`, called `external/REF`. */
export function external(ref: string): External {
  return {
    id: id(`external/${ref}`),
    kind: 'external',
    role: 'external',
    inputs: { ref: { digest: digestOf(ref) } },
    parents: [],
    because: [],
    ref,
    platform: 'linux/amd64',
  };
}

/** An image whose contents are its name and `content`; `comment` is an input that changes nothing in the image. */
export function image(
  name: string,
  parents: readonly string[],
  options: { content?: string; comment?: string; builder?: string } = {},
): Image {
  const { content = '1', comment = '', builder = 'fake' } = options;
  return {
    id: id(name),
    kind: 'image',
    role: 'image',
    inputs: {
      content: { digest: digestOf(content), shown: content },
      comment: { digest: digestOf(comment) },
      name: { digest: digestOf(contentName(name)) },
    },
    parents: parents.map(id),
    because: [],
    spec: spec(name, content),
    platform: 'linux/amd64',
    builder,
  };
}

/** Two names that differ only after `~` are one image under two names. */
function contentName(name: string): string {
  return name.split('~')[0] ?? name;
}

function spec(name: string, content: string): ImageSpec {
  const files = { root: '/nowhere', files: [] };
  return {
    steps: [{ step: 'run', files, mount: '/src', workdir: '/', argv: [contentName(name), content], env: {} }],
    env: {},
  };
}

/** A publication of `from` in `registry/repository` under `tags`. */
export function publication(
  from: string,
  registry: string | null,
  repository: string,
  tags: readonly string[],
): Publication {
  const inputs = { target: { digest: digestOf([registry, repository, tags]) } };
  return {
    id: id(`publication/${registry}/${repository}/${tags.join(',')}`),
    kind: 'publication',
    role: 'publication',
    inputs,
    parents: [id(from)],
    because: [],
    registry,
    repository,
    tags,
  };
}
