// SPDX-License-Identifier: Apache-2.0
// Streams made by xz 5.4 from data that the test can make again, damage at every byte, and seeded random damage.

import { describe, expect, it } from 'vitest';
import { crc32, PlinthError } from '@plinth/core';
import { crc64 } from './crc.js';
import { isXzStream, unxz } from './xz.js';

/** BL instructions with various targets: what the ARM filter works on. */
const BRANCHES = Uint8Array.from(
  { length: 2800 },
  (_, i) => [(i >> 2) & 0xff, (i >> 5) & 0xff, (i >> 2) % 7, 0xeb][i & 3]!,
);

/** Bytes that do not compress, from a linear congruential generator. */
function noise(length: number): Uint8Array {
  let x = 12345;
  return Uint8Array.from({ length }, () => {
    x = Number((BigInt(x) * 1103515245n + 12345n) & 0x7fffffffn);
    return (x >> 16) & 0xff;
  });
}

const STREAMS: Record<string, { xz: string; data: Uint8Array }> = {
  'ARM filter, CRC32': {
    xz: '/Td6WFoAAAFpIt42AgEHACEBEAAlU/vP4ArvBKBdAAEANhFI2SEVFvG6jSB2TzFNapEVSiDx93J6+slot3SCzXtS68Q2JyAC+ML9RBdNhSKvnMlvTk7un71DJDtHJspeeaplcMy2lXC18UGVMHv3AIRhbddLFsFs3m2AHnVZmDiToOzD2YbexTYPczivwQv4XrcjU7k6SHP+OkNIbdclQvAXhOkbeO7xEXSCNqxRUrcoYeb8Skw+hbyo7CrTZmk6M8s8voOumg+WRZKca48IMxZdcdN0QfWQUXtRJjrlt5OBLdu487cr+qD+aIg/p3Fwq2+iuhVUEH3yPODwPZYtXXvf92gzRuTpwpPdi3TiL/xmIMwRDZ69ZmWuXvq8ZEd9Ysj20LVQqGCyt7+3mjyEo3Vgh5MWk19h87PJp0WIOFFamecM5/T08fAdGvaAAbyoABw8xX7LnYNbrwYr4sacNXh39w9vmA2w+lmb/IN9WMtT6ERenF/Koc/ljhaGaMdRPYL2G2JytIxLw2MSYolfP0xkEdNEcckdgwuXxJBizTXAEa3VpF/c1pNd24fYr4tNpebhvc8tApkdR+QQnJDxXrt0ivh9CgxexLcP1qCALVGTjjurR9kwXfuJagaAe+zzG7b+6zpUeSwtYxlRpKYxB7CLGdGjTbhSihYa8A49wPep6iQWnYkUpkWD79Ar7l/pnfMZKqMh/c31JTm/2bHY4Jn2Q+IYlp2bg3zEMwwodpnxLF9tf0tdyP4vV2VnbERDelC32YclOk5fPkuPr9ZfFv0+jNqWq8jTTmKM1TAVw2pJdaPwdTuMqIhTXDmz1hvDIXb4J9OnEvHJpvlCVOdbsmDUcdI2hhOYPkgy+qGMIfVhK/J+LSe4xoC7NR87HYLLjT4lP54nmysX3fOUw+vyh2cDA8zm92KDj8k36PYKyoDzjP/dtpZaI9oUTFc1wmTVuvtOYsaMbCyQybesrTt64R1vPQ51DzrEeqbpuelLFNMlvQbwhpe8PZkERLWJaE+Q3mPzBIs/4KSt0eFDrmpTvEWPVw7L26ACiOO/eijzc/X2JhDjCMqmb5AmaCE4q1uogNuujADWQa6czHoIG6gcUAngNHBXLUbkab+H0b2RBUfNutKNI5uxUPaArIod25NuQqGNl9dk4rvT7NM1JtQo5QOMTIwjz7K4uJXR6bNCyyY30teqM0y0CEOoa5bIpUvWPkY3sSJBtRC7KapeZrnLPwLXH6Gf1kVyW8tHeJLudKDIZ5JYWyaxqOv/a2mW1l2g1mCRViJva2L0a5AH9AJSIDMtgYTEHZPni2uqACaj/HipjLdsz99rR7IDiLq5RfPIJCrNscWZ1hxOoW/tiKs32jYiP2dVnpumEzlmXkc79JBuv+YWLrZtyLGWma2yHCrFpGqwCFZ7UQ91HKUotrBOd67PfMxsJHdVrXfiiNZEWtlkAdcag6f/SPymKZEKCjAdscJ5tYgfKOl2HMbRPCB1HO6zDe1oPN8V21nVer8swAfmkcuuZTKP6xycSgcwosUvRbBgxK/ongCCt62Jrqh9Trhhyknz8G1LSoWM1V4px04IfgHzPrjoS3Hf+2VY0OEHpedHeG58fDdiC5i6+syQAFy2O1kAAbgJ8BUAAIhQV6Q+MA2LAgAAAAABWVo=',
    data: BRANCHES,
  },
  CRC64: {
    xz: '/Td6WFoAAATm1rRGAgAhARYAAAB0L+Wj4ArvBEBdAABoOR80/5c2ELV0FwlBc2gMEyKcnM05Pf+MIn7n6RIuXsaULaY7awd69bMHpMBOQZMWtVPKXIl+Hi3hZu89hv4k4Z+HjNgJQ5VnhYog752bkr2aaGHzp7nz28VrcVNunxubFdfxajownDl/E+r/dXD/UVCPLe/IEg9nlA0PRMgZ0F2O4a31Fpg4p83wVdhXTOpL9na4rD/PoKZWiVOqfwEY3Hjj1o1ywl7WoEjss7eA1lSfM7j2YfyoSFz25cRQfx/7sogGaicAVeBPkHW5ILfsL4PmRi7ZHjxR9rekvcOw2SP3Kv+G62goMGt5GbL/c2FhV3FTfNE+FVUTWHceaVZAR/cG6k+Zw2tYFfha4miFTcynlsAyKt4SSGo0OwSTxAtHW0s7ul/dye+8HARcTHDzYg2dO8UZW73euV1jLcZrasPJDQj9pvawsUV/oa2xd/8ssZt3lRc5Yfq333ADUwRA1ZvEI8YPjw0XwP5BEixiXIYM+PW1YJMKNssOE1IFvNzii8fFv7rntGAY6HuRw5CR202PSWQllQz7Ts0YnPI2ckhiruMrHsGtgIzEX+ShGE3x60rI3Y2QXkdsvoONYmrz0vxR56TYThOgjg/yLFbqlhGu92TuaCmde3vt/zHS3C/axV6EYY8yOumAd8GfWbJsXhF1XMO+VIkrq67ZnDiNNq4AcA099r+6NcILohqJd2jLxYKHGZXBbFI0FPLoJDNhd4A2eH3GbiFcwXZQ2eXju/KBNGRxIAJTB4PdmqaPMZaDoLpEHXrxciP93B234WxcTDFKY2MOgviVvBLustOBnZJXyRq83rwpu1JU50EV7cze2KojLqFlaB66Y8+9ajbfjkcIf5bPniatAM85S1Dp2DNG1tM1K40tI9lWppIOtpg1mif1HQKAROPKFsqi6niZfj5ddHqvqAX9lz3+mS8gIdv86Yk/clERli6o7e24rsnRJ+nHqbt4+qTZD0OOY6sTHOnGMJ1FFWoTjpZuniOzUQTDWmuk+djdgkR3HW9cNQYs5FeF2+JqdLrJDtsoIXVy3EznWeTkAz/UhwmiNkJU371D/pmtnzzq/rCKCDqcmfmmNtA6FycdSQhkVNBpiRwjyJMkSC9DXt1kX55RyehRbLBiudt7nrcti6Cw/neBza//3LKUhV+pQgxh9BThPDIol+TfPqq2E6DgpqB9ciCpLmcCFMSw7E5OwkB1pNO2Ps89ApbmCFdQ/F82zutRGOCSWSw3AWk1xpS8nZ66Guhao3JKbBouFKE06yQnAJx2S2RpuNll1rhhvTz+q7aDgFJrnTN4khd/568qG7AFyWqWycsEK9Zi5b9mTZeF8LuWiM21WxA7I8WR0+ejS7UXqmodrE7U2497bqtr9HaQOkoAFkkscRpnQBTwt3CTRl1YUVMRHm2qBqdwV/6FvvNwHpS1SxB05VBT3eqC9RqPkLYpAEEgdIQhpVwgAAHcCPAVAAB0NFIKscRn+wIAAAAABFla',
    data: BRANCHES,
  },
  'no check, lc=1 lp=2 pb=0': {
    xz: '/Td6WFoAAAD/EtlBAgAhARYAAAB0L+Wj4ArvA98TAABo90Uz/4tiqs92bKSLKn2WANtMcW00SC/bdEGVA2lhecWBOd3PtGgdoRHs9ZzHZf9u5/9aIVleJV/yGPFIjNHNyFNCXwE64ICnUydsHmMyqdCbbmyxEKqCQeKA/bgR01+9W7BGfV4CHQvlAbPb3yNPRqX+rpoWwHO71/2o0dNtx8649LKamAq8suT+FuPCrPyGPiGWXX+9IxLKt0U8DHvWc5oiGnZHwVno1jX3S7erj/ahh40wWqbounP4NWtfD4PuwPDqxcCv9/LH84OhLPfguygZs+CYDjQTy9F0q6B6yfwPrI62rKBLE60WLMGElgEf2guuBvD+EN+UoAeo26P3hvIK3nfoX+Y8i2N0V01vnfXwnC35WMtSnk/GVcXreQ+HfyaHKF2W9zwiZ0cvCMfn5P4Eh4p8aYGjbMAtTC8I2D3LZIAgM9soSc2j5oIJ7poO6kfOcI1FLp2l4bYRZVw5uk3Up3QlzIDeujcVqq+Jwyg8QSfTvZY4a/ayuWV7C81bPjOhDEcK3jc1YVOLkK3xKtjkKflu59B79VOhnFSLD/Eq/NsPOpo1U2SW4ikHY7VjiOlV1v1v5n6V1AaZe2tD8eAT4FsWuc7IpuzpSk2nrMGWmYLEJlMV1M8289nht4KwEx16053GkCTj3l5oySb9ZrloyTAMB+yGsMGnql2UDZ9K19FP0KE2aw9RkErEBX1BpdLkQUTbcdsulOtNi7jBwKHzJRCzcBle62uvA6VYoYDwTPWNJvhvfqG/opyk98N2KeQ+ovVrF/rCwRBorqhoniIQ1XjZV1CY0/E5X1uv0V0Bne+JmYEZEbAsZZtJxjDF2fjSoMhAOcQ/XFUBajrFYiVRTR8Hv8MvvavCwK96MfY1bH15tOOTPsrQwZshRSVTH74/htEqpgHndHlHjA3c7EKsEWWa4QkQV+Rin8mHB0qM6UWFddhoDHT+p7iMtNXGo0o18AEvwVNebYw5IDsWnPBFy2TQ1QuJJtH71mx/CYKuF2qVY8hIei1+UOq1nyHE7Dy/FKp2QkKuKKTw3myveB8wlZDYKaPBUpGFfpwZ/7eEX7OKiauVUBi76EFp490WIz16KIPMRcaF+QvqpmPV1pXSi4+gzNrq7vKZg+CMcOAUmqTElxtBadPv3UlMPfBifpAQPQeYy78Wk6Z1ZG4sdH4MP/Ak71bQDXPxCg2veCZld4AvQSCutp81hiaYKhxK114c+y7cOUrUY6OsaQ5IXch3v3BSEeGNBRKzsQD3ndmRlI3wzPV5w2sgK95vt/BJMJqC9c7mxeztKMPj+vPyZD7gigEqyLwX+K0rqvsAAAAB8wfwFQAARhT4fqgACvwCAAAAAABZWg==',
    data: BRANCHES,
  },
  'three blocks': {
    xz: '/Td6WFoAAAFpIt42AgAhARYAAAB0L+Wj4APnAbddAABoOR80/5c2ELV0FwlBc2gMEyKcnM05Pf+MIn7n6RIuXsaULaY7awd69bMHpMBOQZMWtVPKXIl+Hi3hZu89hv4k4Z+HjNgJQ5VnhYog752bkr2aaGHzp7nz28VrcVNunxubFdfxajownDl/E+r/dXD/UVCPLe/IEg9nlA0PRMgZ0F2O4a31Fpg4p83wVdhXTOpL9na4rD/PoKZWiVOqfwEY3Hjj1o1ywl7WoEjss7eA1lSfM7j2YfyoSFz25cRQfx/7sogGaicAVeBPkHW5ILfsL4PmRi7ZHjxR9rekvcOw2SP3Kv+G62goMGt5GbL/c2FhV3FTfNE+FVUTWHceaVZAR/cG6k+Zw2tYFfha4miFTcynlsAyKt4SSGo0OwSTxAtHW0s7ul/dye+8HARcTHDzYg2dO8UZW73euV1jLcZrasPJDQj9pvawsUV/oa2xd/8ssZt3lRc5Yfq333ADUwRA1ZvEI8YPjw0XwP5BEixiXIYM+PW1YJMKNssOE1IFvNzii8fFv7rntGAY6HuRw5CR202PSWQllQz7Ts0YnPI2ckhiruMrHsGtgIzEX+ShGE3x6wcFMGoAAOR5aSMCACEBFgAAAHQv5aPgA+cBwV0AfQe8qSiWUoripiPelzN05YpdndKkYdLifh0oninZg8TD6RIvp0MD/GgnbvTn3Ia0EbYlBR5oiFkSWSEkNp+GihXicwCqO6dO+OKv+VlQZ2dN4REWZAK/tluUHmeepoA1LFvjsAye+kUtx9O4YNrMa9IJaDuijm1Nwp1xFsJKgXa772h8WQVogF1YkUDcCFGEI6PDjbO6XkkimRifmgjOc02fZwOpwpMV1BW67UkI/IThhk94ZS5RtMBqfWVsGCJgAyt+svX7+Ro56iov+GRf1hzJ1b6zRaNjhE31bt4TJmoIO0kO4foK4Cyjskp3t2WCFtSBuz1DElO90fJmwNdo7Vv+CqfMqDPXnxoWFk+E/QdmCv+f4yZ++c0e1QDOimQ7iHMRmkXGAYmAdkfQ5xgP15BuglZyJhQhvuLkunEdrAt700qTS0eNfi1oNbCiqST3OO87TcJbJ57PX6ci1I6my5Cw6DLWwgUfCYzK0Rw3o761AaK6PsySn5pPDQZUuz0ysdzPXzVFrCv2Uw3+AvfJNbzzJUNYJEn0CmWHa2yVz/DmvhCYNfOGT+fBqdHJ9JHhuJocp/VM3fLVmQD92Ae+FqAAAAAAbZ+bRAIAIQEWAAAAdC/lo+ADHwF7XQB6D3xukd7LfKsqzhs+aGzTL1EoWVygOM7zLrNFrLQhCcuwmSVPYiNvEhQHE59LwGOjRTGuLfFk7/Jw7+uTDdMzVZs7GQu9efRAYFf7xrOCHodwsk/wU4Lx7416fz4aQEU1lBmpKo46bNhJ/3uu6/ZVQ8Zj8ED11ZsztAjqbqudNXpuzIJj/THd66UeQuT6BeYRNYHG+Bc+vFFNfRoK+nAXUDTwzlzu8060PRYdv9aZeNke01LAmgpGSx8wlFTp3/cUhELtXVqZEUMR8uVk4t31nx978qpZbeXL0Cz5sjpmx6Z4YHZLBwg5Xh0S7QeV4y97EExaRzNnaF0JtlnC/KsOMviBeEIrw6tyNp6UfY4z2IdUsh4cWDLjKBT9emtrr1WbZHMHd/x/KIpqia/tAwU7fvn9QZwO9zrbeJJkj7l9E/aC4PWobqJoIAmP/kQSHAbHi2/A9azGoPAX9LeeOtvUhm1NMC/eAR+7+HsKRRFbjQFruF0qXUoT7p2/AABYTt04AAPPA+gH2QPoB5MDoAYAAARiXykj01RdBAAAAAABWVo=',
    data: BRANCHES,
  },
  'stored chunk': {
    xz: '/Td6WFoAAAFpIt42AgAhARYAAAB0L+WjAQB33ARlqh+tHVra5awbHl8TcHls/RD/Ga9gHQSstB0CK0Z4czry31+utwhZ0e45EMtIlbXMiSkR/wa2Yi7fPPk1/UuUKMoJfESzAl6WX7PqbazULYFuaa/g5odMnATn0jZdLGDJ6vR59oag65Mm5GIS1Q3Ls3cVamo6AD7KJkIAAYwBeAAAAL2hzDk+MA2LAgAAAAABWVo=',
    data: noise(120),
  },
};
const SHA256 =
  '/Td6WFoAAArh+wyhAgAhARYAAAB0L+WjAQAT3ARlqh+tHVra5awbHl8TcHls/RAAUHAkmxbrJuWJVZUu9KWb37ixithKLb3XYig1svqgMvsAAUQUV+tJrhibS5oBAAAAAApZWg==';
const X86 =
  '/Td6WFoAAAFpIt42AgEEACEBFgANhjUfAQAn3ARlqh+tHVra5awbHl8TcHls/RD/Ga9gHQSstB0CK0Z4czry31+utwDHQcOBAAE8KC5kwGaQQpkNAQAAAAABWVo=';

function decode(base64: string): Uint8Array {
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}

function failure(bytes: Uint8Array, maximumSize: number = 1 << 20): string {
  try {
    unxz(bytes, 'sample.xz', maximumSize);
  } catch (error) {
    if (error instanceof PlinthError && error.kind === 'input') return error.message;
    throw error;
  }
  return 'none';
}

describe('unxz', () => {
  for (const [name, { xz, data }] of Object.entries(STREAMS)) {
    it(`unpacks: ${name}`, () => {
      const bytes = decode(xz);
      const { data: unpacked, consumed } = unxz(Uint8Array.from([...bytes, 1, 2, 3]), name, 1 << 20);
      expect(Buffer.from(unpacked).equals(data)).toBe(true);
      expect(consumed).toBe(bytes.length);
    });

    it(`reports every cut: ${name}`, () => {
      const bytes = decode(xz);
      for (let length = 0; length < bytes.length; length++) {
        expect(failure(bytes.subarray(0, length)), `cut at ${length}`).toMatch(/^sample\.xz: /);
      }
    });
  }

  it('reports every changed bit where the format has checksums', () => {
    const bytes = decode(STREAMS['ARM filter, CRC32']!.xz);
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = Uint8Array.from(bytes);
        changed[at]! ^= 1 << bit;
        expect(failure(changed), `bit ${bit} of byte ${at}`).toMatch(/^sample\.xz: /);
      }
    }
  });

  it('gives a result or one typed error for damaged streams without checksums', () => {
    const bytes = decode(STREAMS['no check, lc=1 lp=2 pb=0']!.xz);
    let seed = 1;
    const random = (below: number): number => (seed = (Math.imul(seed, 48271) >>> 0) % 0x7fffffff) % below;
    for (let round = 0; round < 2000; round++) {
      const changed = Uint8Array.from(bytes);
      for (let n = random(4) + 1; n > 0; n--) changed[24 + random(bytes.length - 24)] = random(256);
      expect(failure(changed)).toMatch(/^(none$|sample\.xz: )/);
    }
  });

  it('names what it does not support', () => {
    expect(failure(decode(SHA256))).toContain('check type 10');
    expect(failure(decode(X86))).toContain('filter 4');
  });

  it('does not unpack more than it may', () => {
    expect(failure(decode(STREAMS['CRC64']!.xz), 2799)).toContain('more than 2799 bytes');
    expect(failure(decode(STREAMS['CRC64']!.xz), 2800)).toBe('none');
  });

  it('does not take the magic alone for a stream', () => {
    const bytes = decode(STREAMS['CRC64']!.xz);
    expect(isXzStream(bytes)).toBe(true);
    expect(isXzStream(Uint8Array.from([...bytes.subarray(0, 6), ...Buffer.from('\0XZ decompressor')]))).toBe(false);
  });
});

describe('checksums', () => {
  it('agree with the check values of their catalogue', () => {
    const digits = Buffer.from('123456789');
    expect(crc32(digits)).toBe(0xcbf43926);
    expect(crc64(digits)).toBe(0x995dc9bbdf1939fan);
  });
});
