// SPDX-License-Identifier: Apache-2.0
export * from './bpf/attribute.js';
export * from './bpf/features.js';
export * from './bpf/kernel-map.js';
export * from './bpf/kernel-program.js';
export * from './bpf/link.js';
export * from './bpf/object-info.js';
export * from './bpf/pins.js';
export * from './bpf/refusal.js';
export * from './bpf/ring-buffer-reader.js';
export * from './bpf/test-run.js';
export * from './image-lock.js';
export * from './native-calls.js';
export * from './network-interfaces.js';
export * from './network-namespace.js';
export * from './socket-pair.js';
export * from './system-calls.js';
export * from './tap.js';
