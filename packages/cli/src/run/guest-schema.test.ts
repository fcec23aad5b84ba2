// SPDX-License-Identifier: Apache-2.0
// The published schema is the one that the options make, and takes and refuses what `plinth run` does. The checker below
// knows the keywords that the schema uses, and no others.

import { expect, it } from 'vitest';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { guestSchema } from './guest-schema.js';
import type { JsonSchema } from './guest-schema.js';

const DOCS = join(import.meta.dirname, '../../../../docs');

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  string: (value) => typeof value === 'string',
  array: (value) => Array.isArray(value),
  boolean: (value) => typeof value === 'boolean',
  integer: (value) => Number.isInteger(value),
  number: (value) => typeof value === 'number',
};
/** Keywords in the order of their use; each gives whether the value passes. */
const KEYWORDS: Readonly<Record<string, (value: unknown, argument: unknown, schema: JsonSchema) => boolean>> = {
  $schema: () => true,
  title: () => true,
  description: () => true,
  type: (value, types) => [types].flat().some((type) => TYPES[type as string]!(value)),
  properties: (value, properties) =>
    Object.entries(properties as Record<string, JsonSchema>).every(([key, schema]) => {
      const property = (value as Record<string, unknown>)[key];
      return property === undefined || accepts(schema, property);
    }),
  items: (value, schema) => !Array.isArray(value) || value.every((item) => accepts(schema as JsonSchema, item)),
  additionalProperties: (value, _, { properties }) =>
    Object.keys(value as object).every((key) => Object.hasOwn(properties as object, key)),
  required: (value, keys) => (keys as string[]).every((key) => Object.hasOwn(value as object, key)),
  oneOf: (value, schemas) => (schemas as JsonSchema[]).filter((schema) => accepts(schema, value)).length === 1,
  minimum: (value, least) => typeof value !== 'number' || value >= (least as number),
  maximum: (value, most) => typeof value !== 'number' || value <= (most as number),
  exclusiveMinimum: (value, bound) => typeof value !== 'number' || value > (bound as number),
  minLength: (value, least) => typeof value !== 'string' || value.length >= (least as number),
  pattern: (value, pattern) => typeof value !== 'string' || new RegExp(pattern as string, 'u').test(value),
  enum: (value, choices) => (choices as unknown[]).includes(value),
};

function accepts(schema: JsonSchema, value: unknown): boolean {
  return Object.entries(schema).every(([keyword, argument]) => KEYWORDS[keyword]!(value, argument, schema));
}

it('is published as the options make it', async () => {
  const text = `${JSON.stringify(guestSchema(), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot(join(DOCS, 'guest.schema.json'));
});

it.each([
  'image: debian-mini\nexec: uname -a\nlimit-seconds: 0.5',
  'kernel: zImage\ninitrd: initrd.gz\nappend: console=ttyAMA0\nmemory: 256M\nrealtime: true',
  'program: a.elf\nsemihosting: true\nmemory: 1048576\nlimit-output: 4K\nlimit-instructions: 1000',
  'kernel: Image\nseed: "00ff"\nwall-clock: 2025-01-31T12:00:00Z\nconsole: socket:/tmp/s\nengine: interpreter',
  'kernel: a\ndrive: disk.img,readonly\nrng: false\nvirtio: legacy',
  'kernel: a\ndrive: [a.img, "file=b.img,snapshot=on"]',
])('accepts %j', (text) => {
  expect(accepts(guestSchema(), parseYaml(text))).toBe(true);
});

it.each([
  '- a',
  '{}',
  'image: debian-mini\nkernel: zImage',
  'image: debian-mini\ncolour: red',
  'kernel: 5',
  'kernel: ""',
  'kernel: a\nmemory: 1 GB',
  'kernel: a\nmemory: -1',
  'kernel: a\nengine: fast',
  'kernel: a\nconsole: socket',
  'kernel: a\nseed: 1234',
  'kernel: a\nseed: "123"',
  'kernel: a\nlimit-seconds: 0',
  'kernel: a\nlimit-instructions: 1.5',
  'kernel: a\nlockstep: "yes"',
  'kernel: a\ndrive: [5]',
  'kernel: a\nvirtio: ancient',
])('refuses %j', (text) => {
  expect(accepts(guestSchema(), parseYaml(text))).toBe(false);
});
