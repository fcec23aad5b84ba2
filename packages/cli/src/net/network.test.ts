// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Machine, parseNetSpec } from '@plinth/machine';
import { afterAll, describe, expect, it } from 'vitest';
import type { BackendEvents, NetworkBackend } from './backend.js';
import { Capture } from './capture.js';
import { Network } from './network.js';

const directory = mkdtempSync(join(tmpdir(), 'plinth-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

class FakeBackend implements NetworkBackend {
  events: BackendEvents | undefined;
  readonly sent: Uint8Array[] = [];
  full = false;
  paused = false;
  closed = false;

  start(events: BackendEvents): void {
    this.events = events;
  }

  send(frame: Uint8Array): boolean {
    if (!this.full) this.sent.push(frame.slice());
    return !this.full;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  [Symbol.dispose](): void {
    this.closed = true;
  }
}

function setup(capture?: Capture) {
  const backend = new FakeBackend();
  const said: string[] = [];
  let wakes = 0;
  let now = 0;
  const spec = parseNetSpec({ kind: 'user' });
  if (spec.kind === 'none') throw new Error('no network');
  const network = new Network({
    spec,
    backend,
    ...(capture === undefined ? {} : { capture }),
    wallClock: 1_000_000_000,
    now: () => now,
    say: (line) => said.push(line),
  });
  const card = network.createCard();
  let room = Infinity;
  let listening = true;
  let linkUp = true;
  Object.defineProperty(card, 'listening', { get: () => listening });
  Object.defineProperty(card, 'linkUp', { get: () => linkUp });
  const taken: Uint8Array[] = [];
  network.connect({
    virtualTime: 1_500_000_000.4,
    send: (port, bytes) => {
      if (port === 'net0.link') linkUp = bytes[0] === 1;
      else if (taken.length >= room) return 0;
      else taken.push(bytes);
      return bytes.length;
    },
  });
  network.start(() => wakes++);
  return {
    backend, network, card, said, taken,
    wakes: () => wakes,
    pass: (milliseconds: number) => { now += milliseconds; },
    setRoom: (frames: number) => { room = frames; },
    setListening: (is: boolean) => { listening = is; },
    isUp: () => linkUp,
  }; // prettier-ignore
}

const frame = (seed: number, length: number = 60): Uint8Array => new Uint8Array(length).fill(seed);

describe('a network', () => {
  it('hands frames over in order, as far as there is room', () => {
    const { backend, network, taken, wakes, setRoom } = setup();
    for (let n = 0; n < 5; n++) backend.events!.frame(frame(n));
    expect(wakes()).toBe(5);
    setRoom(3);
    expect(network.offer()).toBe(true);
    expect(network.waiting).toBe(true);
    expect(network.offer()).toBe(false);
    setRoom(5);
    expect(network.offer()).toBe(true);
    expect(network.waiting).toBe(false);
    expect(taken.map(([first]) => first)).toEqual([0, 1, 2, 3, 4]);
  });

  it('asks a peer that floods to wait, and lets it go on', () => {
    const { backend, network, setRoom } = setup();
    setRoom(0);
    let sent = 0;
    while (!backend.paused && sent < 1000) {
      backend.events!.frame(frame(1, 65536));
      sent++;
    }
    expect(sent).toBe(65);
    expect(network.offer()).toBe(false);
    expect(backend.paused).toBe(true);
    setRoom(1000);
    network.offer();
    expect(backend.paused).toBe(false);
  });

  it('loses what comes before the guest listens, and counts it', () => {
    const { backend, network, taken, setListening } = setup();
    setListening(false);
    backend.events!.frame(frame(1));
    expect(network.offer()).toBe(false);
    setListening(true);
    expect(network.offer()).toBe(false);
    expect(taken).toEqual([]);
    expect(network.lost).toEqual({ in: 1, out: 0 });
  });

  it('is busy while frames pass', () => {
    const { backend, network, pass } = setup();
    expect(network.busy).toBe(false);
    backend.events!.frame(frame(1));
    expect(network.busy).toBe(true);
    pass(1000);
    expect(network.busy).toBe(false);
  });

  it('unplugs the card when the other end is gone, and says so once', () => {
    const { backend, network, said, isUp, wakes } = setup();
    expect(network.offer()).toBe(false);
    backend.events!.down('net: user: passt ended (SIGKILL)');
    expect(wakes()).toBe(1);
    expect(network.waiting).toBe(true);
    expect(network.offer()).toBe(true);
    expect(isUp()).toBe(false);
    expect(network.waiting).toBe(false);
    expect(network.offer()).toBe(false);
    expect(said).toEqual(['net: user: passt ended (SIGKILL): the guest’s network is unplugged']);
  });

  it('gives a machine a card whose frames enter as its inputs', () => {
    const { network } = setup();
    const card = network.createCard();
    const machine = new Machine({ virtio: [card] });
    expect(machine.inputs.ports).toContain('net0');
    expect(machine.inputs.send('net0', frame(1))).toBe(0);
    expect(machine.inputs.send('net0.link', Uint8Array.of(0))).toBe(1);
    expect(card.linkUp).toBe(false);
  });

  it.each([
    ['c.pcap', 24 + 2 * (16 + 60)],
    ['c.pcapng', 44 + 40 + 2 * 104],
  ])('is captured in %s, with the guest’s time', (name, size) => {
    const path = join(directory, name);
    const trouble: string[] = [];
    const { backend, network } = setup(new Capture(path, (line) => trouble.push(line)));
    backend.events!.frame(frame(1));
    network.offer();
    backend.events!.frame(frame(2));
    network.offer();
    const bytes = readFileSync(path);
    expect(bytes.length).toBe(size);
    if (name.endsWith('.pcap')) {
      expect(bytes.readUInt32LE(0)).toBe(0xa1b2_3c4d);
      expect([24, 28, 32, 36].map((at) => bytes.readUInt32LE(at))).toEqual([1_000_000_001, 500_000_000, 60, 60]);
      expect(bytes.subarray(40, 100)).toEqual(Buffer.from(frame(1)));
    } else {
      const [high, low] = [96, 100].map((at) => BigInt(bytes.readUInt32LE(at)));
      expect((high! << 32n) | low!).toBe(1_000_000_001_500_000_000n);
    }
    network[Symbol.dispose]();
    expect(backend.closed).toBe(true);
    expect(trouble).toEqual([]);
  });

  it('goes on without its capture when that cannot be written', () => {
    const trouble: string[] = [];
    const { backend, network, taken } = setup(new Capture('/dev/full', (line) => trouble.push(line)));
    for (let n = 0; n < 3; n++) {
      backend.events!.frame(frame(n));
      network.offer();
    }
    expect(taken).toHaveLength(3);
    expect(trouble).toEqual([
      expect.stringMatching(/^pcap: \/dev\/full: the capture ends here: the host’s disk is full/),
    ]);
    network[Symbol.dispose]();
  });

  it('is refused a capture where no file can be made', () => {
    expect(() => new Capture(join(directory, 'no/such/x.pcap'), () => undefined)).toThrow('pcap: ');
  });
});
