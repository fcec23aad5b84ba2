// SPDX-License-Identifier: Apache-2.0
// `Symbol.dispose`, which not every browser has yet. It must be there before classes that have such a method are made, so
// this is imported first.

if (Symbol.dispose === undefined) Object.defineProperty(Symbol, 'dispose', { value: Symbol('Symbol.dispose') });
