// SPDX-License-Identifier: Apache-2.0
// A question and its answer, of which rules look at the buffers of one side at a time.

import { type BufferView, every, type Outcome, some } from './buffer-view.js';
import { compareNumber } from './compare-number.js';
import type { CompiledRule } from './compiled-rule.js';
import { dnsNames, dnsNumbers, isDnsBuffer } from './dns-buffers.js';
import type { DnsMessage } from './dns-message.js';
import { type DecodeContent, httpBuffer, type HttpSide, sidesOf as httpSidesOf } from './http-buffers.js';
import type { HttpMessage } from './http-message.js';
import { inspectBuffer } from './inspect-buffer.js';
import { transformed } from './transforms.js';

export type Side = HttpSide;
export type AppProtocol = 'http' | 'dns' | 'tls' | 'ssh';

export interface Transaction {
  readonly protocol: AppProtocol;
  /** What is wrong with it, by Suricata's names without that of the protocol. */
  readonly events: ReadonlySet<string>;
  /** Whether something of a side has been said. */
  hasSide(side: Side): boolean;
  /** The buffers of that name; none if that side has none, `unknown` if it may still come to have one. */
  buffers(name: string, side: Side): readonly BufferView[] | 'unknown';
  /** Numbers of that name, of which one has to be what a rule asks for. */
  numbers(name: string): readonly number[];
}

/** Which sides have a buffer; undefined if there is none of that name. */
export function sidesOf(name: string): readonly Side[] | undefined {
  if (name === 'dns.query') return ['request'];
  return isDnsBuffer(name) ? ['request', 'response'] : httpSidesOf(name);
}

/** Of which protocol a buffer is; undefined for one that several have. */
export function protocolOf(name: string): AppProtocol | undefined {
  return name.startsWith('http.') ? 'http' : name.startsWith('dns.') ? 'dns' : undefined;
}

export class HttpTransaction implements Transaction {
  readonly protocol = 'http';
  readonly events: ReadonlySet<string> = new Set();
  request: HttpMessage | undefined;
  response: HttpMessage | undefined;
  readonly #decode: DecodeContent | undefined;

  constructor(decode: DecodeContent | undefined) {
    this.#decode = decode;
  }

  hasSide(side: Side): boolean {
    return this[side] !== undefined;
  }

  buffers(name: string, side: Side): readonly BufferView[] | 'unknown' {
    const message = this[side];
    if (httpSidesOf(name) === undefined) return [];
    return message === undefined ? 'unknown' : httpBuffer(name, message, this.#decode);
  }

  numbers(): readonly number[] {
    return [];
  }
}

export class DnsTransaction implements Transaction {
  readonly protocol = 'dns';
  readonly message: DnsMessage;

  constructor(message: DnsMessage) {
    this.message = message;
  }

  get events(): ReadonlySet<string> {
    return this.message.events;
  }

  hasSide(side: Side): boolean {
    return (side === 'response') === this.message.isResponse;
  }

  buffers(name: string, side: Side): readonly BufferView[] {
    if (!this.hasSide(side)) return [];
    return dnsNames(name, this.message).map((bytes) => ({ bytes, complete: true }));
  }

  numbers(name: string): readonly number[] {
    return dnsNumbers(name, this.message);
  }
}

/** Conditions on a transaction's buffers, those of one side. */
export function matchesTransaction(
  { groups, numbers, events, app }: CompiledRule,
  transaction: Transaction,
  side: Side,
): Outcome {
  if (app !== undefined && app !== transaction.protocol) return 'none';
  if (!events.every((name) => transaction.events.has(name))) return 'none';
  for (const { name, test } of numbers) {
    if (!transaction.numbers(name).some((number) => compareNumber(test, number))) return 'none';
  }
  return every(
    groups.map(({ buffer, transforms, conditions }) => {
      const views = transaction.buffers(buffer, side);
      if (views === 'unknown') return 'unknown';
      return some(
        views.map(({ bytes, complete }) =>
          inspectBuffer(conditions, { bytes: transformed(bytes, transforms), complete }),
        ),
      );
    }),
  );
}
