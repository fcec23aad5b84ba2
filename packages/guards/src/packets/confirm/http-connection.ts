// SPDX-License-Identifier: Apache-2.0
// The two streams of a connection as requests and responses. What of a message has not ended is read again with what comes;
// requests may come before their predecessors are answered.

import { latin1 } from '@plinth/core';
import { EMPTY, join } from './buffer-view.js';
import type { DecodeContent } from './http-buffers.js';
import { beginsRequest, beginsResponse, type HttpMessage, isHttp, isInterim, readHttpMessage } from './http-message.js';
import { HttpTransaction, type Side } from './transaction.js';

/** Bytes of a message that are kept until it ends; behind so many nothing of its stream is read any more. */
const MOST_PENDING = 0x10_0000;
/** Transactions that are kept: a response to an older request is that of an unknown one. */
const MOST_KEPT = 64;

interface Stream {
  pending: Uint8Array;
  /** The number of the transaction that its next message belongs to. */
  next: number;
  isLost: boolean;
  /** Behind an answer to CONNECT: what follows may be another protocol's. */
  isTunnel: boolean;
}

const BEGINS: Readonly<Record<Side, (bytes: Uint8Array) => boolean>> = {
  request: beginsRequest,
  response: beginsResponse,
};

/** What comes with the end of a message and begins no other one is taken for a part of its body; so are empty lines behind a request. */
function strayBytes(side: Side, rest: Uint8Array): number {
  const isBlank = rest.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d));
  if (isBlank || !BEGINS[side](rest)) return rest.length;
  return side === 'response' ? 0 : /^(?:[ \t]*\r?\n)*/.exec(latin1(rest.subarray(0, 64)))![0].length;
}

export class HttpConnection {
  readonly #transactions = new Map<number, HttpTransaction>();
  readonly #streams: Readonly<Record<Side, Stream>> = {
    request: { pending: EMPTY, next: 0, isLost: false, isTunnel: false },
    response: { pending: EMPTY, next: 0, isLost: false, isTunnel: false },
  };
  readonly #decode: DecodeContent | undefined;

  constructor(decode: DecodeContent | undefined) {
    this.#decode = decode;
  }

  /** Bytes that come next in a stream, and whether it has ended. Gives the transactions that they belong to. */
  feed(side: Side, bytes: Uint8Array, ended: boolean): HttpTransaction[] {
    const stream = this.#streams[side];
    if (stream.isLost) return [];
    if (stream.pending.length + bytes.length > MOST_PENDING) {
      stream.isLost = true;
      stream.pending = EMPTY;
      return [];
    }
    stream.pending = stream.pending.length === 0 ? bytes : join([stream.pending, bytes]);
    if (stream.isTunnel && stream.pending.length > 0) {
      stream.isTunnel = false;
      if (!BEGINS[side](stream.pending)) {
        this.#lose();
        return [];
      }
    }
    const touched: HttpTransaction[] = [];
    while (stream.pending.length > 0 || (ended && this.#isOpen(side))) {
      const transaction = this.#at(stream.next);
      const method = side === 'response' ? transaction.request?.parts[0] : undefined;
      const message = readHttpMessage(stream.pending, side, { method, ended, begun: transaction[side] });
      const rest = message.complete ? stream.pending.subarray(message.length) : EMPTY;
      const more = isInterim(message) ? 0 : strayBytes(side, rest);
      transaction[side] = more > 0 ? { ...message, body: join([message.body, rest.subarray(0, more)]) } : message;
      touched.push(transaction);
      if (!message.complete) break;
      stream.pending = rest.subarray(more);
      if (isInterim(message)) transaction.response = undefined;
      else stream.next++;
      this.#afterwards(message, method);
      if (stream.isLost || ended) break;
    }
    return touched;
  }

  #afterwards({ kind, parts, isBroken }: HttpMessage, method: string | undefined): void {
    const { request, response } = this.#streams;
    if (method === 'CONNECT' && parts[1].startsWith('2')) {
      request.isTunnel = true;
      response.isTunnel = true;
    }
    if (isBroken || (kind === 'response' && parts[1] === '101')) this.#lose();
  }

  /** What follows cannot be read, or is another protocol's. */
  #lose(): void {
    this.#streams.request.isLost = true;
    this.#streams.response.isLost = true;
  }

  /** A gap: where messages begin behind it is not known, unless they begin just there. */
  skip(side: Side, next: Uint8Array): void {
    const stream = this.#streams[side];
    if (isHttp(next) === true) {
      if (stream.pending.length > 0) stream.next++;
      stream.pending = EMPTY;
    } else stream.isLost = true;
  }

  /** Whether a message has begun and not ended. */
  #isOpen(side: Side): boolean {
    const message = this.#transactions.get(this.#streams[side].next)?.[side];
    return message !== undefined && !message.complete;
  }

  #at(number: number): HttpTransaction {
    let transaction = this.#transactions.get(number);
    if (transaction === undefined) {
      transaction = new HttpTransaction(this.#decode);
      this.#transactions.set(number, transaction);
      this.#transactions.delete(number - MOST_KEPT);
    }
    return transaction;
  }
}
