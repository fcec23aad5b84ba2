// SPDX-License-Identifier: Apache-2.0
// What a benchmark gives: one object for machines, one table for people. A ratio is peer / ours, so that above 1 always
// means that ours is better.

import { cpus, loadavg, totalmem } from 'node:os';

export interface Row {
  readonly name: string;
  readonly unit: string;
  /** `null` with a reason if ours could not do it. */
  readonly ours: number | null;
  /** `null` with a reason if the peer cannot be had, or has no such figure. */
  readonly peer: number | null;
  readonly peerName: string;
  readonly ratio: number | null;
  readonly inGeomean: boolean;
  readonly reason?: string;
  /** Further figures of the row. */
  readonly [detail: string]: unknown;
}

export interface Host {
  readonly cpu: string;
  readonly cores: number;
  /** Bytes. */
  readonly memory: number;
  readonly platform: string;
  readonly node: string;
  readonly v8: string;
  /** One-minute load average before and after. */
  readonly load: readonly [number, number];
  readonly peer: string | null;
}

export interface Report {
  readonly bench: string;
  readonly host: Host;
  /** How the figures were taken. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly rows: readonly Row[];
  /** Of the ratios of the rows marked for it; `null` if there is none. */
  readonly geomean: number | null;
}

export function describeHost(peer: string | null, loadBefore: number): Host {
  const all = cpus();
  return {
    cpu: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memory: totalmem(),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    v8: process.versions.v8,
    load: [loadBefore, loadavg()[0]!],
    peer,
  };
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** `undefined` when one of the two is not there or is not above 0, which noise can do to a difference of times. */
export function ratioOf(ours: number | null, peer: number | null): number | null {
  return ours === null || peer === null || !(ours > 0) || !(peer > 0) ? null : peer / ours;
}

export function geometricMean(rows: readonly Row[]): number | null {
  const ratios = rows.filter((row) => row.inGeomean && row.ratio !== null).map((row) => row.ratio!);
  if (ratios.length === 0) return null;
  return Math.exp(ratios.reduce((sum, ratio) => sum + Math.log(ratio), 0) / ratios.length);
}

/** Rounds the numbers of a report to what can be meant by them. */
export function toJson(report: Report): string {
  const round = (_key: string, value: unknown): unknown =>
    typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(5)) : value;
  return JSON.stringify(report, round, 2);
}

/** Lines of cells, the first line being the heading; the first column is aligned left, the others right. */
export function formatTable(lines: readonly (readonly string[])[]): string {
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A number for people: three significant digits, a dash for none. */
export function show(value: number | null | undefined): string {
  if (value === null || value === undefined || Number.isNaN(value)) return '-';
  if (value !== 0 && Math.abs(value) < 0.001) return value.toExponential(1);
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : Math.abs(value) >= 1 ? 2 : 3;
  return value.toFixed(digits);
}
