// SPDX-License-Identifier: Apache-2.0
// The parts of the shell that speak with a guest image, for tests and for other shells.
export * from './run/exec-frame.js';
export * from './run/guest-files.js';
