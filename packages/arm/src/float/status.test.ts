// SPDX-License-Identifier: Apache-2.0
// The control bits of FPSCR and StandardFPSCRValue() (ARM DDI 0406C, A2.7).

import { expect, test } from 'vitest';

import { FPSCR_AHP, FPSCR_DN, FPSCR_FZ, FPSCR_IXC, FloatStatus } from './status.js';

test('control comes from FPSCR and leaves the cumulative flags alone', () => {
  const status = new FloatStatus();
  status.flags = FPSCR_IXC;
  status.setControl((3 << 22) | FPSCR_DN | FPSCR_AHP);
  expect(status).toMatchObject({
    roundingMode: 3,
    flushToZero: false,
    defaultNan: true,
    alternativeHalf: true,
    flags: FPSCR_IXC,
  });
});

test('standard arithmetic takes only AHP from FPSCR', () => {
  const standard = { roundingMode: 0, flushToZero: true, defaultNan: true };
  const status = new FloatStatus();
  status.setStandardControl((1 << 22) | FPSCR_AHP);
  expect(status).toMatchObject({ ...standard, alternativeHalf: true });
  status.setStandardControl(FPSCR_FZ);
  expect(status).toMatchObject({ ...standard, alternativeHalf: false });
});
