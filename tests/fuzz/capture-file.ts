// SPDX-License-Identifier: Apache-2.0
// Captures as a file: pcap (draft-ietf-opsawg-pcap) and pcapng (draft-ietf-opsawg-pcapng), in either byte order.

export type CaptureForm = 'pcap' | 'pcap big-endian' | 'pcap nanoseconds' | 'pcapng' | 'pcapng big-endian';

export function captureFile(form: CaptureForm, link: number, frames: readonly Uint8Array[]): Uint8Array {
  const little = !form.endsWith('big-endian');
  const out: number[] = [];
  const u32 = (value: number): void => {
    const bytes = [value & 255, (value >>> 8) & 255, (value >>> 16) & 255, value >>> 24];
    out.push(...(little ? bytes : bytes.toReversed()));
  };
  const u16 = (value: number): void => {
    const bytes = [value & 255, value >>> 8];
    out.push(...(little ? bytes : bytes.toReversed()));
  };
  const padded = (bytes: Uint8Array): void => void out.push(...bytes, ...new Uint8Array(-bytes.length & 3));
  if (form.startsWith('pcap ') || form === 'pcap') {
    u32(form === 'pcap nanoseconds' ? 0xa1b2_3c4d : 0xa1b2_c3d4);
    [2, 4].forEach(u16);
    [0, 0, 65_535, link].forEach(u32);
    frames.forEach((frame, n) => {
      [1_700_000_000, n, frame.length, frame.length + (n & 1) * 10].forEach(u32);
      out.push(...frame);
    });
    return Uint8Array.from(out);
  }
  const block = (type: number, length: number, content: () => void): void => {
    u32(type);
    u32(length + 12);
    content();
    u32(length + 12);
  };
  block(0x0a0d_0d0a, 16, () => {
    u32(0x1a2b_3c4d);
    [1, 0].forEach(u16);
    [0xffff_ffff, 0xffff_ffff].forEach(u32);
  });
  block(1, 20, () => {
    [link, 0].forEach(u16);
    u32(0);
    // if_tsresol: nanoseconds; then the end of options.
    [9, 1].forEach(u16);
    out.push(9, 0, 0, 0);
    u32(0);
  });
  frames.forEach((frame, n) => {
    const size = (frame.length + 3) & ~3;
    if (n % 3 === 2) {
      block(3, 4 + size, () => {
        u32(frame.length);
        padded(frame);
      });
      return;
    }
    block(6, 20 + size, () => {
      [0, 400_000, n, frame.length, frame.length].forEach(u32);
      padded(frame);
    });
  });
  return Uint8Array.from(out);
}
