// SPDX-License-Identifier: Apache-2.0
export * from './http.js';
export * from './site-files.js';
export * from './write-site.js';
export * from './desktop/serve-desktop.js';
