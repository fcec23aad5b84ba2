// SPDX-License-Identifier: Apache-2.0
// What passt and pasta say before they end.

/** Of what they print: not why they failed. */
const NOISE = /^(Failed to send \d+ bytes to syslog|Don't run as root)/;
const TIME = /^\d+\.\d+: /;

/** The last line that says why. */
export function lastPasstWords(messages: string): string | undefined {
  const lines = messages.split('\n').map((line) => line.trim().replace(TIME, ''));
  return lines.findLast((line) => line !== '' && !NOISE.test(line));
}
