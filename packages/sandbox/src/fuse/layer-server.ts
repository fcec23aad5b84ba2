// SPDX-License-Identifier: Apache-2.0
// The process that serves a stack of layers by FUSE, where the kernel's overlayfs cannot be had. It is one of its own: one that touches its
// own mount waits for itself.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { PlinthError } from '@plinth/core';
import {
  clearDeadMounts,
  type FileCalls,
  type FoundMount,
  type FuseOptions,
  FuseSession,
  mountFuse,
  nativeCalls,
  nativeFileCalls,
  openFuse,
  unmountFuse,
} from '@plinth/linux';
import { CACHE_SECONDS } from './serve-request.js';
import { LayeredFiles, type LayerStack } from '../layers/layered-files.js';

/** The device that the mount table names for these mounts: what they are found by. */
export const LAYERS_SOURCE = 'plinth-layers';

export interface LayerServerOptions extends LayerStack, FuseOptions {
  /** Where to mount; or an open /dev/fuse that is mounted by somebody else, or already is. */
  readonly at: { readonly target: string } | { readonly fd: number };
}

const BEGUN = 'begun\n';
const KEPT_TEXT = 4096;
/** The number that a descriptor has which was passed on. */
const PASSED = 3;

/** Serves, in this process and for as long as it is mounted. @throws PlinthError `layer` (input), `fuse`, `fuse-mount` (host) */
export function serveLayers(options: LayerServerOptions, onBegun: () => void): void {
  const calls = nativeCalls();
  using files = new LayeredFiles(nativeFileCalls(), options);
  const { at } = options;
  let fd: number;
  if ('fd' in at) fd = at.fd;
  else {
    fd = openFuse(calls);
    mountFuse(calls, fd, { source: LAYERS_SOURCE, target: at.target, forAll: true });
  }
  try {
    new FuseSession(files, options).serve(calls, fd, onBegun);
  } finally {
    calls.close(fd);
  }
}

/** A process that serves layers. */
export class LayerServer {
  readonly target: string;
  readonly process: number;
  readonly #ended: Promise<unknown>;

  private constructor(target: string, process: number, ended: Promise<unknown>) {
    this.target = target;
    this.process = process;
    this.#ended = ended;
  }

  /**
   * Resolves once it answers.
   * @param mounted an open /dev/fuse that is mounted at `target` already, maybe in another namespace; the process has it from then on, and
   *   whoever opened it closes his own
   * @throws PlinthError `layer-server` (host) with what the process said
   */
  static async start(stack: LayerStack & Partial<FuseOptions>, target: string, mounted?: number): Promise<LayerServer> {
    // Asking what is mounted there would wait for the server that is not there yet.
    const place = mounted === undefined ? realpathSync(target) : target;
    const at = mounted === undefined ? { target: place } : { fd: PASSED };
    const options: LayerServerOptions = { cacheSeconds: CACHE_SECONDS, writeback: false, ...stack, at };
    const main = fileURLToPath(new URL('layer-server-main.js', import.meta.url));
    const child = spawn(process.execPath, [main, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'pipe', mounted ?? 'ignore'],
      cwd: '/',
    });
    const [output, errors] = [child.stdio[1] as Readable, child.stdio[2] as Readable];
    let [said, complained] = ['', ''];
    errors.on('data', (text: Buffer) => (complained = (complained + text.toString()).slice(-KEPT_TEXT)));
    const ended = once(child, 'close');
    const begun = new Promise<void>((resolve) =>
      output.on('data', (text: Buffer) => {
        said += text.toString();
        if (said === BEGUN) resolve();
      }),
    );
    await Promise.race([begun, ended]);
    if (said !== BEGUN) {
      const why = complained.trim().split('\n')[0] ?? '';
      throw new PlinthError('host', 'layer-server', `${target}: its files cannot be served: ${why}`);
    }
    return new LayerServer(place, child.pid!, ended);
  }

  /** Unmounts and waits for the end of the process, which comes when nobody has anything open there. */
  async stop(files: FileCalls): Promise<void> {
    unmountFuse(files, this.target);
    await this.#ended;
  }

  /** Resolves when the process has ended, however. */
  async ended(): Promise<void> {
    await this.#ended;
  }
}

/** Unmounts what servers left that were killed: whoever looks into such a mount gets ENOTCONN, and nobody waits. */
export function clearDeadLayerMounts(files: FileCalls): Promise<FoundMount[]> {
  return clearDeadMounts(files, LAYERS_SOURCE);
}
