// SPDX-License-Identifier: Apache-2.0
export * from './automaton.js';
export * from './compiled-matcher.js';
export * from './filter.js';
export * from './matcher.js';
export * from './pattern.js';
export * from './regex/find-match.js';
export * from './regex/parse-regex.js';
export * from './regex/regex.js';
export * from './scanner.js';
export * from './tables.js';
export * from './trie.js';
