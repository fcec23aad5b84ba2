// SPDX-License-Identifier: Apache-2.0
// What a program finds when it is started in isolation, as a value: first the plan is made, shown and tested, then it is carried out
// (launch.ts). Paths named `at` are those that the program sees; all others are the host's.

import type { Reachable } from '../network/reachable.js';

/** Something that is put into the new root, in order. */
export type MountStep =
  /** Memory that is gone with the program. `size` in bytes. */
  | { readonly kind: 'memory'; readonly at: string; readonly mode: number; readonly size?: number }
  /** A directory that is made if it is not there. */
  | { readonly kind: 'directory'; readonly at: string; readonly mode: number }
  | { readonly kind: 'link'; readonly at: string; readonly target: string }
  /** A file that is made with these bytes. */
  | { readonly kind: 'file'; readonly at: string; readonly bytes: Uint8Array; readonly mode: number }
  /** A file or directory of the host, with what is mounted below it. */
  | {
      readonly kind: 'bind';
      readonly at: string;
      readonly from: string;
      readonly writable: boolean;
      readonly devices?: boolean;
    }
  | LayeredStep
  /** The processes of this root. */
  | { readonly kind: 'processes'; readonly at: string }
  /** Terminals of its own, of this group where that is one inside. */
  | { readonly kind: 'terminals'; readonly at: string; readonly group?: number };

/** Directories one over the other, the first one topmost, and what is written goes to `upper`. */
export interface LayeredStep {
  /** By the kernel's overlayfs, or by the watcher. */
  readonly kind: 'overlay' | 'fuse';
  readonly at: string;
  readonly lower: readonly string[];
  readonly upper: string;
  readonly work: string;
}

/** A resource limit of each process (getrlimit(2)), soft and hard. */
export interface Limit {
  readonly name: keyof typeof LIMITS;
  readonly value: number;
}

/** Numbers of RLIMIT_* on x86-64. */
export const LIMITS = { core: 4, processes: 6, files: 7, memory: 9 } as const;

/** A directory of a control group that is made for a run, and removed at its end. There is one of version 2 at most. */
export interface ControlGroup {
  readonly directory: string;
  readonly version: 1 | 2;
  /** What is written into its files, in order. */
  readonly settings: readonly { readonly file: string; readonly value: string }[];
}

/** Hosts that are reached, and no other. */
export interface ListedNetwork {
  readonly reachable: readonly Reachable[];
  readonly carrier: NetworkCarrier;
}

/** A program of the host that makes connections for a network namespace as its user makes any other: pasta(1). */
export interface NetworkCarrier {
  readonly program: string;
  /** Where it writes its number when the network is there: a named pipe of the host. */
  readonly pipe: string;
  /** Where it writes what is wrong. */
  readonly log: string;
}

export interface Surroundings {
  /** For messages: `workspace demo`. */
  readonly name: string;
  /** A directory of the host over which the new root is put; it stays as it is. */
  readonly root: string;
  readonly steps: readonly MountStep[];
  /** Who starts it: whose files are theirs inside too. */
  readonly user: number;
  readonly group: number;
  /** Their number inside: the same, or 0 for programs that want to be root. Root of the host keeps all numbers. */
  readonly insideUser: number;
  readonly insideGroup: number;
  readonly hostName: string;
  /** Without, there is a loopback interface and nothing else. */
  readonly network: 'none' | 'host' | ListedNetwork;
  readonly directory: string;
  /** Where commands are looked for. */
  readonly path: readonly string[];
  /** Numbers of the capabilities that it may have over its own namespaces. */
  readonly capabilities: readonly number[];
  readonly limits: readonly Limit[];
  /** Whoever has no right to make them has none. */
  readonly controlGroups: readonly ControlGroup[];
  /** A seccomp filter: instructions of classic BPF, 8 bytes each. */
  readonly filter: Uint8Array;
  /**
   * Who serves layers by FUSE, by a connected socket (its number). With a line, which is sent to it, it is also told of calls that the
   * filter says so of.
   */
  readonly watcher?: { readonly socket: number; readonly line?: string };
  /** Where Landlock lets it write; it may read and execute everywhere. */
  readonly writable: readonly string[];
  /** A file that is locked as long as any of it runs. */
  readonly lock: string;
  /** Gets the number of its first process. */
  readonly processFile: string;
}
