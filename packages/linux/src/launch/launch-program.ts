// SPDX-License-Identifier: Apache-2.0
// A launch program: the system calls that put a program into its surroundings, as an executable file of some kilobytes without a
// runtime. The plan of what is to be done becomes straight code with a message for each step that fails, so what runs in the new
// namespaces is nothing but the plan, starts in less than a millisecond and keeps no memory to speak of.
// For x86-64, the only kind of host that this is written for.

import { constants } from 'node:os';
import { assert } from '@plinth/core';
import { CALL, type CallName } from './x64-calls.js';
import { CodeLabel, type Condition, X64, X64Code, type X64Register } from './x64-code.js';
import { DATA_BASE, staticExecutable } from './static-executable.js';

/** Eight bytes of the program's data, by their address. */
export interface Slot {
  readonly slot: number;
}

/** A number, the address of bytes, or what a slot has. */
export type Operand = number | bigint | Slot;

/** Part of a text that is composed when the program runs: a text, a slot as a decimal number, or the text that a slot points to. */
export type Part = string | { readonly decimal: Slot } | { readonly pointer: Slot };

/** What is said when a call fails, behind which comes the name of the error; then it ends. */
export interface Failure {
  readonly message: string;
  /** With which status; STATUS.failed if it is left out. */
  readonly status?: number;
  /** Follows the name of one error: what its user may do then. */
  readonly mend?: { readonly error: number; readonly text: string };
}

/** What happens when a call fails: a message and the end, another way, or nothing. */
export type OnError = Failure | CodeLabel | 'ignore';

const ARGUMENTS: readonly X64Register[] = [X64.rdi, X64.rsi, X64.rdx, X64.r10, X64.r8, X64.r9];
const WORD = 8;
/** Longest composed text: a path, or a message with one. */
const TEXT_ROOM = 8192;
const DIGITS_ROOM = 24;
const ERROR_NAME_SIZE = 16;
const LAST_ERROR = 133;

/** Status of a program that was not started: for an unusable input; and as Docker has it: by us, since it may not be executed, since it is not there. */
export const STATUS = { input: 2, failed: 125, notExecutable: 126, notFound: 127 } as const;

export class LaunchProgram {
  readonly #code = new X64Code();
  readonly #labels: CodeLabel[] = [];
  /** Bytes with a content, by their distance from DATA_BASE, which are followed by room that is zero. */
  readonly #data: number[] = [];
  readonly #texts = new Map<string, number>();
  readonly #failures: { label: CodeLabel; failure: Failure }[] = [];
  readonly #fail: CodeLabel;
  readonly #append: CodeLabel;
  readonly #appendDecimal: CodeLabel;
  readonly #error: Slot;
  readonly #message: Slot;
  readonly #mend: Slot;
  readonly #status: Slot;
  readonly #cursor: Slot;
  readonly #textAt: number;
  readonly #prefix: string;

  /** `prefix` begins each message, and has the blank that follows it. */
  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#fail = this.label();
    this.#append = this.label();
    this.#appendDecimal = this.label();
    this.#error = this.slot();
    this.#message = this.slot();
    this.#mend = this.slot(this.text(''));
    this.#status = this.slot(STATUS.failed);
    this.#cursor = this.slot();
    this.#textAt = this.bytes(new Uint8Array(TEXT_ROOM + DIGITS_ROOM));
  }

  /** What is composed lies here. */
  get composed(): number {
    return this.#textAt;
  }

  slot(value: number | bigint = 0): Slot {
    const bytes = new Uint8Array(WORD);
    new DataView(bytes.buffer).setBigInt64(0, BigInt(value), true);
    return { slot: this.bytes(bytes) };
  }

  /** The address of a copy that the program may change. */
  bytes(bytes: Uint8Array): number {
    while (this.#data.length % WORD !== 0) this.#data.push(0);
    const address = DATA_BASE + this.#data.length;
    for (const byte of bytes) this.#data.push(byte);
    return address;
  }

  /** The address of a text and a zero byte. It is one for equal texts. */
  text(text: string): number {
    assert(!text.includes('\0'), 'a text of a launch program has no zero byte');
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    const address = this.bytes(Buffer.from(`${text}\0`));
    this.#texts.set(text, address);
    return address;
  }

  /** The address of an array of addresses that ends with zero, as execve(2) takes it. */
  textArray(texts: readonly string[]): number {
    const addresses = texts.map((text) => this.text(text));
    const bytes = new Uint8Array(WORD * (texts.length + 1));
    const view = new DataView(bytes.buffer);
    addresses.forEach((address, n) => view.setBigUint64(WORD * n, BigInt(address), true));
    return this.bytes(bytes);
  }

  label(): CodeLabel {
    const label = new CodeLabel();
    this.#labels.push(label);
    return label;
  }

  here(label: CodeLabel): void {
    this.#code.here(label);
  }

  jump(to: CodeLabel): void {
    this.#code.jump(to);
  }

  /** `number` has 32 bits, with its sign. */
  jumpIf(slot: Slot, condition: Condition, number: number, to: CodeLabel): void {
    this.#code.load(X64.rax, slot.slot).compare(number).jumpIf(condition, to);
  }

  set(slot: Slot, value: Operand): void {
    this.#operand(X64.rax, value);
    this.#code.store(slot.slot, X64.rax);
  }

  /** The slot becomes the 8 bytes at what `pointer` points to and `offset`. */
  follow(slot: Slot, pointer: Slot, offset: number): void {
    this.#code.load(X64.rax, pointer.slot).follow(offset).store(slot.slot, X64.rax);
  }

  add(slot: Slot, number: number): void {
    this.#code.load(X64.rax, slot.slot).add(number).store(slot.slot, X64.rax);
  }

  /** `base` and `count` times `size`. */
  scaled(to: Slot, count: Slot, size: number, base: Slot): void {
    this.#code.load(X64.rax, count.slot).multiply(size).addFrom(base.slot).store(to.slot, X64.rax);
  }

  ifEqual(one: Slot, other: Slot, to: CodeLabel): void {
    this.#code.load(X64.rax, one.slot).compareWith(other.slot).jumpIf('eq', to);
  }

  /** Bits `from` to `from + count - 1` of a slot. */
  bits(to: Slot, of: Slot, from: number, count: number): void {
    this.#code
      .load(X64.rax, of.slot)
      .shiftRight(from)
      .and(2 ** count - 1)
      .store(to.slot, X64.rax);
  }

  /** Where the number of arguments lies, and behind it the arguments, zero, the environment, zero. Only before anything else. */
  storeStack(slot: Slot): void {
    this.#code.storeStackPointer(slot.slot);
  }

  call(name: CallName, operands: readonly Operand[], onError: OnError, result?: Slot): void {
    operands.forEach((operand, n) => this.#operand(ARGUMENTS[n]!, operand));
    this.#code.move(X64.rax, CALL[name]).systemCall();
    if (result !== undefined) this.#code.store(result.slot, X64.rax);
    if (onError !== 'ignore') this.#ifNegative(onError);
  }

  /** What was read to an address is an answer of netlink(7): a header of `at` bytes, and a number of 32 bits that is negative for an error. */
  checkAnswer(address: number, at: number, onError: Exclude<OnError, 'ignore'>): void {
    this.#code.load(X64.rax, address + at - 4).upperHalf();
    this.#ifNegative(onError);
  }

  /** What is in rax is an error. */
  #ifNegative(onError: Exclude<OnError, 'ignore'>): void {
    let way: CodeLabel;
    if (onError instanceof CodeLabel) {
      way = onError;
    } else {
      way = this.label();
      this.#failures.push({ label: way, failure: onError });
    }
    // A pointer is no error though its sign may be negative; none of these calls gives one.
    this.#code.compare(0).jumpIf('lt', way);
  }

  /** Puts a text together at `composed`, of at most 8 KiB; what is longer is cut. */
  compose(parts: readonly Part[]): void {
    const code = this.#code;
    code.move(X64.rdi, this.#textAt);
    for (const part of parts) {
      if (typeof part === 'string') code.move(X64.rsi, this.text(part)).routine(this.#append);
      else if ('pointer' in part) code.load(X64.rsi, part.pointer.slot).routine(this.#append);
      else code.load(X64.rax, part.decimal.slot).routine(this.#appendDecimal);
    }
    code.store(this.#cursor.slot, X64.rdi);
  }

  /** Writes what was composed; it does not matter whether that is possible. */
  writeComposed(fd: Operand): void {
    this.#composedLength();
    this.call('write', [fd, this.#textAt, this.#cursor], 'ignore');
  }

  /** Goes to `yes` if the text that a slot points to has this character. */
  ifContains(pointer: Slot, character: string, yes: CodeLabel): void {
    const [loop, no] = [this.label(), this.label()];
    this.#code
      .load(X64.rsi, pointer.slot)
      .here(loop)
      .loadByte()
      .testByte()
      .jumpIf('eq', no)
      .compareByte(character.codePointAt(0)!)
      .jumpIf('eq', yes)
      .jump(loop)
      .here(no);
  }

  exit(status: Operand): void {
    this.call('exit_group', [status], 'ignore');
  }

  /** The executable file. */
  finish(): Uint8Array {
    for (const { label, failure } of this.#failures) this.#emitFailure(label, failure);
    this.#failure();
    this.#routines();
    const code = this.#code.finish(this.#labels);
    return staticExecutable(code, Uint8Array.from(this.#data), this.#data.length);
  }

  /** Keeps what there is to say of one. */
  #emitFailure(label: CodeLabel, { message, status, mend }: Failure): void {
    this.#code.here(label).negate().store(this.#error.slot, X64.rax);
    this.set(this.#message, this.text(`${this.#prefix}${message}`));
    if (status !== undefined) this.set(this.#status, status);
    if (mend !== undefined) {
      this.jumpIf(this.#error, 'ne', mend.error, this.#fail);
      this.set(this.#mend, this.text(`; ${mend.text}`));
    }
    this.jump(this.#fail);
  }

  /** Writes the message and the name of the error. */
  #failure(): void {
    const names = this.bytes(errorNames());
    const known = this.label();
    this.#code
      .here(this.#fail)
      .load(X64.rax, this.#error.slot)
      .compare(LAST_ERROR + 1)
      .jumpIf('lt', known);
    this.#code.move(X64.rax, 0).here(known).multiply(ERROR_NAME_SIZE).add(names).store(this.#error.slot, X64.rax);
    this.compose([{ pointer: this.#message }, ': ', { pointer: this.#error }, { pointer: this.#mend }, '\n']);
    this.writeComposed(2);
    this.exit(this.#status);
  }

  /** The end of what was composed becomes its length. */
  #composedLength(): void {
    this.add(this.#cursor, -this.#textAt);
  }

  /** From rsi to rdi up to a zero byte, at which rdi is afterwards; and rax as a decimal number. */
  #routines(): void {
    const code = this.#code;
    const [loop, over, digits] = [this.label(), this.label(), this.label()];
    code
      .here(this.#append)
      .here(loop)
      .compareTarget(this.#textAt + TEXT_ROOM - 1)
      .jumpIf('ge', over)
      .copyByte()
      .testByte()
      .jumpIf('ne', loop)
      .stepBack()
      .here(over)
      .ret();
    const end = this.#textAt + TEXT_ROOM + DIGITS_ROOM - 1;
    // Digits come from the last one on, in front of a zero byte that nothing changes; then they are appended as a text.
    code.here(this.#appendDecimal).copyRegister(X64.r8, X64.rdi).move(X64.rdi, end).here(digits);
    code.digit().storeDigit().compare(0).jumpIf('ne', digits);
    code.copyRegister(X64.rsi, X64.rdi).copyRegister(X64.rdi, X64.r8).jump(this.#append);
  }

  #operand(register: X64Register, operand: Operand): void {
    if (typeof operand === 'object') this.#code.load(register, operand.slot);
    else this.#code.move(register, operand);
  }
}

/** For each number a name and zero bytes; of number 0, which stands for all that have none, no name. */
function errorNames(): Uint8Array {
  const bytes = new Uint8Array(ERROR_NAME_SIZE * (LAST_ERROR + 1));
  bytes.set(Buffer.from('unknown error'), 0);
  for (const [name, number] of Object.entries(constants.errno)) {
    // Some numbers have two names, the first of which is the usual one.
    if (number > 0 && number <= LAST_ERROR && bytes[ERROR_NAME_SIZE * number] === 0) {
      bytes.set(Buffer.from(name).subarray(0, ERROR_NAME_SIZE - 1), ERROR_NAME_SIZE * number);
    }
  }
  return bytes;
}
