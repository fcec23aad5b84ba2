// SPDX-License-Identifier: Apache-2.0
// Constants of the flattened device tree (Devicetree Specification v0.4, chapter 5). Everything is big-endian.

export const FDT_MAGIC = 0xd00d_feed;
export const FDT_VERSION = 17;
/** Oldest version whose structure block is the same. */
export const FDT_LAST_COMPATIBLE = 16;
export const FDT_HEADER_SIZE = 40;
/** The empty memory reservation map: one entry of zeros. */
export const FDT_RESERVATION_SIZE = 16;

export const FDT_BEGIN_NODE = 1;
export const FDT_END_NODE = 2;
export const FDT_PROP = 3;
export const FDT_NOP = 4;
export const FDT_END = 9;
