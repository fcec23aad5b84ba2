// SPDX-License-Identifier: Apache-2.0
// The JSON Schema (draft 2020-12) of a guest file, made from the list of options; docs/guest.schema.json is its text.
// Which options go together is left to `plinth run`, which says so in one line.

import { RUN_OPTIONS } from './option-list.js';
import type { RunOption } from './option-list.js';

export type JsonSchema = Readonly<Record<string, unknown>>;

export function guestSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Plinth guest file',
    description: 'What `plinth run FILE` is to run, in YAML: the options of the command line as keys.',
    type: 'object',
    properties: Object.fromEntries(
      RUN_OPTIONS.map((option) => [option.name, { description: option.help, ...valueSchema(option) }]),
    ),
    additionalProperties: false,
    oneOf: ['image', 'kernel', 'program', 'snapshot'].map((key) => ({ required: [key] })),
  };
}

function valueSchema({ kind, pattern, choices, list }: RunOption): JsonSchema {
  if (list === true) return { type: ['string', 'array'], minLength: 1, items: { type: 'string', minLength: 1 } };
  switch (kind) {
    case 'flag':
      return { type: 'boolean' };
    case 'size':
      return { type: ['integer', 'string'], minimum: 1, pattern: '^\\d+([KMGkmg]?)(i?[Bb])?$' };
    case 'count':
      return { type: 'integer', minimum: 1 };
    case 'number':
      return { type: 'number', exclusiveMinimum: 0 };
    case 'place':
      return { type: ['integer', 'string'], minimum: 1, minLength: 1 };
    case 'port':
      return { type: ['integer', 'string'], minimum: 0, maximum: 65535, pattern: '^(.*:)?\\d{1,5}$' };
    case 'time':
      return { type: ['integer', 'string'], minimum: 0, maximum: 0xffff_ffff };
    case 'text':
    case 'path':
      return {
        type: 'string',
        minLength: 1,
        ...(pattern === undefined ? {} : { pattern }),
        ...(choices === undefined ? {} : { enum: choices }),
      };
  }
}
