// SPDX-License-Identifier: Apache-2.0
// The last blocks of several CPUs, in their order; and what becomes of them when the machine is another one.

import { Sections } from '@plinth/core';
import { expect, it } from 'vitest';
import { CODE, cpu, describeEngines } from '../testing/contract.js';
import { add, b } from '../testing/mnemonics.js';
import { codeOf, type Part, severalCpus, to } from '../testing/several-cpus.js';
import { type ExecutedBlock, MOST_BLOCKS } from './block-ring.js';
import { QUANTUM } from './turns.js';

describeEngines('the last blocks', (engine) => {
  it('are those of several CPUs, in their turns', () => {
    const loop = (step: number): Part[] => ['again', add(0, 0, step), add(1, 1, 1), to('again')];
    const test = severalCpus(engine, [loop(1), loop(2)]).steps(100);
    const { machine } = test;
    const begun = machine.count;
    // Long enough for regions, then a stretch in which hooks tell the same.
    const end = machine.blocks.keepLast(4 * QUANTUM);
    test.steps(600_000);
    const regions = machine.blocks.last(2 * QUANTUM);
    const model: ExecutedBlock[] = [];
    const places = [codeOf(0) + 4 * 7, codeOf(1)];
    const hooks = places.map((place) =>
      machine.hooks.add(place, ({ index }, address) => {
        model.push({ cpu: index, address, thumb: false, count: machine.count - 1 });
        return 'go-on';
      }),
    );
    test.steps(5 * QUANTUM);
    expect(machine.blocks.last(model.length)).toEqual(model);
    for (const unhook of hooks) unhook();
    end();
    expect(new Set(model.map(({ cpu }) => cpu))).toEqual(new Set([0, 1]));
    // Three instructions each, whichever CPU it is; a turn ends where it ends.
    expect(regions.every(({ count, address }) => count >= begun && places.includes(address))).toBe(true);
    const gaps = regions.slice(1).map(({ count, cpu }, n) => (cpu === regions[n]!.cpu ? count - regions[n]!.count : 3));
    expect(new Set(gaps)).toEqual(new Set([3]));
  });

  it('are of the run that led here', () => {
    const test = cpu(engine)
      .code([add(0, 0, 1), b(-4)])
      .start();
    const { machine } = test;
    const end = machine.blocks.keepLast(10);
    test.steps(100);
    const saved = machine.save();
    expect(machine.blocks.last()).toHaveLength(10);
    machine.restore(new Sections('saved', saved));
    expect(machine.blocks.last()).toEqual([]);
    test.steps(5);
    const [first, ...more] = machine.blocks.last();
    expect([first!.address, more.length]).toEqual([CODE, 1]);
    end();
  });

  it('are as many as are asked for, up to a limit', () => {
    const test = cpu(engine)
      .code([b(0)])
      .start();
    const { blocks } = test.machine;
    const end = blocks.keepLast(MOST_BLOCKS);
    test.steps(MOST_BLOCKS + 5000);
    const all = blocks.last();
    expect([all.length, all.at(-1)!.count - all[0]!.count]).toEqual([MOST_BLOCKS, MOST_BLOCKS - 1]);
    expect(blocks.last(3)).toEqual(all.slice(-3));
    expect(() => blocks.keepLast(1)).toThrow('keeps the last blocks already');
    end();
    expect(() => blocks.keepLast(MOST_BLOCKS + 1)).toThrow('blocks can be kept');
  });
});
