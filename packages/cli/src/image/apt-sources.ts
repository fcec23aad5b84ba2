// SPDX-License-Identifier: Apache-2.0
// Reads the host's apt sources (sources.list(5), both the one-line and the deb822 form) and writes those that are
// Debian's own archive as a private list: only "main", no source packages, no architecture limits, and none of the
// options that would switch signature checks off.

export interface AptSource {
  readonly uris: readonly string[];
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** A keyring's path or a key block, as written; apt's trusted keys hold if it is not given. */
  readonly signedBy: string | undefined;
}

/** `fileName` decides the form: deb822 if it ends in `.sources`. Disabled entries and `deb-src` are left out. */
export function parseAptSources(text: string, fileName: string): AptSource[] {
  return fileName.endsWith('.sources') ? parseStanzas(text) : parseLines(text);
}

function parseLines(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)([^#]*)/.exec(line);
    if (match === null) continue;
    const [, options = '', uri = '', suite = '', components = ''] = match;
    sources.push({
      uris: [uri],
      suites: [suite],
      components: words(components),
      signedBy: /(?:^|\s)signed-by=(\S+)/i.exec(options)?.[1]?.replaceAll(',', ' '),
    });
  }
  return sources;
}

function parseStanzas(text: string): AptSource[] {
  const sources: AptSource[] = [];
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  for (const stanza of lines.join('\n').split(/\n\s*\n/)) {
    const fields = new Map<string, string>();
    for (const match of stanza.matchAll(/^([A-Za-z-]+):(.*(?:\n[ \t].*)*)/gm)) {
      fields.set((match[1] ?? '').toLowerCase(), (match[2] ?? '').trim());
    }
    const list = (name: string): string[] => words(fields.get(name) ?? '');
    if (!list('types').includes('deb') || /^(no|false|0|off|disable)$/i.test(fields.get('enabled') ?? '')) continue;
    sources.push({
      uris: list('uris'),
      suites: list('suites'),
      components: list('components'),
      signedBy: fields.get('signed-by'),
    });
  }
  return sources;
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

const ROLLING = ['stable', 'oldstable', 'testing', 'unstable', 'sid'];

/** The part of `sources` that is the Debian release `codename` with its updates and security fixes. */
export function debianSources(sources: readonly AptSource[], codename: string): AptSource[] {
  const releases = [codename, ...ROLLING];
  const wanted = new Set(releases.flatMap((name) => [name, `${name}-updates`, `${name}-security`, `${name}/updates`]));
  return sources.flatMap((source) => {
    const suites = source.suites.filter((suite) => wanted.has(suite));
    const uris = source.uris.filter((uri) => !uri.startsWith('cdrom:'));
    if (suites.length === 0 || uris.length === 0 || !source.components.includes('main')) return [];
    return [{ ...source, uris, suites }];
  });
}

/** The sources as a deb822 file. */
export function formatAptSources(sources: readonly AptSource[]): string {
  return sources
    .map(({ uris, suites, signedBy }) => {
      const fields = ['Types: deb', `URIs: ${uris.join(' ')}`, `Suites: ${suites.join(' ')}`, 'Components: main'];
      if (signedBy !== undefined) fields.push(`Signed-By: ${signedBy}`);
      return `${fields.join('\n')}\n`;
    })
    .join('\n');
}
