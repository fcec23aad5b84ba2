// SPDX-License-Identifier: Apache-2.0
export * from './native-calls.js';
export * from './system-calls.js';
export * from './tap.js';
