// SPDX-License-Identifier: Apache-2.0
// Decides rules on the packets of a capture, of which the program in the kernel has said which rules they match or may match. Since all
// packets are at hand, a rule that one of them does not decide is looked at again with those that follow.

import { type DecodedPacket, decodePacket } from '../decode-packet.js';
import type { Judgement } from '../judge-rule.js';
import type { Condition, Rule } from '../rule.js';
import { type Decided, decideAlerts, type Matched } from './alert-queue.js';
import { type BufferView, every, type Outcome, some } from './buffer-view.js';
import type { CarriedPacket } from './carried-packets.js';
import { type CompiledRule, compileRule, isPlaced } from './compiled-rule.js';
import { type Direction, type Flow, type FlowOptions, type FlowPacket, FlowTable } from './flow-table.js';
import { inspectBuffer } from './inspect-buffer.js';
import { type KnownPacket, matchesPacket } from './packet-conditions.js';
import { Thresholds } from './threshold.js';
import { matchesTransaction, type Side, type Transaction } from './transaction.js';

export interface CaptureJudgeOptions extends FlowOptions {
  /** A packet that is dropped does not arrive, and a flow that is dropped is dropped to its end. */
  readonly inline: boolean;
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
  /** Rules that a flow's packets were flagged with, and that are not decided yet. */
  readonly #armed = new WeakMap<Flow, Record<Direction, Set<Confirmed>>>();
  /** Where in a stream a rule has matched last: what comes behind may match again. */
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
    const { frame, events } = carried;
    const packet = decodePacket(frame);
    const known = this.#flows.peek(frame, packet, time);
    if (known?.action === 'drop' && this.#options.inline)
      return { packet, flow: undefined, told: [], dropped: 'flow', passed: false };
    const flow = this.#flows.see(frame, packet, time, isJunk);
    if (flow?.flow.action === 'pass') return { packet, flow, told: [], dropped: undefined, passed: true };
    const matched: Matched<Place>[] = [];
    const flagged = new Set<Confirmed>(this.#always);
    const isUndecided = flags === undefined || packet.kind === 'malformed';
    for (const number of new Set(isUndecided ? this.#kernel.keys() : flags)) {
      const { rule, order, confirmed } = this.#kernel[number]!;
      if (isUndecided && confirmed === undefined) continue;
      if (confirmed !== undefined) flagged.add(confirmed);
      else if (isTold(rule, flow)) matched.push({ rule, order, where: undefined, ofFlow: isOfFlow(rule, flow) });
    }
    const scene = { frame, packet, events, flow };
    for (const one of this.#open(flow, flagged)) matched.push(...this.#confirm(one, scene));
    if (isUndecided) for (const one of this.#decided) matched.push(...this.#confirm(one, scene));
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
      all = mine;
    }
    return [...all].sort((a, b) => flowbitsRank(a.compiled) - flowbitsRank(b.compiled) || a.order - b.order);
  }

  #confirm(one: Confirmed, scene: Scene): Matched<Place>[] {
    const { compiled, order } = one;
    const { rule } = compiled;
    const { flow } = scene;
    const found = (where: Place): Matched<Place> => ({
      rule,
      order,
      where,
      ofFlow: where !== undefined || isOfFlow(rule, flow),
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
    if (outer === 'none' || !hasFlowbits(compiled, flow?.flow)) return [];
    const since = flow === undefined ? 0 : (this.#matchedAt.get(flow.flow)?.get(`${order} ${flow.direction}`) ?? 0);
    const payload = matchesPayload(compiled, scene, since);
    if (compiled.groups.length + compiled.numbers.length + compiled.events.length === 0) {
      const outcome = every([outer, payload]);
      if (outcome === 'unknown') return [];
      // Flagged once, it is looked for in what follows until it is decided.
      if (outcome === 'none' && compiled.payload.length > 0 && flow?.inStream === true) return [];
      if (flow !== undefined) this.#disarm(one, flow);
      if (outcome === 'none' || !isTold(rule, flow) || !this.#isFirstOfProtocol(one, flow)) return [];
      setFlowbits(compiled, flow?.flow);
      return [found(undefined)];
    }
    if (flow === undefined || payload !== 'match' || outer !== 'match') return [];
    const all: Matched<Place>[] = [];
    for (const [transaction, sides] of flow.flow.open) {
      for (const side of sides) {
        if (this.#matchesOnce(one, transaction, side)) all.push(found(transaction));
      }
    }
    if (all.length > 0) setFlowbits(compiled, flow.flow);
    return all;
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

  #disarm(one: Confirmed, { flow, direction }: FlowPacket): void {
    this.#armed.get(flow)?.[direction].delete(one);
    const { stream } = flow[direction];
    if (stream === undefined || one.compiled.payload.length === 0) return;
    const places = this.#matchedAt.get(flow) ?? new Map<string, number>();
    this.#matchedAt.set(flow, places.set(`${one.order} ${direction}`, stream.length));
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

/** Whether a rule that matches in a packet of a stream matches in the stream. */
export function looksInStream({ header, conditions }: Rule): boolean {
  const looks = conditions.some(({ kind }) => kind === 'content' || kind === 'pcre');
  const only = conditions.find((condition) => condition.kind === 'flow')?.only;
  return looks && header.protocol !== 'tcp-pkt' && only !== 'packet';
}

/** Conditions on the payload: that of the packet, or what its stream has had from `since` up to its end. */
function matchesPayload(
  { rule, payload: conditions }: CompiledRule,
  { frame, packet, flow }: Scene,
  since: number,
): Outcome {
  if (conditions.length === 0) return 'match';
  const own: BufferView = {
    bytes: frame.subarray(packet.payload, packet.payload + packet.payloadLength),
    complete: true,
  };
  const { protocol } = rule.header;
  const only = rule.conditions.find((condition) => condition.kind === 'flow')?.only;
  const isStream = protocol === 'tcp-stream' || only === 'stream';
  const isPacket = protocol === 'tcp-pkt' || only === 'packet' || conditions.some((condition) => isPlaced(condition));
  const views: BufferView[] = [];
  if (flow?.inStream === true && !(isPacket && !isStream)) {
    const stream = flow.flow[flow.direction].stream;
    if (stream !== undefined && stream.length > since) {
      views.push({ bytes: stream.tail.subarray(-Math.min(stream.tail.length, stream.length - since)), complete: true });
    }
  } else if (!isStream && own.bytes.length > 0) views.push(own);
  return some(views.map((view) => inspectBuffer(conditions, view)));
}

function hasFlowbits({ flowbits }: CompiledRule, flow: Flow | undefined): boolean {
  return flowbits.every(({ command, names }) => {
    if (command === 'isset') return flow !== undefined && names.some((name) => flow.bits.has(name));
    if (command === 'isnotset') return flow !== undefined && !names.some((name) => flow.bits.has(name));
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

/** Suricata looks at rules that set before those that set and ask, and at those that only ask last. */
function flowbitsRank({ flowbits }: CompiledRule): number {
  const sets = flowbits.some(({ command }) => command !== 'isset' && command !== 'isnotset');
  const asks = flowbits.some(({ command }) => command === 'isset' || command === 'isnotset');
  return sets && !asks ? 0 : sets ? 1 : asks ? 2 : 3;
}

/** A rule that has only addresses is told once for each direction of a flow. */
function isTold(rule: Rule, flow: FlowPacket | undefined): boolean {
  return flow === undefined || flow.isFirst || !isOfAddresses(rule);
}

function isOfAddresses({ conditions, header }: Rule): boolean {
  const bare = (condition: Condition): boolean =>
    (condition.kind === 'number' && condition.name === 'ip_proto') ||
    (condition.kind === 'flow' && condition.direction === undefined && condition.state === undefined) ||
    (condition.kind === 'flowbits' && condition.command === 'set');
  return ['ip', 'ip4', 'ip6', 'ipv4', 'ipv6', 'tcp', 'udp', 'icmp'].includes(header.protocol) && conditions.every(bare);
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
  return flow !== undefined && (isOfAddresses(rule) || (flow.inStream && looksInStream(rule)));
}

function addressKeys(frame: Uint8Array, { version, network }: DecodedPacket): [string, string] {
  if (version === 0) return ['', ''];
  const [at, size] = version === 4 ? [network + 12, 4] : [network + 8, 16];
  return [frame.subarray(at, at + size).join('.'), frame.subarray(at + size, at + 2 * size).join('.')];
}
