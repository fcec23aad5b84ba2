// SPDX-License-Identifier: Apache-2.0
// Decides rules on the packets of a capture, of which the program in the kernel has said which rules they match or may match. Since all
// packets are at hand, a rule that one of them does not decide is looked at again with those that follow.

import { type DecodedPacket, decodePacket } from '../decode-packet.js';
import type { Judgement } from '../judge-rule.js';
import { ACTION_ORDER } from '../kernel-rule.js';
import { waysOf } from '../match-header.js';
import type { Condition, Rule } from '../rule.js';
import { join } from './buffer-view.js';
import { type Decided, decideAlerts, type Matched } from './alert-queue.js';
import type { CarriedPacket } from './carried-packets.js';
import { type CompiledRule, compileRule } from './compiled-rule.js';
import { type Direction, type Flow, type FlowOptions, type FlowPacket, FlowTable } from './flow-table.js';
import { inspectBuffer } from './inspect-buffer.js';
import { type KnownPacket, matchesPacket } from './packet-conditions.js';
import { type Look, lookAt } from './raw-stream.js';
import { Thresholds } from './threshold.js';
import { matchesTransaction, type Side, type Transaction } from './transaction.js';

export interface CaptureJudgeOptions extends FlowOptions {
  /** A packet that is dropped does not arrive, and a flow that is dropped is dropped to its end. */
  readonly inline: boolean;
  /** What was found in a stream is told with each segment that it lies shortly before, as Suricata does it inline; else once. */
  readonly retell?: boolean;
  /** Alerts of one packet; what is more is not told. */
  readonly mostAlerts?: number;
}

/** Where a rule has matched, if it is in a transaction. */
export type Place = Transaction | undefined;

export interface JudgedPacket {
  readonly packet: DecodedPacket;
  readonly flow: FlowPacket | undefined;
  readonly told: readonly Matched<Place>[];
  /** By a rule, or because its flow is. */
  readonly dropped: Matched<Place> | 'flow' | undefined;
  /** A rule lets it pass, whatever others say. */
  readonly passed: boolean;
}

interface Confirmed {
  readonly compiled: CompiledRule;
  readonly order: number;
  readonly everything: boolean;
}

export class CaptureJudge {
  readonly #options: CaptureJudgeOptions;
  readonly #flows: FlowTable;
  readonly #thresholds = new Thresholds();
  /** By the number of a rule that the kernel has: what it stands for. */
  readonly #kernel: { readonly rule: Rule; readonly order: number; readonly confirmed: Confirmed | undefined }[] = [];
  /** Rules that the kernel decides, for packets of which it does not. */
  readonly #decided: Confirmed[] = [];
  readonly #always: Confirmed[] = [];
  readonly #ofStreams: Confirmed[] = [];
  /** Rules that a flow's packets were flagged with, and that are not decided yet. */
  readonly #armed = new WeakMap<Flow, Record<Direction, Set<Confirmed>>>();
  /** Where in a stream a rule has matched last. */
  readonly #matchedAt = new WeakMap<Flow, Map<string, number>>();
  readonly #told = new WeakMap<Transaction, Set<string>>();
  /** Rules of a protocol that were told, by flow. */
  readonly #toldOnce = new WeakMap<Flow, Set<string>>();

  /** The kernel's rules are those of `kernelRulesOf`, in their order. */
  constructor(judgements: readonly Judgement[], options: CaptureJudgeOptions) {
    this.#options = options;
    this.#flows = new FlowTable(options);
    judgements.forEach((one, order) => {
      if (one.answer === 'refused') return;
      const confirmed =
        one.answer === 'confirm' ? { compiled: one.compiled, order, everything: one.everything } : undefined;
      if (one.answer === 'kernel') {
        const compiled = compileRule(one.rule);
        if (typeof compiled !== 'string') this.#decided.push({ compiled, order, everything: false });
      }
      if (confirmed?.compiled.looks.inStream === true) this.#ofStreams.push(confirmed);
      if (confirmed?.everything === true) this.#always.push(confirmed);
      else {
        const count = one.answer === 'confirm' ? one.candidates.length : 1;
        for (let n = 0; n < count; n++) this.#kernel.push({ rule: one.rule, order, confirmed });
      }
    });
  }

  /** Whether its receiver will throw it away for its checksum. */
  isJunk({ frame }: CarriedPacket, time: bigint): boolean {
    return this.#flows.isJunk(frame, decodePacket(frame), time);
  }

  /** `flags` are numbers of the kernel's rules that matched; undefined if not all of them are known. */
  judge(
    carried: CarriedPacket,
    time: bigint,
    flags: readonly number[] | undefined,
    isJunk: boolean = this.isJunk(carried, time),
  ): JudgedPacket {
    const { frame, events, origin } = carried;
    const packet = decodePacket(frame);
    const known = this.#flows.peek(frame, packet, time);
    if (known?.action === 'drop' && this.#options.inline)
      return { packet, flow: undefined, told: [], dropped: 'flow', passed: false };
    const flow = this.#flows.see(frame, packet, time, isJunk);
    if (flow?.flow.action === 'pass') return { packet, flow, told: [], dropped: undefined, passed: true };
    return this.#judge({ frame, packet, events, flow, origin }, time, packet.kind === 'malformed' ? undefined : flags);
  }

  /** When all is over: what was not looked at because nobody has acknowledged it. */
  *rest(time: bigint): Generator<JudgedPacket & { readonly carried: CarriedPacket }> {
    const [origin, events] = ['stream (flow timeout)', new Set<string>()] as const;
    for (const { frame, flowPacket: flow } of this.#flows.rest()) {
      const scene: Scene = { frame, packet: decodePacket(frame), events, flow, origin };
      yield { ...this.#judge(scene, time, undefined), carried: { frame, origin, outer: undefined, events } };
    }
  }

  #judge(scene: Scene, time: bigint, flags: readonly number[] | undefined): JudgedPacket {
    const { frame, packet, flow } = scene;
    const matched: Matched<Place>[] = [];
    const flagged = new Set<Confirmed>(this.#always);
    for (const number of new Set(flags ?? this.#kernel.keys())) {
      const { rule, order, confirmed } = this.#kernel[number]!;
      if (flags === undefined && confirmed === undefined) continue;
      if (confirmed !== undefined) flagged.add(confirmed);
      else if (isTold(rule, flow))
        matched.push({ rule, order, where: undefined, inStream: false, ofFlow: isOfFlow(rule, flow) });
    }
    for (const one of this.#open(flow, flagged)) matched.push(...this.#confirm(one, scene));
    if (flags === undefined) for (const one of this.#decided) matched.push(...this.#confirm(one, scene));
    // `<>` is a rule for each way.
    matched.push(...matched.filter(({ rule: { header } }) => header.bothWays && waysOf(header, packet, frame) === 2));
    const { told, dropped, passed } = this.#decide(matched, scene, time);
    return { packet, flow, told, dropped, passed: passed !== undefined };
  }

  /** Those that are flagged, and those that were before and are not decided; in the order in which flowbits want it. */
  #open(flow: FlowPacket | undefined, flagged: ReadonlySet<Confirmed>): Confirmed[] {
    let all = flagged;
    if (flow !== undefined) {
      let armed = this.#armed.get(flow.flow);
      if (armed === undefined) {
        armed = { to_server: new Set(), to_client: new Set() };
        this.#armed.set(flow.flow, armed);
      }
      const mine = armed[flow.direction];
      for (const one of flagged) mine.add(one);
      if (flow.flow[flow.direction].isDisordered) for (const one of this.#ofStreams) mine.add(one);
      all = mine;
    }
    return [...all].sort((a, b) => orderOf(a.compiled) - orderOf(b.compiled) || a.order - b.order);
  }

  #confirm(one: Confirmed, scene: Scene): Matched<Place>[] {
    const { compiled, order } = one;
    const { rule } = compiled;
    const { flow } = scene;
    const found = (where: Place, inStream: boolean): Matched<Place> => ({
      rule,
      order,
      where,
      inStream,
      ofFlow: inStream || isOfFlow(rule, flow),
    });
    const known =
      flow === undefined
        ? undefined
        : {
            direction: flow.direction,
            established: flow.flow.wasEstablished,
            app: flow.flow.app,
            events: flow.events,
          };
    const outer = matchesPacket(compiled, scene, known);
    // What nobody has sent is no packet, only what is left of a stream.
    const isLeft = scene.origin === 'stream (flow timeout)';
    if (isLeft && (compiled.payload.length === 0 || !compiled.looks.inStream)) return [];
    if (outer === 'none' || !hasFlowbits(compiled, flow?.flow)) return [];
    const payload = matchesPayload(compiled, scene, this.#freshOf(one, flow));
    if (compiled.groups.length + compiled.numbers.length + compiled.events.length === 0) {
      if (outer !== 'match' || payload === 'none') return [];
      if (!isTold(rule, flow) || !this.#isFirstOfProtocol(one, flow)) return [];
      setFlowbits(compiled, flow?.flow);
      if (payload === 'stream' && flow !== undefined) this.#keepPlace(one, flow);
      return [found(undefined, payload === 'stream')];
    }
    if (flow === undefined || payload === 'none' || outer !== 'match') return [];
    const all: Matched<Place>[] = [];
    for (const [transaction, sides] of flow.flow.open) {
      for (const side of sides) {
        if (this.#matchesOnce(one, transaction, side)) all.push(found(transaction, true));
      }
    }
    if (all.length > 0) setFlowbits(compiled, flow.flow);
    return all;
  }

  /** Of the stream, what is looked at for a rule: behind its last match, if that is not to be told again. */
  #freshOf({ compiled, order }: Confirmed, flow: FlowPacket | undefined): Look | undefined {
    if (flow === undefined) return undefined;
    const { stream } = flow.flow[flow.direction];
    // A transaction is told with the packet that ends it, so what was said before counts, too.
    if (compiled.groups.length > 0) return stream === undefined ? undefined : lookAt(stream.tail);
    const since = this.#matchedAt.get(flow.flow)?.get(`${order} ${flow.direction}`);
    if (since === undefined || stream === undefined || flow.raw === undefined) return flow.raw;
    const { bytes } = flow.raw;
    const fresh = Math.max(0, stream.length - since);
    return fresh < bytes.length ? { ...flow.raw, bytes: bytes.subarray(bytes.length - fresh) } : flow.raw;
  }

  #keepPlace({ order }: Confirmed, { flow, direction }: FlowPacket): void {
    const { stream } = flow[direction];
    if (this.#options.retell === true || !this.#options.inline || stream === undefined) return;
    const places = this.#matchedAt.get(flow) ?? new Map<string, number>();
    this.#matchedAt.set(flow, places.set(`${order} ${direction}`, stream.length));
  }

  /** A rule that asks only what is said in a connection is told once for each direction. */
  #isFirstOfProtocol({ compiled: { rule }, order }: Confirmed, flow: FlowPacket | undefined): boolean {
    if (flow === undefined || !isOfProtocol(rule)) return true;
    const told = this.#toldOnce.get(flow.flow) ?? new Set<string>();
    this.#toldOnce.set(flow.flow, told);
    const key = `${order} ${flow.direction}`;
    const isFirst = !told.has(key);
    told.add(key);
    return isFirst;
  }

  #matchesOnce({ compiled, order }: Confirmed, transaction: Transaction, side: Side): boolean {
    if (!compiled.sides.includes(side)) return false;
    const key = `${order} ${side}`;
    let told = this.#told.get(transaction);
    if (told?.has(key) === true) return false;
    if (matchesTransaction(compiled, transaction, side) !== 'match') return false;
    if (told === undefined) {
      told = new Set();
      this.#told.set(transaction, told);
    }
    told.add(key);
    return true;
  }

  #decide(matched: readonly Matched<Place>[], { frame, packet, flow }: Scene, time: bigint): Decided<Place> {
    const [source, destination] = addressKeys(frame, packet);
    const subject = { source, destination, flow: flow?.flow.number };
    const decided = decideAlerts(matched, this.#thresholds, subject, time, this.#options.mostAlerts);
    const { passed, dropped } = decided;
    if (flow !== undefined) {
      if (passed?.ofFlow === true) flow.flow.action ??= 'pass';
      if (dropped?.ofFlow === true) flow.flow.action ??= 'drop';
    }
    return decided;
  }
}

interface Scene extends KnownPacket {
  readonly flow: FlowPacket | undefined;
}

/** Where conditions on the payload hold: what is looked at of the stream comes first, and what is in no stream is looked at by itself. */
function matchesPayload(
  { payload: conditions, looks }: CompiledRule,
  { frame, packet, flow, origin }: Scene,
  raw: Look | undefined,
): 'always' | 'stream' | 'packet' | 'none' {
  if (conditions.length === 0) return 'always';
  const matches = (bytes: Uint8Array): boolean => inspectBuffer(conditions, { bytes, complete: true }) === 'match';
  if (looks.inStream && raw !== undefined && matchesLook(raw, matches, looks.inPacket)) return 'stream';
  if (origin === 'stream (flow timeout)') return 'none';
  // Where nothing has been acknowledged yet, that is nothing.
  const isEmpty = raw?.bytes.length === 0;
  const isLookedAt = packet.payloadLength > 0 || isEmpty || (looks.inPacket && raw !== undefined);
  if (!isLookedAt || (!looks.inPacket && flow?.inStream === true && !isEmpty)) return 'none';
  const bytes = flow?.payload ?? frame.subarray(packet.payload, packet.payload + packet.payloadLength);
  return matches(bytes) ? 'packet' : 'none';
}

/** `placed`: it asks how far from the beginning something lies, which only is known there. */
function matchesLook(
  { bytes, before, fromStart, cut }: Look,
  matches: (bytes: Uint8Array) => boolean,
  placed: boolean,
): boolean {
  if (bytes.length > 0 && matches(bytes)) return true;
  if (!placed && cut.some(matches)) return true;
  const isOver = bytes.length > 0 && before.length > 0 && (fromStart || !placed);
  return isOver && matches(join([before, bytes])) && !matches(before);
}

function hasFlowbits({ flowbits }: CompiledRule, flow: Flow | undefined): boolean {
  return flowbits.every(({ command, names }) => {
    if (command === 'isset') return flow !== undefined && names.some((name) => flow.bits.has(name));
    if (command === 'isnotset') return flow !== undefined && names.some((name) => !flow.bits.has(name));
    return true;
  });
}

function setFlowbits({ flowbits }: CompiledRule, flow: Flow | undefined): void {
  if (flow === undefined) return;
  for (const { command, names } of flowbits) {
    for (const name of names) {
      if (command === 'set' || (command === 'toggle' && !flow.bits.has(name))) flow.bits.add(name);
      else if (command === 'unset' || command === 'toggle') flow.bits.delete(name);
    }
  }
}

/** By what they do, then as flowbits want it. */
function orderOf(compiled: CompiledRule): number {
  return 4 * ACTION_ORDER[compiled.rule.header.action] + flowbitsRank(compiled);
}

/** Suricata looks at rules that set before those that set and ask, and at those that only ask last. */
function flowbitsRank({ flowbits }: CompiledRule): number {
  const sets = flowbits.some(({ command }) => command !== 'isset' && command !== 'isnotset');
  const asks = flowbits.some(({ command }) => command === 'isset' || command === 'isnotset');
  return sets && !asks ? 0 : sets ? 1 : asks ? 2 : 3;
}

/** A rule that has only addresses and ports, and says which, is told once for each direction of a flow. */
function isTold(rule: Rule, flow: FlowPacket | undefined): boolean {
  return flow === undefined || flow.isFirst || rule.header.negatedAddresses || !isOfAddresses(rule);
}

/** Protocols of a header that are not seen by what is said in them. */
const PLAIN: ReadonlySet<string> = new Set([
  'ip',
  'ip4',
  'ip6',
  'ipv4',
  'ipv6',
  'tcp',
  'tcp-pkt',
  'tcp-stream',
  'udp',
  'icmp',
]);

function isOfAddresses({ conditions, header }: Rule): boolean {
  const bare = (condition: Condition): boolean =>
    (condition.kind === 'number' && condition.name === 'ip_proto') ||
    (condition.kind === 'flowbits' && condition.command === 'set');
  return PLAIN.has(header.protocol) && conditions.every(bare);
}

function isOfProtocol({ conditions }: Rule): boolean {
  const bare = (condition: Condition): boolean =>
    condition.kind === 'app-layer-protocol' ||
    (condition.kind === 'flow' && condition.state === undefined) ||
    (condition.kind === 'flowbits' && condition.command === 'set');
  return conditions.some(({ kind }) => kind === 'app-layer-protocol') && conditions.every(bare);
}

/** What it does it does to the whole flow: a rule of addresses, or one that has matched in a stream. */
function isOfFlow(rule: Rule, flow: FlowPacket | undefined): boolean {
  return flow !== undefined && isOfAddresses(rule);
}

function addressKeys(frame: Uint8Array, { version, network }: DecodedPacket): [string, string] {
  if (version === 0) return ['', ''];
  const [at, size] = version === 4 ? [network + 12, 4] : [network + 8, 16];
  return [frame.subarray(at, at + size).join('.'), frame.subarray(at + size, at + 2 * size).join('.')];
}
