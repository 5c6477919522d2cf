/**
 * A domain that has nothing to do with DSS, in one file: a documentation site. Pages are rendered in an image with the tools, each version
 * of the site is one image on top of it, and the site is published for readers. The kernel learns nothing of this.
 */
import { digestOfBytes } from '@rebake/sdk';
import type { External, Image, Inputs, Node, NodeId, Publication, Step } from '@rebake/sdk';

/** What an author writes. */
export interface Site {
  /** Image with the rendering tool, `host/repository:tag`. */
  readonly tools: string;
  readonly theme: string;
  /** Version of the documentation → its pages, as name → text. */
  readonly versions: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Where readers get it, `host[:port]`. */
  readonly host: string;
}

const PLATFORM = 'linux/amd64';
const nodeId = (text: string): NodeId => text as NodeId;

/** The graph of a site: tools → theme → versions → what readers get. */
export function siteNodes(site: Site): readonly Node[] {
  const tools: External = {
    ...common('tool', 'tool/renderer', { ref: site.tools }, []),
    role: 'external',
    ref: site.tools,
    platform: PLATFORM,
  };
  const theme = image('theme', 'theme', { css: site.theme }, tools.id, `theme ${site.theme}`);
  const versions = Object.entries(site.versions).flatMap(([version, pages]) => {
    const rendered = image(
      'site',
      `site/${version}`,
      pages,
      theme.id,
      `render ${version} ${Object.values(pages).join(' ')}`,
    );
    return [rendered, readers(site, version, rendered)];
  });
  return [tools, theme, ...versions];
}

/** One image of the domain; its inputs are its texts, one a name. */
function image(
  kind: string,
  name: string,
  texts: Readonly<Record<string, string>>,
  parent: NodeId,
  argv: string,
): Image {
  const files = { root: '/site', files: [] };
  const render: Step = { step: 'run', files, mount: '/src', workdir: '/src', argv: argv.split(' '), env: {} };
  return {
    ...common(kind, name, texts, [parent]),
    role: 'image',
    spec: { steps: [render], env: {} },
    platform: PLATFORM,
    builder: 'fake',
  };
}

function readers(site: Site, version: string, rendered: Image): Publication {
  return {
    ...common('readers', `readers/${version}`, { host: site.host, version }, [rendered.id]),
    role: 'publication',
    registry: site.host,
    repository: 'docs',
    tags: [version],
  };
}

function common(kind: string, name: string, texts: Readonly<Record<string, string>>, parents: readonly NodeId[]) {
  const inputs: Inputs = Object.fromEntries(
    Object.entries(texts).map(([key, text]) => [`text/${key}`, { digest: digestOfBytes(text), shown: text }]),
  );
  return { id: nodeId(name), kind, inputs, parents, because: [] };
}
