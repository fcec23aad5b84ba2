// SPDX-License-Identifier: Apache-2.0
// One debugger's connection: the GDB remote serial protocol over a pair of byte streams (GDB manual, appendix E). Requests are
// answered in order; while the target runs they wait for its next stop, only Ctrl-C is heard. Not there: non-stop mode,
// several processes, tracepoints, file transfer. Whatever bytes come, the answer is one of the protocol's.

import { latin1, toHex, utf8 } from '@plinth/core';
import { ACKNOWLEDGE, frame, FrameReader, REFUSE } from './framing.js';
import type { MonitorCommands } from './monitor.js';
import { documentPart, ERROR, parseHex, parseHexBytes, parseRange, parseThread, xmlText } from './packets.js';
import { CONTINUE_ACTIONS, hexByte, parseContinue, stopReply } from './run-requests.js';
import type { Resumption, Target, TargetRegister, TargetStop } from './target.js';

/** The way to the client. */
export interface ByteSink {
  send(bytes: Uint8Array): void;
  /** No more is sent, and nothing more is wanted. */
  close(): void;
}

/** Bytes of a packet's data in either direction. */
const PACKET_SIZE = 0x4000;
/** Requests that may wait for a stop; a client sends one and waits for its answer. */
const MAX_WAITING = 64;

const POINT_KINDS = ['software', 'hardware', 'write', 'read', 'access'] as const;

/** An answer, if there is one: that of a request to go on comes with the next stop. */
type Answer = string | Uint8Array | undefined;

export class GdbSession {
  readonly #target: Target;
  readonly #monitor: MonitorCommands;
  readonly #sink: ByteSink;
  readonly #reader = new FrameReader(PACKET_SIZE);
  readonly #points = new Map<string, () => void>();
  #waiting: (Uint8Array | 'interrupt')[] = [];
  #state: 'stopped' | 'running' | 'busy' | 'over' = 'stopped';
  #acknowledges = true;
  #lastFrame: Uint8Array | undefined;
  #stop: TargetStop;
  /** Chosen by `Hg`; undefined means whichever stopped last. */
  #chosen: number | undefined;
  /** Chosen by `Hc`. */
  #chosenToGo: number | 'all' = 'all';
  readonly #words = { software: false, hardware: false };

  /** Stops the target. */
  constructor(target: Target, monitor: MonitorCommands, sink: ByteSink) {
    this.#target = target;
    this.#monitor = monitor;
    this.#sink = sink;
    this.#stop = target.attach((stop) => this.#stopped(stop));
  }

  /** Whether the client has left. */
  get over(): boolean {
    return this.#state === 'over';
  }

  /** Bytes have come from the client. */
  receive(bytes: Uint8Array): void {
    for (const event of this.#reader.push(bytes)) {
      if (this.over) return;
      switch (event.kind) {
        case 'packet':
          if (this.#acknowledges) this.#sink.send(ACKNOWLEDGE);
          this.#wait(event.data);
          break;
        case 'damaged':
          this.#sink.send(REFUSE);
          break;
        case 'refused':
          // Without acknowledgements it is what a client sends that has waited long: the answer is on its way.
          if (this.#acknowledges && this.#lastFrame !== undefined) this.#sink.send(this.#lastFrame);
          break;
        case 'interrupt':
          if (this.#state === 'running') this.#target.interrupt();
          else if (this.#state === 'busy') this.#wait('interrupt');
          break;
        case 'acknowledged':
          break;
      }
    }
  }

  /** The connection is gone. */
  closed(): void {
    if (!this.over) this.#leave(() => this.#target.detach());
  }

  #wait(request: Uint8Array | 'interrupt'): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#leave(() => this.#target.detach());
      return;
    }
    this.#waiting.push(request);
    // A request that a client without non-stop mode does not send, but may.
    if (this.#state === 'running' && request !== 'interrupt' && latin1(request) === 'vCtrlC') this.#target.interrupt();
    this.#next();
  }

  #next(): void {
    while (this.#state === 'stopped') {
      const request = this.#waiting.shift();
      if (request === undefined) return;
      // Nothing runs that could be interrupted.
      if (request !== 'interrupt') this.#answer(request);
    }
    if (this.#state === 'running' && this.#waiting[0] === 'interrupt') {
      this.#waiting.shift();
      this.#target.interrupt();
    }
  }

  #answer(request: Uint8Array): void {
    const answer = this.#obey(request);
    if (answer instanceof Promise) {
      this.#state = 'busy';
      void answer.then((text) => {
        if (this.over) return;
        this.#state = 'stopped';
        this.#reply(text);
        this.#next();
      });
    } else this.#reply(answer);
  }

  #reply(answer: Answer): void {
    if (answer === undefined) return;
    this.#lastFrame = frame(typeof answer === 'string' ? utf8(answer) : answer);
    this.#sink.send(this.#lastFrame);
  }

  #stopped(stop: TargetStop): void {
    if (this.over) return;
    this.#stop = stop;
    this.#chosen = undefined;
    if (this.#state !== 'running') return;
    this.#state = 'stopped';
    if (stop.message !== undefined) this.#reply(`O${toHex(utf8(`${stop.message}\n`))}`);
    this.#reply(stopReply(stop, this.#words));
    this.#next();
  }

  /** Ends the session: its stop points go, and the target does what is left to it. */
  #leave(last: () => void): void {
    this.#state = 'over';
    this.#waiting = [];
    for (const end of this.#points.values()) end();
    this.#points.clear();
    last();
    this.#sink.close();
  }

  get #thread(): number {
    return this.#chosen ?? this.#target.currentThread;
  }

  // ---- requests -----------------------------------------------------------------------------------------------

  #obey(request: Uint8Array): Answer | Promise<Answer> {
    const text = latin1(request);
    const rest = text.slice(1);
    switch (text[0]) {
      case '?':
        return stopReply(this.#stop, this.#words);
      case '!':
        return 'OK';
      case 'g':
        return this.#readAll();
      case 'G':
        return this.#writeAll(rest);
      case 'p':
        return this.#readOne(rest);
      case 'P':
        return this.#writeOne(rest);
      case 'm':
        return this.#readMemory(rest);
      case 'M':
        return this.#writeMemory(rest);
      case 'X':
        return this.#writeBinary(request, text);
      case 'c':
      case 's':
        return this.#goOn(text[0] === 'c' ? 'continue' : 'step', rest);
      case 'C':
      case 'S':
        return this.#goOn(text[0] === 'C' ? 'continue' : 'step', rest.split(';')[1] ?? '');
      case 'b':
        return this.#goBack(rest);
      case 'D':
        return this.#detach();
      case 'k':
        this.#leave(() => this.#target.kill());
        return undefined;
      case 'R':
        this.#target.reset();
        return undefined;
      case 'H':
        return this.#choose(rest);
      case 'T':
        return this.#alive(rest);
      case 'Z':
      case 'z':
        return this.#stopPoint(text[0] === 'Z', rest);
      case 'v':
        return this.#multiLetter(text);
      case 'q':
      case 'Q':
        return this.#query(text);
      default:
        return '';
    }
  }

  // ---- registers and memory -----------------------------------------------------------------------------------

  #readAll(): string {
    const { registers, generalRegisters } = this.#target;
    return registers
      .slice(0, generalRegisters)
      .map((register, n) => {
        const value = this.#target.readRegister(this.#thread, n);
        return value === undefined ? unavailable(register) : toHex(value);
      })
      .join('');
  }

  #writeAll(text: string): string {
    const bytes = parseHexBytes(text);
    if (bytes === undefined) return ERROR.invalid;
    const { registers, generalRegisters } = this.#target;
    let at = 0;
    for (let n = 0; n < generalRegisters && at < bytes.length; n++) {
      const size = registers[n]!.bits / 8;
      if (at + size > bytes.length) return ERROR.invalid;
      this.#target.writeRegister(this.#thread, n, bytes.subarray(at, at + size));
      at += size;
    }
    return 'OK';
  }

  #readOne(text: string): string {
    const number = parseHex(text);
    const register = number === undefined ? undefined : this.#target.registers[number];
    if (register === undefined) return ERROR.invalid;
    const value = this.#target.readRegister(this.#thread, number!);
    return value === undefined ? unavailable(register) : toHex(value);
  }

  #writeOne(text: string): string {
    const [name, digits = ''] = text.split('=');
    const number = parseHex(name);
    const bytes = parseHexBytes(digits);
    const register = number === undefined ? undefined : this.#target.registers[number];
    if (register === undefined || bytes === undefined || bytes.length !== register.bits / 8) return ERROR.invalid;
    return this.#target.writeRegister(this.#thread, number!, bytes) ? 'OK' : ERROR.invalid;
  }

  #readMemory(text: string): string {
    const range = parseRange(text);
    if (range === undefined) return ERROR.invalid;
    // As many as fit; a client asks for the rest.
    const length = Math.min(range.length, PACKET_SIZE / 2);
    const bytes = this.#target.readMemory(this.#thread, range.address, length);
    return bytes.length === 0 && range.length > 0 ? ERROR.fault : toHex(bytes);
  }

  #writeMemory(text: string): string {
    const colon = text.indexOf(':');
    const range = parseRange(text.slice(0, Math.max(0, colon)));
    const bytes = parseHexBytes(text.slice(colon + 1));
    if (range === undefined || bytes === undefined || bytes.length !== range.length) return ERROR.invalid;
    return this.#write(range.address, bytes);
  }

  #writeBinary(request: Uint8Array, text: string): string {
    const colon = text.indexOf(':');
    const range = parseRange(text.slice(1, Math.max(1, colon)));
    if (range === undefined || request.length - colon - 1 !== range.length) return ERROR.invalid;
    return this.#write(range.address, request.subarray(colon + 1));
  }

  #write(address: number, bytes: Uint8Array): string {
    if (bytes.length === 0) return 'OK';
    return this.#target.writeMemory(this.#thread, address, bytes) ? 'OK' : ERROR.fault;
  }

  #stopPoint(insert: boolean, text: string): string {
    const [type, address, size] = text.split(';')[0]!.split(',');
    const kind = POINT_KINDS[Number(type)];
    const where = parseHex(address);
    const length = parseHex(size);
    if (type === undefined || type.length !== 1 || kind === undefined) return '';
    if (where === undefined || length === undefined) return ERROR.invalid;
    const isWatch = kind !== 'software' && kind !== 'hardware';
    if (isWatch && (length === 0 || where + length > 2 ** 32)) return ERROR.invalid;
    const key = `${kind} ${where} ${length}`;
    if (!insert) {
      this.#points.get(key)?.();
      this.#points.delete(key);
      return 'OK';
    }
    if (this.#points.has(key)) return 'OK';
    const end = this.#target.stopAt({ kind, address: where, length });
    if (end === undefined) return ERROR.invalid;
    this.#points.set(key, end);
    return 'OK';
  }

  // ---- threads and run control --------------------------------------------------------------------------------

  #exists(id: number): boolean {
    return this.#target.threads.some((thread) => thread.id === id);
  }

  #choose(text: string): string {
    const thread = parseThread(text.slice(1));
    if (thread === undefined || (typeof thread === 'number' && !this.#exists(thread))) return ERROR.invalid;
    if (text[0] === 'g') this.#chosen = typeof thread === 'number' ? thread : undefined;
    else if (text[0] === 'c') this.#chosenToGo = thread === 'any' ? 'all' : thread;
    else return ERROR.invalid;
    return 'OK';
  }

  #alive(text: string): string {
    const thread = parseThread(text);
    return typeof thread === 'number' && this.#exists(thread) ? 'OK' : ERROR.invalid;
  }

  #goOn(kind: 'continue' | 'step', address: string): Answer {
    if (address !== '') {
      const to = parseHex(address);
      const pc = this.#target.registers.findIndex(({ name }) => name === 'pc');
      if (to === undefined || pc < 0) return ERROR.invalid;
      // Registers of a target with such packets are little-endian words.
      this.#target.writeRegister(this.#thread, pc, new Uint8Array(Uint32Array.of(to).buffer));
    }
    const threads = new Map<number, Resumption>();
    for (const { id } of this.#target.threads) {
      if (this.#chosenToGo === 'all' || id === this.#chosenToGo) threads.set(id, { kind: 'continue' });
    }
    if (kind === 'step') threads.set(this.#chosenToGo === 'all' ? this.#thread : this.#chosenToGo, { kind });
    return this.#resume(threads);
  }

  #resume(threads: ReadonlyMap<number, Resumption>): Answer {
    const { exitStatus } = this.#stop;
    if (exitStatus !== undefined) return `W${hexByte(exitStatus)}`;
    this.#state = 'running';
    this.#target.resume(threads);
    return undefined;
  }

  #goBack(text: string): Answer {
    const { reverse } = this.#target;
    if (reverse === undefined || (text !== 's' && text !== 'c')) return '';
    this.#state = 'running';
    if (text === 's') reverse.step(this.#thread);
    else reverse.continue();
    return undefined;
  }

  #detach(): Answer {
    this.#reply('OK');
    this.#leave(() => this.#target.detach());
    return undefined;
  }

  #multiLetter(text: string): Answer {
    const [name] = text.split(/[;:]/, 1);
    switch (name) {
      case 'vCont?':
        return CONTINUE_ACTIONS;
      case 'vCont': {
        const threads = parseContinue(text.slice('vCont'.length), this.#target.threads, this.#thread);
        return threads === undefined ? ERROR.invalid : this.#resume(threads);
      }
      case 'vCtrlC':
        return 'OK';
      case 'vAttach':
        return stopReply(this.#stop, this.#words);
      case 'vKill':
        this.#reply('OK');
        this.#leave(() => this.#target.kill());
        return undefined;
      default:
        return '';
    }
  }

  // ---- queries ------------------------------------------------------------------------------------------------

  #query(text: string): Answer | Promise<Answer> {
    const end = text.search(/[:,;]/);
    const name = end < 0 ? text : text.slice(0, end);
    const rest = end < 0 ? '' : text.slice(end + 1);
    switch (name) {
      case 'qSupported':
        return this.#supported(rest);
      case 'QStartNoAckMode':
        this.#acknowledges = false;
        return 'OK';
      case 'qXfer':
        return this.#transfer(rest);
      case 'qRcmd':
        return this.#command(rest);
      case 'qC':
        return `QC${this.#thread.toString(16)}`;
      case 'qAttached':
        return '1';
      case 'qfThreadInfo':
        return `m${this.#target.threads.map(({ id }) => id.toString(16)).join(',')}`;
      case 'qsThreadInfo':
        return 'l';
      case 'qThreadExtraInfo': {
        const thread = this.#target.threads.find(({ id }) => id === parseThread(rest));
        return thread === undefined ? ERROR.invalid : toHex(utf8(`${thread.name} [${thread.state}]`));
      }
      case 'qSymbol':
        return 'OK';
      default:
        return '';
    }
  }

  #supported(text: string): string {
    const client = text.split(';');
    this.#words.software = client.includes('swbreak+');
    this.#words.hardware = client.includes('hwbreak+');
    const { executable, reverse } = this.#target;
    return [
      `PacketSize=${PACKET_SIZE.toString(16)}`,
      'QStartNoAckMode+',
      'qXfer:features:read+',
      'qXfer:memory-map:read+',
      'qXfer:threads:read+',
      'vContSupported+',
      'swbreak+',
      'hwbreak+',
      ...(executable === undefined ? [] : ['qXfer:exec-file:read+']),
      ...(reverse === undefined ? [] : ['ReverseStep+', 'ReverseContinue+']),
    ].join(';');
  }

  /** `OBJECT:read:ANNEX:OFFSET,LENGTH`. */
  #transfer(text: string): Answer {
    const [object = '', operation, annex = '', place = ''] = text.split(':');
    const document = operation === 'read' ? this.#document(object, annex) : undefined;
    if (document === undefined) return '';
    if (document === 'no-annex') return 'E00';
    const range = parseRange(place);
    if (range === undefined) return ERROR.invalid;
    return documentPart(utf8(document), range.address, Math.min(range.length, PACKET_SIZE / 2));
  }

  /** Undefined for an object that is not there. */
  #document(object: string, annex: string): string | undefined {
    switch (object) {
      case 'features':
        return this.#target.features.get(annex) ?? 'no-annex';
      case 'memory-map': {
        const regions = this.#target.memoryMap.map(
          ({ kind, start, length }) =>
            `<memory type="${kind}" start="0x${start.toString(16)}" length="0x${length.toString(16)}"/>`,
        );
        return `<?xml version="1.0"?><memory-map>${regions.join('')}</memory-map>`;
      }
      case 'threads': {
        const threads = this.#target.threads.map(
          ({ id, name, state }) => `<thread id="${id.toString(16)}" name="${xmlText(name)}">${xmlText(state)}</thread>`,
        );
        return `<?xml version="1.0"?><threads>${threads.join('')}</threads>`;
      }
      case 'exec-file':
        return this.#target.executable;
      default:
        return undefined;
    }
  }

  async #commandOutput(line: string): Promise<Answer> {
    const output = toHex(utf8(await this.#monitor.run(line, this.#thread)));
    if (this.over) return undefined;
    const most = PACKET_SIZE / 2;
    if (output.length <= most) return output === '' ? 'OK' : output;
    for (let at = 0; at < output.length; at += most) this.#reply(`O${output.slice(at, at + most)}`);
    return 'OK';
  }

  #command(text: string): Answer | Promise<Answer> {
    const bytes = parseHexBytes(text);
    return bytes === undefined ? ERROR.invalid : this.#commandOutput(latin1(bytes));
  }
}

/** A register that a thread has, but whose value cannot be known. */
function unavailable({ bits }: TargetRegister): string {
  return 'x'.repeat(bits / 4);
}
