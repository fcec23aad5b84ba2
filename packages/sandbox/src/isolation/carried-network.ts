// SPDX-License-Identifier: Apache-2.0
// A network in which only listed hosts are reached. What lets packets through is the packet filter of the new network namespace, set
// before anything runs there that could mind; what carries them is pasta(1), outside of what programs inside can see or end.
//
// pasta does not end with the namespace in all of its versions, nor with whoever has started it: changing its user namespace takes that
// wish from it. So a process of ours, the keeper, is its parent, waits for the end of a pipe whose other end the first process
// holds, and then ends it: whatever kills the first process closes the pipe.

import { parseInternetAddress } from '@plinth/core';
import {
  FILE_KIND_PIPE,
  type LaunchProgram,
  NETFILTER_SOCKET,
  OPEN_FLAG,
  packetFilterMessages,
  POLL,
  POLL_SIZE,
  SIGNAL,
  type Slot,
  STATUS,
} from '@plinth/linux';
import { OWN_ADDRESSES } from '../network/reachable.js';
import type { ListedNetwork, NetworkCarrier, Surroundings } from './surroundings.js';
import { emitPipe } from './pipe.js';
import { emitSignals } from './signals.js';

/** Begins the message if there is no carrier. */
export const NETWORK_FAILED = 'its network does not begin';

const WORD = 8;
/** Of an answer of netlink: a header, an error, and the header of what it answers to. */
const ANSWER_SIZE = 64;
const ANSWER_HEADER = 16;
const [INPUT, OUTPUT, ERRORS, FIRST_FREE] = [0, 1, 2, 3];
const ALL_DESCRIPTORS = 0xffff_ffff;
const INTERFACE = 'plinth';
/** WNOHANG of wait4(2). */
const WAIT_NOT = 1;

/** What pasta is told: nothing is reached from outside, nor the loopback interface of the host by the gateway or by the same port. */
const ORDERS =
  `--foreground --quiet --config-net --ns-ifname ${INTERFACE} --netmask ${OWN_ADDRESSES[4].prefix} --no-map-gw ` +
  '--tcp-ports none --udp-ports none --tcp-ns none --udp-ns none --no-dhcp --no-dhcpv6 --no-ra --dns none --search none';

/** The number of a process in the namespace comes behind them. */
function carrierArguments({ pipe }: NetworkCarrier, asRoot: boolean): string[] {
  const addresses = Object.values(OWN_ADDRESSES).flatMap((own) => ['--address', own.address, '--gateway', own.gateway]);
  // Root becomes a user who has no right to the namespace if it is not told who it is.
  const user = asRoot ? ['--runas', '0'] : [];
  return ['--pid', pipe, ...ORDERS.split(' '), ...addresses, ...user];
}

/** A carrier that works. */
interface CarrierAtWork {
  /** The end of a pipe: when nobody has it open any more, the carrier ends. */
  readonly life: Slot;
  readonly keeper: Slot;
}

/** Starts the carrier of a namespace, the one that process `inside` is in, and waits until it is at work. */
export function emitCarrier(
  program: LaunchProgram,
  { name, user }: Surroundings,
  { carrier }: ListedNetwork,
  inside: Slot,
): CarrierAtWork {
  const { pipe, log } = carrier;
  const [ready, keeper, keeperEnd] = [program.slot(), program.slot(), program.slot()];
  program.call('mknod', [program.text(pipe), FILE_KIND_PIPE | 0o600, 0], 'ignore');
  // To read and write: so it is open at once, and does not end while nobody has begun to write.
  const flags = OPEN_FLAG.readWrite | OPEN_FLAG.closeOnExec;
  program.call('open', [program.text(pipe), flags, 0], { message: pipe }, ready);
  const [ended, life] = emitPipe(program);
  program.call('fork', [], { message: 'a process' }, keeper);
  const outside = program.label();
  program.jumpIf(keeper, 'ne', 0, outside);
  emitKeeper(program, carrier, { ended, inside, asRoot: user === 0 });
  program.here(outside);
  program.call('close', [ended], 'ignore');
  program.call('pidfd_open', [keeper, 0], { message: 'a process' }, keeperEnd);
  const works = emitWaitForEither(program, ready, keeperEnd);
  const begun = program.label();
  program.jumpIf(works, 'ne', 0, begun);
  // If there is no such process any more, it has said why.
  const gone = program.label();
  const found = program.slot();
  program.call('wait4', [inside, 0, WAIT_NOT, 0], 'ignore', found);
  program.jumpIf(found, 'ne', 0, gone);
  program.compose([`plinth: ${name}: ${NETWORK_FAILED}: ${log} says why\n`]);
  program.writeComposed(ERRORS);
  program.here(gone);
  program.exit(STATUS.failed);
  program.here(begun);
  program.call('close', [ready], 'ignore');
  program.call('close', [keeperEnd], 'ignore');
  return { life, keeper };
}

/** It has ended when this is over. */
export function emitCarrierEnd(program: LaunchProgram, { life, keeper }: CarrierAtWork): void {
  program.call('close', [life], 'ignore');
  program.call('wait4', [keeper, 0, 0, 0], 'ignore');
}

interface Kept {
  readonly ended: Slot;
  readonly inside: Slot;
  readonly asRoot: boolean;
}

/** Has nothing open but what it waits for, and is in no terminal's group: its keys are for the command. */
function emitKeeper(program: LaunchProgram, carrier: NetworkCarrier, { ended, inside, asRoot }: Kept): void {
  const [nothing, log, child, childEnd] = [program.slot(), program.slot(), program.slot(), program.slot()];
  program.call('setsid', [], 'ignore');
  const logFlags = OPEN_FLAG.create | OPEN_FLAG.truncate | OPEN_FLAG.writeOnly;
  program.call('open', [program.text(carrier.log), logFlags, 0o600], { message: carrier.log }, log);
  program.call('open', [program.text('/dev/null'), OPEN_FLAG.readWrite, 0], { message: '/dev/null' }, nothing);
  program.call('dup2', [ended, INPUT], { message: 'a pipe' });
  program.call('dup2', [nothing, OUTPUT], { message: '/dev/null' });
  program.call('dup2', [log, ERRORS], { message: carrier.log });
  program.call('close_range', [FIRST_FREE, ALL_DESCRIPTORS, 0], { message: 'open files' });
  program.call('fork', [], { message: 'a process' }, child);
  const waits = program.label();
  program.jumpIf(child, 'ne', 0, waits);
  program.call('dup2', [OUTPUT, INPUT], { message: '/dev/null' });
  // As Node leaves it, pasta of 2023 takes it for a failure.
  emitSignals(program, ['pipe'], 'default');
  const words = ['pasta', ...carrierArguments(carrier, asRoot)];
  const args = program.textArray([...words, '']);
  program.compose([{ decimal: inside }]);
  program.set({ slot: args + WORD * words.length }, program.composed);
  program.call('execve', [program.text(carrier.program), args, program.textArray([])], { message: carrier.program });
  program.here(waits);
  program.call('pidfd_open', [child, 0], { message: 'a process' }, childEnd);
  emitWaitForEither(program, program.slot(INPUT), childEnd);
  program.call('kill', [child, SIGNAL.kill], 'ignore');
  program.call('wait4', [child, 0, 0, 0], 'ignore');
  program.exit(0);
}

/** Waits until one of two descriptors can be read or has ended; gives what happened at the first one, or zero. */
export function emitWaitForEither(program: LaunchProgram, one: Slot, other: Slot): Slot {
  // Two structs pollfd, and room behind them: eight bytes are written where four are meant, those behind them afterwards.
  const polled = program.bytes(new Uint8Array(2 * POLL_SIZE + WORD));
  [one, other].forEach((fd, n) => {
    program.set({ slot: polled + POLL_SIZE * n }, fd);
    program.set({ slot: polled + POLL_SIZE * n + WORD / 2 }, POLL.in);
  });
  const [again, happened] = [program.label(), program.slot()];
  program.here(again);
  program.call('poll', [polled, 2, -1], again);
  program.bits(happened, { slot: polled }, 48, 16);
  return happened;
}

/** In the new network namespace, with rights over it. */
export function emitPacketFilter(program: LaunchProgram, { reachable }: ListedNetwork): void {
  const socket = program.slot();
  const { domain, type, protocol } = NETFILTER_SOCKET;
  const refused = { message: 'its packet filter (nf_tables of the kernel)' };
  program.call('socket', [domain, type, protocol], refused, socket);
  const answer = program.bytes(new Uint8Array(ANSWER_SIZE));
  const destinations = reachable.map(({ address, prefix, port }) => ({
    address: parseInternetAddress(address)!,
    prefix,
    ...(port === undefined ? {} : { port }),
  }));
  for (const message of packetFilterMessages(destinations)) {
    program.call('write', [socket, program.bytes(message), message.length], refused);
    program.call('read', [socket, answer, ANSWER_SIZE], refused);
    program.checkAnswer(answer, ANSWER_HEADER, refused);
  }
  program.call('close', [socket], 'ignore');
}
