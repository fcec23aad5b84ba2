// SPDX-License-Identifier: Apache-2.0
import { afterAll, describe, expect, it } from 'vitest';
import { PlinthFolder } from './plinth-folder.js';

const folder = new PlinthFolder();
afterAll(() => folder[Symbol.dispose]());
const { file, plinth } = folder;

/** A pcap of TCP segments from 10.0.0.1:1000 to 10.0.0.2:80, each with its place in the stream. */
function capture(...segments: readonly (readonly [at: number, text: string])[]): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt32LE(65_535, 16);
  header.writeUInt32LE(1, 20);
  const frames = segments.map(([at, text], n) => {
    const payload = Buffer.from(text, 'latin1');
    const frame = Buffer.alloc(16 + 54 + payload.length);
    frame.writeUInt32LE(1_700_000_000, 0);
    frame.writeUInt32LE(n, 4);
    frame.writeUInt32LE(54 + payload.length, 8);
    frame.writeUInt32LE(54 + payload.length, 12);
    const packet = frame.subarray(16);
    packet.writeUInt16BE(0x0800, 12);
    packet[14] = 0x45;
    packet.writeUInt16BE(40 + payload.length, 16);
    packet.set([64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2], 22);
    packet.writeUInt16BE(1000, 34);
    packet.writeUInt16BE(80, 36);
    packet.writeUInt32BE(5000 + at, 38);
    packet.set([0x50, 0x18], 46);
    payload.copy(packet, 54);
    return frame;
  });
  return Buffer.concat([header, ...frames]);
}

const RULES = file(
  'my.rules',
  `alert tcp $HOME_NET any -> any 80 (msg:"a request"; content:"GET "; startswith; sid:1; rev:2; classtype:web;)
drop tcp any any -> any any (msg:"an attack"; content:"|41|ttack"; nocase; sid:2; priority:1;)
alert tcp any any -> any any (msg:"not decided"; pcre:"/x/"; sid:3;)
`,
);

describe('plinth inspect', () => {
  it('check names what is refused, and the budget', () => {
    const { status, stdout } = plinth('inspect', 'check', RULES);
    expect(status).toBe(1);
    expect(stdout).toMatch(
      /^my\.rules:3: sid 3: refused: pcre\n2 of 3 rules are decided in the kernel, 1 refused, 0 wrong: 2 contents, \d+ instructions, \d+ KiB of tables\n$/,
    );
    const report = JSON.parse(plinth('inspect', 'check', RULES, '--json').stdout) as { rules: unknown };
    expect(report).toMatchObject({ counts: { inKernel: 2, refused: 1, errors: 0 }, patterns: 2 });
    expect(report.rules).toEqual([
      { line: 1, sid: 1, answer: 'in the kernel' },
      { line: 2, sid: 2, answer: 'in the kernel' },
      { line: 3, sid: 3, answer: 'refused', because: 'pcre' },
    ]);
  });

  it('pcap prints alerts, over segments too, and drops what is sent again', () => {
    const name = file('split.pcap', capture([0, 'GET /at'], [7, 't'], [8, 'ack HTTP'], [8, 'ack HTTP'], [16, 'more']));
    const { status, stdout, stderr } = plinth('inspect', 'pcap', name, '--rules', RULES);
    expect(status).toBe(1);
    const ends = '{TCP} 10.0.0.1:1000 -> 10.0.0.2:80';
    expect(stdout.split('\n')).toEqual([
      `2023-11-14T22:13:20.000000+0000  [**] [1:1:2] a request [**] [Classification: web] [Priority: 3] ${ends}  (frame 1)`,
      `2023-11-14T22:13:20.000002+0000  [Drop] [**] [1:2:0] an attack [**] [Priority: 1] ${ends}  (frame 3)`,
      `2023-11-14T22:13:20.000003+0000  [Drop] [**] [1:2:0] an attack [**] [Priority: 1] ${ends}  (frame 4)`,
      '',
    ]);
    expect(stderr.split('\n')).toEqual([
      'plinth: my.rules:3: sid 3 is not looked at: pcre',
      'frame 5: passed: bytes are missing before it',
      '5 frames, 3 alerts, 2 dropped',
      '',
    ]);
    const closed = plinth('inspect', 'pcap', name, '--rules', RULES, '--fail-closed');
    expect(closed.stderr).toContain('frame 5: dropped: bytes are missing before it\n5 frames, 3 alerts, 3 dropped\n');
  });

  it('pcap prints alerts as JSON and writes findings', () => {
    const name = file('one.pcap', capture([0, 'GET / ATTACK']));
    const { stdout } = plinth('inspect', 'pcap', name, '--rules', RULES, '--json', '--events', 'found.json');
    const alerts = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(alerts).toMatchObject([
      { event_type: 'alert', pcap_cnt: 1, dest_port: 80, alert: { signature_id: 1, rev: 2, action: 'blocked' } },
      { event_type: 'alert', src_ip: '10.0.0.1', alert: { signature_id: 2, severity: 1, action: 'blocked' } },
    ]);
    const findings = folder
      .read('found.json')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(findings).toMatchObject([
      { guard: 'packets', rule: '1:1', guest: { kind: 'capture' }, verdict: 'deny', subject: { frame: 1 } },
      { rule: '1:2', severity: 'high', message: 'an attack' },
    ]);
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
