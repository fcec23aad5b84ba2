// SPDX-License-Identifier: Apache-2.0
// What speaks with a guest image, for tests and for other shells.
export * from './run/exec-frame.js';
export { PrivateApt, readPackageFile } from './image/apt.js';
export { moduleFiles } from './image/module-files.js';
export type { DebianPackage } from './image/apt.js';
export type { Progress } from './host/progress.js';
export { openDrives } from './run/open-drives.js';
export { createReplayDriver, type ReplaySetting } from './run/replay-machine.js';
export { nodeHost } from './run/driver-host.js';
export { zlibCodec } from './host/deflate.js';
export { MachineWorker, MachineWorkers } from './thread/machine-worker.js';
export type { MachineWorkerOptions } from './thread/machine-worker.js';
export type { MachineEnd } from './thread/messages.js';
export { cacheDirectory } from './host/cache-directory.js';
export { HostTools } from './image/host-tools.js';
export { runInNamespace } from './host/namespace.js';
export { tuneCompiler } from './host/v8-flags.js';
export { alertEvent, dropEvent } from './inspect/eve-event.js';
export { inspectCapture } from './inspect/inspect-capture.js';
export { readRules, refusedOf } from './inspect/rule-files.js';
