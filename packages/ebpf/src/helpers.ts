// SPDX-License-Identifier: Apache-2.0
// The kernel's helper functions that programs of ours call: their numbers (enum bpf_func_id, include/uapi/linux/bpf.h) and how many
// arguments they take.

/** `pointers` are the arguments that are addresses or maps, counted from 0. */
export const HELPERS = {
  mapLookup: { id: 1, arguments: 2, pointers: [0, 1] },
  mapUpdate: { id: 2, arguments: 4, pointers: [0, 1, 2] },
  mapDelete: { id: 3, arguments: 2, pointers: [0, 1] },
  ktimeGetNs: { id: 5, arguments: 0, pointers: [] },
  getPrandomU32: { id: 7, arguments: 0, pointers: [] },
  getCurrentPidTgid: { id: 14, arguments: 0, pointers: [] },
  getCurrentComm: { id: 16, arguments: 2, pointers: [0] },
  getSmpProcessorId: { id: 8, arguments: 0, pointers: [] },
  skbLoadBytes: { id: 26, arguments: 4, pointers: [0, 2] },
  getCurrentCgroupId: { id: 80, arguments: 0, pointers: [] },
  probeReadUser: { id: 112, arguments: 3, pointers: [0] },
  probeReadKernel: { id: 113, arguments: 3, pointers: [0] },
  probeReadUserStr: { id: 114, arguments: 3, pointers: [0] },
  ringbufOutput: { id: 130, arguments: 4, pointers: [0, 1] },
  ringbufReserve: { id: 131, arguments: 3, pointers: [0] },
  ringbufSubmit: { id: 132, arguments: 2, pointers: [0] },
  ktimeGetCoarseNs: { id: 160, arguments: 0, pointers: [] },
  xdpBufferLength: { id: 188, arguments: 1, pointers: [0] },
  xdpLoadBytes: { id: 189, arguments: 4, pointers: [0, 2] },
} as const;

export type HelperName = keyof typeof HELPERS;

const BY_ID = new Map(Object.entries(HELPERS).map(([name, { id }]) => [id as number, name as HelperName]));

export function helperName(id: number): HelperName | undefined {
  return BY_ID.get(id);
}
