// SPDX-License-Identifier: Apache-2.0
// What a GDB client asks for when the target is to go on (GDB manual, "Packets": c, C, s, S, vCont, bc, bs), and what it is
// told when the target has stopped ("Stop Reply Packets").

import { parseHex, parseRange, parseThread } from './packets.js';
import type { Resumption, TargetStop, TargetThread } from './target.js';

/** What can stand in `vCont`. */
export const CONTINUE_ACTIONS = 'vCont;c;C;s;S;t;r';

function parseAction(text: string): Resumption | 'stand' | undefined {
  const [, letter, rest] = /^([a-zA-Z])(.*)$/.exec(text) ?? [];
  switch (letter) {
    case 'c':
    case 's':
    case 't':
      if (rest !== '') return undefined;
      return letter === 't' ? 'stand' : { kind: letter === 'c' ? 'continue' : 'step' };
    case 'C': // a signal to go on with: nobody is there to take it
    case 'S':
      if (parseHex(rest) === undefined) return undefined;
      return { kind: letter === 'C' ? 'continue' : 'step' };
    case 'r': {
      const range = parseRange(rest!);
      return range === undefined ? undefined : { kind: 'range', start: range.address, end: range.length };
    }
    default:
      return undefined;
  }
}

/** `vCont;ACTION[:THREAD]…`, what stands behind `vCont`: for each thread the first action that names it. */
export function parseContinue(
  text: string,
  threads: readonly TargetThread[],
  current: number,
): ReadonlyMap<number, Resumption> | undefined {
  const result = new Map<number, Resumption | 'stand'>();
  if (!text.startsWith(';')) return undefined;
  for (const part of text.slice(1).split(';')) {
    const [actionText, threadText, ...more] = part.split(':');
    const action = parseAction(actionText!);
    const thread = threadText === undefined ? 'all' : parseThread(threadText);
    if (action === undefined || thread === undefined || more.length > 0) return undefined;
    for (const { id } of threads) {
      const named = thread === 'all' || id === (thread === 'any' ? current : thread);
      if (named && !result.has(id)) result.set(id, action);
    }
  }
  const going = new Map<number, Resumption>();
  for (const [id, action] of result) if (action !== 'stand') going.set(id, action);
  return going.size === 0 ? undefined : going;
}

/** What a client can be told of reasons. */
export interface StopWords {
  readonly software: boolean;
  readonly hardware: boolean;
}

const WATCH_WORDS = { write: 'watch', read: 'rwatch', access: 'awatch' } as const;

export function hexByte(value: number): string {
  return (value & 0xff).toString(16).padStart(2, '0');
}

export function stopReply({ signal, thread, reason }: TargetStop, words: StopWords): string {
  const head = `T${hexByte(signal)}thread:${thread.toString(16)};`;
  if (reason === undefined) return head;
  switch (reason.kind) {
    case 'software':
      return words.software ? `${head}swbreak:;` : head;
    case 'hardware':
      return words.hardware ? `${head}hwbreak:;` : head;
    case 'history':
      return `${head}replaylog:${reason.end};`;
    default:
      return `${head}${WATCH_WORDS[reason.kind]}:${reason.address.toString(16)};`;
  }
}
