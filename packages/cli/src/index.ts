// SPDX-License-Identifier: Apache-2.0
// What speaks with a guest image, for tests and for other shells.
export * from './run/exec-frame.js';
