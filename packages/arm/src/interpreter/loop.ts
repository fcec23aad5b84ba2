// SPDX-License-Identifier: Apache-2.0
// The interpreter's main loop, in WebAssembly: finds the handler of the instruction at the PC through the fetch page,
// tests the condition, calls it. It returns to TypeScript only when something other than instructions is due.

import type { Code, Label } from '@plinth/wasmgen';
import { loadCpu } from '../emit/emit.js';
import { CPU, PSR } from '../state/layout.js';
import { writeRingNoteIfWanted } from './block-ring.js';
import { HANDLER } from './handlers.js';

/**
 * What generated code and TypeScript know of one physical page that holds code, byte offsets. It lies in the machine's
 * memory; the fetch table's entries are addresses of these. Handler arrays have one 16-bit number per halfword.
 */
export const CODE_PAGE = {
  /** Host address of the page's first byte. */
  host: 0,
  /** Addresses of the handler arrays for A32 state, T32 state, and T32 inside IT blocks; 0 where there is none yet. */
  a32: 4,
  t32: 8,
  it: 12,
  /** Addresses of the tallies for A32 and T32 state; 0 where there are none. */
  a32Tallies: 16,
  t32Tallies: 20,
  /** Non-zero: each entry of a block on this page is told. */
  traced: 24,
  size: 28,
} as const;

/**
 * While blocks are counted each place of an instruction has a tally of 64 bits: how often a block was entered there, and in
 * the top bit whether the instruction ends a block. Tallies of a page lie in order, one for each word or halfword.
 */
export const TALLY = { size: 8, a32Scale: 1, t32Scale: 2 } as const;

/** Why `run` came back, found in CPU.exitReason's place: the result of the function. */
export const RUN_EXIT = {
  /** The budget is spent. */
  budget: 0,
  /** CPU.attention is set. */
  attention: 1,
  /** The fetch table knows nothing of the PC's page, or not in this instruction set. */
  fetch: 2,
  /** The PC has been branched to often enough to be translated. */
  hot: 3,
} as const;

/** 1 if the condition number on top of the instruction word holds (A8.3). Parameters: cpu, condition. */
export function writeConditionHolds(code: Code): void {
  writeCondition(code, 0, 1);
}

/** Leaves on the stack whether the condition in local `cond` holds. */
function writeCondition(code: Code, cpu: number, cond: number): void {
  const n = (): void => loadCpu(code, cpu, CPU.flagN);
  const z = (): void => loadCpu(code, cpu, CPU.flagZ);
  const c = (): void => loadCpu(code, cpu, CPU.flagC);
  const v = (): void => loadCpu(code, cpu, CPU.flagV);
  const ge = (): void => {
    n();
    v();
    code.op('i32.xor').i32(0).op('i32.ge_s');
  };
  const cases: (() => void)[] = [
    () => {
      z();
      code.op('i32.eqz');
    },
    c,
    () => {
      n();
      code.i32(31).op('i32.shr_u');
    },
    () => {
      v();
      code.i32(31).op('i32.shr_u');
    },
    () => {
      c();
      z();
      code.i32(0).op('i32.ne').op('i32.and');
    },
    ge,
    () => {
      ge();
      z();
      code.i32(0).op('i32.ne').op('i32.and');
    },
    () => code.i32(1),
  ];
  const result = code.local('i32');
  const done = code.block();
  const labels = cases.map(() => code.block());
  code.get(cond).i32(1).op('i32.shr_u');
  // The innermost block is the last opened.
  code.branchTable([...labels].reverse().slice(0, 7), labels[0]!);
  for (const [i, write] of cases.entries()) {
    code.end(labels[labels.length - 1 - i]!);
    write();
    code.set(result).branch(done);
  }
  code.end(done);
  // Odd conditions are the opposite, but for 1111, which is always.
  code.get(result).get(cond).i32(1).op('i32.and').op('i32.xor');
  code.get(cond).i32(15).op('i32.eq').op('i32.or');
}

export interface LoopFunctions {
  readonly conditionHolds: number;
  readonly handlerType: number;
  /** (cpu, pc): a block of a traced page is entered. */
  readonly blockEntered: number;
}

/** Counts branches by target, in halfwords of memory, hashed by address. */
export interface HotCounters {
  readonly address: number;
  /** Number of counters, a power of two. */
  readonly count: number;
  /** Branches to a target that make `run` return RUN_EXIT.hot; below 65535. */
  readonly threshold: number;
}

/** Calls the function of a slot, whose condition it tests. Parameters: cpu, instruction, pc, handler number. */
export function writeSingle(code: Code, functions: LoopFunctions): void {
  code.get(3).i32(HANDLER.conditional).op('i32.and');
  const conditional = code.if();
  code.get(0).get(1).i32(28).op('i32.shr_u').call(functions.conditionHolds).op('i32.eqz');
  const fails = code.if();
  code.get(2).i32(4).op('i32.add').return();
  code.end(fails);
  code.end(conditional);
  code
    .get(0)
    .get(1)
    .get(2)
    .get(3)
    .i32(HANDLER.conditional - 1)
    .op('i32.and')
    .callIndirect(functions.handlerType);
}

/** Calls a region from another. Parameters: cpu, instruction, pc, function number. */
export function writeVia(code: Code, functions: LoopFunctions): void {
  code.get(0).get(1).get(2).get(3).callIndirect(functions.handlerType);
}

export interface LoopOptions {
  readonly hot: HotCounters | undefined;
  /** The loop that counts entries of blocks. */
  readonly counting: boolean;
  /** Address of the control words of the ring of blocks (BLOCK_RING). */
  readonly ring: number;
}

/** Parameter: cpu. Result: RUN_EXIT. */
export function writeRunLoop(code: Code, functions: LoopFunctions, { hot, counting, ring }: LoopOptions): void {
  const cpu = 0;
  const pc = code.local('i32');
  const budget = code.local('i32');
  const id = code.local('i32');
  const word = code.local('i32');
  const page = code.local('i32');
  const codePage = code.local('i32');
  const handlers = code.local('i32');
  // Bytes from one instruction to the next at most, if that is not to count as a branch.
  const straight = code.local('i32');
  // Copies of CPU.fetchHandlers, fetchHost and pcAhead, which only this function writes.
  const fetch: FetchLocals = {
    handlers: code.local('i32'),
    host: code.local('i32'),
    ahead: code.local('i32'),
  };
  const tally: TallyLocals | undefined = counting
    ? {
        base: code.local('i32'),
        scale: code.local('i32'),
        traced: code.local('i32'),
        at: code.local('i32'),
        head: code.local('i32'),
        place: code.local('i32'),
        ring,
      }
    : undefined;

  const leave = (reason: number): void => {
    code
      .get(cpu)
      .get(pc)
      .memory('i32.store', CPU.registers + 60);
    code.get(cpu).get(budget).memory('i32.store', CPU.budget);
    code.i32(reason).return();
  };
  const storeCpu = (offset: number, value: () => void): void => {
    code.get(cpu);
    value();
    code.memory('i32.store', offset);
  };

  loadCpu(code, cpu, CPU.registers + 60);
  code.set(pc);
  loadCpu(code, cpu, CPU.budget);
  code.set(budget);
  storeCpu(CPU.fetchPage, () => code.i32(1));
  code.i32(4).set(straight);

  const loop = code.loop();
  code.get(budget).i32(0).op('i32.le_s');
  const spent = code.if();
  leave(RUN_EXIT.budget);
  code.end(spent);
  // Is the PC still on the page that the fetch cache is for?
  code.get(pc).i32(-4096).op('i32.and').tee(page);
  loadCpu(code, cpu, CPU.fetchPage);
  code.op('i32.ne');
  const elsewhere = code.if();
  {
    loadCpu(code, cpu, CPU.attention);
    const attention = code.if();
    leave(RUN_EXIT.attention);
    code.end(attention);
    storeCpu(CPU.aborted, () => code.i32(0));
    loadCpu(code, cpu, CPU.tableFetch);
    code.get(pc).i32(12).op('i32.shr_u').i32(2).op('i32.shl').op('i32.add').memory('i32.load', 0).tee(codePage);
    code.op('i32.eqz');
    const unknown = code.if();
    leave(RUN_EXIT.fetch);
    code.end(unknown);
    loadCpu(code, cpu, CPU.control);
    code.i32(PSR.T).op('i32.and');
    const thumb = code.if();
    storeCpu(CPU.pcAhead, () => code.i32(4).tee(fetch.ahead));
    loadCpu(code, cpu, CPU.itState);
    const it = code.if();
    code.get(codePage).memory('i32.load', CODE_PAGE.it).set(handlers);
    code.else();
    code.get(codePage).memory('i32.load', CODE_PAGE.t32).set(handlers);
    code.end(it);
    if (tally !== undefined) {
      code.get(codePage).memory('i32.load', CODE_PAGE.t32Tallies).set(tally.base);
      code.i32(TALLY.t32Scale).set(tally.scale);
    }
    code.else();
    storeCpu(CPU.pcAhead, () => code.i32(8).tee(fetch.ahead));
    code.get(codePage).memory('i32.load', CODE_PAGE.a32).set(handlers);
    if (tally !== undefined) {
      code.get(codePage).memory('i32.load', CODE_PAGE.a32Tallies).set(tally.base);
      code.i32(TALLY.a32Scale).set(tally.scale);
    }
    code.end(thumb);
    if (tally !== undefined) code.get(codePage).memory('i32.load', CODE_PAGE.traced).set(tally.traced);
    code.get(handlers).op('i32.eqz');
    const missing = code.if();
    leave(RUN_EXIT.fetch);
    code.end(missing);
    storeCpu(CPU.fetchHost, () =>
      code.get(codePage).memory('i32.load', CODE_PAGE.host).get(page).op('i32.sub').tee(fetch.host),
    );
    storeCpu(CPU.fetchHandlers, () => code.get(handlers).get(page).op('i32.sub').tee(fetch.handlers));
    storeCpu(CPU.fetchPage, () => code.get(page));
    loadCpu(code, cpu, CPU.itState);
    const inBlock = code.if();
    if (tally !== undefined) writeTally(code, functions, tally, { cpu, pc, budget, loop });
    writeItStep(code, functions, { cpu, pc, budget, id, word }, fetch);
    code.branch(loop);
    code.end(inBlock);
  }
  code.end(elsewhere);

  if (tally !== undefined) writeTally(code, functions, tally, { cpu, pc, budget, loop });
  code.get(budget).i32(1).op('i32.sub').set(budget);
  writeFetch(code, { cpu, pc, budget, id, word }, fetch);
  code.get(id).i32(HANDLER.conditional).op('i32.and');
  const conditional = code.if();
  code.get(word).i32(28).op('i32.shr_u').set(page);
  writeCondition(code, cpu, page);
  code.op('i32.eqz');
  const fails = code.if();
  code.get(pc).i32(4).op('i32.add').set(pc).branch(loop);
  code.end(fails);
  code.get(id).i32(HANDLER.conditional).op('i32.xor').set(id);
  code.end(conditional);
  if (hot !== undefined) code.get(pc).set(page);
  writeCall(code, functions, { cpu, pc, budget, id, word });
  if (hot === undefined) code.branch(loop);
  else {
    // Anything but the next instruction is a branch. What follows one that no region may start with (it goes on on the next
    // page, say) counts as if branched to: the code from there on may be long and as hot.
    code.get(pc).get(page).op('i32.sub').get(straight).op('i32.le_u').branchIf(loop);
    code.i32(0).set(straight);
    code
      .get(pc)
      .i32(2 * (hot.count - 1))
      .op('i32.and')
      .tee(page);
    code.memory('i32.load16_u', hot.address).tee(id).i32(hot.threshold).op('i32.ge_u').branchIf(loop);
    code.i32(4).set(straight);
    code.get(page).get(id).i32(1).op('i32.add').tee(id).memory('i32.store16', hot.address);
    code.get(id).i32(hot.threshold).op('i32.ne').branchIf(loop);
    leave(RUN_EXIT.hot);
  }
  code.end(loop);
  code.unreachable();
}

interface TallyLocals {
  /** Address of the page's tallies, and by how much an offset is shifted to find one. */
  readonly base: number;
  readonly scale: number;
  readonly traced: number;
  readonly at: number;
  /** Locals for the ring of blocks, and where its control words are. */
  readonly head: number;
  readonly place: number;
  readonly ring: number;
}

/** Counts the block that begins at the PC, if one does, and notes whether the instruction ends its block. */
function writeTally(
  code: Code,
  functions: LoopFunctions,
  tally: TallyLocals,
  { cpu, pc, budget, loop }: { cpu: number; pc: number; budget: number; loop: Label },
): void {
  code.get(pc).i32(0xfff).op('i32.and').get(tally.scale).op('i32.shl').get(tally.base).op('i32.add').set(tally.at);
  loadCpu(code, cpu, CPU.blockEntry);
  const entered = code.if();
  code.get(cpu).i32(0).memory('i32.store', CPU.blockEntry);
  code.get(tally.at).get(tally.at).memory('i64.load', 0).i64(1n).op('i64.add').memory('i64.store', 0);
  writeRingNoteIfWanted(
    code,
    tally.ring,
    { head: tally.head, at: tally.place },
    {
      // The scale is 1 in A32 state and 2 in T32.
      address: () => code.get(pc).get(tally.scale).i32(1).op('i32.shr_u').op('i32.or'),
      budget: () => code.get(budget),
    },
  );
  code.get(tally.traced);
  const traced = code.if();
  code.get(cpu).get(budget).memory('i32.store', CPU.budget);
  code.get(cpu).get(pc).call(functions.blockEntered);
  // Who was told may want to stop here.
  loadCpu(code, cpu, CPU.fetchPage);
  code.i32(1).op('i32.eq').branchIf(loop);
  code.end(traced);
  code.end(entered);
  code.get(tally.at).memory('i32.load', 4).i32(0).op('i32.lt_s');
  const ends = code.if();
  code.get(cpu).i32(1).memory('i32.store', CPU.blockEntry);
  code.get(cpu).get(pc).memory('i32.store', CPU.blockFrom);
  code.end(ends);
}

interface LoopLocals {
  readonly cpu: number;
  readonly pc: number;
  readonly budget: number;
  readonly id: number;
  readonly word: number;
}

interface FetchLocals {
  readonly handlers: number;
  readonly host: number;
  readonly ahead: number;
}

/** Reads the handler number and the word at the PC, and sets what a read of R15 gives. */
function writeFetch(code: Code, l: LoopLocals, fetch: FetchLocals): void {
  code.get(l.pc).get(fetch.handlers).op('i32.add').memory('i32.load16_u', 0).set(l.id);
  code.get(l.pc).get(fetch.host).op('i32.add').memory('i32.load', 0).set(l.word);
  code.get(l.cpu).get(l.pc).get(fetch.ahead).op('i32.add');
  code.memory('i32.store', CPU.registers + 60);
}

function writeCall(code: Code, functions: LoopFunctions, l: LoopLocals): void {
  code.get(l.cpu).get(l.budget).memory('i32.store', CPU.budget);
  code.get(l.cpu).get(l.word).get(l.pc).get(l.id).callIndirect(functions.handlerType).set(l.pc);
  loadCpu(code, l.cpu, CPU.budget);
  code.set(l.budget);
}

/**
 * One instruction inside an IT block (A2.5.2). The fetch cache is for the IT handlers then; it is dropped after each
 * instruction, so that the loop comes back here or, at the block's end, to the ordinary handlers.
 */
function writeItStep(code: Code, functions: LoopFunctions, l: LoopLocals, fetch: FetchLocals): void {
  const it = code.local('i32');
  code.get(l.cpu).i32(1).memory('i32.store', CPU.fetchPage);
  code.get(l.budget).i32(1).op('i32.sub').set(l.budget);
  writeFetch(code, l, fetch);
  loadCpu(code, l.cpu, CPU.itState);
  code.set(it);
  // An undecoded slot decodes whatever the condition: the length of the instruction must be known. One that goes on on
  // the next page has to be fetched whole before its condition counts, and a hook is told in any case; these two test the
  // condition by themselves.
  code.get(l.id).i32(HANDLER.undefined).op('i32.lt_u');
  code.get(l.cpu).get(it).i32(4).op('i32.shr_u').call(functions.conditionHolds);
  code.op('i32.or');
  const holds = code.if();
  writeCall(code, functions, l);
  code.else();
  // Skip two or four bytes: the first five bits of the first halfword tell (A6.1).
  code.get(l.pc).i32(2).i32(4);
  code.get(l.word).i32(0xe000).op('i32.and').i32(0xe000).op('i32.ne');
  code.get(l.word).i32(0x1800).op('i32.and').op('i32.eqz').op('i32.or');
  code.select().op('i32.add').set(l.pc);
  code.end(holds);
  // The block moves on unless the slot had to be decoded or the instruction was given up.
  code.get(l.id).op('i32.eqz');
  loadCpu(code, l.cpu, CPU.aborted);
  code.op('i32.or').op('i32.eqz');
  const advance = code.if();
  code.get(l.cpu);
  code.i32(0);
  code.get(it).i32(0xe0).op('i32.and').get(it).i32(1).op('i32.shl').i32(0x1f).op('i32.and').op('i32.or');
  code.get(it).i32(7).op('i32.and').op('i32.eqz');
  code.select().memory('i32.store', CPU.itState);
  code.end(advance);
}
