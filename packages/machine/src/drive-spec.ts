// SPDX-License-Identifier: Apache-2.0
// A disk of a run as a value: part of a RunSpec. Names of files stand for what the shell opens.

import { PlinthError } from '@plinth/core';

export const DRIVE_FORMATS = ['raw', 'qcow2'] as const;
export type DriveFormat = (typeof DRIVE_FORMATS)[number];

export interface DriveSpec {
  readonly file: string;
  /** Told by the file's name and content if left out. */
  readonly format?: DriveFormat;
  readonly readonly: boolean;
  /** What the guest writes goes into this file, which is made if it is not there; `file` is only read. */
  readonly overlay?: string;
  /** What the guest writes is gone after the run. */
  readonly snapshot: boolean;
  /** What the guest reads as the disk's serial number; up to 20 characters. */
  readonly serial?: string;
}

const KEYS = new Set(['file', 'format', 'readonly', 'overlay', 'snapshot', 'serial']);

/** Checks a value of outside origin. Every complaint is one line. */
export function parseDriveSpec(value: unknown): DriveSpec {
  if (typeof value !== 'object' || value === null) throw wrong('an object with options is needed');
  const input = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(input)) if (!KEYS.has(key)) throw wrong(`there is no option "${key}"`);
  const text = (key: string): string | undefined => {
    const given = input[key];
    if (given !== undefined && (typeof given !== 'string' || given === '')) throw wrong(`${key}: a text is needed`);
    return given as string | undefined;
  };
  const flag = (key: string): boolean => {
    const given = input[key] ?? false;
    if (typeof given !== 'boolean') throw wrong(`${key}: true or false is needed`);
    return given;
  };
  const file = text('file');
  const given = text('format');
  const format = DRIVE_FORMATS.find((name) => name === given);
  const overlay = text('overlay');
  const serial = text('serial');
  if (file === undefined) throw wrong('a file is needed: file=NAME');
  if (given !== undefined && format === undefined) {
    throw wrong(`format "${given}" is none of ${DRIVE_FORMATS.join(', ')}`);
  }
  if (serial !== undefined && !/^[\x21-\x7e]{1,20}$/.test(serial)) {
    throw wrong('serial: up to 20 ASCII characters without blanks are needed');
  }
  return {
    file,
    readonly: flag('readonly'),
    snapshot: flag('snapshot'),
    ...(format === undefined ? {} : { format }),
    ...(overlay === undefined ? {} : { overlay }),
    ...(serial === undefined ? {} : { serial }),
  };
}

/** What the guest reads as the serial number: the file's name, if nothing else is said. */
export function driveSerial({ serial, file }: DriveSpec): string {
  const name = file.slice(file.lastIndexOf('/') + 1);
  return serial ?? name.replace(/[^\x21-\x7e]/g, '?').slice(0, 20);
}

function wrong(detail: string): PlinthError {
  return new PlinthError('input', 'drive', `drive: ${detail}`.replace(/\p{Cc}/gu, '?'));
}
