// SPDX-License-Identifier: Apache-2.0
// What a kernel says with printf-like arguments (ISO C 7.21.6.1, Linux' Documentation/core-api/printk-formats.rst), put together
// from the guest's registers and memory. Of `%p` with letters behind it the address is what can be told. A guest's bytes
// decide everything here: the text is bounded and has no control characters.

export interface MessageSource {
  /** Bytes up to a zero, at most so many, as characters; undefined where nothing is mapped. */
  text(address: number, most: number): string | undefined;
  /** The parameter `n` of the function, a word (AAPCS32). */
  argument(n: number): number | undefined;
}

const MOST_CHARACTERS = 512;
const CONVERSION = /%([-+ #0]*)(\d+|\*)?(?:\.(\d+|\*)?)?(hh|h|ll|l|z|t|L|j)?([a-zA-Z%])/g;

/** The text of a format that is parameter `at`, whose own parameters follow it; undefined if there is none. */
export function kernelMessage(source: MessageSource, at: number): string | undefined {
  const address = source.argument(at);
  const format = address === undefined ? undefined : source.text(address, MOST_CHARACTERS);
  if (format === undefined || format === '') return undefined;
  let next = at + 1;
  const word = (): number => source.argument(next++) ?? 0;
  const text = format.replace(CONVERSION, (whole, flags: string, width?: string, precision?: string, ...rest) => {
    const [length, conversion] = rest as [string | undefined, string];
    if (conversion === '%') return '%';
    const wide = width === '*' ? word() | 0 : Number(width ?? 0);
    const most = precision === '*' ? word() | 0 : precision === undefined ? undefined : Number(precision);
    let value: bigint;
    if (length === 'll' || length === 'j' || length === 'L') {
      // Of 64 bits: in a pair of registers or words that begins at an even one.
      next += next & 1;
      value = BigInt(word()) | (BigInt(word()) << 32n);
      if ('di'.includes(conversion)) value = BigInt.asIntN(64, value);
    } else value = BigInt('di'.includes(conversion) ? word() | 0 : word());
    const body = converted(source, conversion, value, most);
    if (body === undefined) return whole;
    const full = flags.includes('#') && 'xX'.includes(conversion) ? `0x${body}` : body;
    const least = Math.min(Math.abs(wide), MOST_CHARACTERS);
    if (flags.includes('-') || wide < 0) return full.padEnd(least);
    return full.padStart(least, flags.includes('0') ? '0' : ' ');
  });
  return text
    .slice(0, MOST_CHARACTERS)
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
}

function converted(
  source: MessageSource,
  conversion: string,
  value: bigint,
  precision: number | undefined,
): string | undefined {
  switch (conversion) {
    case 'd':
    case 'i':
    case 'u':
      return String(value);
    case 'x':
      return value.toString(16);
    case 'X':
      return value.toString(16).toUpperCase();
    case 'o':
      return value.toString(8);
    case 'c':
      return String.fromCharCode(Number(value & 0xffn));
    case 'p':
      return value.toString(16).padStart(8, '0');
    case 's':
      return source.text(Number(value), precision ?? MOST_CHARACTERS) ?? '(?)';
    default:
      return undefined;
  }
}
