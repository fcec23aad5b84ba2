// SPDX-License-Identifier: Apache-2.0
export * from './packets/capture-reader.js';
export * from './packets/decode-packet.js';
export * from './packets/evaluate-packet.js';
export * from './packets/kernel-rule.js';
export * from './packets/packet-event.js';
export * from './packets/parse-rules.js';
export * from './packets/program/decode-code.js';
export * from './packets/program/packet-program.js';
export * from './packets/program/record-code.js';
export * from './packets/program/rule-tables.js';
export { PIECE } from './packets/program/slots.js';
export * from './packets/rule.js';
export * from './packets/rule-sets.js';
