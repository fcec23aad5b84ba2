// SPDX-License-Identifier: Apache-2.0
// Loads and stores of register lists (A8.8.58 to A8.8.61, A8.8.199 to A8.8.202) and their User-register and
// exception-return forms (B9.3.5, B9.3.6, B9.3.17). Shared by the A32 and T32 encodings.
//
// A list may fault at any of its accesses, and the instruction is then run again from the start: so loads leave the base
// register alone until the last of them is done. Registers before the fault may have been loaded already.

import type { Builder, Operand } from '../../ir/builder.js';
import type { Node } from '../../ir/node.js';
import { ACCESS, CPU, MODE } from '../../state/layout.js';
import { EXCEPTION } from '../../system/exception.js';

/** Where the list lies: P (before) and U (up) of the encoding, as known constants. */
export interface Direction {
  readonly before: boolean;
  readonly up: boolean;
}

export interface LoadMultiple extends Direction {
  readonly rn: Operand;
  /** Mask of r0 to r14. */
  readonly list: Node;
  /** Whether the PC is in the list. */
  readonly pc: boolean;
  readonly writeback: boolean;
  /** Whether Rn may be in the list: the loaded value then wins over the write-back. */
  readonly baseListed: boolean;
}

export interface StoreMultiple extends Direction {
  readonly rn: Operand;
  /** Mask of r0 to r15. */
  readonly list: Node;
  readonly writeback: boolean;
}

/** Offsets from the base: of the lowest word, and of the base register's new value. */
interface Extent {
  readonly first: Node;
  readonly end: Node;
}

function bitCount(b: Builder, list: Node): Node {
  const known = b.known(list);
  if (known === undefined) return b.op('i32.popcnt', list);
  let count = 0;
  for (let i = 0; i < 16; i++) count += (known >>> i) & 1;
  return b.const(count);
}

function extent(b: Builder, list: Node, more: number, { before, up }: Direction): Extent {
  const bytes = b.add(b.shl(bitCount(b, list), 2), 4 * more);
  if (up) return { first: b.const(before ? 4 : 0), end: bytes };
  const end = b.sub(0, bytes);
  return { first: before ? end : b.add(end, 4), end };
}

/** One word of a list in memory. */
interface Place {
  load(): Node;
  store(value: Node): void;
}

/**
 * Does `access` for each listed register, lowest first. A list that lies on one page which can be reached directly is
 * moved with one look at the tables; nothing can fault then. Else each word is an access of its own.
 */
function forEachListed(
  b: Builder,
  address: Node,
  list: Node,
  isStore: boolean,
  access: (register: number, place: Place) => void,
): void {
  const host = b.hostAddress(address, b.shl(bitCount(b, list), 2), 4, isStore);
  b.if(
    host,
    () =>
      walkList(b, host, list, (register, at, offset) =>
        access(register, {
          load: () => b.loadHost('i32.load', at, offset),
          store: (value) => b.storeHost('i32.store', at, offset, value),
        }),
      ),
    () => {
      b.rare();
      walkList(b, address, list, (register, at, offset) =>
        access(register, {
          load: () => b.load(4, b.add(at, offset), ACCESS.wordAligned),
          store: (value) => b.store(4, b.add(at, offset), value, ACCESS.wordAligned),
        }),
      );
    },
  );
}

/** With a known list each place is the start plus a constant; else it is counted up as the list is gone through. */
function walkList(
  b: Builder,
  start: Node,
  list: Node,
  visit: (register: number, at: Node, offset: number) => void,
): void {
  const known = b.known(list);
  if (known !== undefined) {
    let offset = 0;
    for (let register = 0; register < 16; register++) {
      if (((known >>> register) & 1) === 0) continue;
      visit(register, start, offset);
      offset += 4;
    }
    return;
  }
  const next = b.temp('i32', start);
  for (let register = 0; register < 16; register++) {
    b.if(b.and(list, 1 << register), () => {
      const at = b.getTemp(next);
      visit(register, at, 0);
      b.setTemp(next, b.add(at, 4));
    });
  }
}

/** Loads all but the PC, and gives back what the PC gets (if it is listed) with the base register's new value. */
function loadList(b: Builder, l: LoadMultiple): { pc: Node | undefined; writeBase: () => void } {
  const base = b.reg(l.rn);
  const { first, end } = extent(b, l.list, Number(l.pc), l);
  const final = l.writeback ? b.add(base, end) : base;
  const list = b.or(b.and(l.list, 0x7fff), l.pc ? 0x8000 : 0);
  const held = l.baseListed ? b.temp('i32', final) : undefined;
  const target = l.pc ? b.temp('i32', 0) : undefined;
  forEachListed(b, b.add(base, first), list, false, (register, place) => {
    if (register === 15) {
      if (target !== undefined) b.setTemp(target, place.load());
      return;
    }
    const value = place.load();
    if (held === undefined) b.setReg(register, value);
    else {
      b.if(
        b.eq(l.rn, register),
        () => b.setTemp(held, value),
        () => b.setReg(register, value),
      );
    }
  });
  const pc = target === undefined ? undefined : b.getTemp(target);
  const writeBase = (): void => {
    if (held !== undefined) b.setReg(l.rn, b.getTemp(held));
    else if (l.writeback) b.setReg(l.rn, final);
  };
  return { pc, writeBase };
}

/** LDM; a PC in the list is an interworking branch. */
export function loadMultiple(b: Builder, l: LoadMultiple): void {
  const { pc, writeBase } = loadList(b, l);
  writeBase();
  if (pc !== undefined) b.bxWritePc(pc);
}

/** STM; the PC is stored as it reads, a base in the list with its old value. */
export function storeMultiple(b: Builder, s: StoreMultiple): void {
  const base = b.reg(s.rn);
  const { first, end } = extent(b, s.list, 0, s);
  forEachListed(b, b.add(base, first), s.list, true, (register, place) => place.store(b.reg(register)));
  if (s.writeback) b.setReg(s.rn, b.add(base, end));
}

/** LDM (exception return): CPSR := SPSR with the branch. UNPREDICTABLE and here undefined where there is no SPSR. */
export function loadMultipleReturn(b: Builder, l: LoadMultiple): void {
  requireBankedMode(b);
  const { pc, writeBase } = loadList(b, l);
  writeBase();
  b.callChecked('exceptionReturn', pc ?? b.const(0));
}

/** The mode field is User's or System's: no SPSR, no registers besides those of User mode. */
export function userOrSystem(b: Builder): Node {
  const mode = b.and(b.state(CPU.control), 0xf);
  return b.or(b.eqz(mode), b.eq(mode, MODE.sys & 0xf));
}

/** Undefined in User and System mode, where the instruction is UNPREDICTABLE. */
export function requireBankedMode(b: Builder): void {
  b.if(userOrSystem(b), () => b.exception(EXCEPTION.undefined));
}

/** Does one thing for a register that FIQ mode banks (r8 to r12) and is in it, another for all others. */
function whereBanked(b: Builder, fiq: Node, index: number, banked: () => void, shared: () => void): void {
  if (index < 8) shared();
  else b.if(fiq, banked, shared);
}

function isFiq(b: Builder): Node {
  return b.eq(b.and(b.state(CPU.control), 0xf), MODE.fiq & 0xf);
}

/** Places of User mode's own registers while another mode runs. */
const userLow = (register: number): number => CPU.userRegisters + 4 * (register - 8);
const userHigh = (register: number): number => CPU.banks + 4 * (register - 13);

/** LDM (User registers): no write-back; Rn is the current mode's and, where it is User's as well, is loaded last. */
export function loadUserRegisters(b: Builder, rn: Node, list: Node, direction: Direction): void {
  requireBankedMode(b);
  const fiq = isFiq(b);
  const base = b.reg(rn);
  const held = b.temp('i32', base);
  const load = (register: number, value: Node): void => {
    if (register >= 13) b.setState(userHigh(register), value);
    else {
      whereBanked(
        b,
        fiq,
        register,
        () => b.setState(userLow(register), value),
        () =>
          b.if(
            b.eq(rn, register),
            () => b.setTemp(held, value),
            () => b.setReg(register, value),
          ),
      );
    }
  };
  const start = b.add(base, extent(b, list, 0, direction).first);
  forEachListed(b, start, list, false, (register, place) => load(register, place.load()));
  b.setReg(rn, b.getTemp(held));
}

/** STM (User registers), no write-back. */
export function storeUserRegisters(b: Builder, rn: Node, list: Node, direction: Direction): void {
  requireBankedMode(b);
  const fiq = isFiq(b);
  const base = b.reg(rn);
  const value = (register: number): Node => {
    if (register === 15) return b.readPc();
    if (register >= 13) return b.state(userHigh(register));
    if (register < 8) return b.reg(register);
    return b.select(fiq, b.state(userLow(register)), b.reg(register));
  };
  const start = b.add(base, extent(b, list, 0, direction).first);
  forEachListed(b, start, list, true, (register, place) => place.store(value(register)));
}
