// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { ERROR, POLL, POLL_SIZE, polled, setPoll } from './system-calls.js';
import { Tap } from './tap.js';
import { RefusingCalls } from './testing/refusing-calls.js';

const TAP_FD = 7;
const WAKE_FD = 8;

/** A kernel with one tap interface, whose `poll` comes back when there is something to tell. */
class FakeKernel extends RefusingCalls {
  readonly log: string[] = [];
  readonly frames: Uint8Array[] = [];
  readonly sent: Uint8Array[] = [];
  exists = true;
  attach = 0;
  opened = TAP_FD;
  gone = false;
  #woken = false;
  #look: (() => void) | undefined;

  override open(path: string, flags: number): number {
    this.log.push(`open ${path} 0x${flags.toString(16)}`);
    return this.opened;
  }
  override close(fd: number): number {
    this.log.push(`close ${fd}`);
    return 0;
  }
  override ioctl(fd: number, request: number, argument: Uint8Array): number {
    const text = Buffer.from(argument.subarray(0, 16)).toString().replace(/\0+$/, '');
    const flags = argument[16]! | (argument[17]! << 8);
    this.log.push(`ioctl ${fd} 0x${request.toString(16)} ${text} 0x${flags.toString(16)}`);
    return this.attach;
  }
  override read(_fd: number, into: Uint8Array): number {
    const frame = this.frames.shift();
    if (frame === undefined) return this.gone ? -ERROR.EBADFD : -ERROR.EAGAIN;
    into.set(frame);
    return frame.length;
  }
  override write(fd: number, from: Uint8Array): number {
    if (fd === WAKE_FD) this.#woken = true;
    else this.sent.push(from.slice());
    this.happen();
    return from.length;
  }
  override eventfd(): number {
    return WAKE_FD;
  }
  override interfaceIndex(): number {
    return this.exists ? 3 : 0;
  }
  happen(): void {
    this.#look?.();
  }
  override async poll(descriptors: Uint8Array): Promise<number> {
    for (;;) {
      const tap = (this.frames.length > 0 ? POLL.in : 0) | (this.gone ? POLL.error : 0);
      const view = new DataView(descriptors.buffer, descriptors.byteOffset);
      view.setInt16(6, tap, true);
      view.setInt16(POLL_SIZE + 6, this.#woken ? POLL.in : 0, true);
      if (tap !== 0 || this.#woken) return 1;
      await new Promise<void>((resolve) => (this.#look = resolve));
    }
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function setup() {
  const kernel = new FakeKernel();
  const tap = new Tap(kernel, 'tap0', 2000);
  const got: number[] = [];
  const down: string[] = [];
  tap.start({ frame: (frame) => got.push(frame.length), down: (why) => down.push(why) });
  return { kernel, tap, got, down };
}

describe('a tap interface', () => {
  it('is attached to by name, without headers of its own', () => {
    const { kernel } = setup();
    expect(kernel.log).toEqual(['open /dev/net/tun 0x80802', `ioctl ${TAP_FD} 0x400454ca tap0 0x1002`]);
  });

  it('brings frames when they come, and takes frames', async () => {
    const { kernel, tap, got } = setup();
    kernel.frames.push(new Uint8Array(60), new Uint8Array(1514));
    await turn();
    kernel.happen();
    await turn();
    expect(got).toEqual([60, 1514]);
    expect(tap.send(new Uint8Array(77))).toBe(true);
    expect(kernel.sent).toEqual([new Uint8Array(77)]);
  });

  it('leaves frames with the kernel while it is paused', async () => {
    const { kernel, tap, got } = setup();
    tap.pause();
    kernel.frames.push(new Uint8Array(60));
    kernel.happen();
    await turn();
    expect(got).toEqual([]);
    tap.resume();
    await turn();
    expect(got).toEqual([60]);
  });

  it('closes its descriptors only when nobody waits for them', async () => {
    const { kernel, tap, down } = setup();
    await turn();
    tap[Symbol.dispose]();
    tap[Symbol.dispose]();
    expect(kernel.log.filter((line) => line.startsWith('close'))).toEqual([]);
    await turn();
    expect(kernel.log.filter((line) => line.startsWith('close'))).toEqual([`close ${TAP_FD}`, `close ${WAKE_FD}`]);
    expect(down).toEqual([]);
    expect(tap.send(new Uint8Array(60))).toBe(false);
  });

  it('says when the interface is gone', async () => {
    const { kernel, down } = setup();
    await turn();
    kernel.gone = true;
    kernel.happen();
    await turn();
    expect(down).toEqual(['net: tap:tap0: the interface is gone']);
  });

  it.each([
    [ERROR.EACCES, 'EACCES: this user may not open it: as root, "chmod 666 /dev/net/tun" lets everybody'],
    [ERROR.ENOENT, 'ENOENT: "modprobe tun" brings it'],
  ])('says why its device file is not opened, error %i, and how that is mended', (error, text) => {
    const kernel = new FakeKernel();
    kernel.opened = -error;
    const refused = { name: 'PlinthError', kind: 'host', message: expect.stringContaining(text) as string };
    expect(() => new Tap(kernel, 'tap0', 2000)).toThrow(expect.objectContaining(refused));
  });

  it.each([
    [ERROR.EPERM, 'host', 'ip tuntap add dev tap0'],
    [ERROR.EBUSY, 'input', 'another program uses it'],
    [ERROR.EINVAL, 'input', 'no tap interface'],
    [99, 'host', 'error 99'],
  ])('is refused in one line, error %i', (error, kind, text) => {
    const kernel = new FakeKernel();
    kernel.attach = -error;
    expect(() => new Tap(kernel, 'tap0', 2000)).toThrow(expect.objectContaining({ name: 'PlinthError', kind }));
    expect(() => new Tap(kernel, 'tap0', 2000)).toThrow(text);
    expect(kernel.log.at(-1)).toBe(`close ${TAP_FD}`);
  });

  it('is not made', () => {
    const kernel = new FakeKernel();
    kernel.exists = false;
    expect(() => new Tap(kernel, 'tap0', 2000)).toThrow('net: tap:tap0: there is no such interface: make it with');
    expect(kernel.log).toEqual([]);
  });
});

describe('an array of struct pollfd', () => {
  it('has its entries side by side', () => {
    const descriptors = new Uint8Array(2 * POLL_SIZE);
    setPoll(descriptors, 1, 5, POLL.in);
    expect([...descriptors]).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0]);
    descriptors[14] = POLL.error;
    expect(polled(descriptors, 1)).toBe(POLL.error);
  });
});
