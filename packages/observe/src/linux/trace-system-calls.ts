// SPDX-License-Identifier: Apache-2.0
// Tells of the system calls of all of a guest's processes: from the supervisor call that begins one to the exception return
// that ends it, by task. Nothing of the guest is changed or slowed.

import { MODE } from '@plinth/arm';
import type { Machine, Vcpu } from '@plinth/machine';
import { AddressSpace } from './address-space.js';
import { beginCall, type BegunCall } from './format-system-call.js';
import type { GuestView } from './guest-view.js';
import type { LinuxGuest } from './linux-guest.js';

/** How a call ended. */
export type CallEnd =
  | { readonly kind: 'returned'; readonly value: number }
  /** It does not return: exit, sigreturn. */
  | { readonly kind: 'final' }
  /** A signal handler runs first, and the result is not where it should be on its stack. */
  | { readonly kind: 'signal' }
  /** It is begun again. */
  | { readonly kind: 'restarted' }
  /** It has not ended while it was watched. */
  | { readonly kind: 'unfinished' };

export interface SystemCall {
  readonly pid: number;
  readonly tgid: number;
  /** When the call began. */
  readonly comm: string;
  readonly number: number;
  readonly name: string;
  /** r0 to r6. */
  readonly args: readonly number[];
  readonly end: CallEnd;
  /** Virtual nanoseconds at its beginning. */
  readonly time: number;
  /** `openat(AT_FDCWD, "/etc/passwd", O_RDONLY) = 3` */
  readonly text: string;
}

interface Pending {
  readonly pid: number;
  readonly tgid: number;
  readonly comm: string;
  readonly number: number;
  readonly args: readonly number[];
  readonly call: BegunCall;
  readonly time: number;
  /** The supervisor call, and the instruction behind it. */
  readonly begin: number;
  readonly back: number;
}

export interface SystemCallTrace {
  /** Tells of the calls that have not ended, and of no more. */
  stop(): void;
}

/** `SVC #0` in A32 and in T32. */
const CALL_SIZE = { arm: 4, thumb: 2 } as const;

/**
 * Tells `onCall` of each call when it ends. `guest` gives the guest's system as soon as it can be seen; it is asked at a
 * supervisor call until then.
 */
export function traceSystemCalls(
  machine: Machine,
  view: GuestView,
  guest: () => LinuxGuest | undefined,
  onCall: (call: SystemCall) => void,
): SystemCallTrace {
  /** By task. */
  const pending = new Map<number, Pending>();
  const tell = ({ call, begin: _begin, back: _back, ...begun }: Pending, end: CallEnd, memory?: AddressSpace): void => {
    const value = end.kind === 'returned' ? end.value : undefined;
    const args = call.finish(memory, value);
    onCall({ ...begun, name: call.name, end, text: `${call.name}(${args}) = ${endText(end, call)}` });
  };
  const memoryOf = (cpu: Vcpu): AddressSpace => new AddressSpace(view, view.cpus[cpu.index]!.translationBase[0]);
  const stopCalls = machine.taps.onSupervisorCall((cpu, immediate) => {
    const { state } = cpu;
    // The old ABI has its numbers in the instruction.
    if (immediate !== 0 || state.mode !== MODE.usr) return 'go-on';
    const task = guest()?.currentIdentity(cpu.index);
    if (task === undefined) return 'go-on';
    const { address, ...identity } = task;
    const args = Array.from({ length: 7 }, (_, n) => state.reg(n) >>> 0);
    const number = state.reg(7) >>> 0;
    const call = beginCall(number, args, memoryOf(cpu));
    const size = state.thumb ? CALL_SIZE.thumb : CALL_SIZE.arm;
    const begin = cpu.instructionAddress >>> 0;
    const begun = { ...identity, number, args, call, time: machine.clock.now(), begin, back: (begin + size) >>> 0 };
    if (call.final) tell(begun, { kind: 'final' });
    else pending.set(address, begun);
    return 'go-on';
  });
  const stopReturns = machine.taps.exceptionReturn.add((cpu, to) => {
    const { state } = cpu;
    if (pending.size === 0 || state.mode !== MODE.usr) return;
    const address = guest()?.currentAddress(cpu.index);
    const begun = address === undefined ? undefined : pending.get(address);
    if (begun === undefined) return;
    pending.delete(address!);
    const memory = memoryOf(cpu);
    tell(begun, endOf(begun, { to: to >>> 0, r0: state.reg(0), sp: state.reg(13) >>> 0 }, memory), memory);
  });
  return {
    stop: () => {
      stopCalls();
      stopReturns();
      for (const begun of pending.values()) tell(begun, { kind: 'unfinished' });
      pending.clear();
    },
  };
}

/** What a task is, back in User mode. */
interface Return {
  readonly to: number;
  readonly r0: number;
  readonly sp: number;
}

function endOf({ back, begin, number }: Pending, { to, r0, sp }: Return, memory: AddressSpace): CallEnd {
  if (to === back) return { kind: 'returned', value: r0 };
  if (to === begin) return { kind: 'restarted' };
  if (EXECVE.has(number) && r0 === 0) return { kind: 'returned', value: 0 };
  // A handler goes first: what it will return to is in its frame, behind a siginfo if it wanted one.
  for (const frame of [sp, sp + SIGINFO_SIZE]) {
    const pc = memory.u32(frame + FRAME.pc);
    const value = memory.u32(frame + FRAME.r0);
    if (pc === begin) return { kind: 'restarted' };
    if (pc === back && value !== undefined) return { kind: 'returned', value: value | 0 };
  }
  return { kind: 'signal' };
}

/** In the kernel's struct sigframe for ARM: uc_flags, uc_link, uc_stack, then uc_mcontext with three words, r0 to r15. */
const FRAME = { r0: 32, pc: 92 } as const;
const SIGINFO_SIZE = 128;

/** execve and execveat, which return to the beginning of another program. */
const EXECVE: ReadonlySet<number> = new Set([11, 387]);

function endText(end: CallEnd, call: BegunCall): string {
  switch (end.kind) {
    case 'returned':
      return call.result(end.value);
    case 'final':
      return '?';
    case 'signal':
      return '? (a signal handler runs)';
    case 'restarted':
      return '? (restarted)';
    case 'unfinished':
      return '? <unfinished>';
  }
}
