// SPDX-License-Identifier: Apache-2.0
// Which opened files are worth telling: those that are opened to be written, and secrets.

import { readlinkSync } from 'node:fs';
import { resolve } from 'node:path';
import type { TracedOpen } from '@plinth/linux';
import { SECRETS } from '../isolation/secrets.js';

export interface OpenFinding {
  readonly rule: 'open-write' | 'secret';
  readonly path: string;
}

/** O_WRONLY, O_RDWR, O_CREAT, O_TRUNC. */
const WRITING = 0x243;
const SYSTEM_SECRETS =
  /^\/etc\/(shadow|gshadow|sudoers)-?$|^\/proc\/(\d+|self|thread-self)\/(root|mem|cwd)(\/|$)|^\/dev\/(mem|kmem|kcore)$/;
/** Where programs write that change nothing. */
const NOTHING = /^\/dev\/(null|zero|full|tty|stdout|stderr|pts\/\d+|fd\/\d+|shm\/.*)$/;

/** Nothing, for what nobody wants to know. `home` is that of the user. */
export function judgeOpen({ path: given, process, flags }: TracedOpen, home: string): OpenFinding | undefined {
  if (given === '') return undefined;
  const path = absolute(given, process);
  const inHome = SECRETS.some((secret) => path === `${home}/${secret}` || path.startsWith(`${home}/${secret}/`));
  if (inHome || SYSTEM_SECRETS.test(path)) return { rule: 'secret', path };
  return (flags & WRITING) === 0 || NOTHING.test(path) ? undefined : { rule: 'open-write', path };
}

function absolute(path: string, process: number): string {
  if (path.startsWith('/')) return resolve(path);
  try {
    return resolve(readlinkSync(`/proc/${process}/cwd`), path);
  } catch {
    return path; // it is gone
  }
}
