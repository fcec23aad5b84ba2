// SPDX-License-Identifier: Apache-2.0
// `plinth inspect` over rules and captures of our own: what becomes of rules, what is told, dropped and refused.
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { PlinthFolder } from './plinth-folder.js';
import { capture } from './tcp-capture.js';

const folder = new PlinthFolder();
afterAll(() => folder[Symbol.dispose]());
const { file, plinth } = folder;

const RULES = file(
  'my.rules',
  `alert tcp $HOME_NET any -> any 80 (msg:"a request"; content:"GET "; startswith; sid:1; rev:2; classtype:web;)
drop tcp any any -> any any (msg:"an attack"; content:"|41|ttack"; nocase; sid:2; priority:1;)
alert tcp any any -> any any (msg:"an X"; pcre:"/X|Y/"; sid:3;)
alert http any any -> any any (msg:"a shell"; flow:to_server; http.uri; content:"/bin/shell"; sid:4;)
`,
);

describe('plinth inspect', () => {
  it('check names what is refused, and the budget', () => {
    const { status, stdout } = plinth('inspect', 'check', RULES);
    expect(status).toBe(1);
    const because = 'pcre, with nothing that its packets have to have';
    expect(stdout).toMatch(
      /^my\.rules:1: sid 1: in the kernel\nmy\.rules:2: sid 2: in the kernel\nmy\.rules:3: sid 3: refused: pcre, .*\nmy\.rules:4: sid 4: in the kernel with confirmation\n4 rules: 2 in the kernel, 1 with confirmation, 1 refused, 0 wrong: \d+ contents, \d+ instructions, \d+ KiB of tables\n$/,
    );
    const report = JSON.parse(plinth('inspect', 'check', RULES, '--json').stdout) as { rules: unknown };
    expect(report).toMatchObject({ counts: { inKernel: 2, confirmed: 1, refused: 1, errors: 0 } });
    const contents = expect.arrayContaining(['"shell"', '"%73" nocase']) as unknown;
    expect(report.rules).toEqual([
      { line: 1, sid: 1, answer: 'in the kernel' },
      { line: 2, sid: 2, answer: 'in the kernel' },
      { line: 3, sid: 3, answer: 'refused', because },
      { line: 4, sid: 4, answer: 'in the kernel with confirmation', contents },
    ]);
  });

  it('pcap prints alerts, over segments too, and drops what comes after on the connection', () => {
    const name = file('split.pcap', capture([0, 'GET /at'], [7, 't'], [8, 'ack HTTP'], [8, 'ack HTTP'], [16, 'more']));
    const { status, stdout, stderr } = plinth('inspect', 'pcap', name, '--rules', RULES);
    expect(status).toBe(1);
    const ends = '{TCP} 10.0.0.1:1000 -> 10.0.0.2:80';
    expect(stdout.split('\n')).toEqual([
      `2023-11-14T22:13:20.000000+0000  [**] [1:1:2] a request [**] [Classification: web] [Priority: 3] ${ends}  (frame 1)`,
      `2023-11-14T22:13:20.000002+0000  [Drop] [**] [1:2:0] an attack [**] [Priority: 1] ${ends}  (frame 3)`,
      '',
    ]);
    // What follows in a flow that is dropped is dropped.
    expect(stderr).toMatch(/5 frames, 2 alerts, 3 dropped\n$/);
  });

  it('pcap tells of bytes that come a second time and are others', () => {
    const name = file('twice.pcap', capture([0, 'GET /'], [5, 'index'], [5, 'index'], [5, 'other'], [5, 'intro.html']));
    const said = (...options: string[]): string[] =>
      plinth('inspect', 'pcap', name, '--rules', RULES, ...options)
        .stderr.split('\n')
        .slice(-5, -2);
    const [conflict, overlap] = [
      'bytes that were there before are others in it',
      'it has bytes that were there before',
    ];
    expect(said()).toEqual([
      `frame 4: passed: ${conflict}`,
      `frame 5: passed: ${overlap}`,
      `frame 5: passed: ${conflict}`,
    ]);
    expect(said('--fail-closed')).toEqual([
      `frame 4: dropped: ${conflict}`,
      `frame 5: dropped: ${overlap}`,
      `frame 5: dropped: ${conflict}`,
    ]);
  });

  it('pcap takes no segment for received that its receiver throws away', () => {
    const junk = capture([0, 'GET /at'], [7, 'none'], [7, 'tack HTTP']);
    // The checksum of the second frame: behind the head of the file, the first one and the head of its own.
    junk.writeUInt16BE(1, 24 + 16 + 54 + 'GET /at'.length + 16 + 50);
    const said = (...options: string[]): string[] => {
      const { stdout, stderr } = plinth('inspect', 'pcap', file('junk.pcap', junk), '--rules', RULES, ...options);
      return [...(stdout + stderr).matchAll(/\(frame \d\)|frame \d: .*/g)].map(([text]) => text);
    };
    const why = 'its checksum is wrong, so who receives it throws it away';
    expect(said()).toEqual(['(frame 1)', '(frame 3)', `frame 2: passed: ${why}`]);
    expect(said('--fail-closed')).toEqual(['(frame 1)', '(frame 3)', `frame 2: dropped: ${why}`]);
  });

  it('pcap prints alerts as JSON and writes findings', () => {
    const name = file('one.pcap', capture([0, 'GET / ATTACK']));
    const { stdout } = plinth('inspect', 'pcap', name, '--rules', RULES, '--json', '--events', 'found.json');
    const alerts = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(alerts).toMatchObject([
      { event_type: 'alert', src_ip: '10.0.0.1', alert: { signature_id: 2, severity: 1, action: 'blocked' } },
      { event_type: 'alert', pcap_cnt: 1, dest_port: 80, alert: { signature_id: 1, rev: 2, action: 'allowed' } },
      { event_type: 'drop', drop: { reason: 'rules' }, alert: { signature_id: 2 } },
    ]);
    const findings = folder
      .read('found.json')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(findings).toMatchObject([
      { rule: '1:2', severity: 'high', message: 'an attack' },
      { guard: 'packets', rule: '1:1', guest: { kind: 'capture' }, verdict: 'deny', subject: { frame: 1 } },
    ]);
  });

  const sids = (name: string, rules: string): number[] => {
    const { stdout } = plinth('inspect', 'pcap', name, '--rules', rules, '--json');
    const lines = stdout.split('\n').filter((line) => line !== '');
    const events = lines.map((line) => JSON.parse(line) as { event_type: string; alert: { signature_id: number } });
    return events.filter(({ event_type: type }) => type === 'alert').map(({ alert }) => alert.signature_id);
  };

  it('pcap confirms what rules say of a request, however it is written and cut', () => {
    for (const target of ['/bin/shell', '/a/../bin//%73hell']) {
      const request = `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n`;
      expect(sids(file('whole.pcap', capture([0, request])), RULES), target).toEqual([1, 4]);
      const bytes = [...request].map((char, at) => [at, char] as const);
      expect(sids(file('bytes.pcap', capture(...bytes)), RULES), `${target} in bytes`).toEqual([1, 4]);
    }
    const other = 'GET /x HTTP/1.1\r\nHost: /bin/shell\r\n\r\n';
    expect(sids(file('other.pcap', capture([0, other])), RULES)).toEqual([1]);
  });

  it('pcap looks in bodies as they are meant: chunks joined, compression undone', () => {
    const rules = file(
      'body.rules',
      'alert http any any -> any any (http.request_body; content:"secret word"; sid:1;)\n',
    );
    const body = 'here is a secret word';
    const packed = gzipSync(body).toString('latin1');
    const headers = 'POST / HTTP/1.1\r\nHost: x\r\n';
    for (const [name, text] of [
      ['plain', `${headers}Content-Length: ${body.length}\r\n\r\n${body}`],
      ['chunks', `${headers}Transfer-Encoding: chunked\r\n\r\n11\r\nhere is a secret \r\n4\r\nword\r\n0\r\n\r\n`],
      ['gzip', `${headers}Content-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n${packed}`],
    ] as const) {
      const half = text.length - 8;
      expect(sids(file(`${name}.pcap`, capture([0, text])), rules), name).toEqual([1]);
      const cut = capture([0, text.slice(0, half)], [half, text.slice(half)]);
      expect(sids(file(`${name}-cut.pcap`, cut), rules), `${name}, cut`).toEqual([1]);
    }
  });

  it('pcap tells as often as a threshold lets it', () => {
    const rules = file(
      'often.rules',
      `alert tcp any any -> any any (content:"again"; threshold:type limit, track by_src, count 2, seconds 60; sid:1;)
alert tcp any any -> any any (content:"again"; threshold:type threshold, track by_src, count 3, seconds 60; sid:2;)
alert tcp any any -> any any (content:"again"; noalert; sid:3;)
`,
    );
    const segments = Array.from({ length: 7 }, (_, n) => [5 * n, 'again'] as const);
    expect(sids(file('often.pcap', capture(...segments)), rules)).toEqual([1, 1, 2, 2]);
  });

  it('finds nothing in what is clean, with status 0', () => {
    const name = file('clean.pcap', capture([0, 'POST /'], [6, 'at tack']));
    expect(plinth('inspect', 'pcap', name, '--rules', RULES)).toMatchObject({ status: 0, stdout: '' });
    const others = ['--set', 'HOME_NET=192.168.0.0/16'];
    expect(plinth('inspect', 'pcap', file('get.pcap', capture([0, 'GET /'])), '--rules', RULES, ...others).status).toBe(
      0,
    );
  });

  it('says in one line what is no rule, no capture, or cut', () => {
    const whole = capture([0, 'GET /']);
    const said = (...args: string[]): [number | null, string] => {
      const { status, stderr } = plinth('inspect', ...args);
      return [
        status,
        stderr
          .split('\n')
          .filter((line) => !line.includes('is not looked at'))
          .join('\n'),
      ];
    };
    const bad = file('bad.rules', '\nalert tcp any any -> any any (content:"a)\n');
    const good = file('good.pcap', whole);
    expect(said('pcap', good, '--rules', bad)).toEqual([
      2,
      'plinth: bad.rules:2: the options do not end: each ends with ; and quotes are closed\n',
    ]);
    expect(said('pcap', RULES, '--rules', RULES)).toEqual([
      2,
      'plinth: my.rules: not a capture: it begins neither as pcap nor as pcapng does\n',
    ]);
    expect(said('pcap', file('cut.pcap', whole.subarray(0, 60)), '--rules', RULES)[0]).toBe(2);
    expect(said('pcap', 'absent', '--rules', RULES)).toEqual([
      2,
      'plinth: absent: cannot be read: there is no such file\n',
    ]);
    expect(said('check', RULES, '--set', 'x')).toEqual([
      2,
      'plinth: --set x: it is NAME=VALUE, as HOME_NET=10.0.0.0/8\n',
    ]);
  });
});
