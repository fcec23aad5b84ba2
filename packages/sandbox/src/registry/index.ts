// SPDX-License-Identifier: Apache-2.0
// Everything here takes bytes and gives bytes; nothing is of Node, so that a page can use it.
export * from './hive.js';
export type { HiveKey } from './hive-key.js';
export * from './hive-writer.js';
export * from './key.js';
export * from './memory-key.js';
export { foldName } from './names.js';
export * from './diff.js';
export { describeValue } from './value-text.js';
export * from './reg-text.js';
export * from './wine-text.js';
export type { KeyIsolation, KeyIsolationRule } from './isolation-rules.js';
export * from './layered-registry.js';
export { LayeredKey } from './layered-key.js';
export * from './hive-log.js';
