// SPDX-License-Identifier: Apache-2.0
// A capture through the program that a kernel would run, compiled to WebAssembly: anywhere, without root. What the program flags is
// confirmed with all that the capture has of the connection.

import { inflateRawSync, inflateSync, constants } from 'node:zlib';
import { compile, Environment, MOST_PACKET } from '@plinth/ebpf';
import {
  type CapturedFrame,
  type CarriedPacket,
  CaptureJudge,
  type CaptureJudgeOptions,
  type DecodeContent,
  type JudgedPacket,
  type Judgement,
  type KernelRule,
  packetProgram,
  type PacketProgram,
  PacketUnwrapper,
  readCapture,
  readEvent,
  REASON,
  ruleTables,
  UNINSPECTED,
  VERDICT,
} from '@plinth/guards';

export interface CaptureSettings extends Omit<CaptureJudgeOptions, 'decode'> {
  readonly failClosed: boolean;
}

/** What is said of a packet: of a frame, or of one that it carries. */
export interface InspectedPacket extends JudgedPacket {
  readonly captured: CapturedFrame;
  readonly carried: CarriedPacket;
  /** Bits of `REASON`. */
  readonly reason: number;
  /** Its checksum is wrong: it was not looked at, nor by rules that do not ask for that. */
  readonly isJunk: boolean;
  /** It does not pass, because of a rule or because it cannot be inspected. */
  readonly stopped: boolean;
}

export interface CaptureCounts {
  frames: number;
  dropped: number;
  /** Longer than any interface gives them to a program. */
  tooLong: number;
}

export function* inspectCapture(
  bytes: Uint8Array,
  what: string,
  judgements: readonly Judgement[],
  settings: CaptureSettings,
  counts: CaptureCounts,
): Generator<InspectedPacket> {
  const inspector = new FrameInspector(judgements, settings, counts);
  let last: CapturedFrame | undefined;
  for (const captured of readCapture(bytes, what)) {
    yield* inspector.inspect(captured);
    last = captured;
  }
  if (last !== undefined) yield* inspector.rest(last);
}

/** Takes frames one by one, as they pass. */
export class FrameInspector {
  readonly #inline: boolean;
  readonly #failClosed: boolean;
  readonly #counts: CaptureCounts;
  readonly #program: PacketProgram;
  readonly #environment: Environment;
  readonly #run: () => number;
  readonly #judge: CaptureJudge;
  readonly #unwrapper: PacketUnwrapper = new PacketUnwrapper();

  constructor(
    judgements: readonly Judgement[],
    { failClosed, ...options }: CaptureSettings,
    counts: CaptureCounts = { frames: 0, dropped: 0, tooLong: 0 },
  ) {
    const rules = judgements.flatMap((one) => kernelRulesOf(one, options.inline));
    // What is dropped of a connection is decided with all that was confirmed.
    const program = packetProgram(ruleTables(rules), {
      failClosed,
      midstream: options.midstream,
      dropFlow: false,
      checked: true,
    });
    this.#inline = options.inline;
    this.#failClosed = failClosed;
    this.#counts = counts;
    this.#program = program;
    this.#environment = new Environment(program.program);
    this.#environment.maps.get(program.tablesMap.name)?.update(new Uint8Array(4), program.tables.bytes);
    this.#run = compile(this.#environment);
    this.#judge = new CaptureJudge(judgements, { ...options, decode: decodeContent });
  }

  /** What is said of the frame, which is kept, and of each that it carries. */
  *inspect(captured: CapturedFrame): Generator<InspectedPacket> {
    const environment = this.#environment;
    this.#counts.frames++;
    if (captured.bytes.length > MOST_PACKET || captured.bytes.length === 0) {
      this.#counts.tooLong++;
      return;
    }
    for (const carried of this.#unwrapper.unwrap(captured.bytes, captured.time)) {
      const isJunk = this.#judge.isJunk(carried, captured.time);
      let reason = 0;
      const flags: number[] = [];
      let uninspected = isJunk && this.#failClosed;
      if (!isJunk) {
        environment.present({ frame: carried.frame, time: captured.time });
        const stoppedByProgram = this.#run() === VERDICT.drop;
        for (const record of environment.take(this.#program.events)) {
          const event = readEvent(record);
          reason |= event.reason;
          flags.push(...event.matches.map(({ rule }) => rule));
        }
        uninspected = stoppedByProgram && this.#failClosed && (reason & UNINSPECTED) !== 0;
      }
      const known = (reason & REASON.untold) === 0 ? flags : undefined;
      const judged = this.#judge.judge(carried, captured.time, known, isJunk);
      const stopped = uninspected || (this.#inline && judged.dropped !== undefined);
      if (stopped) this.#counts.dropped++;
      yield { captured, carried, ...judged, reason, isJunk, stopped };
      // What it carries does not arrive.
      if (stopped) break;
    }
  }

  /** When all is over, behind the last frame: what of streams was not looked at. */
  *rest(captured: CapturedFrame): Generator<InspectedPacket> {
    if (this.#inline) return;
    for (const judged of this.#judge.rest(captured.time))
      yield { captured, ...judged, reason: 0, stopped: false, isJunk: false };
  }
}

/**
 * As the program gets them here: what lets packets pass, or is not to be told, is told, too, and decided with the rest; and where nothing is
 * dropped, all rules only tell.
 */
function kernelRulesOf(judgement: Judgement, inline: boolean): KernelRule[] {
  if (judgement.answer === 'refused' || (judgement.answer === 'confirm' && judgement.everything)) return [];
  const rules = judgement.answer === 'kernel' ? [judgement.kernel] : judgement.candidates;
  return rules.map((rule) => ({
    ...rule,
    silent: false,
    ...(inline && rule.action !== 'pass' ? {} : { action: 'alert' }),
  }));
}

/** A stream that ends early gives what it has. What is around the data is believed no more than it has to be. */
export const decodeContent: DecodeContent = (bytes, coding, most) => {
  const options = { maxOutputLength: most, finishFlush: constants.Z_SYNC_FLUSH };
  const attempt = (decode: () => Uint8Array): Uint8Array | undefined => {
    try {
      return decode();
    } catch {
      return undefined;
    }
  };
  const raw = (from: number): Uint8Array | undefined => {
    const data = attempt(() => inflateRawSync(bytes.subarray(from), options));
    return data === undefined || data.length === 0 ? undefined : data;
  };
  // Of several members the first one is read. Whoever says the other one of the two is understood, too.
  const gzip = (): Uint8Array | undefined =>
    bytes[0] === 0x1f && bytes[1] === 0x8b ? raw(gzipHeader(bytes)) : undefined;
  const zlib = (): Uint8Array | undefined => attempt(() => inflateSync(bytes, options));
  switch (coding.replace('x-', '')) {
    case 'gzip':
      return gzip() ?? zlib();
    case 'deflate':
      // Some send it without the header of zlib.
      return zlib() ?? gzip() ?? raw(0);
    default:
      return undefined;
  }
};

/** Bytes before the data (RFC 1952, section 2.3). */
function gzipHeader(bytes: Uint8Array): number {
  const flags = bytes[3] ?? 0;
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0);
  for (const text of [8, 16]) if ((flags & text) !== 0) at = bytes.indexOf(0, at) + 1 || bytes.length;
  return (flags & 2) === 0 ? at : at + 2;
}
