// SPDX-License-Identifier: Apache-2.0
// A site as a list of files in memory: the built page, the guests' files, and site.json, which names these. What is not in
// the list is not served and not written, so no path of a request ever reaches the file system.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { PlinthError } from '@plinth/core';
import { SITE_FORMAT } from '@plinth/web/site';
import type { Site, SiteFile, SiteGuest } from '@plinth/web/site';

/** What a site offers to run. */
export interface GuestSource {
  /** Plain: it becomes the name of a folder. */
  readonly name: string;
  readonly kernel: Uint8Array;
  readonly initrd: Uint8Array;
  /** A snapshot of the guest where it has booted, not compressed. */
  readonly booted?: Uint8Array;
  /** See `SiteGuest`. */
  readonly disk?: SiteGuest['disk'];
  readonly memory?: SiteGuest['memory'];
  /** Kernel command line. */
  readonly append: string;
  /** See `SiteGuest`. */
  readonly powerOn?: SiteGuest['powerOn'];
  /** For visitors, in one line. */
  readonly note: string;
  readonly packages: readonly { readonly name: string; readonly version: string }[];
}

/** By path below the site's address, without a slash in front. */
export type SiteFiles = ReadonlyMap<string, Uint8Array>;

export const SITE_DESCRIPTION = 'site.json';
/** Level 6 takes three times as long as level 1 for a twelfth less, level 9 twice as long again for nothing. */
const LEVEL = 6;

const gzipAsync = promisify<Uint8Array, { level: number }, Buffer>(gzip);

/** @throws PlinthError if the page was not built */
export async function buildSite(guests: readonly GuestSource[]): Promise<SiteFiles> {
  const files = readPage();
  const described: SiteGuest[] = [];
  for (const { name, kernel, initrd, booted, disk, memory, append, powerOn, note, packages } of guests) {
    const folder = `guests/${name}`;
    const [packed, packedBooted] = await Promise.all([kernel, booted].map(pack));
    // Not ".gz": there are servers that would unpack such a file on its way, or say that a browser should.
    const place = (file: string, bytes: Uint8Array): SiteFile => {
      files.set(`${folder}/${file}`, bytes);
      return { file: `${folder}/${file}`, bytes: bytes.length };
    };
    described.push({
      name,
      kernel: { ...place('kernel.bin', packed!), packed: 'gzip' },
      initrd: place('initrd.bin', initrd),
      ...(packedBooted === undefined ? {} : { booted: { ...place('booted.bin', packedBooted), packed: 'gzip' } }),
      ...(disk === undefined ? {} : { disk }),
      ...(memory === undefined ? {} : { memory }),
      append,
      note,
      ...(powerOn === undefined ? {} : { powerOn }),
      packages: packages.map((one) => ({ name: one.name, version: one.version })),
    });
  }
  const site: Site = { format: SITE_FORMAT, guests: described };
  files.set(SITE_DESCRIPTION, Buffer.from(`${JSON.stringify(site, null, 2)}\n`));
  return files;
}

async function pack(bytes: Uint8Array | undefined): Promise<Uint8Array | undefined> {
  return bytes === undefined ? undefined : gzipAsync(bytes, { level: LEVEL });
}

/** The page as Vite has built it. */
function readPage(): Map<string, Uint8Array> {
  const folder = fileURLToPath(new URL('.', import.meta.resolve('@plinth/web/page/index.html')));
  try {
    const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const paths = names.map(({ parentPath, name }) => join(parentPath, name)).toSorted();
    return new Map(paths.map((path) => [path.slice(folder.length).replaceAll('\\', '/'), readFileSync(path)]));
  } catch (cause) {
    const how = 'run "npm run build" in the project’s directory';
    throw new PlinthError('host', 'page-absent', `${folder}: the page is not built: ${how}`, { cause });
  }
}
