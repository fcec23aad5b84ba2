// SPDX-License-Identifier: Apache-2.0
// Names that a query asks a name server for (RFC 1035, section 4.1).

const HEADER = 12;
const MOST_QUESTIONS = 4;
const LONGEST_NAME = 255;

/** The names of the questions; none if it is no query. */
export function queriedNames(message: Uint8Array): string[] {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  // A query has its highest flag clear, and standard ones have operation 0.
  if (message.length < HEADER || (view.getUint16(2) & 0xf800) !== 0) return [];
  const names: string[] = [];
  let at = HEADER;
  for (let left = Math.min(view.getUint16(4), MOST_QUESTIONS); left > 0; left--) {
    const labels: string[] = [];
    let length = 0;
    while (at < message.length && message[at] !== 0) {
      const size = message[at]!;
      // Pointers have no place in a query's only names.
      if (size > 63 || at + 1 + size > message.length || (length += size + 1) > LONGEST_NAME) return names;
      labels.push(
        Buffer.from(message.subarray(at + 1, at + 1 + size))
          .toString()
          .replaceAll(/[^\x21-\x7e]/g, '?'),
      );
      at += 1 + size;
    }
    if (at + 5 > message.length) return names;
    if (labels.length > 0) names.push(labels.join('.'));
    at += 5;
  }
  return names;
}
