// SPDX-License-Identifier: Apache-2.0
// Drives a run that has been started to its end, by the host's clock: the same in `plinth run` and in a machine's thread.

import type { Finding } from '@plinth/core';
import { hostTime, runLoop } from '@plinth/machine';
import type { Console, MachineDriver, RunExit, RunLoopOptions, RunResult } from '@plinth/machine';
import { nodeClock } from '../host/host-clock.js';
import type { StartedRun } from './start-run.js';

export interface DriveOptions extends Pick<RunLoopOptions, 'snapshot' | 'onOutput' | 'debug'> {
  readonly console: Console;
  /** Each as it comes up, with the time of the host. */
  readonly onFinding: (finding: Finding) => void;
}

export interface DrivenRun extends Pick<RunResult, 'findings' | 'counts'> {
  /** How the machine ended. */
  readonly machineExit: RunExit;
}

/** What is driven: a `StartedRun`, or one whose machine is recorded. */
export type DrivableRun = Omit<StartedRun, 'machine'> & { readonly machine: MachineDriver };

export async function driveRun(
  { spec, machine, network, ready }: DrivableRun,
  { onFinding, ...options }: DriveOptions,
): Promise<DrivenRun> {
  const findings: Finding[] = [];
  const loop = await runLoop({
    ...options,
    machine,
    ...(network === undefined ? {} : { network }),
    limits: spec.limits,
    realtime: spec.realtime,
    restart: spec.exec === undefined,
    time: hostTime(nodeClock),
    ...(ready === undefined ? {} : { ready }),
    onFinding: (finding) => {
      const stamped = { ...finding, time: { wall: new Date().toISOString(), ...finding.time } };
      findings.push(stamped);
      onFinding(stamped);
    },
  });
  const counts = {
    instructions: machine.instructions,
    virtualTime: machine.virtualTime,
    hostTime: loop.hostTime / 1000,
    consoleOutput: loop.output,
  };
  return { machineExit: loop.exit, findings, counts };
}
