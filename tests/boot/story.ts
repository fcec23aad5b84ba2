// SPDX-License-Identifier: Apache-2.0
// What a kernel tells of its start, made comparable between two machines: without times and other free values, and with
// the lines apart whose place among the others is chance.

/** Values that may differ, and what stands for them. */
const FREE: readonly (readonly [RegExp, string])[] = [
  [/^\[ *\d+\.\d+\] /, ''],
  // The device tree's reserved room: QEMU's is padded to a megabyte.
  [/^(Memory: )\d+K(\/\d+K available .*, )\d+K reserved/, '$1…$2… reserved'],
  [/(audit\()\d+\.\d+/, '$1…'],
  [/(setting system clock to ).*/, '$1…'],
];

/** Lines of QEMU alone, on all boards. */
const THEIRS: readonly RegExp[] = [
  // Hardware breakpoints and ThumbEE (deprecated, no code uses it) are not in our CPU.
  /^hw-breakpoint: /,
  /^ThumbEE CPU extension supported\.$/,
  // Its virtual time is the host's: on a loaded host the kernel remarks on the gaps. Ours counts instructions.
  /^hrtimer: interrupt took \d+ ns$/,
  /^sched: RT throttling activated$/,
];
/** Lines of Plinth alone: why there are no hardware breakpoints. */
const OURS: readonly RegExp[] = [/^hw-breakpoint: Failed to enable monitor mode/];
/** Printed by threads of the kernel beside its start, so that their place among the other lines is chance. */
const BESIDE: readonly RegExp[] = [
  /^audit: type=2000/,
  /^Trying to unpack rootfs image as initramfs/,
  /^Freeing initrd memory/,
  /^random: crng init done/,
];
/** Of /proc/cpuinfo's features, those of QEMU alone. */
const FEATURES = / (thumbee|lpae)\b/g;

export interface Story {
  readonly inOrder: readonly string[];
  readonly beside: readonly string[];
}

export interface Differences {
  /** Lines of one machine alone, of this board. */
  readonly theirs?: readonly RegExp[];
  readonly ours?: readonly RegExp[];
  /** Values that differ, and what stands for them. */
  readonly free?: readonly (readonly [RegExp, string])[];
}

export function tell(output: string, who: 'theirs' | 'ours', differences: Differences = {}): Story {
  const notOfBoth = [...(who === 'theirs' ? THEIRS : OURS), ...(differences[who] ?? [])];
  const free = [...FREE, ...(differences.free ?? [])];
  const lines = output
    .split('\n')
    .map((line) => free.reduce((text, [pattern, stands]) => text.replace(pattern, stands), line))
    .map((line) => (line.startsWith('Features') ? line.replace(FEATURES, '') : line))
    .filter((line) => !notOfBoth.some((pattern) => pattern.test(line)));
  const isBeside = (line: string): boolean => BESIDE.some((pattern) => pattern.test(line));
  return {
    inOrder: lines.filter((line) => !isBeside(line)),
    beside: lines.filter(isBeside).toSorted(),
  };
}
