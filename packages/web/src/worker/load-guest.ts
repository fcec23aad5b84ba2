// SPDX-License-Identifier: Apache-2.0
// Brings a guest's files from the site, with progress, and checks that they are whole.

import { concatenate, PlinthError } from '@plinth/core';
import { type RunFiles, type RunSpec, takesRequests, withGuestFiles } from '@plinth/machine';
import type { BootOptions } from '../protocol.js';
import type { SiteFile, SiteGuest } from '../site.js';
import { gunzip } from './stream-codec.js';

/** Bytes; Debian's kernel has 20 million, a booted guest 50 million. */
const MAX_UNPACKED = 256 * 1024 * 1024;

export type ShowProgress = (text: string, fraction: number) => void;

export async function loadGuest(spec: RunSpec, options: BootOptions, show: ShowProgress): Promise<RunFiles> {
  const { guest, base, append } = options;
  const { powerOn } = guest;
  const waits = powerOn !== undefined && takesRequests(spec);
  const total = guest.kernel.bytes + guest.initrd.bytes;
  let loaded = 0;
  const step = (bytes: number): void => {
    loaded += bytes;
    show(`loading ${guest.name}`, loaded / total);
  };
  step(0);
  const [kernel, initrd] = await Promise.all([
    fetchFile(guest.kernel, base, step),
    fetchFile(guest.initrd, base, step),
  ]);
  return {
    kernel: { name: `${guest.name}/kernel`, bytes: kernel },
    initrd: { name: `${guest.name}/initrd`, bytes: waits ? withGuestFiles(initrd, { wait: true }) : initrd },
    ...(waits ? { powerOn } : {}),
    append: append === undefined ? guest.append : `${guest.append} ${append}`,
  };
}

/** The guest as it stands when it has booted. */
export async function loadBooted(
  guest: SiteGuest,
  booted: SiteFile,
  base: string,
  show: ShowProgress,
): Promise<Uint8Array> {
  let loaded = 0;
  const step = (bytes: number): void => show(`loading ${guest.name}`, (loaded += bytes) / booted.bytes);
  step(0);
  return fetchFile(booted, base, step);
}

async function fetchFile({ file, bytes, packed }: SiteFile, base: string, step: (bytes: number) => void) {
  const stored = await fetchBytes(new URL(file, base), file, step);
  if (stored.length !== bytes) {
    const found = `${stored.length} bytes came, where ${bytes} are needed`;
    throw new PlinthError('input', 'site-file', `${file}: ${found}: load the page again`);
  }
  return packed === 'gzip' ? gunzip(stored, MAX_UNPACKED, file) : stored;
}

/** @throws PlinthError in one line; `name` is what the file is called there */
export async function fetchBytes(url: URL, name: string, step: (bytes: number) => void): Promise<Uint8Array> {
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the server answers ${response.status} ${response.statusText}`.trim());
    if (response.body === null) return new Uint8Array();
    const reader = response.body.getReader();
    const pieces: Uint8Array[] = [];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return concatenate(pieces);
      pieces.push(value);
      step(value.length);
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PlinthError('input', 'site-fetch', `${name}: cannot be loaded: ${why}`, { cause });
  }
}
