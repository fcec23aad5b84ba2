// SPDX-License-Identifier: Apache-2.0
// What page and worker say to each other. The page asks with a `Request` and gets one `answer` or `failure` with its
// number; keys and acknowledgements have no answer; output and state come unasked.

import type { EngineChoice } from './page-options.js';
import type { SiteGuest } from './site.js';
import type { WantedFile } from './wanted-files.js';

/** What the machine does, as far as the user is concerned. */
export type Phase =
  /** There is no machine. */
  | 'empty'
  | 'loading'
  | 'running'
  | 'paused'
  /** The guest switched itself off, or cannot go on. */
  | 'ended';

export interface MachineState {
  readonly phase: Phase;
  /** Since power-on. */
  readonly instructions: number;
  /** Nanoseconds since power-on. */
  readonly virtualTime: number;
  /** Millions of instructions a second of the host's, over the last moments. */
  readonly speed: number;
  /** The share of the last moments in which the machine did not wait. */
  readonly busy: number;
  readonly engine: EngineChoice;
  /** What is run, for people. */
  readonly name: string;
  /** Why it has ended, in one line. */
  readonly reason?: string;
}

export interface BootOptions {
  readonly guest: SiteGuest;
  /** Of site.json. */
  readonly base: string;
  readonly engine: EngineChoice;
  readonly seed: string;
  readonly wallClock: number;
  readonly memory?: number;
  readonly append?: string;
  /** See `PageOptions`; without it the machine keeps to real time. */
  readonly until?: number;
  /** The guest boots, even if the site has it booted. */
  readonly cold: boolean;
  /** Images for disks, in their order; they are only read. */
  readonly disks: readonly File[];
}

/** Whether the guest as the site has it booted is what is asked for; a run to a count is to be Node's from power-on. */
export function startsBooted({ guest, append, memory, until, cold, disks }: BootOptions): boolean {
  const plain = append === undefined && memory === undefined && disks.length === 0;
  return guest.booted !== undefined && plain && until === undefined && !cold;
}

/** What came of a snapshot that was loaded. */
export type LoadAnswer =
  /** The machine goes on; what its user should know, in lines. */
  | { readonly kind: 'going-on'; readonly notes: readonly string[] }
  /** It is kept until `go-on` brings these files; the machine that was there is still there. */
  | { readonly kind: 'files-wanted'; readonly files: readonly WantedFile[] };

/** Of the terminal; a guest is told when it is ready, and then never again. */
export interface TerminalSize {
  readonly rows: number;
  readonly columns: number;
}

export type Request =
  | { readonly kind: 'boot'; readonly options: BootOptions }
  /** Gives a `LoadAnswer`. */
  | { readonly kind: 'load'; readonly file: File; readonly engine: EngineChoice }
  /** The wanted files, in their order. */
  | { readonly kind: 'go-on'; readonly files: readonly File[]; readonly engine: EngineChoice }
  | { readonly kind: 'pause' | 'resume' | 'reset' }
  /** The machine goes on in another engine. */
  | { readonly kind: 'engine'; readonly engine: EngineChoice }
  /** Runs to a count, not in real time, and stands still there. */
  | { readonly kind: 'run-to'; readonly count: number }
  /** Gives the hash, as text. */
  | { readonly kind: 'hash' }
  /** Gives the pieces of a snapshot file. */
  | { readonly kind: 'save' };

/** To the worker. */
export type Command =
  | { readonly kind: 'request'; readonly id: number; readonly request: Request }
  | { readonly kind: 'input'; readonly bytes: Uint8Array }
  | { readonly kind: 'size'; readonly size: TerminalSize }
  /** So many bytes of output have been shown. */
  | { readonly kind: 'shown'; readonly bytes: number };

/** From the worker. */
export type Report =
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'failure'; readonly id: number; readonly message: string }
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  | { readonly kind: 'state'; readonly state: MachineState }
  /** What takes long; `fraction` between 0 and 1. */
  | { readonly kind: 'progress'; readonly text: string; readonly fraction: number }
  /** Something that the guest did and its user should know. */
  | { readonly kind: 'finding'; readonly message: string };
