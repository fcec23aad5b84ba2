// SPDX-License-Identifier: Apache-2.0
// What senders do so that an inspector sees something else than the receiver: each is found, dropped or told.

import assert from 'node:assert/strict';
import { MOST_BOUNDARIES, MOST_SUMMED, REASON } from '@plinth/guards';
import { describe, expect, it } from 'vitest';
import { FLAG, frameOf } from './build-frame.js';
import { whyNoKernel } from './kernel-here.js';
import { kernelRules, type Outcome, PacketEngines } from './packet-engines.js';

const RULES = 'drop tcp any any -> any any (content:"attack"; sid:1;)';

/** One direction of a connection, by places in its stream; what is dropped does not arrive. */
class Sender {
  readonly #engines: PacketEngines;
  readonly #begin: number;

  constructor(engines: PacketEngines, begin = 1000) {
    this.#engines = engines;
    this.#begin = begin;
  }

  send(at: number, text: string, flags: number = FLAG.ack, urgent = 0): Outcome {
    return this.#engines.inspect(
      frameOf({
        protocol: 'tcp',
        source: 1,
        destination: 2,
        sourcePort: 1000,
        destinationPort: 80,
        flags,
        sequence: this.#begin + at,
        urgent,
        payload: Buffer.from(text, 'latin1'),
      }),
    );
  }

  /** Of the other direction, to one who has received nothing. */
  answer(flags: number, sequence = 5000, text = ''): Outcome {
    const ends = { source: 2, destination: 1, sourcePort: 80, destinationPort: 1000 };
    const payload = Buffer.from(text, 'latin1');
    return this.#engines.inspect(
      frameOf({ protocol: 'tcp', ...ends, flags, sequence, acknowledged: this.#begin, payload }),
    );
  }

  /** The handshake; the stream begins at 0. */
  open(): void {
    const outcomes = [this.send(-1, '', FLAG.syn), this.answer(FLAG.syn | FLAG.ack), this.send(0, '')];
    assert.deepEqual(
      outcomes.map(({ verdict }) => verdict),
      ['next', 'next', 'next'],
    );
  }
}

describe('an inspector is not evaded by', () => {
  const kernel = whyNoKernel('tests/ebpf/evasions.test.ts') === undefined;
  const begin = (failClosed: boolean, rules = RULES, options = {}): PacketEngines =>
    new PacketEngines(kernelRules(rules), { failClosed, kernel, ...options });

  it('segments of one byte, over the end of sequence numbers too', () => {
    for (const first of [1000, 0xffff_fffd]) {
      using engines = begin(false);
      const sender = new Sender(engines, first);
      sender.open();
      [...'attac'].forEach((byte, at) => expect(sender.send(at, byte).verdict).toBe('next'));
      expect(sender.send(5, 'k')).toMatchObject({ verdict: 'drop', told: [0] });
    }
  });

  it('contents of one rule in several segments, unless there is much between them', () => {
    using engines = begin(false, 'alert tcp any any -> any any (content:"union"; content:"select"; nocase; sid:1;)');
    const sender = new Sender(engines);
    sender.open();
    const filler = 'x'.repeat(1000);
    let at = 0;
    const next = (text: string): Outcome => {
      const outcome = sender.send(at, text);
      at += text.length;
      return outcome;
    };
    expect([' uni', 'on ', filler, filler, 'SEL', 'ect '].map((text) => next(text).told.length)).toEqual([
      0, 0, 0, 0, 0, 1,
    ]);
    expect(next('select').told, 'each is told once').toEqual([]);
    expect([filler, filler, filler, 'union'].map((text) => next(text).told.length)).toEqual([0, 0, 0, 0]);
    expect(next('select').told).toEqual([0]);
  });

  it('data in the SYN', () => {
    using engines = begin(false);
    const sender = new Sender(engines);
    expect(sender.send(-1, 'atta', FLAG.syn).verdict).toBe('next');
    expect(sender.send(4, 'ck')).toMatchObject({ verdict: 'drop', told: [0] });
  });

  it('another copy of bytes that were there: each is looked at, and an overlap is told', () => {
    for (const failClosed of [false, true]) {
      using engines = begin(failClosed, RULES, { dropFlow: false });
      const sender = new Sender(engines);
      sender.open();
      expect(sender.send(0, 'a good text')).toMatchObject({ verdict: 'next', reason: 0 });
      expect(sender.send(0, 'an attack..'), 'the same bytes, others').toMatchObject({ verdict: 'drop', told: [0] });
      expect(sender.send(9, 'xtatt'), 'the same and new ones').toMatchObject({
        verdict: 'next',
        reason: REASON.overlap,
      });
      expect(sender.send(11, 'attack'), 'the stream goes on').toMatchObject({ verdict: 'drop', told: [0] });
      expect(sender.send(14, 'ack'), 'with what came first').toMatchObject({ verdict: 'drop', told: [0] });
    }
  });

  it('other bytes where some were before, whatever segments both copies come in', () => {
    const { conflict, overlap } = REASON;
    for (const first of [1000, 0xffff_fff0]) {
      for (const failClosed of [false, true]) {
        using engines = begin(failClosed);
        const sender = new Sender(engines, first);
        sender.open();
        const texts = ['GET /index', '.html', ' HTTP/1.1\r\nHost: a server', '\r\n\r\n'];
        const all = texts.join('');
        const places = texts.map((_, n) => texts.slice(0, n).join('').length);
        texts.forEach((text, n) => expect(sender.send(places[n]!, text)).toMatchObject({ verdict: 'next', reason: 0 }));
        const [verdict, others] = [failClosed ? 'drop' : 'next', all.toUpperCase()];
        for (const from of places) {
          // As they came, several as one, and what is not known to have ended there.
          for (const end of [...places.filter((place) => place > from), all.length]) {
            expect(sender.send(from, all.slice(from, end))).toMatchObject({ verdict: 'next', reason: 0 });
            const isOther = others.slice(from, end) !== all.slice(from, end);
            expect(sender.send(from, others.slice(from, end))).toMatchObject(
              isOther ? { verdict, reason: conflict } : { verdict: 'next', reason: 0 },
            );
          }
          for (let at = from; at < all.length; at++) {
            const bytes = Buffer.from(all.slice(from), 'latin1');
            bytes[at - from]! ^= 0x80;
            expect(sender.send(from, bytes.toString('latin1'))).toMatchObject({ verdict, reason: conflict });
          }
        }
        expect(sender.send(0, 'POST'), 'nothing is known to end there').toMatchObject({ reason: 0 });
        expect(sender.send(2, others.slice(2, 10)), 'nothing is known to begin there').toMatchObject({ reason: 0 });
        const rest = 'x'.repeat(40);
        expect(sender.send(15, others.slice(15) + rest)).toMatchObject({ verdict, reason: overlap | conflict });
        const next = all.length + (failClosed ? 0 : rest.length);
        expect(sender.send(places[3]!, '\r\n\r\n')).toMatchObject({ verdict: 'next', reason: 0 });
        expect(sender.send(next, 'att')).toMatchObject({ verdict: 'next', reason: 0 });
        expect(sender.send(next + 3, 'ack')).toMatchObject({ verdict: 'drop', told: [0] });
      }
    }
  });

  it('words that change their places, and blocks', () => {
    const text = Array.from({ length: 200 }, (_, n) => `${1000 + n}`).join('');
    for (const [at, by] of [
      [0, 4],
      [3, 8],
      [17, 32],
      [64, 256],
      [5, 700],
    ] as const) {
      using engines = begin(false);
      const sender = new Sender(engines, 1000 + at);
      sender.open();
      expect(sender.send(0, text.slice(0, 5)).reason).toBe(0);
      expect(sender.send(5, text.slice(5)).reason).toBe(0);
      const bytes = Buffer.from(text, 'latin1');
      const [one, other] = [bytes.subarray(at, at + 4), bytes.subarray(at + by, at + by + 4)];
      const kept = Uint8Array.from(one);
      one.set(other);
      other.set(kept);
      expect(sender.send(0, text).reason).toBe(0);
      expect(sender.send(0, bytes.toString('latin1')).reason).toBe(REASON.conflict);
      // The highest bits of words.
      for (const other of [7, 31, 35, 643]) {
        const flipped = Buffer.from(text, 'latin1');
        for (const one of [3, other]) flipped[one]! ^= 0x80;
        expect(sender.send(0, flipped.toString('latin1')).reason).toBe(REASON.conflict);
      }
    }
  });

  it('what begins before a second copy and ends in it', () => {
    for (const failClosed of [false, true]) {
      using engines = begin(failClosed, RULES, { dropFlow: false });
      const sender = new Sender(engines);
      sender.open();
      expect(sender.send(0, 'an att').verdict).toBe('next');
      expect(sender.send(6, 'empt').verdict).toBe('next');
      expect(sender.send(10, ' to ack').verdict).toBe('next');
      const dropped = { verdict: 'drop', told: [0], reason: REASON.conflict };
      expect(sender.send(6, 'ack ')).toMatchObject(dropped);
      expect(sender.send(6, 'ack and much more'), 'with new bytes').toMatchObject({ verdict: 'drop', told: [0] });
      expect(sender.send(6, 'ack'), 'nothing is known to end there').toMatchObject({ verdict: 'drop', told: [0] });
      expect(sender.send(6, 'empt')).toMatchObject({ verdict: 'next', reason: 0 });
    }
  });

  it('long segments, of which a copy ends with another beginning of a content', () => {
    for (const failClosed of [false, true]) {
      using engines = begin(failClosed, RULES, { dropFlow: false });
      const sender = new Sender(engines);
      sender.open();
      const [filler, verdict] = ['x'.repeat(MOST_SUMMED), failClosed ? 'drop' : 'next'];
      expect(sender.send(0, 'an att').reason).toBe(0);
      expect(sender.send(6, `empt ${filler}`).reason).toBe(0);
      expect(sender.send(6, `empt ${filler}`)).toMatchObject({ verdict: 'next', reason: 0 });
      expect(sender.send(0, `an attempt ${filler}`)).toMatchObject({ verdict: 'next', reason: 0 });
      expect(sender.send(6, `empt ${filler.slice(1)}a`)).toMatchObject({ verdict, reason: REASON.conflict });
      expect(sender.send(0, `an attempt ${filler.slice(4)}atta`)).toMatchObject({ verdict, reason: REASON.conflict });
      expect(sender.send(6, `ack! ${filler}`)).toMatchObject({ verdict: 'drop', told: [0], reason: 0 });
      expect(sender.send(6, `empt ${filler}and more`)).toMatchObject({ verdict: 'next', reason: REASON.overlap });
    }
  });

  it('bytes that are not compared: of long ago, in long segments, behind a gap; they are looked at', () => {
    using engines = begin(false, RULES, { dropFlow: false });
    const sender = new Sender(engines);
    sender.open();
    const count = MOST_BOUNDARIES + 2;
    for (let n = 0; n < count; n++) expect(sender.send(4 * n, 'good').reason).toBe(0);
    expect([1, 2, 3].map((n) => sender.send(4 * n, 'baad').reason)).toEqual([0, REASON.conflict, REASON.conflict]);
    expect(sender.send(4, 'attack')).toMatchObject({ verdict: 'drop', told: [0], reason: 0 });
    const at = 4 * count;
    expect(sender.send(at, 'x'.repeat(MOST_SUMMED)).reason).toBe(0);
    expect(sender.send(at, 'y'.repeat(MOST_SUMMED)).reason).toBe(REASON.conflict);
    const long = at + MOST_SUMMED;
    expect(sender.send(long, 'x'.repeat(MOST_SUMMED + 1)).reason).toBe(0);
    expect(sender.send(long, 'y'.repeat(MOST_SUMMED + 1)).reason).toBe(0);
    expect(sender.send(long, 'attack')).toMatchObject({ verdict: 'drop', told: [0] });
    const next = long + MOST_SUMMED + 1;
    expect(sender.send(next, 'good').reason).toBe(0);
    expect(sender.send(next, 'baad').reason).toBe(REASON.conflict);
    expect(sender.send(next + 10, 'good').reason).toBe(REASON.gap);
    expect(sender.send(next, 'baad').reason).toBe(0);
    expect(sender.send(next + 10, 'baad').reason).toBe(REASON.conflict);
  });

  it('a SYN, RST or FIN that its other end does not take', () => {
    for (const flags of [FLAG.syn, FLAG.rst, FLAG.fin | FLAG.ack]) {
      using engines = begin(false);
      const sender = new Sender(engines);
      sender.open();
      expect(sender.send(0, 'att').verdict).toBe('next');
      expect(sender.send(70_000, '', flags).verdict).toBe('next');
      expect(sender.send(80_000, '', FLAG.syn).verdict).toBe('next');
      expect(sender.send(3, 'ack')).toMatchObject({ verdict: 'drop', told: [0] });
    }
  });

  it('a gap: what comes behind it is told, or waits for what is missing', () => {
    using open = begin(false);
    const told = new Sender(open);
    told.open();
    expect(told.send(0, 'att').verdict).toBe('next');
    expect(told.send(6, '...')).toMatchObject({ verdict: 'next', reason: REASON.gap });
    using closed = begin(true);
    const sender = new Sender(closed);
    sender.open();
    expect(sender.send(0, 'att').verdict).toBe('next');
    expect(sender.send(6, '...')).toMatchObject({ verdict: 'drop', reason: REASON.gap });
    expect(sender.send(3, 'ack...')).toMatchObject({ verdict: 'drop', told: [0] });
  });

  it('urgent data, of which a receiver may leave a byte out', () => {
    for (const failClosed of [false, true]) {
      using engines = begin(failClosed);
      const sender = new Sender(engines);
      sender.open();
      const verdict = failClosed ? 'drop' : 'next';
      expect(sender.send(0, 'attXack', FLAG.ack | FLAG.urg, 4)).toMatchObject({ verdict, reason: REASON.urgent });
    }
  });

  it('fragments of IP', () => {
    for (const failClosed of [false, true]) {
      using engines = begin(
        failClosed,
        `${RULES}
        pass ip 10.0.0.3 any -> any any (sid:2;)
        drop ip 10.0.0.4 any -> any any (sid:3;)
        drop tcp any any -> any !80 (sid:4;)`,
      );
      const frame = frameOf({
        protocol: 'tcp',
        source: 1,
        destination: 2,
        sourcePort: 1000,
        destinationPort: 80,
        payload: Buffer.from('att'),
      });
      const first = frame.slice();
      first[20] = 0x20;
      const later = frame.slice();
      later[21] = 3;
      const verdict = failClosed ? 'drop' : 'next';
      expect(engines.inspect(first)).toMatchObject({ verdict, reason: REASON.fragment });
      expect(engines.inspect(later)).toMatchObject({ verdict, reason: REASON.fragment });
      // Rules about addresses hold for them, too.
      for (const piece of [first, later]) {
        const [trusted, blocked] = [piece.slice(), piece.slice()];
        trusted[29] = 3;
        blocked[29] = 4;
        expect(engines.inspect(trusted)).toMatchObject({ verdict: 'next', reason: REASON.fragment });
        expect(engines.inspect(blocked)).toMatchObject({ verdict: 'drop', told: [2] });
      }
    }
  });

  it('going on after a drop, until the connection is another one', () => {
    using engines = begin(false);
    const sender = new Sender(engines);
    sender.open();
    expect(sender.send(0, 'attack')).toMatchObject({ verdict: 'drop', told: [0] });
    expect(sender.send(0, 'a good ')).toMatchObject({ verdict: 'drop', reason: REASON.flow });
    expect(sender.send(0, 'a good '), 'told once').toMatchObject({ verdict: 'drop', reason: 0 });
    expect(sender.answer(FLAG.ack, 5001, 'an answer')).toMatchObject({ verdict: 'drop', reason: REASON.flow });
    // Both ends may learn that it is over: what has no payload passes.
    expect(sender.answer(FLAG.ack, 5001)).toMatchObject({ verdict: 'next', reason: 0 });
    expect(sender.send(6, '', FLAG.fin | FLAG.ack).verdict, 'behind what was dropped').toBe('next');
    expect(sender.send(50, '', FLAG.syn).verdict, 'a SYN that its other end does not take').toBe('next');
    expect(sender.send(50, 'with a payload', FLAG.syn).verdict).toBe('drop');
    expect(sender.send(6, '', FLAG.rst).verdict, 'a RST that its other end asks about').toBe('next');
    expect(sender.send(0, 'ack').verdict, 'it is not closed').toBe('drop');
    expect(sender.send(0, '', FLAG.rst).verdict).toBe('next');
    const other = new Sender(engines, 90_000);
    other.open();
    expect(other.send(0, 'att').verdict).toBe('next');
    expect(other.send(3, 'ack')).toMatchObject({ verdict: 'drop', told: [0] });
  });

  it('another connection that its other end does not answer', () => {
    const ends = [
      (sender: Sender) => sender.send(3, 'ack', FLAG.fin | FLAG.ack),
      (sender: Sender) => sender.send(3, 'ack', FLAG.rst),
      // With a checksum that is wrong, for example.
      (sender: Sender) => sender.send(3, '', FLAG.rst),
      (sender: Sender) => sender.answer(FLAG.rst, 5001),
    ];
    for (const end of ends) {
      for (const options of [{}, { dropFlow: false }]) {
        using engines = begin(false, RULES, options);
        const sender = new Sender(engines);
        sender.open();
        expect(sender.send(0, 'att').verdict).toBe('next');
        end(sender);
        expect(sender.send(2, '', FLAG.syn).verdict).toBe('next');
        expect(sender.answer(FLAG.ack, 5001).verdict).toBe('next');
        // An answer to another SYN.
        expect(sender.answer(FLAG.syn | FLAG.ack).verdict).toBe('next');
        expect(sender.send(3, 'ack').verdict).toBe('drop');
      }
    }
  });

  it('another connection that begins where one was that nobody has closed, and the end of one that was not seen', () => {
    for (const place of ['tcx', 'xdp'] as const) {
      using engines = begin(true, RULES, { place });
      const sender = new Sender(engines);
      sender.open();
      expect(sender.send(0, 'att').verdict).toBe('next');
      expect(sender.send(3, 'xx', FLAG.fin | FLAG.ack | FLAG.urg, 1)).toMatchObject({ verdict: 'drop', told: [] });
      expect(sender.send(2, '', FLAG.syn).verdict).toBe('next');
      expect(sender.send(3, 'ack')).toMatchObject({ verdict: 'drop', told: [0] });
      if (place === 'xdp') expect(sender.send(3, '', FLAG.rst).verdict, 'of an answer nothing is seen').toBe('next');
      const other = new Sender(engines, 70_000);
      other.open();
      expect(other.send(0, 'att')).toMatchObject({ verdict: 'next', reason: 0 });
      expect(other.send(3, 'ack')).toMatchObject({ verdict: 'drop', told: [0] });
    }
  });

  it('one direction alone', () => {
    const rules = 'drop tcp any any -> any any (flow:established,to_server; content:"attack"; sid:1;)';
    using engines = begin(false, rules, { place: 'xdp' });
    const sender = new Sender(engines);
    sender.send(-1, '', FLAG.syn);
    sender.send(0, '');
    expect(sender.send(0, 'att').verdict).toBe('next');
    expect(sender.send(2, '', FLAG.syn).verdict).toBe('next');
    expect(sender.send(3, 'ack')).toMatchObject({ verdict: 'drop', told: [0] });
  });

  it('a packet without payload that a rule drops, in a connection that is dropped', () => {
    const rules = `${RULES} drop tcp any any -> any 80 (flags:S; sid:2;)`.replace(') ', ')\n');
    using engines = begin(false, rules);
    const sender = new Sender(engines);
    expect(sender.send(-1, '', FLAG.syn)).toMatchObject({ verdict: 'drop', told: [1] });
    expect(sender.send(0, 'attack')).toMatchObject({ verdict: 'drop' });
    expect(sender.send(-1, '', FLAG.syn)).toMatchObject({ verdict: 'drop', told: [1] });
    expect(sender.send(0, '').verdict).toBe('next');
  });
});
