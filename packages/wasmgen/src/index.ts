// SPDX-License-Identifier: Apache-2.0
export { Bytes, Code, type Label } from './code.js';
export { ModuleBuilder, type FunctionType, type MemoryLimits } from './module.js';
export { OPCODES, opcode, type OpcodeInfo, type ValueType } from './opcodes.js';
export { analyseGraph, dominators, type FlowGraph, postOrder } from './graph.js';
