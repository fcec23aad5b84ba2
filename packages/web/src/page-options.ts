// SPDX-License-Identifier: Apache-2.0
// What the page's address says about the run, after the `?`. Names and meanings are those of `plinth run`'s RunSpec.

import { PlinthError } from '@plinth/core';

export type EngineChoice = 'translator' | 'interpreter';

export interface PageOptions {
  /** The first of the site if left out. */
  readonly guest?: string;
  readonly engine: EngineChoice;
  /** Hexadecimal; random if left out. */
  readonly seed?: string;
  /** Seconds since 1970; now if left out. */
  readonly wallClock?: number;
  /** Instructions after which the machine stands still. Nothing then depends on the host's time or on input. */
  readonly until?: number;
  /** Bytes of RAM. */
  readonly memory?: number;
  /** Added to the guest's kernel command line. */
  readonly append?: string;
  /** Nothing is loaded before the user says so. */
  readonly paused: boolean;
  /** The guest boots, even if the site has it booted. */
  readonly cold: boolean;
}

const NAMES: ReadonlySet<string> = new Set([
  'guest',
  'engine',
  'seed',
  'wallClock',
  'until',
  'memory',
  'append',
  'paused',
  'cold',
]);
const MIB = 1024 * 1024;

/** @throws PlinthError with one line for what cannot be understood */
export function parsePageOptions(query: URLSearchParams): PageOptions {
  for (const name of query.keys()) if (!NAMES.has(name)) throw wrong(name, 'there is no such option');
  const guest = query.get('guest');
  const seed = query.get('seed');
  const append = query.get('append');
  const engine = query.get('engine') ?? 'translator';
  const wallClock = number(query, 'wallClock');
  const until = number(query, 'until');
  const memory = number(query, 'memory');
  if (engine !== 'translator' && engine !== 'interpreter') throw wrong('engine', 'choose translator or interpreter');
  if (seed !== null && !/^([0-9a-f]{2}){1,64}$/i.test(seed)) throw wrong('seed', '1 to 64 bytes in hexadecimal');
  if (wallClock !== undefined && wallClock >= 2 ** 32) throw wrong('wallClock', 'seconds since 1970, below 2^32');
  return {
    engine,
    paused: flag(query, 'paused'),
    cold: flag(query, 'cold'),
    ...(guest === null ? {} : { guest }),
    ...(seed === null ? {} : { seed: seed.toLowerCase() }),
    ...(append === null ? {} : { append }),
    ...(wallClock === undefined ? {} : { wallClock }),
    ...(until === undefined ? {} : { until }),
    ...(memory === undefined ? {} : { memory: memory * MIB }),
  };
}

function flag(query: URLSearchParams, name: string): boolean {
  return query.has(name) && query.get(name) !== '0';
}

function number(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = /^\d[\d_]*$/.test(text) ? Number(text.replaceAll('_', '')) : NaN;
  if (!Number.isSafeInteger(value)) throw wrong(name, `"${text.slice(0, 40)}" is no whole number`);
  return value;
}

function wrong(name: string, detail: string): PlinthError {
  return new PlinthError('input', 'page-option', `?${name}: ${detail}`.replace(/\p{Cc}/gu, '?'));
}
