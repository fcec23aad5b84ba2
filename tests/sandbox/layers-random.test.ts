// SPDX-License-Identifier: Apache-2.0
// Random operations on a stack of layers, each done on a plain directory too: results and, now and then, all that can be seen are the same.
// What overlayfs may refuse and a directory does not (EXDEV) is done on neither.

import {
  appendFileSync,
  chmodSync,
  cpSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmdirSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unless } from '../setup/skipping.js';
import { Random } from '../fuzz/random.js';
import { fileTree, setAttribute } from './file-tree.js';
import { type Carrier, LayeredFolder, whyNotMounted } from './layered-mount.js';

const reason = whyNotMounted('tests/sandbox/layers-random.test.ts');
const long = process.env['PLINTH_LONG'] === '1';
const STEPS = long ? 20_000 : 1_200;
const COMPARED_EVERY = 200;

type Operation = (root: string) => void;

/** Of few names, so that they meet. */
function randomPath(random: Random): string {
  const depth = 1 + random.below(3);
  return Array.from({ length: depth }, () => random.pick(['a', 'b', 'c', 'd'])).join('/');
}

function randomOperation(random: Random): readonly [string, Operation] {
  const [one, other] = [randomPath(random), randomPath(random)];
  const text = `${random.word()}`.repeat(1 + random.below(400));
  const size = random.below(5000);
  const mode = random.pick([0o644, 0o600, 0o755, 0o777]);
  return random.pick<readonly [string, Operation]>([
    [`write ${one}`, (root) => writeFileSync(join(root, one), text)],
    [`append ${one}`, (root) => appendFileSync(join(root, one), text)],
    [`truncate ${one} ${size}`, (root) => truncateSync(join(root, one), size)],
    [`unlink ${one}`, (root) => unlinkSync(join(root, one))],
    [`mkdir ${one}`, (root) => mkdirSync(join(root, one))],
    [`mkdir ${other}`, (root) => mkdirSync(join(root, other))],
    [`rmdir ${one}`, (root) => rmdirSync(join(root, one))],
    [`rename ${one} ${other}`, (root) => renameSync(join(root, one), join(root, other))],
    [`rename ${other} ${one}`, (root) => renameSync(join(root, other), join(root, one))],
    [`link ${one} ${other}`, (root) => linkSync(join(root, one), join(root, other))],
    [`symlink ${one}`, (root) => symlinkSync('nowhere', join(root, one))],
    [`chmod ${one}`, (root) => chmodSync(join(root, one), mode)],
    [
      `attribute ${one}`,
      (root) => {
        const result = setAttribute(join(root, one), 'user.word', String(size));
        if (result < 0) throw Object.assign(new Error(), { code: result });
      },
    ],
  ]);
}

function outcome(act: () => void): unknown {
  try {
    act();
    return 'ok';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

describe.each<Carrier>(['overlayfs', 'our server'])('layers by %s', unless(reason), (carrier) => {
  it('are like a directory, whatever is done', async () => {
    const seed = long ? Date.now() >>> 0 : 20_261_130;
    const random = new Random(seed);
    using stack = new LayeredFolder();
    const model = join(stack.folder, 'model');
    mkdirSync(model);
    // Lower layers get what the first of the operations make, so most names lie there.
    for (let n = 0; n < 300; n++) outcome(() => randomOperation(random)[1](stack.base));
    // A hard link of a lower layer is broken up when it is changed, and one of a directory is not.
    for (const line of fileTree(stack.base)) {
      if (/ (?:[2-9]|\d\d) links/.test(line)) unlinkSync(join(stack.base, line.split(' ')[0]!));
    }
    cpSync(stack.base, model, { recursive: true, verbatimSymlinks: true });
    for (const line of fileTree(stack.base)) {
      const [path = '', mode = ''] = line.split(' ');
      if (!mode.startsWith('120')) chmodSync(join(model, path), Number.parseInt(mode, 8) & 0o7777);
      const value = / user\.word=(\d+)/.exec(line)?.[1];
      if (value !== undefined) setAttribute(join(model, path), 'user.word', value);
    }
    expect(fileTree(model)).toEqual(fileTree(stack.base));
    await stack.mount(carrier);
    const done: string[] = [];
    let made = 0;
    for (let step = 1; step <= STEPS; step++) {
      const [what, operation] = randomOperation(random);
      done.push(what);
      const real = outcome(() => operation(stack.merged));
      if (real === 'EXDEV') continue;
      if (real === 'ok') made++;
      const context = `seed ${seed}, after ${done.slice(-12).join('; ')}`;
      expect(
        outcome(() => operation(model)),
        context,
      ).toBe(real);
      if (step % COMPARED_EVERY === 0 || step === STEPS)
        expect(fileTree(stack.merged), context).toEqual(fileTree(model));
    }
    expect(made).toBeGreaterThan(STEPS / 10);
    const seen = fileTree(stack.merged);
    await stack.unmount();
    // The other carrier reads what was left.
    await stack.mount(carrier === 'overlayfs' ? 'our server' : 'overlayfs');
    expect(fileTree(stack.merged)).toEqual(seen);
    await stack.unmount();
  });
});
