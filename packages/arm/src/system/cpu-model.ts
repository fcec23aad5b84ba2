// SPDX-License-Identifier: Apache-2.0
// Identification registers of the processors that Plinth can present: what a kernel reads to learn what it runs on.
// Values follow the technical reference manuals, less what is not here: LPAE, the security and virtualization
// extensions, hardware breakpoints and ThumbEE.

export interface CpuModel {
  readonly name: string;
  /** `cpu` node's compatible string in a device tree. */
  readonly compatible: string;
  /** CP15 c0 registers by name. */
  readonly identification: Readonly<Record<string, number>>;
  readonly sctlrReset: number;
  readonly fpsid: number;
  readonly mvfr0: number;
  readonly mvfr1: number;
}

const COMMON = {
  /** Smallest lines 64 bytes, ARMv7 format, PIPT. */
  CTR: 0x8444c004,
  TCMTR: 0,
  TLBTR: 0,
  ID_PFR0: 0x00000131,
  ID_PFR1: 0x00010001,
  ID_DFR0: 0x00000000,
  ID_AFR0: 0,
  /** VMSAv7 with remapping and access flag; auxiliary registers; two levels of shareability. */
  ID_MMFR0: 0x10201103,
  ID_MMFR1: 0x20000000,
  ID_MMFR2: 0x01240000,
  ID_MMFR3: 0x02102211,
  ID_ISAR0: 0x02101110,
  ID_ISAR1: 0x13112111,
  ID_ISAR2: 0x21232041,
  ID_ISAR3: 0x11112131,
  ID_ISAR4: 0x10011142,
  ID_ISAR5: 0,
  /** L1 instruction and data, unified L2. */
  CLIDR: 0x0a200023,
};

export const CPU_MODELS: Readonly<Record<string, CpuModel>> = {
  'cortex-a15': {
    name: 'cortex-a15',
    compatible: 'arm,cortex-a15',
    identification: { ...COMMON, MIDR: 0x414fc0f0, REVIDR: 0 },
    sctlrReset: 0x00c50078,
    fpsid: 0x410430f0,
    mvfr0: 0x10110222,
    mvfr1: 0x11111111,
  },
  'cortex-a7': {
    name: 'cortex-a7',
    compatible: 'arm,cortex-a7',
    identification: { ...COMMON, CTR: 0x84448003, MIDR: 0x410fc075, REVIDR: 0 },
    sctlrReset: 0x00c50078,
    fpsid: 0x41023075,
    mvfr0: 0x10110222,
    mvfr1: 0x11111111,
  },
};
