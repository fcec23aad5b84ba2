// SPDX-License-Identifier: Apache-2.0
// Decides a rule on one packet that the kernel has flagged: all there is are its bytes and what the kernel knows of the connection. A stream
// that began before it, or goes on behind it, may hold what it does not show.

import { type DecodedPacket, decodePacket, PROTOCOL } from '../decode-packet.js';
import type { FlowFacts } from '../packet-event.js';
import { type BufferView, every, type Outcome, some } from './buffer-view.js';
import { type CompiledRule, isPlaced } from './compiled-rule.js';
import { readDnsMessage } from './dns-message.js';
import type { DecodeContent } from './http-buffers.js';
import { isHttp, readHttpMessage } from './http-message.js';
import { inspectBuffer } from './inspect-buffer.js';
import { matchesPacket } from './packet-conditions.js';
import { DnsTransaction, HttpTransaction, matchesTransaction, type Transaction } from './transaction.js';

const NOTHING: ReadonlySet<string> = new Set();
const DNS_PORT = 53;

/** `unknown`: the packet alone does not decide it; who closes on failure takes it for a match. */
export function confirmPacket(
  compiled: CompiledRule,
  frame: Uint8Array,
  facts: FlowFacts,
  decode?: DecodeContent,
): Outcome {
  const packet = decodePacket(frame);
  const payload = frame.subarray(packet.payload, packet.payload + packet.payloadLength);
  const transaction = transactionOf(packet, payload, decode);
  const flow = {
    direction: facts.direction,
    established: facts.established || (facts.midstream ? undefined : false),
    app: transaction?.protocol,
    events: NOTHING,
  };
  return every([
    matchesPacket(compiled, { frame, packet, events: NOTHING, origin: 'wire/pcap' }, flow),
    compiled.flowbits.some(({ command }) => command === 'isset' || command === 'isnotset') ? 'unknown' : 'match',
    matchesPayload(compiled, packet, payload, facts),
    matchesMessage(compiled, transaction),
  ]);
}

function matchesPayload(
  { rule, payload: conditions }: CompiledRule,
  { protocol }: DecodedPacket,
  payload: Uint8Array,
  { position }: FlowFacts,
): Outcome {
  if (conditions.length === 0) return 'match';
  const isWhole =
    protocol !== PROTOCOL.tcp ||
    rule.header.protocol === 'tcp-pkt' ||
    conditions.some((condition) => isPlaced(condition));
  const view: BufferView = { bytes: payload, complete: isWhole };
  const outcome = inspectBuffer(conditions, view);
  // What must not be there may have been sent before.
  const mayBeBefore =
    !isWhole && position !== 0 && conditions.some(({ kind }) => kind === 'content' || kind === 'pcre');
  const isNegated = conditions.some((condition) => 'negated' in condition && condition.negated);
  return outcome === 'match' && mayBeBefore && isNegated ? 'unknown' : outcome;
}

function matchesMessage(compiled: CompiledRule, transaction: Transaction | undefined): Outcome {
  if (compiled.groups.length + compiled.numbers.length + compiled.events.length === 0) return 'match';
  if (transaction === undefined) return 'unknown';
  const sides = compiled.sides.filter((side) => transaction.hasSide(side));
  return some(sides.map((side) => matchesTransaction(compiled, transaction, side)));
}

/** Of a message that begins with the packet. */
function transactionOf(
  { protocol, sourcePort, destinationPort }: DecodedPacket,
  payload: Uint8Array,
  decode: DecodeContent | undefined,
): Transaction | undefined {
  if (protocol === PROTOCOL.udp && (sourcePort === DNS_PORT || destinationPort === DNS_PORT)) {
    const message = readDnsMessage(payload);
    return message === undefined ? undefined : new DnsTransaction(message);
  }
  if (protocol !== PROTOCOL.tcp || isHttp(payload) !== true) return undefined;
  const transaction = new HttpTransaction(decode);
  const side = payload[0] === 0x48 && payload[1] === 0x54 ? 'response' : 'request';
  transaction[side] = readHttpMessage(payload, side);
  return transaction;
}
