// SPDX-License-Identifier: Apache-2.0
// What this kernel does of bpf(2), found by doing it: in a network namespace that is new and vanishes, so nothing of the host is
// touched. A kernel that may have it, but does not let us try, gives `unknown`.

import { PlinthError } from '@plinth/core';
import { Assembler, type MapDefinition, type Program, type ProgramType, R0 } from '@plinth/ebpf';
import { NetworkNamespace } from '../network-namespace.js';
import { ERROR, type SystemCalls } from '../system-calls.js';
import { KernelMap } from './kernel-map.js';
import { KernelProgram } from './kernel-program.js';
import type { Place } from './link.js';
import { BPF_FILES, hasBpfFiles } from './pins.js';
import { errorName } from './refusal.js';

export interface Feature {
  readonly name: string;
  readonly answer: 'yes' | 'no' | 'unknown';
  /** Of `no` what it needs, of `unknown` why. */
  readonly detail: string;
}

const RING: MapDefinition = { name: 'probe', type: 'ringBuffer', keySize: 0, valueSize: 0, maxEntries: 4096 };
/** The loopback interface of a new namespace. */
const LOOPBACK = 1;
const RIGHTS = 'only root may try';

/** @throws PlinthError `host` where no program for an interface may be loaded */
export function requirePrograms(calls: SystemCalls): void {
  using loaded = KernelProgram.load(calls, probe('schedCls'));
  void loaded;
}

/** Its verdict is "pass" at either place. */
function probe(type: ProgramType): Program {
  return new Assembler('probe', type)
    .mov(R0, type === 'xdp' ? 2 : -1)
    .exit()
    .finish();
}

export async function bpfFeatures(calls: SystemCalls): Promise<Feature[]> {
  return [
    await linkFeature(calls, 'tcx (inspecting at interfaces)', 'schedCls', 'ingress', 'Linux 6.6'),
    await linkFeature(calls, 'XDP', 'xdp', 'xdp', 'Linux 5.9'),
    ringFeature(calls),
    fileFeature(),
  ];
}

async function linkFeature(
  calls: SystemCalls,
  name: string,
  type: ProgramType,
  place: Place,
  since: string,
): Promise<Feature> {
  let result: number;
  try {
    using loaded = KernelProgram.load(calls, probe(type));
    using namespace = new NetworkNamespace();
    result = await namespace.link(loaded.fd, LOOPBACK, place);
    if (result >= 0) calls.close(result);
  } catch (error) {
    if (!(error instanceof PlinthError)) throw error;
    return { name, answer: 'unknown', detail: process.getuid?.() === 0 ? error.message : RIGHTS };
  }
  if (result >= 0) return { name, answer: 'yes', detail: '' };
  if (result === -ERROR.EINVAL) return { name, answer: 'no', detail: `it needs ${since}` };
  return { name, answer: 'unknown', detail: `the kernel says ${errorName(-result)}` };
}

function ringFeature(calls: SystemCalls): Feature {
  const name = 'eBPF ring buffers';
  try {
    using map = KernelMap.create(calls, RING);
    void map;
    return { name, answer: 'yes', detail: '' };
  } catch (error) {
    if (!(error instanceof PlinthError)) throw error;
    if (process.getuid?.() !== 0) return { name, answer: 'unknown', detail: RIGHTS };
    return error.message.includes(errorName(ERROR.EINVAL))
      ? { name, answer: 'no', detail: 'they need Linux 5.8' }
      : { name, answer: 'unknown', detail: error.message };
  }
}

function fileFeature(): Feature {
  const name = 'a BPF file system';
  switch (hasBpfFiles()) {
    case true:
      return { name, answer: 'yes', detail: BPF_FILES };
    case false:
      return { name, answer: 'no', detail: `"plinth inspect attach" mounts it at ${BPF_FILES}` };
    case undefined:
      return { name, answer: 'unknown', detail: `${BPF_FILES} cannot be looked at` };
  }
}
