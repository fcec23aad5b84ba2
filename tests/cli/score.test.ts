// SPDX-License-Identifier: Apache-2.0
// `npm run score` on a folder of our own in suricata-verify's layout: what passes, what fails and why, what is out of scope and by what.
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { PlinthFolder } from './plinth-folder.js';
import { capture } from './tcp-capture.js';

const SCORE = join(import.meta.dirname, '../../bench/dist/score.js');
const folder = new PlinthFolder();
afterAll(() => folder[Symbol.dispose]());

const REQUEST = capture([0, 'GET /attack HTTP/1.1\r\nHost: x\r\n\r\n']);
const RULE = 'alert http any any -> any any (msg:"m"; http.uri; content:"/attack"; sid:7;)';

function test(name: string, yaml: string, rules = RULE): void {
  const at = join(folder.path, name);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, 'test.yaml'), yaml);
  writeFileSync(join(at, 'test.rules'), rules);
  writeFileSync(join(at, 'input.pcap'), REQUEST);
}

function score(...args: readonly string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [SCORE, ...args], { encoding: 'utf8', cwd: folder.path, timeout: 300_000 });
}

const MIDSTREAM = 'args:\n- --set stream.midstream=true\n';
const check = (count: number, match: string): string =>
  `checks:\n- filter:\n    count: ${count}\n    match: { ${match} }\n`;

describe('the score', () => {
  test(
    'one/good',
    MIDSTREAM + check(1, 'event_type: alert, alert.signature_id: 7, http.url: /attack, not-has-key: dns'),
  );
  // Without midstream nobody knows what it is a part of.
  test('one/begins', check(0, 'event_type: alert'));
  test('wrong', MIDSTREAM + check(2, 'event_type: alert, pcap_cnt: 1'));
  test('stats', check(1, 'event_type: stats'));
  test('keyword', check(1, 'event_type: alert'), 'alert tls any any -> any any (tls.sni; content:"x"; sid:1;)');
  test('setting', `args:\n- --set stream.reassembly.depth=0\n${check(1, 'event_type: alert')}`);
  test('old', `requires:\n  lt-version: 8\n${check(1, 'event_type: alert')}`);
  test('http-evader/one', MIDSTREAM + check(1, 'event_type: alert'));

  it('names what passed, failed and is out of scope', () => {
    const { status, stdout } = score('suricata', '.', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      total: 7,
      inScope: 3,
      passed: 2,
      failed: [{ name: 'wrong', reason: '1 events, not 2, with {"event_type":"alert","pcap_cnt":1}' }],
      outOfScope: [
        { name: 'keyword', keyword: 'tls.sni' },
        { name: 'old', keyword: 'requires lt-version' },
        { name: 'setting', keyword: 'setting stream.reassembly.depth' },
        { name: 'stats', keyword: 'checks of event_type stats' },
      ],
      httpEvader: { total: 1, inScope: 1, passed: 1, failed: [], outOfScope: [] },
    });
    const table = score('suricata', '.', '--only', 'one/good').stdout;
    expect(table).toContain('passed        one/good\ntests: 1, in scope 1 (100.0 %), passed 1 (100.0 %)\n');
  });

  it('says in one line what is no folder of tests', () => {
    expect(score('suricata', 'absent')).toMatchObject({
      status: 2,
      stderr: 'score: absent: no folder with a test.yaml is below it\n',
    });
    expect(score('other').status).toBe(2);
  });
});
