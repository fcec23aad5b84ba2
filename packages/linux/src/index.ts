// SPDX-License-Identifier: Apache-2.0
export * from './image-lock.js';
export * from './native-calls.js';
export * from './socket-pair.js';
export * from './system-calls.js';
export * from './tap.js';
