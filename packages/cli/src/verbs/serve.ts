// SPDX-License-Identifier: Apache-2.0
// `plinth serve`: the page with a guest in it, served to this host or written as a static site. The machine runs in the
// visitor's browser; nothing of a visitor's is executed here.

import { once } from 'node:events';
import { PlinthError } from '@plinth/core';
import { parseRunSpec } from '@plinth/machine';
import { buildSite, serveSite, writeSite } from '@plinth/server';
import type { GuestSource } from '@plinth/server';
import { LineProgress } from '../host/progress.js';
import type { Progress } from '../host/progress.js';
import { readPrivately } from '../host/shared-files.js';
import { readImageFile } from '../image/cache.js';
import { ensureImage } from '../image/catalog.js';
import { DISK_FILE_NAME } from '../image/manifest.js';
import { EXIT } from '../report-error.js';
import { bootedSnapshot } from '../run/booted-snapshot.js';
import { asksForRequest, DISK_IMAGE_MEMORY, imageArguments, imageInitramfs, powerOnOf } from '../run/run-files.js';

export interface ServeOptions {
  readonly host: string;
  readonly port: string;
  readonly image: string;
  /** Writes the site there instead of serving it. */
  readonly build?: string;
  /** Visitors boot the guest: the site has no snapshot of it booted. */
  readonly cold?: boolean;
  readonly json?: boolean;
}

const MAX_PORT = 65535;

export async function serveVerb(options: ServeOptions): Promise<number> {
  const port = parsePort(options.port);
  const progress = new LineProgress(process.stderr);
  const guest = await readGuest(options, progress);
  progress.step(`packing ${guest.name} for the page`);
  const files = await buildSite([guest]);
  progress.done();
  if (options.build !== undefined) {
    const bytes = writeSite(files, options.build);
    const { length: count } = [...files.keys()];
    if (options.json === true) print(JSON.stringify({ folder: options.build, files: count, bytes }));
    else {
      print(`${options.build}: ${count} files, ${(bytes / 1e6).toFixed(1)} MB; any web server can serve them.`);
      print(`They hold programs of Debian (${names(guest)}), whose licences hold where you publish them.`);
    }
    return EXIT.clean;
  }
  const server = await serveSite(files, options.host, port);
  if (options.json === true) print(JSON.stringify({ url: server.url }));
  else print(`${guest.name} in a page: ${server.url} (Ctrl-C ends)`);
  // A signal ends the process; nothing else does.
  await once(process, 'exit');
  return EXIT.clean;
}

async function readGuest({ image, cold }: ServeOptions, progress: Progress): Promise<GuestSource> {
  const manifest = await ensureImage(image, progress);
  const spec = parseRunSpec({ image });
  const waits = asksForRequest(spec, manifest);
  const booted = waits && cold !== true ? await bootedSnapshot(image, progress) : undefined;
  return {
    name: manifest.name,
    kernel: readImageFile(manifest, 'Image'),
    initrd: imageInitramfs(manifest, readPrivately),
    append: imageArguments(spec, manifest),
    ...(waits ? { powerOn: powerOnOf(manifest) } : {}),
    ...(booted === undefined ? {} : { booted }),
    ...(manifest.disk === undefined
      ? {}
      : { disk: { name: DISK_FILE_NAME, bytes: manifest.disk.bytes }, memory: DISK_IMAGE_MEMORY }),
    note: 'boots on the fast path: the kernel was unpacked ahead of time, without its crypto self-tests (cryptomgr.notests)',
    packages: manifest.packages,
  };
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(port <= MAX_PORT)) throw new PlinthError('input', 'port', `port: "${text}" is no port: 0 to ${MAX_PORT}`);
  return port;
}

function names({ packages }: GuestSource): string {
  return packages.map(({ name, version }) => `${name} ${version}`).join(', ');
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
