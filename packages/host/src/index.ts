// SPDX-License-Identifier: Apache-2.0
export * from './containers/attachment-points.js';
export * from './containers/container-network.js';
export * from './containers/container.js';
export * from './containers/find-container.js';
export * from './inspection/attach.js';
export * from './inspection/coverage.js';
export * from './inspection/event-reader.js';
export * from './inspection/facts.js';
export * from './inspection/follow.js';
export * from './inspection/metrics.js';
export * from './inspection/places.js';
export * from './inspection/remove.js';
export * from './inspection/status.js';
export * from './inspection/subjects.js';
