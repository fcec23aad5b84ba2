// SPDX-License-Identifier: Apache-2.0
export type {} from './wasm-env.js';
export * from './byte-reader.js';
export * from './bytes.js';
export * from './crc32.js';
export * from './errors.js';
export * from './event-queue.js';
export * from './finding.js';
export * from './internet-address.js';
export * from './sections.js';
export * from './sha256.js';
export * from './state.js';
export * from './tap.js';
export * from './text.js';
export * from './virtual-time.js';
