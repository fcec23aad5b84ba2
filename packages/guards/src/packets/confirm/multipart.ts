// SPDX-License-Identifier: Apache-2.0
// Files in the body of a form (RFC 7578).

import { latin1 } from '@plinth/core';

/** The contents of the parts that have the name of a file; undefined if the body is no such form. */
export function multipartFiles(body: Uint8Array, contentType: string): Uint8Array[] | undefined {
  if (!/^\s*multipart\//i.test(contentType)) return undefined;
  const boundary = /boundary\s*=\s*(?:"([^"]+)"|([^\s;,]+))/i.exec(contentType);
  if (boundary === null) return undefined;
  const text = latin1(body);
  const mark = `--${boundary[1] ?? boundary[2]!}`;
  const files: Uint8Array[] = [];
  for (let at = text.indexOf(mark); at >= 0;) {
    const begin = at + mark.length;
    const next = text.indexOf(mark, begin);
    const header = /\r\n\r\n/.exec(text.slice(begin, begin + 0x2000));
    if (header !== null) {
      const data = begin + header.index + header[0].length;
      const hasName = /\bfilename\s*=/i.test(text.slice(begin, begin + header.index));
      let end = next < 0 ? text.length : next;
      if (next >= 0 && text[end - 1] === '\n') end -= text[end - 2] === '\r' ? 2 : 1;
      if (hasName && end > data) files.push(body.subarray(data, end));
    }
    at = next;
  }
  return files;
}
