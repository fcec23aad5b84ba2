// SPDX-License-Identifier: Apache-2.0
// Transaction logs of a hive, read and applied to it: the old format (a vector of dirty pages) and the new one of Windows 8.1 (entries
// with hashes). Source: as for hive-format.ts. Bins that a log damages are not replaced, as Windows does: reading them is an error.

import { PlinthError } from '@plinth/core';
import {
  BASE_BLOCK_SIZE,
  type BaseBlock,
  baseBlockChecksum,
  BIN_ALIGNMENT,
  CHECKSUM_AT,
  readBaseBlock,
} from './hive-format.js';
import { marvin } from './marvin.js';

export interface HiveLog {
  /** Names it in the report, for example `NTUSER.DAT.LOG1`. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface LogReport {
  readonly name: string;
  readonly format: 'old' | 'new' | 'none';
  /** Of the new format. */
  readonly entries: number;
  /** Pieces that were written to the hive. */
  readonly pages: number;
  /** Why nothing, or no more, of it was applied. */
  readonly reason?: string;
}

export interface RecoveredHive {
  /** A hive that `Hive` opens; the bytes that were given if it was clean, else a copy. */
  readonly bytes: Uint8Array;
  /** `as-is`: it was dirty, no log could be applied, and it was asked for all the same. */
  readonly state: 'clean' | 'recovered' | 'as-is';
  /** The base block was damaged and comes from a log. */
  readonly baseBlockFromLog: boolean;
  readonly logs: readonly LogReport[];
}

export interface RecoverOptions {
  /** Names the hive in messages. */
  readonly name?: string;
  /** Where no log can be applied, take the hive as it is, if its base block is whole: the last changes may be there in part. */
  readonly asIs?: boolean;
}

interface Page {
  /** Counts from the first bin. */
  readonly offset: number;
  readonly bytes: Uint8Array;
}

interface LogEntry {
  readonly sequence: number;
  readonly binsSize: number;
  readonly flags: number | undefined;
  readonly pages: readonly Page[];
}

interface ReadLog {
  readonly name: string;
  readonly format: 'old' | 'new' | 'none';
  readonly base: BaseBlock | undefined;
  readonly bytes: Uint8Array;
  readonly entries: readonly LogEntry[];
  /** What ended the reading, or why it cannot be used at all. */
  readonly end: string | undefined;
}

const DIRTY_VECTOR = 0x54_52_49_44;
const LOG_ENTRY = 0x45_4c_76_48;
const SECTOR = 512;

/**
 * Applies the logs to a hive that was not closed. Logs are given in the order .LOG, .LOG1, .LOG2. Throws a `PlinthError` of kind
 * `input` if it is dirty and no log fits, with the reason of each.
 */
export function recoverHive(hive: Uint8Array, logs: readonly HiveLog[], options: RecoverOptions = {}): RecoveredHive {
  const what = options.name ?? 'hive';
  const found = hive.length < BASE_BLOCK_SIZE ? undefined : readBaseBlock(hive);
  const base = found?.checksumHolds === true && found.fileType === 0 ? found : undefined;
  if (base !== undefined && base.primarySequence === base.secondarySequence) {
    const reports = logs.map(({ name }): LogReport => unused(name, 'the hive was closed, so nothing is missing'));
    return { bytes: hive, state: 'clean', baseBlockFromLog: false, logs: reports };
  }
  const read = logs.map((log) => readLog(log));
  const chosen = choose(hive, base, read);
  const used = chosen.filter(({ entries }) => entries.length > 0);
  if (used.length === 0) return withoutLogs(what, hive, base, chosen, options);
  const bytes = apply(hive, base, used);
  const reports = chosen.map(({ log, entries, reason }): LogReport => ({
    name: log.name,
    format: log.format,
    entries: log.format === 'new' ? entries.length : 0,
    pages: entries.reduce((sum, { pages }) => sum + pages.length, 0),
    ...(reason === undefined ? {} : { reason }),
  }));
  return { bytes, state: 'recovered', baseBlockFromLog: base === undefined, logs: reports };
}

function unused(name: string, reason: string): LogReport {
  return { name, format: 'none', entries: 0, pages: 0, reason };
}

function withoutLogs(
  what: string,
  hive: Uint8Array,
  base: BaseBlock | undefined,
  chosen: readonly Choice[],
  options: RecoverOptions,
): RecoveredHive {
  const reports = chosen.map(({ log, reason }) => ({
    ...unused(log.name, reason ?? 'nothing to apply'),
    format: log.format,
  }));
  if (options.asIs === true && base !== undefined) {
    const bytes = Uint8Array.from(hive);
    seal(bytes, base.primarySequence, base.binsSize);
    return { bytes, state: 'as-is', baseBlockFromLog: false, logs: reports };
  }
  const state = base === undefined ? 'its base block is damaged' : 'it was not closed';
  const reasons = reports.map(({ name, reason }) => `${name}: ${reason}`).join('; ') || 'no log is given';
  const text = `${what}: ${state}, and no log can mend it (${reasons}): give the .LOG, .LOG1 and .LOG2 files that lay beside it`;
  throw new PlinthError('input', 'hive-no-log', text);
}

function readLog({ name, bytes }: HiveLog): ReadLog {
  const base = readBaseBlock(bytes);
  const none = (end: string): ReadLog => ({ name, bytes, base, format: 'none', entries: [], end });
  if (bytes.length === 0) return none('it is empty');
  if (base === undefined || !base.checksumHolds) return none('it does not begin with a base block that is whole');
  if (base.fileType === 6) return readNewLog(name, bytes, base);
  if (base.fileType !== 1 && base.fileType !== 2) return none('it is no log');
  if (base.primarySequence !== base.secondarySequence) return none('it was not written to its end');
  return readOldLog(name, bytes, base);
}

function readOldLog(name: string, bytes: Uint8Array, base: BaseBlock): ReadLog {
  const none = (end: string): ReadLog => ({ name, bytes, base, format: 'old', entries: [], end });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sector = SECTOR * (base.clusteringFactor === 8 ? 8 : 1);
  const bits = base.binsSize / SECTOR;
  if (base.binsSize % BIN_ALIGNMENT !== 0) return none(`it tells of bins of ${base.binsSize} bytes`);
  const vector = sector + 4;
  const end = vector + bits / 8;
  if (end > bytes.length) return none('its vector of pages is cut short');
  if (view.getUint32(sector, true) !== DIRTY_VECTOR) return none('it has no vector of pages');
  const pages: Page[] = [];
  let at = Math.ceil(end / sector) * sector;
  for (let bit = 0; bit < bits; bit++) {
    if (((bytes[vector + (bit >> 3)]! >> (bit & 7)) & 1) === 0) continue;
    if (at + SECTOR > bytes.length) return none('its pages are cut short');
    pages.push({ offset: bit * SECTOR, bytes: bytes.subarray(at, at + SECTOR) });
    at += SECTOR;
  }
  if (pages.length === 0) return none('it has no pages');
  const entry: LogEntry = { sequence: base.primarySequence, binsSize: base.binsSize, flags: undefined, pages };
  return { name, bytes, base, format: 'old', entries: [entry], end: undefined };
}

function readNewLog(name: string, bytes: Uint8Array, base: BaseBlock): ReadLog {
  const entries: LogEntry[] = [];
  let end: string | undefined;
  for (let at = SECTOR; at < bytes.length;) {
    const entry = readEntry(bytes, at);
    if (typeof entry === 'string') {
      // Behind the last entry stands what was there before: old entries, or nothing of sense.
      if (entries.length === 0) end = `no entry at byte ${at}: ${entry}`;
      break;
    }
    const expected = entries.length === 0 ? base.primarySequence : entries.at(-1)!.sequence + 1;
    if (entry.sequence !== expected) {
      if (entries.length === 0) end = `its first entry has number ${entry.sequence}, not ${expected}`;
      break;
    }
    entries.push(entry);
    at += entry.size;
  }
  return { name, bytes, base, format: 'new', entries, end };
}

/** The entry, or what is wrong with it. */
function readEntry(bytes: Uint8Array, at: number): (LogEntry & { readonly size: number }) | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (at + 40 > bytes.length || view.getUint32(at, true) !== LOG_ENTRY) return 'none begins there';
  const size = view.getUint32(at + 4, true);
  const binsSize = view.getUint32(at + 16, true);
  const count = view.getUint32(at + 20, true);
  if (size < SECTOR || size % SECTOR !== 0 || at + size > bytes.length) return `a size of ${size} bytes`;
  if (marvin(bytes.subarray(at, at + 32)) !== view.getBigUint64(at + 32, true)) return 'the hash of its head is wrong';
  if (marvin(bytes.subarray(at + 40, at + size)) !== view.getBigUint64(at + 24, true))
    return 'the hash of its pages is wrong';
  if (binsSize === 0 || binsSize % BIN_ALIGNMENT !== 0) return `bins of ${binsSize} bytes`;
  if (40 + 8 * count > size) return `${count} pages`;
  const pages: Page[] = [];
  let data = at + 40 + 8 * count;
  for (let n = 0; n < count; n++) {
    const offset = view.getUint32(at + 40 + 8 * n, true);
    const length = view.getUint32(at + 44 + 8 * n, true);
    if (offset + length > binsSize || data + length > at + size) return `a page of ${length} bytes for ${offset}`;
    pages.push({ offset, bytes: bytes.subarray(data, data + length) });
    data += length;
  }
  return { sequence: view.getUint32(at + 12, true), flags: view.getUint32(at + 8, true), binsSize, pages, size };
}

interface Choice {
  readonly log: ReadLog;
  /** To be applied, in this order. */
  readonly entries: readonly LogEntry[];
  readonly reason: string | undefined;
}

/** Which logs are applied, in which order; all are there, with the reason where one is not. */
function choose(hive: Uint8Array, base: BaseBlock | undefined, logs: readonly ReadLog[]): readonly Choice[] {
  const limit = hive.length + logs.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const choices: Choice[] = [];
  const leave = (log: ReadLog, reason: string): void => void choices.push({ log, entries: [], reason });
  const usable: ReadLog[] = [];
  for (const log of logs) {
    if (log.entries.length === 0) leave(log, log.end ?? 'it has no entries');
    // What a hive grows by is in its log, so no honest one asks for more.
    else if (log.entries.some(({ binsSize }) => BASE_BLOCK_SIZE + binsSize > limit))
      leave(log, 'it asks for more bytes than there are');
    else usable.push(log);
  }
  const fresh = usable.filter(({ format }) => format === 'new');
  if (fresh.length > 0) {
    usable.filter(({ format }) => format === 'old').forEach((log) => leave(log, 'a log of the newer format is there'));
    return [...chooseNew(base, fresh), ...choices];
  }
  return [...chooseOld(hive, base, usable), ...choices];
}

function chooseNew(base: BaseBlock | undefined, logs: readonly ReadLog[]): Choice[] {
  const ordered = logs.toSorted((a, b) => a.entries[0]!.sequence - b.entries[0]!.sequence);
  if (base === undefined) {
    return ordered.map((log, n) => {
      const last = n === ordered.length - 1;
      return {
        log,
        entries: last ? log.entries : [],
        reason: last ? undefined : 'the base block comes from a later log',
      };
    });
  }
  let next: number | undefined;
  return ordered.map((log) => {
    const first = log.entries[0]!.sequence;
    if (first < base.secondarySequence) {
      const reason = `its entries begin with ${first}; the hive has those before ${base.secondarySequence}`;
      return { log, entries: [], reason };
    }
    if (next !== undefined && first !== next) {
      return { log, entries: [], reason: `its entries begin with ${first}, and ${next} is the next one` };
    }
    next = log.entries.at(-1)!.sequence + 1;
    return { log, entries: log.entries, reason: undefined };
  });
}

/**
 * The first whose time is that of the hive. If the base block is damaged that is the time in the first bin, as for Windows, or what
 * the base block says all the same.
 */
function chooseOld(hive: Uint8Array, base: BaseBlock | undefined, logs: readonly ReadLog[]): Choice[] {
  const times = base === undefined ? timesLeft(hive) : [base.lastWritten];
  let taken = false;
  return logs.map((log) => {
    if (taken) return { log, entries: [], reason: 'another log is applied' };
    if (!times.includes(log.base!.lastWritten)) {
      return { log, entries: [], reason: 'it was written at another time than the hive' };
    }
    taken = true;
    return { log, entries: log.entries, reason: undefined };
  });
}

function timesLeft(hive: Uint8Array): bigint[] {
  const view = new DataView(hive.buffer, hive.byteOffset, hive.byteLength);
  return [BASE_BLOCK_SIZE + 20, 12].filter((at) => at + 8 <= hive.length).map((at) => view.getBigUint64(at, true));
}

function apply(hive: Uint8Array, base: BaseBlock | undefined, used: readonly Choice[]): Uint8Array {
  const entries = used.flatMap((choice) => choice.entries);
  const last = entries.at(-1)!;
  const largest = Math.max(base?.binsSize ?? 0, ...entries.map(({ binsSize }) => binsSize));
  const bytes = new Uint8Array(Math.max(hive.length, BASE_BLOCK_SIZE + largest));
  bytes.set(hive);
  if (base === undefined) {
    bytes.fill(0, 0, BASE_BLOCK_SIZE);
    bytes.set(used.at(-1)!.log.bytes.subarray(0, SECTOR));
  }
  for (const { pages } of entries) for (const page of pages) bytes.set(page.bytes, BASE_BLOCK_SIZE + page.offset);
  const view = new DataView(bytes.buffer);
  view.setUint32(28, 0, true);
  if (last.flags !== undefined) view.setUint32(144, (view.getUint32(144, true) & ~1) | (last.flags & 1), true);
  seal(bytes, last.sequence, last.binsSize);
  return bytes.subarray(0, BASE_BLOCK_SIZE + last.binsSize);
}

/** Makes the base block that of a closed hive. */
function seal(bytes: Uint8Array, sequence: number, binsSize: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  view.setUint32(4, sequence, true);
  view.setUint32(8, sequence, true);
  view.setUint32(40, binsSize, true);
  view.setUint32(CHECKSUM_AT, baseBlockChecksum(bytes), true);
}
