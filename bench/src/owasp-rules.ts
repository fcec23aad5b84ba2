// SPDX-License-Identifier: Apache-2.0
// `npm run --silent owasp-rules > FILE`: the phrase files of the OWASP Core Rule Set as rules, for `plinth inspect`. They alert, or
// with `-- --drop` drop.

import { parseArgs } from 'node:util';
import { PlinthError } from '@plinth/core';
import { phraseRules } from './packets/content-rules.js';
import { owaspPhrases } from './packets/owasp-phrases.js';

try {
  const { values } = parseArgs({ options: { drop: { type: 'boolean', default: false } } });
  process.stdout.write(phraseRules(await owaspPhrases(), values.drop ? 'drop' : 'alert'));
} catch (error) {
  const wrongUse = error instanceof TypeError && 'code' in error;
  if (!wrongUse && (!(error instanceof PlinthError) || error.kind === 'internal')) throw error;
  process.stderr.write(`owasp-rules: ${error.message}\n`);
  process.exitCode = wrongUse || error.kind === 'input' ? 2 : 3;
}
