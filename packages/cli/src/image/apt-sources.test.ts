// SPDX-License-Identifier: Apache-2.0
// Both forms of apt's source lists, and which of their entries are Debian's own archive.

import { describe, expect, it } from 'vitest';
import { debianSources, formatAptSources, parseAptSources } from './apt-sources.js';

const ONE_LINE = `# deb http://old.example/debian bookworm main
deb http://mirror.example/debian bookworm main contrib # the mirror
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/x.gpg trusted=yes] http://mirror.example/debian-security bookworm-security main
deb [arch=amd64] https://other.example/linux bookworm stable
deb cdrom:[Debian]/ bookworm main
`;

const STANZAS = `Types: deb deb-src
# a comment inside
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates bookworm-backports
Components: main non-free-firmware
Architectures: amd64
Trusted: yes
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Enabled: no
Types: deb
URIs: http://mirror.example/disabled
Suites: bookworm
Components: main

Types: deb
URIs: https://nodes.example/node_20.x
Suites: nodistro
Components: main
`;

describe('Debian sources', () => {
  it('are taken from the one-line form', () => {
    const sources = debianSources(parseAptSources(ONE_LINE, 'sources.list'), 'bookworm');
    expect(formatAptSources(sources)).toBe(`Types: deb
URIs: http://mirror.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
Signed-By: /usr/share/keyrings/x.gpg
`);
  });

  it('are taken from the deb822 form, without what would switch checks off', () => {
    const sources = debianSources(parseAptSources(STANZAS, 'debian.sources'), 'bookworm');
    const text = formatAptSources(sources);
    expect(text).toBe(`Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc
`);
    expect(parseAptSources(text, 'again.sources')).toEqual(
      sources.map((source) => ({ ...source, components: ['main'] })),
    );
  });

  it('are none on another distribution', () => {
    expect(debianSources(parseAptSources(ONE_LINE, 'sources.list'), 'noble')).toEqual([]);
    expect(
      debianSources(parseAptSources('deb http://mirror.example/debian sid main', 'a.list'), 'trixie'),
    ).toHaveLength(1);
  });
});
