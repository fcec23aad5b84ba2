// SPDX-License-Identifier: Apache-2.0
// What is kept of an inspection in files. The kernel says what runs: of these files nothing is believed that it knows better.

import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { PlinthError } from '@plinth/core';
import { type KernelRule, priorityOf, type TablesShape, type Variables } from '@plinth/guards';
import type { AttachmentPoint } from '../containers/attachment-points.js';
import { filesTrouble, type InspectionFiles } from './places.js';

/** What is inspected, and how it was named. */
export interface InspectionSubject {
  readonly kind: 'container' | 'process' | 'interface';
  readonly id: string;
  readonly name: string;
  /** Not for an interface: a process in it, with its start (proc(5)). */
  readonly pid?: number;
  readonly start?: string;
  /** Of its network. */
  readonly namespace?: string;
}

export interface InspectionFacts {
  readonly version: 1;
  readonly subject: InspectionSubject;
  /** RFC 3339: when it began, and when its rules were last changed. */
  readonly since: string;
  readonly changed: string;
  /** The highest generation that was given to any tables, used or not. */
  readonly tried: number;
  readonly points: readonly AttachmentPoint[];
  /** False from before the first link until all are there. */
  readonly whole: boolean;
}

/** A rule as events tell of it. */
export interface KnownRule {
  readonly gid: number;
  readonly sid: number;
  readonly rev: number;
  readonly message: string;
  readonly action: string;
  /** The kernel flags what it may match. */
  readonly confirm: boolean;
  readonly classtype?: string;
  /** 1 is the most urgent. */
  readonly priority: number;
}

/** The rules of one generation, by their numbers; one that is confirmed may have several. */
export interface GenerationFacts {
  readonly version: 1;
  readonly generation: number;
  readonly failClosed: boolean;
  /** Where they came from, SHA-256 of the text, and the text itself with what its variables are. */
  readonly file: string;
  readonly hash: string;
  readonly text: string;
  readonly variables: Variables;
  readonly rules: readonly KnownRule[];
  /** Rules of the file that are looked for, and those that are not. */
  readonly taken: number;
  readonly refused: number;
  readonly shape: TablesShape;
}

export function knownRule({ rule, action, confirm }: KernelRule): KnownRule {
  const { gid, sid, rev, message, classtype } = rule;
  return {
    gid,
    sid,
    rev,
    message,
    action,
    confirm,
    priority: priorityOf(rule),
    ...(classtype === undefined ? {} : { classtype }),
  };
}

/** Undefined if there is no such file. */
export function readFacts(files: InspectionFiles): InspectionFacts | undefined {
  return readJson(files.facts) as InspectionFacts | undefined;
}

/** Undefined if they are damaged, too. */
export function readableFacts(files: InspectionFiles): InspectionFacts | undefined {
  try {
    return readFacts(files);
  } catch {
    return undefined;
  }
}

export function readGeneration(files: InspectionFiles, generation: number): GenerationFacts | undefined {
  return readJson(files.generation(generation)) as GenerationFacts | undefined;
}

function readJson(path: string): { readonly version: 1 } | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw filesTrouble(path, 'read', cause);
  }
  try {
    const value = JSON.parse(text) as { version?: unknown } | null;
    if (value?.version === 1) return value as { readonly version: 1 };
  } catch {
    // Said below.
  }
  throw new PlinthError(
    'input',
    'inspection-facts',
    `${path}: it is damaged, or of another version of Plinth: "plinth inspect detach --all" removes what it is of`,
  );
}

/** There whole or not at all. */
export function writeJson(path: string, value: InspectionFacts | GenerationFacts): void {
  const fresh = `${path}.new`;
  try {
    writeFileSync(fresh, JSON.stringify(value), { mode: 0o600 });
    renameSync(fresh, path);
  } catch (cause) {
    rmSync(fresh, { force: true });
    throw filesTrouble(path, 'written', cause);
  }
}
