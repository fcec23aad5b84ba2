// SPDX-License-Identifier: Apache-2.0
// `site.json`, the one thing that the page knows about the site it stands in: which guests it may load, and from what
// files. Written by `plinth serve`, read by the page, which takes it as outside data.

import { PlinthError } from '@plinth/core';
import type { PowerOn } from '@plinth/machine';

export const SITE_FORMAT = 1;

export interface SiteFile {
  /** Relative to site.json. */
  readonly file: string;
  /** As it is stored, for progress and to notice that it is cut short. */
  readonly bytes: number;
  /** What the page unpacks after it has come; a server's own encoding has nothing to do with it. */
  readonly packed?: 'gzip';
}

export interface SiteGuest {
  readonly name: string;
  readonly kernel: SiteFile;
  readonly initrd: SiteFile;
  /** The machine where the guest has just booted and waits for its request: a snapshot. Then `powerOn` is there, too. */
  readonly booted?: SiteFile;
  /** The disk that its system is on: the visitor has to bring the file. */
  readonly disk?: { readonly name: string; readonly bytes: number };
  /** Bytes of RAM; the board's own if left out. */
  readonly memory?: number;
  /** Kernel command line. */
  readonly append: string;
  /**
   * For a guest that waits for a request when it has booted (guest-request.ts in the machine's room): seed and time of
   * the machine at power-on, the same for all; its own come with the request.
   */
  readonly powerOn?: PowerOn;
  /** What its visitors should know of how it boots, in one line. */
  readonly note: string;
  /** Where kernel and programs come from. */
  readonly packages: readonly { readonly name: string; readonly version: string }[];
}

export interface Site {
  readonly format: typeof SITE_FORMAT;
  readonly guests: readonly SiteGuest[];
}

/** @throws PlinthError `site` with one line that says what is wrong */
export function parseSite(value: unknown): Site {
  if (!isRecord(value) || value['format'] !== SITE_FORMAT || !Array.isArray(value['guests'])) {
    throw wrong(`it has not the form ${SITE_FORMAT} that this page reads`);
  }
  for (const guest of value['guests'] as unknown[]) {
    if (!isRecord(guest) || ['name', 'append', 'note'].some((key) => typeof guest[key] !== 'string')) {
      throw wrong('a guest lacks name, command line or note');
    }
    if (!isFile(guest['kernel']) || !isFile(guest['initrd']))
      throw wrong(`${String(guest['name'])} has no kernel or no initrd`);
    const { packages, powerOn, booted, disk, memory } = guest;
    if (booted !== undefined && (!isFile(booted) || powerOn === undefined))
      throw wrong(`${String(guest['name'])} is booted in a way that nothing can go on from`);
    if (disk !== undefined && !isDisk(disk)) throw wrong(`${String(guest['name'])} has a disk without name or size`);
    if (memory !== undefined && !isSize(memory)) throw wrong(`${String(guest['name'])} has nonsense for memory`);
    if (powerOn !== undefined && !isPowerOn(powerOn))
      throw wrong(`${String(guest['name'])} is switched on with nonsense`);
    if (!Array.isArray(packages) || !packages.every(isPackage))
      throw wrong(`${String(guest['name'])} names no packages`);
  }
  return value as unknown as Site;
}

function isFile(value: unknown): value is SiteFile {
  if (!isRecord(value) || typeof value['file'] !== 'string') return false;
  // Of this site and nothing else: a path below it, of plain names.
  const plain = /^(?:[\w-][\w.-]*\/)*[\w-][\w.-]*$/.test(value['file']);
  const packed = value['packed'] === undefined || value['packed'] === 'gzip';
  return plain && packed && isSize(value['bytes']);
}

function isDisk(value: unknown): boolean {
  return isRecord(value) && typeof value['name'] === 'string' && isSize(value['bytes']);
}

function isSize(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function isPowerOn(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { seed, wallClock } = value;
  return typeof seed === 'string' && /^([0-9a-f]{2}){1,64}$/.test(seed) && Number.isSafeInteger(wallClock);
}

function isPackage(value: unknown): boolean {
  return isRecord(value) && typeof value['name'] === 'string' && typeof value['version'] === 'string';
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(why: string): PlinthError {
  return new PlinthError('input', 'site', `site.json: ${why}: make the site anew with "plinth serve --build"`);
}
