// SPDX-License-Identifier: Apache-2.0
// The kernel's helper functions that programs of ours call: their numbers (enum bpf_func_id, include/uapi/linux/bpf.h) and how many
// arguments they take.

export const HELPERS = {
  mapLookup: { id: 1, arguments: 2 },
  mapUpdate: { id: 2, arguments: 4 },
  mapDelete: { id: 3, arguments: 2 },
  ktimeGetNs: { id: 5, arguments: 0 },
  getPrandomU32: { id: 7, arguments: 0 },
  getSmpProcessorId: { id: 8, arguments: 0 },
  skbLoadBytes: { id: 26, arguments: 4 },
  csumDiff: { id: 28, arguments: 5 },
  ringbufOutput: { id: 130, arguments: 4 },
  ringbufReserve: { id: 131, arguments: 3 },
  ringbufSubmit: { id: 132, arguments: 2 },
  ringbufDiscard: { id: 133, arguments: 2 },
  xdpLoadBytes: { id: 189, arguments: 4 },
} as const;

export type HelperName = keyof typeof HELPERS;

const BY_ID = new Map(Object.entries(HELPERS).map(([name, { id }]) => [id as number, name as HelperName]));

export function helperName(id: number): HelperName | undefined {
  return BY_ID.get(id);
}
