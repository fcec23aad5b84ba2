// SPDX-License-Identifier: Apache-2.0
// Images of layers, made and listed by the programs of squashfs-tools.

import { PlinthError } from '@plinth/core';
import type { Section } from '@plinth/sandbox';
import { run } from '../host/run-command.js';
import type { HostTools, Tool } from '../image/host-tools.js';

/** zstd unpacks fast at any level; blocks are small, since a page fault unpacks one of them. */
const OPTIONS = [
  '-comp',
  'zstd',
  '-Xcompression-level',
  '9',
  '-b',
  '128K',
  '-all-root',
  '-noappend',
  '-quiet',
  '-no-progress',
];

/**
 * `sources` become entries of the image's root by their last names, without those paths, absolute ones, that are left out. `removed`
 * are paths in the image of devices 0:0, which stand for what is removed. Nothing is at those places in the sources.
 */
export async function makeImage(
  tools: HostTools,
  sources: readonly string[],
  image: string,
  leftOut: readonly string[] = [],
  removed: readonly string[] = [],
): Promise<void> {
  const tool = await tools.find('mksquashfs');
  // A single directory would else be the root itself.
  const excludes = leftOut.length === 0 ? [] : ['-e', ...leftOut];
  const devices = removed.flatMap((path) => ['-p', `"${path.replaceAll(/["\\]/g, String.raw`\$&`)}" c 0 0 0 0 0`]);
  await runTool(tool, [...sources, image, '-keep-as-directory', ...OPTIONS, ...devices, ...excludes]);
}

/** Names of all entries of an image, from its root on. @throws PlinthError `bundle-damaged` (input) */
export async function listImage(tools: HostTools, file: string, { offset }: Section): Promise<string[]> {
  const tool = await tools.find('unsquashfs');
  const { status, stdout, stderr } = await call(tool, ['-offset', String(offset), '-dest', '.', '-l', file]);
  if (status !== 0)
    throw new PlinthError(
      'input',
      'bundle-damaged',
      `${file}: damaged: ${firstLine(stderr) || 'no list of its files'}`,
    );
  return Buffer.from(stdout, 'latin1')
    .toString('utf8')
    .split('\n')
    .filter((line) => line.startsWith('./'))
    .map((line) => line.slice(2));
}

/** Writes files of an image, by their names from its root on, to a new directory; those that it does not have are left out. */
export async function unpackFromImage(
  tools: HostTools,
  file: string,
  { offset }: Section,
  names: readonly string[],
  to: string,
): Promise<void> {
  const tool = await tools.find('unsquashfs');
  const options = ['-quiet', '-no-progress', '-no-xattrs', '-offset', String(offset), '-dest', to];
  await runTool(tool, [...options, file, ...names]);
}

async function runTool(tool: Tool, args: readonly string[]): Promise<void> {
  const { status, stderr } = await call(tool, args);
  if (status === 0) return;
  throw new PlinthError('host', 'squashfs', `${tool.path}: ${firstLine(stderr) || `it ended with status ${status}`}`);
}

function call({ path, libraries }: Tool, args: readonly string[]): ReturnType<typeof run> {
  return run(path, args, {
    environment: { LC_ALL: 'C', ...(libraries === '' ? {} : { LD_LIBRARY_PATH: libraries }) },
    missing: 'package squashfs-tools is needed',
  });
}

function firstLine(text: string): string {
  return text.split('\n')[0]!;
}
