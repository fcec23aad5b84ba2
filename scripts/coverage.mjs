// SPDX-License-Identifier: Apache-2.0
// Writes docs/coverage.md, the list of all instructions, from the built instruction table. With --check it writes
// nothing and leaves with 1 if the page is not what it would write.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ROWS } from '@plinth/arm';

const PAGE = join(resolve(import.meta.dirname, '..'), 'docs', 'coverage.md');
const SETS = ['A32', 'T32', 'T16'];
const KINDS = {
  plain: 'goes on with the next instruction, or jumps by itself',
  branch: 'a direct branch, which may become an edge inside a region of translated code',
  call: 'the same with the return address in LR',
  system: 'changes what later instructions mean, or enters an exception; the interpreter alone runs it',
};

const page = coveragePage();
if (!process.argv.includes('--check')) {
  mkdirSync(join(PAGE, '..'), { recursive: true });
  writeFileSync(PAGE, page);
} else if (current() !== page) {
  console.error('docs/coverage.md is not what the instruction table says: write it with `npm run coverage`');
  process.exit(1);
}

function current() {
  try {
    return readFileSync(PAGE, 'utf8');
  } catch {
    return '';
  }
}

function coveragePage() {
  const instructions = [...groupByName()].sort(([a], [b]) => (a < b ? -1 : 1));
  const isVector = ([name]) => name.startsWith('V');
  return `# Instruction coverage

Made from the instruction table by \`npm run coverage\`; do not edit. An encoding is a pattern of bits, the most
significant first: fixed bits, bits that should be so and are not looked at (in parentheses), and fields with their widths.
T32 encodings of 32 bits have their first halfword on top, T16 are those of 16 bits. What no encoding takes is an
undefined instruction.

${counts()}

| kind | meaning |
| --- | --- |
${Object.entries(KINDS)
  .map(([kind, meaning]) => `| ${kind} | ${meaning} |`)
  .join('\n')}

## Integer and system

${table(instructions.filter((entry) => !isVector(entry)))}

## Floating point and Advanced SIMD

${table(instructions.filter(isVector))}
`;
}

/** The manual's instruction: without the number of the encoding. */
function instructionName({ name }) {
  return name.replace(/ T[1-4]$/, '');
}

function groupByName() {
  const groups = new Map();
  for (const row of ROWS) groups.set(instructionName(row), [...(groups.get(instructionName(row)) ?? []), row]);
  return groups;
}

function counts() {
  const count = (predicate) => ROWS.filter(predicate).length;
  const kinds = Object.keys(KINDS);
  const lines = SETS.map((isa) => {
    const cells = kinds.map((kind) => count((row) => row.isa === isa && row.kind === kind));
    return `| ${isa} | ${cells.join(' | ')} | ${count((row) => row.isa === isa)} |`;
  });
  return `| encodings | ${kinds.join(' | ')} | all |\n| --- |${' ---: |'.repeat(kinds.length + 1)}\n${lines.join('\n')}`;
}

function table(instructions) {
  const lines = instructions.map(([name, rows]) => {
    const sorted = SETS.flatMap((isa) => rows.filter((row) => row.isa === isa));
    const encodings = sorted.map(({ isa, pattern }) => `${isa} \`${pattern}\``).join('<br>');
    return `| ${name} | ${encodings} | ${[...new Set(sorted.map(({ kind }) => kind))].join(', ')} |`;
  });
  return `| instruction | encodings | kind |\n| --- | --- | --- |\n${lines.join('\n')}`;
}
