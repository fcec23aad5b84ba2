// SPDX-License-Identifier: Apache-2.0
// The head of a program in one file: the settings of its launcher, as a shell reads them, and the launcher itself
// (templates/launcher/). All that the launcher has to know of the file stands in the settings as numbers.

import { readFileSync } from 'node:fs';
import type { BundleManifest } from './manifest.js';

/** Where the sections of a file are, in bytes. */
export interface Sections {
  readonly tools: Section;
  readonly manifest: Section;
  /** All images of layers, one behind the other. */
  readonly layers: Section;
  readonly hashes: Section;
}

export interface Section {
  readonly offset: number;
  readonly bytes: number;
}

export const BLOCK = 4096;

export function launcherText(manifest: BundleManifest, { tools, manifest: its, layers, hashes }: Sections): string {
  // The newest layer comes first, as in the options of overlayfs.
  const places = manifest.layers.map(({ offset }, n) => `${n}:${layers.offset + offset}`).toReversed();
  const settings: readonly (readonly [string, string | number])[] = [
    ['name', manifest.name],
    ['version', manifest.version],
    ['entry', manifest.entry],
    // Words that a shell reads once more.
    ['arguments', manifest.arguments.map(quote).join(' ')],
    ['isolation', lines(Object.entries(manifest.isolation).map(([place, mode]) => `${mode} ${place}`))],
    ['environment', lines(Object.entries(manifest.environment).map(([key, value]) => `${key}=${value}`))],
    ['others', manifest.others],
    ['network', manifest.network],
    ['display', manifest.display ? 'yes' : 'no'],
    ['prefix', manifest.prefix ?? ''],
    ['portable', manifest.state === 'portable' ? 'yes' : 'no'],
    ['tools_at', tools.offset / BLOCK],
    ['tools_blocks', Math.ceil(tools.bytes / BLOCK)],
    ['manifest_at', its.offset / BLOCK],
    ['manifest_bytes', its.bytes],
    ['layers', places.join(' ')],
    ['hashes_at', hashes.offset / BLOCK],
    ['hashes_bytes', hashes.bytes],
  ];
  const head = settings.map(([key, value]) => `${key}=${typeof value === 'number' ? value : quote(value)}\n`);
  // In braces: of a file that was cut off a shell runs nothing.
  return `#!/bin/sh\n{\n${head.join('')}\n${launcherBody()}}\n`;
}

function lines(all: readonly string[]): string {
  return all.join('\n');
}

function launcherBody(): string {
  const parts = ['shared', 'inside', 'host'];
  const texts = parts.map((name) =>
    readFileSync(new URL(`../../templates/launcher/${name}.sh`, import.meta.url), 'utf8'),
  );
  return texts.join('\n');
}

/** One word of a shell. */
function quote(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
