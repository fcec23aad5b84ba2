// SPDX-License-Identifier: Apache-2.0
// PL011 UART with FIFOs of 16, as before r1p5 and as in QEMU (DDI 0183, chapter 3). Transmission takes no time: a byte written is out, so the transmit
// FIFO is always empty. Received bytes wait in the FIFO; a full FIFO pushes back on the source instead of overrunning.
// Not modelled: baud rate, parity and framing errors, break, modem lines, DMA, IrDA.

import type { StateReader, StateWriter } from '@plinth/core';
import { type Device, type InterruptLine, UNCONNECTED, type AccessSize } from './device.js';
import { defineRegisters, primeCellId, type RegisterHooks } from './registers.js';

/** Interrupt bits, in UARTRIS order (3.3.11). */
const RX = 1 << 4;
const TX = 1 << 5;
const RECEIVE_TIMEOUT = 1 << 6;

/** UARTFR bits (3.3.3). */
const CTS = 1 << 0;
const DSR = 1 << 1;
const DCD = 1 << 2;
const RXFE = 1 << 4;
const RXFF = 1 << 6;
const TXFE = 1 << 7;

const FIFO_DEPTH = 16;
/** UARTIFLS.RXIFLSEL to the fill level that raises RX (3.3.9). */
const RECEIVE_LEVELS = [2, 4, 8, 12, 14];
/** PeriphID and PCellID. The revision, 1, tells drivers how deep the FIFOs are: from 3 on it would be 32. */
const IDENTIFICATION = [0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

export interface Pl011Options extends RegisterHooks {
  readonly name?: string;
  /** The combined interrupt UARTINTR. */
  readonly interrupt?: InterruptLine;
  /** A byte that the guest has sent. */
  readonly onByte?: (byte: number) => void;
  /** The receiver has room again after `receive` could not take everything. */
  readonly onRoom?: () => void;
}

export class Pl011 implements Device {
  readonly name: string;
  readonly size: number = 0x1000;
  readonly #interrupt: InterruptLine;
  readonly #onByte: (byte: number) => void;
  readonly #onRoom: () => void;
  readonly #fifo: Uint8Array = new Uint8Array(FIFO_DEPTH);
  #head = 0;
  #count = 0;
  #pending = 0;
  /** A source was refused and waits for `onRoom`. */
  #refused = false;
  readonly #bank;

  constructor(options: Pl011Options = {}) {
    this.name = options.name ?? 'pl011';
    this.#interrupt = options.interrupt ?? UNCONNECTED;
    this.#onByte = options.onByte ?? (() => {});
    this.#onRoom = options.onRoom ?? (() => {});
    this.#bank = defineRegisters(
      {
        DR: {
          offset: 0x000,
          width: 12,
          strobe: true,
          value: () => (this.#count === 0 ? 0 : this.#fifo[this.#head]!),
          onRead: () => this.#pop(),
          onWrite: (value) => this.#transmit(value & 0xff),
        },
        // Receive status: no errors ever happen; any write clears what is not there.
        RSR: { offset: 0x004, width: 8, access: 'ro' },
        FR: { offset: 0x018, access: 'ro', value: () => this.#flags() },
        ILPR: { offset: 0x020, width: 8 },
        IBRD: { offset: 0x024, width: 16 },
        FBRD: { offset: 0x028, width: 6 },
        LCR_H: {
          offset: 0x02c,
          width: 8,
          fields: { BRK: { bits: 0, access: 'tagged' }, FEN: { bits: 4 } },
          onWrite: (value, old) => this.#setFifo(((value ^ old) & 0x10) !== 0),
        },
        CR: {
          offset: 0x030,
          width: 16,
          reset: 0x0300,
          fields: {
            UARTEN: { bits: 0 },
            SIR: { bits: [2, 1], access: 'tagged' },
            RESERVED: { bits: [6, 3], access: 'reserved' },
            LBE: { bits: 7 },
            TXE: { bits: 8 },
            RXE: { bits: 9 },
          },
          onWrite: () => this.#offerRoom(),
        },
        IFLS: { offset: 0x034, width: 6, reset: 0x12, onWrite: () => this.#raiseReceive() },
        IMSC: { offset: 0x038, width: 11, onWrite: () => this.#update() },
        RIS: { offset: 0x03c, access: 'ro', value: () => this.#pending },
        MIS: { offset: 0x040, access: 'ro', value: () => this.#masked() },
        ICR: {
          offset: 0x044,
          width: 11,
          access: 'wo',
          strobe: true,
          onWrite: (value) => {
            this.#pending &= ~value;
            this.#update();
          },
        },
        DMACR: { offset: 0x048, width: 3, fields: { ENABLE: { bits: [2, 0], access: 'tagged' } } },
        ID: primeCellId(IDENTIFICATION),
      },
      this.size,
      options,
    );
  }

  read(offset: number, size: AccessSize): number {
    return this.#bank.read(offset, size);
  }

  write(offset: number, size: AccessSize, value: number): void {
    this.#bank.write(offset, size, value);
  }

  peek(offset: number, size: AccessSize): number {
    return this.#bank.peek(offset, size);
  }

  reset(): void {
    this.#bank.reset();
    this.#head = 0;
    this.#count = 0;
    this.#pending = 0;
    this.#update();
    this.#offerRoom();
  }

  save(writer: StateWriter): void {
    this.#bank.save(writer);
    writer.array(this.#fifo);
    writer.u8(this.#head);
    writer.u8(this.#count);
    writer.u16(this.#pending);
    writer.bool(this.#refused);
  }

  restore(reader: StateReader): void {
    this.#bank.restore(reader);
    reader.array(this.#fifo);
    this.#head = reader.u8();
    this.#count = reader.u8();
    reader.check(this.#head < FIFO_DEPTH && this.#count <= this.#depth(), 'the FIFO holds more than it can');
    this.#pending = reader.u16();
    this.#refused = reader.bool();
  }

  /**
   * Bytes arriving on the line. Returns how many were taken; after fewer than all, `onRoom` is called once when more
   * can be. Nothing is taken while the guest has the receiver off (UARTCR.RXE, which is on at reset).
   */
  receive(bytes: Uint8Array): number {
    const taken = this.#enabled() ? Math.min(bytes.length, this.#depth() - this.#count) : 0;
    for (let at = 0; at < taken; at++) this.#push(bytes[at]!);
    if (taken < bytes.length) this.#refused = true;
    // The line falls silent after the last byte: 32 bit periods later, that is at once, the timeout raises RT (2.4.3).
    if (taken > 0) {
      this.#pending |= RECEIVE_TIMEOUT;
      this.#raiseReceive();
    }
    return taken;
  }

  #enabled(): boolean {
    return this.#bank.registers.CR.fields.RXE.value !== 0;
  }

  /** With FIFOs off, the receive holding register is all there is. */
  #depth(): number {
    return this.#bank.registers.LCR_H.fields.FEN.value !== 0 ? FIFO_DEPTH : 1;
  }

  #flags(): number {
    const receive = this.#count === 0 ? RXFE : this.#count >= this.#depth() ? RXFF : 0;
    return CTS | DSR | DCD | TXFE | receive;
  }

  #masked(): number {
    return this.#pending & this.#bank.registers.IMSC.value;
  }

  #update(): void {
    this.#interrupt.set(this.#masked() !== 0);
  }

  #push(byte: number): void {
    this.#fifo[(this.#head + this.#count) % FIFO_DEPTH] = byte;
    this.#count++;
  }

  #pop(): void {
    if (this.#count === 0) return;
    this.#head = (this.#head + 1) % FIFO_DEPTH;
    this.#count--;
    if (this.#count < this.#receiveLevel()) this.#pending &= ~RX;
    if (this.#count === 0) this.#pending &= ~RECEIVE_TIMEOUT;
    this.#update();
    this.#offerRoom();
  }

  #receiveLevel(): number {
    if (this.#depth() === 1) return 1;
    return RECEIVE_LEVELS[(this.#bank.registers.IFLS.value >>> 3) & 7] ?? FIFO_DEPTH;
  }

  #raiseReceive(): void {
    if (this.#count >= this.#receiveLevel()) this.#pending |= RX;
    this.#update();
  }

  #transmit(byte: number): void {
    if (this.#bank.registers.CR.fields.LBE.value !== 0) {
      if (this.#count < this.#depth()) this.#push(byte);
      this.#pending |= RECEIVE_TIMEOUT;
      this.#raiseReceive();
    } else {
      // Sent even when the guest never set UARTEN: small programs rely on it, as they do on QEMU.
      this.#onByte(byte);
    }
    this.#pending |= TX;
    this.#update();
  }

  /** Turning the FIFOs on or off empties them (3.3.7). */
  #setFifo(changed: boolean): void {
    if (!changed) return;
    this.#head = 0;
    this.#count = 0;
    this.#pending &= ~(RX | RECEIVE_TIMEOUT);
    this.#update();
    this.#offerRoom();
  }

  #offerRoom(): void {
    if (!this.#refused || !this.#enabled() || this.#count >= this.#depth()) return;
    this.#refused = false;
    this.#onRoom();
  }
}
