// SPDX-License-Identifier: Apache-2.0
// Patterns as rules in Snort's and Suricata's language, one content each.

import type { Phrase } from './owasp-phrases.js';

/** The range of sids that Suricata leaves to its users begins here. */
const FIRST_SID = 1_000_000;

/** A rule for each phrase, which both directions of any TCP connection are searched for. */
export function phraseRules(phrases: readonly Phrase[], action: 'alert' | 'drop'): string {
  const rules = phrases.map(({ file, line, bytes }, n) =>
    [
      `${action} tcp any any -> any any (msg:"OWASP CRS ${file} line ${line}"; `,
      `content:"${contentText(bytes)}"; nocase; sid:${FIRST_SID + n}; rev:1;)\n`,
    ].join(''),
  );
  return rules.join('');
}

/** What is special in a rule, and what cannot be printed, is written as hexadecimal numbers between bars. */
export function contentText(bytes: Uint8Array): string {
  let text = '';
  let hex: string[] = [];
  const close = (): void => {
    if (hex.length > 0) text += `|${hex.join(' ')}|`;
    hex = [];
  };
  for (const byte of bytes) {
    const char = String.fromCharCode(byte);
    if (byte < 0x20 || byte > 0x7e || '";:|\\'.includes(char)) hex.push(byte.toString(16).padStart(2, '0'));
    else {
      close();
      text += char;
    }
  }
  close();
  return text;
}
