// SPDX-License-Identifier: Apache-2.0
export * from './call-filter.js';
export * from './constants.js';
export * from './launch-program.js';
export * from './x64-calls.js';
export { CodeLabel } from './x64-code.js';
