// SPDX-License-Identifier: Apache-2.0
// A Suricata of this host, and what we say of the same rules and packets. One start of it judges many rules and packets, so cases are
// put together, each with addresses of its own.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alertEvent, dropEvent, inspectCapture } from '@plinth/cli';
import { DEFAULT_VARIABLES, judgeRules, parseRules } from '@plinth/guards';

export type EveEvent = Readonly<Record<string, unknown>>;

export interface TimedFrame {
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  readonly bytes: Uint8Array;
}

export interface SuricataCase {
  readonly rules: string;
  readonly frames: readonly TimedFrame[];
  /** Packets can be dropped. */
  readonly inline?: boolean;
  readonly midstream?: boolean;
  /** All alerts of a packet are told, up to 255. */
  readonly everyAlert?: boolean;
}

export interface OurAnswer {
  readonly events: readonly EveEvent[];
  /** Rules that are not decided, and why; lines that are none. */
  readonly refused: ReadonlyMap<number, string>;
  readonly errors: readonly string[];
}

const EVERY_ALERT = 255;
const COMMAND = process.env['PLINTH_SURICATA'];

/** Why there is no Suricata to compare with, said once on the way to skipping; undefined if there is one. */
export function whyNoSuricata(test: string): string | undefined {
  if (COMMAND !== undefined) return undefined;
  const reason = 'PLINTH_SURICATA names no Suricata: a command that runs it, and sees the files of TMPDIR';
  console.log(`skipped: ${test}: ${reason}`);
  return reason;
}

/** As it comes, but for what is written. */
const SETTINGS = `%YAML 1.1
---
include: /etc/suricata/suricata.yaml
stats:
  enabled: no
outputs:
  - eve-log:
      enabled: yes
      filetype: regular
      filename: eve.json
      types:
        - alert: { payload: yes, payload-buffer-size: 64kb, payload-printable: yes, packet: yes, metadata: yes, tagged-packets: yes }
        - drop: { alerts: yes, flows: all }
`;

/** @returns its alerts and drops; rules that it refuses are in `refused`, as it says so */
export function runSuricata(one: SuricataCase): { events: EveEvent[]; refused: string[] } {
  if (COMMAND === undefined) throw new Error('no Suricata');
  mkdirSync(tmpdir(), { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'suricata-'));
  try {
    const at = (name: string): string => join(folder, name);
    writeFileSync(at('suricata.yaml'), SETTINGS);
    writeFileSync(at('test.rules'), one.rules);
    writeFileSync(at('test.pcap'), captureOf(one.frames));
    const more = [
      ...(one.inline === true ? ['--simulate-ips'] : []),
      ...(one.midstream === true ? ['--set', 'stream.midstream=true'] : []),
      ...(one.everyAlert === true ? ['--set', `packet-alert-max=${EVERY_ALERT}`] : []),
    ];
    const files = ['-c', at('suricata.yaml'), '-S', at('test.rules'), '-r', at('test.pcap'), '-l', folder];
    // Hyperscan ends it at some rules that it takes.
    const plain = ['-k', 'none', '--runmode=single', '--set', 'mpm-algo=ac', '--set', 'spm-algo=bm'];
    const run = spawnSync(COMMAND, [...files, ...plain, ...more], { encoding: 'utf8', maxBuffer: 1 << 28 });
    if (run.status !== 0) throw new Error(`Suricata: ${run.error?.message ?? run.stderr}`);
    const events = readFileSync(at('eve.json'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as EveEvent);
    const log = run.stderr.split('\n');
    return { events, refused: log.filter((line) => line.includes('error parsing signature')) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What `plinth inspect pcap --json` prints. */
export function runOurs(one: SuricataCase): OurAnswer {
  const { rules: text, frames, inline = false, midstream = false, everyAlert = false } = one;
  const { rules, errors } = parseRules(text, 'test.rules', DEFAULT_VARIABLES);
  const judgements = judgeRules(rules, { streams: true });
  const refused = new Map<number, string>();
  for (const one of judgements) if (one.answer === 'refused') refused.set(one.rule.sid, one.because);
  const settings = {
    failClosed: false,
    inline,
    retell: true,
    midstream,
    ...(everyAlert ? { mostAlerts: EVERY_ALERT } : {}),
  };
  const counts = { frames: 0, dropped: 0, tooLong: 0 };
  const events: EveEvent[] = [];
  for (const inspected of inspectCapture(captureOf(frames), 'test.pcap', judgements, settings, counts)) {
    events.push(...inspected.told.map((matched) => alertEvent(inspected, matched)));
    if (inspected.stopped) events.push(dropEvent(inspected));
  }
  return { events, refused, errors: errors.map(({ message }) => message) };
}

/** In the format of libpcap, with nanoseconds. */
export function captureOf(frames: readonly TimedFrame[]): Uint8Array {
  const bytes = new Uint8Array(24 + frames.reduce((sum, frame) => sum + 16 + frame.bytes.length, 0));
  const view = new DataView(bytes.buffer);
  [0xa1b2_3c4d, 0x0004_0002, 0, 0, 0x4_0000, 1].forEach((word, n) => view.setUint32(4 * n, word, true));
  let at = 24;
  for (const { time, bytes: frame } of frames) {
    const [seconds, rest] = [time / 1_000_000_000n, time % 1_000_000_000n];
    [Number(seconds), Number(rest), frame.length, frame.length].forEach((word, k) =>
      view.setUint32(at + 4 * k, word, true),
    );
    bytes.set(frame, at + 16);
    at += 16 + frame.length;
  }
  return bytes;
}
