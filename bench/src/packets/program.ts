// SPDX-License-Identifier: Apache-2.0
// Benchmark `packets`, the program alone: nanoseconds for a byte beside those of a copy, and what it takes until 10,000 patterns
// are looked for.

import { join } from 'node:path';
import { median, ratioOf, type Row } from '../report.js';
import { writeRules } from './inspector.js';
import { LEAST_LENGTH, mulberry, patternSet, SIZES } from './pattern-sets.js';
import { copying, inspecting, type Measured, PAYLOAD } from './program-speed.js';
import type { Setting } from './setting.js';
import { trafficText } from './traffic-text.js';

const SEED = 5;
const ROUNDS = 7;

export async function program(setting: Setting): Promise<Row[]> {
  const rows: Row[] = [];
  const { phrases, progress } = setting;
  const random = mulberry(SEED);
  const noise = Uint8Array.from({ length: PAYLOAD }, () => Math.floor(random() * 256));
  // Of texts that have no pattern of the OWASP files.
  const text = trafficText(patternSet(phrases, 'owasp', 1000, SEED), PAYLOAD, SEED);
  const payloads = { text, 'random bytes': noise };
  const programs = new Map<string, Measured>();
  try {
    for (const kind of ['owasp', 'long'] as const) {
      for (const size of SIZES) {
        const set = kind === 'owasp' ? 'OWASP' : `${LEAST_LENGTH.long} bytes and more`;
        programs.set(
          `${size.toLocaleString('en')} patterns (${set})`,
          inspecting(patternSet(phrases, kind, size, SEED)),
        );
      }
    }
    using copy = copying();
    for (const [content, payload] of Object.entries(payloads)) {
      const copied: number[] = [];
      const taken = new Map([...programs.keys()].map((name) => [name, [] as number[]]));
      for (let round = 1; round <= ROUNDS; round++) {
        progress(`the program alone, ${content} ${round}/${ROUNDS}`);
        copied.push(copy.run(payload));
        for (const [name, measured] of programs) taken.get(name)!.push(measured.run(payload));
      }
      for (const [name, values] of taken) rows.push(costRow(`the program alone, ${content}, ${name}`, values, copied));
    }
  } finally {
    for (const measured of programs.values()) measured[Symbol.dispose]();
  }
  return [...rows, ...(await preparation(setting))];
}

function costRow(name: string, ours: readonly number[], peer: readonly number[]): Row {
  const [own, other] = [median(ours), median(peer)];
  return {
    name,
    unit: 'ns/byte',
    ours: own,
    peer: other,
    peerName: 'memcpy in the kernel',
    ratio: ratioOf(own, other),
    inGeomean: false,
    spread: { ours, peer },
  };
}

/** From the text of 10,000 rules to a program at the interface. */
async function preparation({ inspector, folder, phrases, repetitions, progress }: Setting): Promise<Row[]> {
  const count = SIZES.at(-1)!;
  const file = join(folder, 'preparation.rules');
  writeRules(file, patternSet(phrases, 'owasp', count, SEED), 'alert');
  const seconds: number[] = [];
  const bytes: number[] = [];
  for (let round = 1; round <= repetitions; round++) {
    progress(`${count} rules ${round}/${repetitions}`);
    const { compileSeconds, loadSeconds, mapBytes } = await inspector.attach(file);
    seconds.push(compileSeconds + loadSeconds);
    bytes.push(mapBytes / 2 ** 20);
    await inspector.detach();
  }
  const name = `${count.toLocaleString('en')} rules`;
  const own = { peer: null, peerName: 'none', ratio: null, inGeomean: false };
  return [
    {
      name: `${name}, from their text to the interface`,
      unit: 's',
      ours: median(seconds),
      ...own,
      spread: { ours: seconds },
    },
    { name: `${name}, memory of maps`, unit: 'MiB', ours: median(bytes), ...own, spread: { ours: bytes } },
  ];
}
