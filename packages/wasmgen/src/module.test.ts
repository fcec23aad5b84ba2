// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest';
import { Bytes, ModuleBuilder, OPCODES } from './index.js';

test('a module with a loop, an import and a table runs', () => {
  const module = new ModuleBuilder();
  const unary = { parameters: ['i32'], results: ['i32'] } as const;
  const twice = module.importFunction('host', 'twice', unary);
  module.defineTable(4, 4);
  const { index, code } = module.function(unary, 'sum');
  const total = code.local('i32');
  const loop = code.loop();
  code.get(total).get(0).op('i32.add').set(total);
  code.get(0).i32(1).op('i32.sub').tee(0);
  code.branchIf(loop).end(loop);
  code.get(total).call(twice);
  module.elements(1, [index]);
  module.exportFunction('sum', index);
  module.exportTable('table');
  const instance = new WebAssembly.Instance(new WebAssembly.Module(module.finish()), {
    host: { twice: (x: number) => 2 * x },
  });
  expect((instance.exports['sum'] as (n: number) => number)(10)).toBe(110);
  expect((instance.exports['table'] as WebAssembly.Table).get(1)).toBe(instance.exports['sum']);
});

test('every plain instruction of the table is one that the engine accepts with these types', () => {
  const rejected: string[] = [];
  for (const [name, info] of OPCODES) {
    const module = new ModuleBuilder();
    module.importMemory('m', 'm', { initialPages: 1, maximumPages: 1, shared: false });
    const { code } = module.function({
      parameters: info.operands,
      results: info.result === undefined ? [] : [info.result],
    });
    info.operands.forEach((_, i) => code.get(i));
    if (info.immediate === 'memory') code.memory(name, 8);
    else if (info.immediate === 'memory-lane') code.memory(name, 8, 0);
    else if (info.immediate === 'lane') code.lane(name, 0);
    else if (info.immediate === 'shuffle') code.shuffle([...Array(16).keys()]);
    else code.op(name);
    if (!WebAssembly.validate(module.finish())) rejected.push(name);
  }
  expect(rejected).toEqual([]);
});

test('signed LEB128 at the borders of its lengths', () => {
  const encode = (value: number): number[] => {
    const bytes = new Bytes();
    bytes.signed(value);
    return [...bytes.view()];
  };
  expect(encode(63)).toEqual([63]);
  expect(encode(64)).toEqual([0xc0, 0]);
  expect(encode(-64)).toEqual([0x40]);
  expect(encode(-65)).toEqual([0xbf, 0x7f]);
  expect(encode(-2147483648)).toEqual([0x80, 0x80, 0x80, 0x80, 0x78]);
});
