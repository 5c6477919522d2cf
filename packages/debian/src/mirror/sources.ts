/** The two forms in which apt is told where packages come from (sources.list(5)). */

/** One archive with its suites. `signedBy`: an absolute path; null: apt's own keyrings. */
export interface Source {
  readonly url: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  readonly signedBy: string | null;
}

/** `deb [OPTIONS] URL SUITE COMPONENT…`, one a line. Options but `signed-by` are not looked at: `trusted=yes` in particular turns nothing off. */
export function parseOneLine(text: string): readonly Source[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)((?:\s+[^\s#]+)*)/.exec(line.replace(/#.*$/, ''));
    const [, options = '', url = '', suite = '', components = ''] = match ?? [];
    if (url === '' || suite.endsWith('/')) return [];
    const signedBy = /(?:^|\s)signed-by=(\S+)/.exec(options)?.[1] ?? null;
    return [{ url: bare(url), suites: [suite], components: words(components), signedBy: pathOf(signedBy) }];
  });
}

/** Stanzas with `Types`, `URIs`, `Suites`, `Components`, `Signed-By` and `Enabled`. A key within `Signed-By` is none on this machine's disk, so that stanza is left out. */
export function parseDeb822(text: string): readonly Source[] {
  return text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n')
    .split(/\n\s*\n/)
    .flatMap((stanza) => {
      const fields = new Map<string, string>();
      let name = '';
      for (const line of stanza.split('\n')) {
        if (/^[ \t]/.test(line)) fields.set(name, `${fields.get(name) ?? ''}\n${line}`);
        else {
          name = line.slice(0, Math.max(line.indexOf(':'), 0)).toLowerCase();
          fields.set(name, line.slice(line.indexOf(':') + 1));
        }
      }
      const list = (field: string): readonly string[] => words(fields.get(field) ?? '');
      const signedBy = fields.get('signed-by')?.trim() ?? null;
      const isOff = /^(?:no|false|off|0)$/i.test(fields.get('enabled')?.trim() ?? 'yes');
      if (isOff || !list('types').includes('deb') || signedBy?.includes('BEGIN PGP') === true) return [];
      const suites = list('suites').filter((suite) => !suite.endsWith('/'));
      return list('uris').map((url) => ({
        url: bare(url),
        suites,
        components: list('components'),
        signedBy: pathOf(signedBy),
      }));
    });
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function bare(url: string): string {
  return url.replace(/\/+$/, '');
}

/** Fingerprints of keys may stand there, too: those are of apt's own keyrings. */
function pathOf(signedBy: string | null): string | null {
  return words(signedBy?.replaceAll(',', ' ') ?? '').find((word) => word.startsWith('/')) ?? null;
}
