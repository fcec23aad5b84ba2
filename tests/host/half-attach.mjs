// SPDX-License-Identifier: Apache-2.0
// Attaches rules to an interface, and then to one that is not there: INTERFACE RULES. Prints what is said of it.

import { readFileSync } from 'node:fs';
import { DEFAULT_VARIABLES, kernelRule, parseRules } from '@plinth/guards';
import { attachInspection, findSubject } from '@plinth/host';
import { nativeCalls } from '@plinth/linux';

const [name, file] = process.argv.slice(2);
const calls = nativeCalls();
const text = readFileSync(file, 'latin1');
const rules = parseRules(text, file)
  .rules.map((rule) => kernelRule(rule))
  .filter((rule) => typeof rule !== 'string');
const source = { file, text, variables: DEFAULT_VARIABLES, rules, taken: rules.length, refused: 0 };
const { subject, points } = await findSubject(calls, { interface: name });
try {
  await attachInspection(calls, subject, [...points, { index: 123_456, name: 'absent0', inside: false }], source);
  console.log('attached');
} catch (error) {
  console.log(error.message);
}
