// SPDX-License-Identifier: Apache-2.0
export * from './bundle/bundle.js';
export * from './bundle/bundle-state.js';
export { BLOCK, type Section, type Sections } from './bundle/launcher.js';
export * from './bundle/host-proof.js';
export * from './bundle/manifest.js';
export { rawKey, readSigningKey, readVerifyingKey } from './bundle/signature.js';
export * from './bundle/write-bundle.js';
export * from './isolation/launch.js';
export * from './isolation/surroundings.js';
export * from './workspace/host-facts.js';
export * from './workspace/workspace-plan.js';
export * from './workspace/workspace.js';
export * from './layers/changes.js';
export * from './layers/layer-entry.js';
export * from './layers/layered-files.js';
export * from './fuse/layer-server.js';
export * from './watch/watcher-process.js';
export * from './registry/index.js';
