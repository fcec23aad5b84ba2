// SPDX-License-Identifier: Apache-2.0
export { Decoder, type Decoded } from './decode/decoder.js';
export { floatHelpers } from './float/helpers.js';
export { HANDLER, HANDLER_TYPE, handlerNumber, type RowHandlers } from './interpreter/handlers.js';
export { CODE_PAGE, type HotCounters, RUN_EXIT } from './interpreter/loop.js';
export { buildInterpreter, ENGINE_IMPORTS, type InterpreterModule } from './interpreter/module.js';
export { HELPERS } from './ir/helpers.js';
export { extractFields, type Row, type RowIsa } from './isa/row.js';
export { allRows, ROWS } from './isa/table.js';
export { ACCESS_KIND, FAULT, Walker, type Translation, type TranslationRegime } from './mmu/walk.js';
export { CpuState } from './state/cpu-state.js';
export { ACCESS, CPU, CPU_BLOCK_SIZE, MODE, PSR } from './state/layout.js';
export { Coprocessors, type SystemHooks } from './system/coprocessor.js';
export { CPU_MODELS, type CpuModel } from './system/cpu-model.js';
export { EXCEPTION, type ExceptionKind } from './system/exception.js';
export { advanceIt, enterException, writeCpsrByInstruction, writeSpsr, writeWholeCpsr } from './system/exceptions.js';
export { SCTLR, SYSTEM } from './system/registers.js';
export { RegionFinder, type Region } from './translator/region.js';
export { buildRegions, type RegionRequest } from './translator/module.js';
