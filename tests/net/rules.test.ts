// SPDX-License-Identifier: Apache-2.0
// `plinth run --rules`: a guest of Debian's kernel fetches pages over a network whose frames are held to rules.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Finding } from '@plinth/core';
import { describe, expect, it } from 'vitest';
import { GATEWAY, missingNamespace, Namespace, Output } from '../../bench/src/namespace.js';
import { commandOutput } from '../boot/guest.js';
import { missingUserNamespaces } from '../setup/namespaces.js';
import { DHCP, missingDriver, NetGuest } from './guest.js';

const missingPasst = spawnSync('passt', ['--version']).status === 0 ? undefined : 'passt is not installed';
const missing = missingPasst ?? missingUserNamespaces() ?? missingNamespace() ?? (await missingDriver());

/** Pages by their names, each a million bytes around a text. */
const SERVER = `
const pad = 'x'.repeat(500000);
require('node:http').createServer((request, response) => {
  response.end(pad + (request.url === '/attack' ? 'an EVIL-page-4711' : 'a good page') + pad);
}).listen(8080, () => console.log('offers'));
`;

const RULES = `drop tcp any $PAGES_PORT -> any any (msg:"an evil page"; content:"evil-page-4711"; nocase; sid:4711; priority:1;)
alert tcp any any -> any 8080 (msg:"asks for the good page"; content:"GET /good"; startswith; sid:4712;)
`;

describe('a guest on --net user with --rules', () => {
  it('gets a clean page, and not one with what a rule drops', async ({ skip }) => {
    skip(missing !== undefined, missing);
    using guest = new NetGuest(`${DHCP}
wget -q -O /tmp/good http://${GATEWAY}:8080/good && wc -c </tmp/good
timeout 5 wget -q -O /tmp/attack http://${GATEWAY}:8080/attack || echo refused
grep -c EVIL /tmp/attack
`);
    using namespace = await Namespace.create();
    await new Output(namespace.start(process.execPath, '-e', SERVER)).until('offers');
    const rules = guest.file('my.rules');
    writeFileSync(rules, RULES);
    const events = guest.file('events.jsonl');
    const child = namespace.start(
      process.execPath,
      ...guest.run('--net', 'user', '--rules', rules, '--set', 'PAGES_PORT=8080', '--events', events),
    );
    const errors = new Output(child, 'stderr');
    const console = new Output(child);
    // A finding was told.
    expect(await console.ended, errors.text).toBe(1);
    expect(commandOutput(console.text)).toBe('1000011\nrefused\n0\n');
    const findings = readFileSync(events, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Finding)
      .filter(({ guard }) => guard === 'packets');
    const dropped = findings.filter(({ rule }) => rule === '1:4711');
    expect(dropped).toHaveLength(1);
    expect(dropped[0]).toMatchObject({
      guest: { kind: 'machine', id: 'virt' },
      severity: 'high',
      message: 'an evil page',
      subject: { direction: 'in', sourcePort: 8080, protocol: 'TCP' },
      verdict: 'deny',
    });
    expect(dropped[0]!.time.instruction).toBeGreaterThan(0);
    expect(findings.filter(({ rule }) => rule === '1:4712')).toMatchObject([
      { subject: { direction: 'out', destinationPort: 8080 }, verdict: 'report' },
    ]);
    expect(errors.text).toContain('plinth: finding: an evil page\n');
  });
});
