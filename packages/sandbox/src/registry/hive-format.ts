// SPDX-License-Identifier: Apache-2.0
// Numbers of the regf format that reader, writer and recovery share, and the base block. Source: the description of the format by
// M. Suhanov, https://github.com/msuhanov/regf, versions 1.3 to 1.6. Offsets inside of a hive count from the first bin.

import { PlinthError } from '@plinth/core';

export const BASE_BLOCK_SIZE = 4096;
export const BIN_ALIGNMENT = 4096;
export const BIN_HEADER_SIZE = 32;
export const NOWHERE = 0xffff_ffff;
/** Bytes in one segment of big data. */
export const SEGMENT_SIZE = 16_344;
export const CHECKSUM_AT = 508;
/** Flag of a base block: keys may have marks of layers. */
export const HIVE_LAYERED = 2;

export const NODE = {
  flags: 2,
  lastWritten: 4,
  /** Byte of the layered key's bits: the lower two tell what becomes of the key below. */
  layer: 13,
  parent: 16,
  keyCount: 20,
  keyList: 28,
  volatileList: 32,
  valueCount: 36,
  valueList: 40,
  security: 44,
  className: 48,
  longestKeyName: 52,
  controlFlags: 54,
  longestClassName: 56,
  longestValueName: 60,
  largestData: 64,
  nameLength: 72,
  classNameLength: 74,
  name: 76,
} as const;

export const FLAG_HIVE_ENTRY = 0x4;
export const FLAG_NO_DELETE = 0x8;
export const FLAG_COMPRESSED_NAME = 0x20;
export const FLAG_PREDEFINED_HANDLE = 0x40;
/** Of the flags of a key, those that the writer itself decides. */
export const OWN_FLAGS: number = FLAG_HIVE_ENTRY | FLAG_NO_DELETE | FLAG_COMPRESSED_NAME | FLAG_PREDEFINED_HANDLE | 0x3;

export const LAYER_DELETED = 1;
export const LAYER_SUPERSEDE_LOCAL = 2;
export const LAYER_SUPERSEDE_TREE = 3;

export const VALUE = { nameLength: 2, dataSize: 4, data: 8, type: 12, flags: 16, name: 20 } as const;
export const VALUE_COMPRESSED_NAME = 1;
export const VALUE_DELETED = 2;
/** In the size: the data stand in the offset itself. */
export const RESIDENT = 0x8000_0000;

/** Two letters as the 16-bit number that they are in a file. */
export function signature(letters: string): number {
  return letters.charCodeAt(0) | (letters.charCodeAt(1) << 8);
}

export interface BaseBlock {
  readonly primarySequence: number;
  readonly secondarySequence: number;
  /** FILETIME. */
  readonly lastWritten: bigint;
  readonly minor: number;
  /** 0: the hive itself, 1, 2 or 6: a log. */
  readonly fileType: number;
  readonly rootCell: number;
  /** Bytes of all bins. */
  readonly binsSize: number;
  /** Bytes of a sector of the logs, divided by 512. */
  readonly clusteringFactor: number;
  readonly flags: number;
  readonly checksumHolds: boolean;
}

/** Of the first 508 bytes. */
export function baseBlockChecksum(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let sum = 0;
  for (let at = 0; at < CHECKSUM_AT; at += 4) sum ^= view.getUint32(at, true);
  return sum === -1 ? 0xffff_fffe : sum === 0 ? 1 : sum >>> 0;
}

/** Nothing if the bytes do not begin with a base block of a version that is known. */
export function readBaseBlock(bytes: Uint8Array): BaseBlock | undefined {
  if (bytes.length < 512) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const u32 = (at: number): number => view.getUint32(at, true);
  if (u32(0) !== 0x66_67_65_72 || u32(20) !== 1 || u32(24) < 3 || u32(24) > 6) return undefined;
  return {
    primarySequence: u32(4),
    secondarySequence: u32(8),
    lastWritten: view.getBigUint64(12, true),
    minor: u32(24),
    fileType: u32(28),
    rootCell: u32(36),
    binsSize: u32(40),
    clusteringFactor: u32(44),
    flags: u32(144),
    checksumHolds: u32(CHECKSUM_AT) === baseBlockChecksum(bytes),
  };
}

/** `offset` counts from the begin of the file. */
export function hiveError(what: string, offset: number, wrong: string): PlinthError {
  const text = `${what}: at byte ${offset}: ${wrong}: the hive is damaged; take a copy of it, or recover it with its logs`;
  return new PlinthError('input', 'hive-damaged', text);
}
