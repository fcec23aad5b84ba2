// SPDX-License-Identifier: Apache-2.0
// Writes a region as one WebAssembly function with the type of a handler: guest registers and flags in locals, loops as
// loops, one common way out that puts the state back. Whatever the fast path cannot do (a table miss, a device, an
// exception) leaves the region before the instruction, which the interpreter then does.

import type { Code, Label } from '@plinth/wasmgen';
import { Emitter, loadCpu, loadName, LocalPool, type Lowering, storeName, tableOffset } from '../emit/emit.js';
import { CODE_PAGE } from '../interpreter/loop.js';
import type { Block, Node } from '../ir/node.js';
import { ACCESS, CPU } from '../state/layout.js';
import { SCTLR, SYSTEM } from '../system/registers.js';
import { BlockCounter, type BlockNotes } from './block-counter.js';
import { type CountedInstruction, writeCount, writeInRange } from './counted.js';
import { analyseFlow, type Flow, type FlowBlock } from './flow.js';
import { endsBlock } from './lift.js';
import { PAGE_SIZE, type Region, type RegionInstruction } from './region.js';

/** Regions that may be under way on the host's stack at a time. */
const MAX_CALL_DEPTH = 100;

/** What a region function calls, by function index in its module. */
export interface RegionRuntime {
  /** (cpu, instruction, pc, handler number): runs the one instruction with the handler that the slot had. */
  readonly single: number;
  /** (cpu, instruction, pc, function number): calls another region. */
  readonly via: number;
  /** (cpu, address, entry, access): the second look at a table entry, for watchful regions. */
  readonly usableForRead: number;
  readonly usableForWrite: number;
  /** Pure helpers by name. */
  readonly helpers: ReadonlyMap<string, number>;
}

export interface RegionPlace {
  /** Handler number that the entry's slot had before. */
  readonly originalHandler: number;
  /** Address of the handler array of the region's page and instruction set. */
  readonly handlerArray: number;
  /** Function numbers from here up to 0x7fff are regions. */
  readonly firstRegion: number;
  /**
   * Takes a second look at entries of watched pages instead of leaving. This costs a tenth even where no page is
   * watched, so it is for code that has met many.
   */
  readonly watchful: boolean;
  /** What is noted of the blocks that are entered, if anything. */
  readonly blocks?: BlockNotes;
  /** What counts the instruction at an offset of the page. */
  readonly counted?: (offset: number) => readonly CountedInstruction[];
}

const PARAMETER = { cpu: 0, instruction: 1, pc: 2 } as const;
const FLAGS: readonly number[] = [CPU.flagN, CPU.flagZ, CPU.flagC, CPU.flagV];

export class RegionWriter implements Lowering {
  readonly cpu: number = PARAMETER.cpu;
  readonly #code: Code;
  readonly #region: Region;
  readonly #flow: Flow;
  readonly #runtime: RegionRuntime;
  readonly #place: RegionPlace;
  readonly #emitter: Emitter;
  readonly #tables = new Map<number, number>();
  /** Locals of registers (0 to 14) and flags (by state offset), and which of them the region changes. */
  readonly #registers = new Map<number, number>();
  readonly #flags = new Map<number, number>();
  readonly #written = new Set<number>();
  readonly #budget: number;
  readonly #exitPc: number;
  #exit: Label | undefined;
  /** Set when the entry's own instruction is left to the interpreter. */
  #retry: number | undefined;
  /** The instruction in hand, and how many of its block come at and after it. */
  #instruction: RegionInstruction | undefined;
  #notExecuted = 0;
  readonly #loops = new Map<FlowBlock, Label>();
  readonly #merges = new Map<FlowBlock, Label>();
  /** Counts blocks, if they are to be counted. */
  readonly #counter: BlockCounter | undefined;

  constructor(code: Code, region: Region, runtime: RegionRuntime, place: RegionPlace) {
    this.#code = code;
    this.#region = region;
    this.#runtime = runtime;
    this.#place = place;
    this.#flow = analyseFlow(region);
    this.#budget = code.local('i32');
    this.#exitPc = code.local('i32');
    this.#emitter = new Emitter(code, new LocalPool(code), this);
    if (place.blocks === undefined) return;
    this.#counter = new BlockCounter(code, region.thumb, this.#flow, place.blocks, {
      cpu: this.cpu,
      address: (offset) => this.#address(offset),
      budget: this.#budget,
    });
  }

  write(): void {
    const code = this.#code;
    this.#collect();
    this.#enter();
    this.#loadState();
    this.#exit = code.block();
    this.#tree(this.#flow.entry);
    code.end(this.#exit);
    this.#storeState();
    this.#counter?.store();
    if (this.#retry !== undefined) this.#runEntryByHandler(this.#retry);
    code.get(this.#exitPc);
  }

  /**
   * The entry's own instruction was left to the interpreter: coming back with its address would only lead here again, so
   * its handler is called now. Another region's call unwinds instead: it has no instruction word to give.
   */
  #runEntryByHandler(retry: number): void {
    const code = this.#code;
    code.get(retry).get(PARAMETER.instruction).i32(0).op('i32.ne').op('i32.and');
    const again = code.if();
    code.get(this.cpu).get(this.#budget).i32(1).op('i32.sub').memory('i32.store', CPU.budget);
    this.#callSingle();
    code.end(again);
  }

  #callSingle(): void {
    const [first] = this.#flow.entry.block.instructions;
    this.#counter?.before(endsBlock(first!.lifted), () => this.#code.get(PARAMETER.pc));
    this.#code.get(this.cpu).get(PARAMETER.instruction).get(PARAMETER.pc).i32(this.#place.originalHandler);
    this.#code.call(this.#runtime.single).return();
  }

  // ---- state --------------------------------------------------------------------------------------------------

  /** Finds the registers, flags and tables that the region uses. */
  #collect(): void {
    for (const { block } of this.#flow.blocks) {
      for (const { lifted } of block.instructions) this.#collectBlock(lifted.block);
      if (block.terminator.kind === 'call') this.#useRegister(14, true);
    }
  }

  #collectBlock(block: Block): void {
    for (const node of block) {
      if (node.op === 'reg') this.#useRegister(node.args[0]!.immediate as number, false);
      else if (node.op === 'setReg') this.#useRegister(node.args[0]!.immediate as number, true);
      else if (node.op === 'flag') this.#useFlag(node.immediate as number, false);
      else if (node.op === 'setFlag') this.#useFlag(node.immediate as number, true);
      else if (node.op === 'guest.load' || node.op === 'guest.store') {
        const offset = tableOffset(node.op === 'guest.store', ((node.immediate as number) & ACCESS.unprivileged) !== 0);
        if (!this.#tables.has(offset)) this.#tables.set(offset, this.#code.local('i32'));
      } else if (node.op === 'guest.host') {
        const offset = tableOffset(((node.immediate as number) & 0x1_0000) !== 0, false);
        if (!this.#tables.has(offset)) this.#tables.set(offset, this.#code.local('i32'));
      } else if (node.extra?.then !== undefined) {
        this.#collectBlock(node.extra.then);
        this.#collectBlock(node.extra.otherwise!);
      }
    }
  }

  #useRegister(n: number, written: boolean): void {
    if (!this.#registers.has(n)) this.#registers.set(n, this.#code.local('i32'));
    if (written) this.#written.add(CPU.registers + 4 * n);
  }

  #useFlag(offset: number, written: boolean): void {
    if (!this.#flags.has(offset)) this.#flags.set(offset, this.#code.local('i32'));
    if (written) this.#written.add(offset);
  }

  #eachPlace(visit: (offset: number, local: number) => void): void {
    for (const [n, local] of this.#registers) visit(CPU.registers + 4 * n, local);
    for (const offset of FLAGS) {
      const local = this.#flags.get(offset);
      if (local !== undefined) visit(offset, local);
    }
  }

  #loadState(): void {
    for (const [offset, local] of this.#tables) {
      loadCpu(this.#code, this.cpu, offset);
      this.#code.set(local);
    }
    this.#loadRegisters();
  }

  #loadRegisters(): void {
    this.#eachPlace((offset, local) => {
      loadCpu(this.#code, this.cpu, offset);
      this.#code.set(local);
    });
  }

  #storeState(): void {
    this.#eachPlace((offset, local) => {
      if (this.#written.has(offset)) this.#code.get(this.cpu).get(local).memory('i32.store', offset);
    });
    this.#code.get(this.cpu).get(this.#budget).memory('i32.store', CPU.budget);
  }

  /**
   * Entry. Called by the run loop, the budget has one taken off already and `instruction` is the word there; called by
   * another region `instruction` is 0. With less budget than the way to the next look needs, nothing is done here.
   */
  #enter(): void {
    const code = this.#code;
    loadCpu(code, this.cpu, CPU.budget);
    code.get(PARAMETER.instruction).i32(0).op('i32.ne').op('i32.add').tee(this.#budget);
    code.i32(this.#flow.entry.cost).op('i32.lt_s');
    const short = code.if();
    code.get(PARAMETER.instruction).op('i32.eqz');
    const called = code.if();
    code.get(PARAMETER.pc).return();
    code.end(called);
    this.#callSingle();
    code.end(short);
    this.#counter?.enter(PARAMETER.instruction, this.#region.entry);
  }

  // ---- control flow -------------------------------------------------------------------------------------------

  #address(offset: number): void {
    this.#code.get(PARAMETER.pc);
    if (offset !== this.#region.entry) this.#code.i32(offset - this.#region.entry).op('i32.add');
  }

  /** Goes on outside at an offset; `from` is the instruction by which the block ended, if it did. */
  #leaveAt(offset: number, from?: RegionInstruction): void {
    this.#leavesBlock(from);
    this.#goOutAt(offset);
  }

  #goOutAt(offset: number): void {
    this.#address(offset);
    this.#code.set(this.#exitPc).branch(this.#exit!);
  }

  /** Notes on the way out whether the next instruction begins a block, and what ended this one. */
  #leavesBlock(from: RegionInstruction | undefined): void {
    if (this.#counter === undefined) return;
    if (from === undefined) this.#counter.leave(undefined);
    else this.#counter.leave(() => this.#address(from.offset));
  }

  /** Gives back the part of the block's cost that was not executed. */
  #refund(count: number): void {
    if (count > 0) this.#code.get(this.#budget).i32(count).op('i32.add').set(this.#budget);
  }

  /** Has those who count the instruction in hand do so, or take it back. */
  #countInstruction(op?: 'i64.sub'): void {
    const { offset } = this.#instruction!;
    for (const counted of this.#place.counted?.(offset) ?? []) {
      const count = (): void => {
        writeInRange(this.#code, counted, () => this.#address(offset));
        this.#code.op('i64.extend_i32_u');
      };
      writeCount(this.#code, counted.counter, count, op);
    }
  }

  /** Leaves before the instruction in hand, as if it had not been met. */
  #leaveBefore(): void {
    const { offset, itState } = this.#instruction!;
    this.#refund(this.#notExecuted);
    this.#countInstruction('i64.sub');
    if (itState !== 0) this.#enterItState(itState);
    if (offset === this.#region.entry) {
      this.#retry ??= this.#code.local('i32');
      this.#code.i32(1).set(this.#retry);
    }
    this.#leaveAt(offset);
  }

  #enterItState(itState: number): void {
    this.#code.get(this.cpu).i32(itState).memory('i32.store', CPU.itState);
    this.#code.get(this.cpu).i32(1).memory('i32.store', CPU.fetchPage);
  }

  /** Writes a block and what it dominates (Ramsey 2022: structured code from the dominator tree). */
  #tree(block: FlowBlock): void {
    const merges = block.children.filter((child) => child.forwardEdges > 1);
    const write = (): void => this.#within(block, merges);
    if (!block.loopHeader) {
      write();
      return;
    }
    const loop = this.#code.loop();
    this.#loops.set(block, loop);
    write();
    this.#code.end(loop);
  }

  /** Merge points are placed behind the block, the last in order outermost. */
  #within(block: FlowBlock, merges: readonly FlowBlock[]): void {
    const labels = [...merges].reverse().map((merge) => {
      const label = this.#code.block();
      this.#merges.set(merge, label);
      return { merge, label };
    });
    this.#block(block);
    for (const { merge, label } of labels.reverse()) {
      this.#code.end(label);
      this.#tree(merge);
    }
  }

  #goTo(from: FlowBlock, target: number): void {
    const to = this.#flow.edge(from, target);
    const ended = ifEnds(from.block.instructions.at(-1)!);
    if (to !== undefined) this.#counter?.edge(from, to, ended !== undefined);
    if (to === undefined) this.#leaveAt(target, ended);
    else if (to.order <= from.order) this.#code.branch(this.#loops.get(to)!);
    else if (to.forwardEdges > 1) this.#code.branch(this.#merges.get(to)!);
    else this.#tree(to);
  }

  #block(flow: FlowBlock): void {
    const code = this.#code;
    const { block } = flow;
    const count = block.instructions.length;
    // The entry has been checked on the way in, but not when a loop comes back to it.
    if (flow.checksBudget && (flow.order > 0 || flow.loopHeader)) {
      code.get(this.#budget).i32(flow.cost).op('i32.lt_s');
      const short = code.if();
      this.#leaveUncounted(flow);
      code.end(short);
    }
    if (count > 0) this.#counter?.count(flow);
    if (count > 0) code.get(this.#budget).i32(count).op('i32.sub').set(this.#budget);
    const { terminator } = block;
    const last = terminator.kind === 'branch' || terminator.kind === 'call' ? count - 1 : count;
    for (let i = 0; i < last; i++) this.#write(block.instructions[i]!, count - i);
    this.#instruction = block.instructions[last];
    this.#notExecuted = 1;
    if (last < count) this.#countInstruction();
    switch (terminator.kind) {
      case 'leave':
        if (terminator.itState !== 0) this.#enterItState(terminator.itState);
        if (count === 0) this.#leaveUncounted(flow);
        else this.#leaveAt(terminator.offset, ifEnds(block.instructions[count - 1]!));
        return;
      case 'jump':
        this.#goTo(flow, terminator.target);
        return;
      case 'branch': {
        const { lifted } = block.instructions[last]!;
        this.#emitter.emitValue(lifted.block, lifted.temporaries, lifted.condition!);
        const taken = code.if();
        this.#goTo(flow, terminator.target);
        code.end(taken);
        this.#goTo(flow, terminator.next);
        return;
      }
      case 'call':
        this.#call(block.instructions[last]!, terminator.target, terminator.next);
        this.#goTo(flow, terminator.next);
        return;
      default:
        code.unreachable();
    }
  }

  /** Leaves before a block that has not been begun. */
  #leaveUncounted(flow: FlowBlock): void {
    this.#counter?.leaveUncounted(flow);
    this.#goOutAt(flow.block.offset);
  }

  #write(instruction: RegionInstruction, notExecuted: number): void {
    this.#instruction = instruction;
    this.#notExecuted = notExecuted;
    this.#countInstruction();
    const { lifted } = instruction;
    this.#emitter.emit(lifted.block, lifted.temporaries);
    if (lifted.ends) return;
    if (lifted.attends) {
      loadCpu(this.#code, this.cpu, CPU.fetchPage);
      this.#code.i32(1).op('i32.eq');
      const attention = this.#code.if();
      this.#refund(notExecuted - 1);
      this.#leaveAt(instruction.offset + instruction.size, ifEnds(instruction));
      this.#code.end(attention);
    }
    if (notExecuted > 1 && endsBlock(lifted)) {
      this.#counter?.countAt(instruction.offset + instruction.size, notExecuted - 1, instruction.offset);
    }
  }

  /**
   * A call as a real call: the state goes to memory, the callee's region runs and gives back where it ended. If that is
   * not the return address (an exception, a budget spent, a switch of stacks), everything unwinds to the run loop. So it does
   * where blocks are counted and the callee has left in the middle of the block at the return address, which is counted.
   */
  #call(instruction: RegionInstruction, target: number, next: number): void {
    const code = this.#code;
    this.#counter?.mayCall(instruction.offset, next);
    const { lifted } = instruction;
    let taken: Label | undefined;
    if (lifted.condition !== undefined) {
      this.#emitter.emitValue(lifted.block, lifted.temporaries, lifted.condition);
      taken = code.if();
    }
    const id = code.local('i32');
    this.#address(next);
    if (this.#region.thumb) code.i32(1).op('i32.or');
    code.set(this.#registers.get(14)!);
    loadCpu(code, this.cpu, CPU.callDepth);
    code.i32(MAX_CALL_DEPTH).op('i32.ge_u');
    const deep = code.if();
    this.#leaveAt(target, instruction);
    code.end(deep);
    this.#calleeNumber(target);
    code.tee(id).i32(this.#place.firstRegion).op('i32.sub');
    code.i32(0x8000 - this.#place.firstRegion).op('i32.ge_u');
    const cold = code.if();
    this.#leaveAt(target, instruction);
    code.end(cold);
    this.#storeState();
    this.#counter?.before(true, () => this.#address(instruction.offset));
    this.#changeDepth(1);
    code.get(this.cpu).i32(0);
    this.#address(target);
    code.get(id).call(this.#runtime.via).set(id);
    this.#changeDepth(-1);
    code.get(id);
    this.#address(next);
    code.op('i32.ne');
    loadCpu(code, this.cpu, CPU.fetchPage);
    code.i32(1).op('i32.eq').op('i32.or');
    this.#counter?.orMidBlock();
    const elsewhere = code.if();
    code.get(id).return();
    code.end(elsewhere);
    loadCpu(code, this.cpu, CPU.budget);
    code.set(this.#budget);
    this.#loadRegisters();
    this.#counter?.returned(next);
    if (taken !== undefined) code.end(taken);
  }

  #changeDepth(by: number): void {
    this.#code.get(this.cpu);
    loadCpu(this.#code, this.cpu, CPU.callDepth);
    this.#code.i32(by).op('i32.add').memory('i32.store', CPU.callDepth);
  }

  /** The function number in the slot of the target; 0 if its page is not known. */
  #calleeNumber(target: number): void {
    const code = this.#code;
    if (target >= 0 && target < PAGE_SIZE) {
      code.i32(this.#place.handlerArray + target).memory('i32.load16_u', 0);
      return;
    }
    const address = code.local('i32');
    const page = code.local('i32');
    this.#address(target);
    code.set(address);
    loadCpu(code, this.cpu, CPU.tableFetch);
    code.get(address).i32(12).op('i32.shr_u').i32(2).op('i32.shl').op('i32.add').memory('i32.load', 0).tee(page);
    const known = code.if('i32');
    code
      .get(page)
      .memory('i32.load', this.#region.thumb ? CODE_PAGE.t32 : CODE_PAGE.a32)
      .tee(page);
    const decoded = code.if('i32');
    code.get(page).get(address).i32(0xffe).op('i32.and').op('i32.add').memory('i32.load16_u', 0);
    code.else();
    code.i32(0);
    code.end(decoded);
    code.else();
    code.i32(0);
    code.end(known);
  }

  // ---- Lowering -----------------------------------------------------------------------------------------------

  field(): void {
    throw new RangeError('an instruction of a region has no unknown fields');
  }

  pc(): void {
    this.#address(this.#instruction!.offset);
  }

  reg(index: Node): void {
    this.#code.get(this.#registers.get(index.immediate as number)!);
  }

  setReg(index: Node, value: Node, operand: (node: Node) => void): void {
    operand(value);
    this.#code.set(this.#registers.get(index.immediate as number)!);
  }

  flag(offset: number): void {
    this.#code.get(this.#flags.get(offset)!);
  }

  setFlag(offset: number, value: Node, operand: (node: Node) => void): void {
    operand(value);
    this.#code.set(this.#flags.get(offset)!);
  }

  jump(target: Node, operand: (node: Node) => void): void {
    operand(target);
    this.#code.set(this.#exitPc);
    this.#refund(this.#notExecuted - 1);
    this.#leavesBlock(this.#instruction);
    this.#code.branch(this.#exit!);
  }

  abortCheck(): void {
    // A helper that may abort is never called from here: see `leaveForHelper`.
  }

  leaveForHelper(): boolean {
    this.#leaveBefore();
    return true;
  }

  helper(name: string): number {
    const index = this.#runtime.helpers.get(name);
    if (index === undefined) throw new RangeError(`helper ${name} is not imported`);
    return index;
  }

  table(write: boolean, unprivileged: boolean): void {
    this.#code.get(this.#tables.get(tableOffset(write, unprivileged))!);
  }

  /** Unaligned accesses inside a page that has an entry go ahead, unless alignment is checked; all else leaves. */
  #ifOnlyUnaligned(access: number, address: number, entry: number): Label | undefined {
    const code = this.#code;
    const size = access & ACCESS.sizeMask;
    if (size === 1 || (access & (ACCESS.aligned | ACCESS.wordAligned)) !== 0) return undefined;
    code.get(entry).i32(1).op('i32.and');
    loadCpu(code, this.cpu, SYSTEM.SCTLR);
    code.i32(SCTLR.A).op('i32.and').op('i32.or');
    code
      .get(address)
      .i32(0xfff)
      .op('i32.and')
      .i32(PAGE_SIZE - size)
      .op('i32.gt_u')
      .op('i32.or');
    const bad = code.if();
    this.#leaveBefore();
    code.end(bad);
    return bad;
  }

  /** A watchful region takes the second look at the entry if the first, on the stack, failed; it leaves if that fails. */
  #lookAgain(usable: number, access: number, address: number, entry: number): void {
    const code = this.#code;
    const failed = code.if();
    code.get(this.cpu).get(address).get(entry).i32(access).call(usable).tee(entry).op('i32.eqz');
    const refused = code.if();
    this.#leaveBefore();
    code.end(refused);
    code.end(failed);
  }

  load(access: number, address: number, entry: number): void {
    const code = this.#code;
    const load = (): void => {
      code.get(address).get(entry).op('i32.add').memory(loadName(access), 0);
    };
    if (this.#place.watchful) {
      this.#lookAgain(this.#runtime.usableForRead, access, address, entry);
      load();
      return;
    }
    const failed = code.if('i32');
    if (this.#ifOnlyUnaligned(access, address, entry) !== undefined) load();
    else {
      this.#leaveBefore();
      code.unreachable();
    }
    code.else();
    load();
    code.end(failed);
  }

  store(access: number, address: number, entry: number, value: number): void {
    const code = this.#code;
    const store = (): void => {
      code.get(address).get(entry).op('i32.add').get(value).memory(storeName(access), 0);
    };
    if (this.#place.watchful) {
      this.#lookAgain(this.#runtime.usableForWrite, access, address, entry);
      store();
      return;
    }
    const failed = code.if();
    if (this.#ifOnlyUnaligned(access, address, entry) !== undefined) store();
    else {
      this.#leaveBefore();
      code.unreachable();
    }
    code.else();
    store();
    code.end(failed);
  }
}

/** The instruction, if it ends its block. */
function ifEnds(instruction: RegionInstruction): RegionInstruction | undefined {
  return endsBlock(instruction.lifted) ? instruction : undefined;
}
