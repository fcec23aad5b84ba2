// SPDX-License-Identifier: Apache-2.0
// Hooks of Node's module loader: files of TypeScript are loaded with their types replaced by blanks.

import { readFileSync } from 'node:fs';
import type { LoadHook, ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';
import { stripTypes } from './strip-types.js';

const TYPESCRIPT = /^file:.*\.m?ts$/;

export const resolve: ResolveHook = async (specifier, context, next) => {
  // A probe file may lie anywhere, and means these rooms.
  if (specifier.startsWith('@plinth/')) return next(specifier, { ...context, parentURL: import.meta.url });
  try {
    return await next(specifier, context);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    // The compiler wants a file of TypeScript to be imported by the name that its output will have.
    const source = specifier.replace(/^(\.{1,2}\/.*\.m?)js$/, '$1ts');
    if (code !== 'ERR_MODULE_NOT_FOUND' || source === specifier) throw error;
    return next(source, context);
  }
};

export const load: LoadHook = async (url, context, next) => {
  if (!TYPESCRIPT.test(url)) return next(url, context);
  const path = fileURLToPath(url);
  return { format: 'module', shortCircuit: true, source: stripTypes(readFileSync(path, 'utf8'), path) };
};
