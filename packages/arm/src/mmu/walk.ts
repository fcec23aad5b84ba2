// SPDX-License-Identifier: Apache-2.0
// The translation-table walk with short descriptors (B3.5) and the checks on what it finds: access flag, domain, access
// permissions, execute-never. The long-descriptor format is not in this processor.

/** Fault status, FS[4:0] of DFSR and IFSR (B3.13.2, table B3-23). */
export const FAULT = {
  alignment: 0b00001,
  debug: 0b00010,
  accessFlagSection: 0b00011,
  translationSection: 0b00101,
  accessFlagPage: 0b00110,
  translationPage: 0b00111,
  external: 0b01000,
  domainSection: 0b01001,
  domainPage: 0b01011,
  externalOnWalkFirst: 0b01100,
  permissionSection: 0b01101,
  externalOnWalkSecond: 0b01110,
  permissionPage: 0b01111,
} as const;

export const ACCESS_KIND = { read: 0, write: 1, execute: 2 } as const;

/** The registers that a walk depends on. */
export interface TranslationRegime {
  readonly enabled: boolean;
  readonly ttbr0: number;
  readonly ttbr1: number;
  readonly ttbcr: number;
  readonly dacr: number;
  /** SCTLR.AFE: AP[0] is the access flag. */
  readonly accessFlagEnable: boolean;
}

/** Result of a walk; one object per walker, overwritten by each walk. */
export interface Translation {
  /** 0, or the fault status. */
  fault: number;
  domain: number;
  physical: number;
  /** log2 of the mapping's size in bytes: 12, 16, 20 or 24. */
  sizeLog2: number;
  global: boolean;
}

/** Reads a word of physical memory for the walk; undefined where there is no memory. */
export type PhysicalRead = (address: number) => number | undefined;

const AP_PRIVILEGED_READ = 0b11101110;
const AP_PRIVILEGED_WRITE = 0b00001110;
const AP_USER_READ = 0b11001100;
const AP_USER_WRITE = 0b00001000;

/** Whether AP[2:0] permits the access (table B3-8). */
function permits(ap: number, privileged: boolean, write: boolean): boolean {
  const mask = privileged ? (write ? AP_PRIVILEGED_WRITE : AP_PRIVILEGED_READ) : write ? AP_USER_WRITE : AP_USER_READ;
  return ((mask >> ap) & 1) !== 0;
}

export class Walker {
  readonly #read: PhysicalRead;
  readonly #result: Translation = { fault: 0, domain: 0, physical: 0, sizeLog2: 12, global: true };

  constructor(read: PhysicalRead) {
    this.#read = read;
  }

  #fault(status: number): Translation {
    this.#result.fault = status;
    return this.#result;
  }

  /** Translates `address`; the result is valid until the next walk. */
  walk(regime: TranslationRegime, address: number, kind: number, privileged: boolean): Translation {
    const result = this.#result;
    result.fault = 0;
    result.domain = 0;
    result.global = true;
    if (!regime.enabled) {
      result.physical = address >>> 0;
      result.sizeLog2 = 20;
      return result;
    }
    const n = regime.ttbcr & 7;
    const useTtbr1 = n !== 0 && address >>> (32 - n) !== 0;
    if (((regime.ttbcr >> (useTtbr1 ? 5 : 4)) & 1) !== 0) return this.#fault(FAULT.translationSection);
    const shift = useTtbr1 ? 0 : n;
    const base = (useTtbr1 ? regime.ttbr1 : regime.ttbr0) & (-1 << (14 - shift));
    const index = (address << shift) >>> (20 + shift);
    const first = this.#read((base | (index << 2)) >>> 0);
    if (first === undefined) return this.#fault(FAULT.externalOnWalkFirst);
    switch (first & 3) {
      case 0:
        return this.#fault(FAULT.translationSection);
      case 1:
        return this.#page(regime, first, address, kind, privileged);
      default:
        return this.#section(regime, first, address, kind, privileged);
    }
  }

  #section(regime: TranslationRegime, d: number, address: number, kind: number, privileged: boolean): Translation {
    const result = this.#result;
    const supersection = (d & 0x40000) !== 0;
    result.domain = supersection ? 0 : (d >> 5) & 15;
    result.sizeLog2 = supersection ? 24 : 20;
    result.physical =
      (supersection ? (d & 0xff000000) | (address & 0xffffff) : (d & 0xfff00000) | (address & 0xfffff)) >>> 0;
    result.global = (d & 0x20000) === 0;
    const ap = ((d >> 13) & 4) | ((d >> 10) & 3);
    return this.#check(regime, ap, (d & 0x10) !== 0, (d & 1) !== 0, false, kind, privileged);
  }

  #page(regime: TranslationRegime, first: number, address: number, kind: number, privileged: boolean): Translation {
    const result = this.#result;
    result.domain = (first >> 5) & 15;
    const d = this.#read(((first & ~0x3ff) | (((address >>> 12) & 0xff) << 2)) >>> 0);
    if (d === undefined) return this.#fault(FAULT.externalOnWalkSecond);
    if ((d & 3) === 0) return this.#fault(FAULT.translationPage);
    const large = (d & 2) === 0;
    result.sizeLog2 = large ? 16 : 12;
    result.physical = (large ? (d & 0xffff0000) | (address & 0xffff) : (d & 0xfffff000) | (address & 0xfff)) >>> 0;
    result.global = (d & 0x800) === 0;
    const ap = ((d >> 7) & 4) | ((d >> 4) & 3);
    const executeNever = large ? (d & 0x8000) !== 0 : (d & 1) !== 0;
    return this.#check(regime, ap, executeNever, (first & 4) !== 0, true, kind, privileged);
  }

  #check(
    regime: TranslationRegime,
    ap: number,
    executeNever: boolean,
    privilegedExecuteNever: boolean,
    page: boolean,
    kind: number,
    privileged: boolean,
  ): Translation {
    let permission = ap;
    if (regime.accessFlagEnable) {
      if ((ap & 1) === 0) return this.#fault(page ? FAULT.accessFlagPage : FAULT.accessFlagSection);
      // With the access flag AP[0] reads as set: the four combinations of AP[2:1].
      permission = ap | 1;
    }
    const domain = (regime.dacr >>> (2 * this.#result.domain)) & 3;
    if ((domain & 1) === 0) return this.#fault(page ? FAULT.domainPage : FAULT.domainSection);
    if (domain === 3) return this.#result;
    const denied = page ? FAULT.permissionPage : FAULT.permissionSection;
    if (!permits(permission, privileged, kind === ACCESS_KIND.write)) return this.#fault(denied);
    if (kind === ACCESS_KIND.execute && (executeNever || (privileged && privilegedExecuteNever))) {
      return this.#fault(denied);
    }
    return this.#result;
  }
}
