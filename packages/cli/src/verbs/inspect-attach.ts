// SPDX-License-Identifier: Apache-2.0
// `plinth inspect attach`: rules at the interfaces of containers of this host, of those that run, and of those that come.

import { PlinthError } from '@plinth/core';
import type { Judgement } from '@plinth/guards';
import {
  type Attached,
  attachInspection,
  type AttachmentPoint,
  type Choice,
  findSubject,
  Follower,
  type FollowStep,
  type InspectionSubject,
  isNamed,
  requireRights,
  type RuleSource,
  type SubjectName,
} from '@plinth/host';
import { nativeCalls, type SystemCalls } from '@plinth/linux';
import { readRules, refusedOf, sayRefused } from '../inspect/rule-files.js';
import { EXIT } from '../report-error.js';

export interface AttachVerbOptions {
  readonly container?: string;
  readonly pid?: string;
  readonly interface?: string;
  readonly all?: boolean;
  readonly label?: string;
  readonly rules: string;
  readonly set?: readonly string[];
  readonly failClosed?: boolean;
  readonly xdp?: boolean;
  readonly follow?: boolean;
  readonly json?: boolean;
}

/** Rules, what was judged of them, and how many of them wait for whoever reads events. */
interface ReadSource {
  readonly source: RuleSource;
  readonly judgements: readonly Judgement[];
  readonly confirmed: number;
}

/** Milliseconds after which containers are looked for anew; interfaces tell by themselves. */
const LOOK_AGAIN = 500;

export async function attachVerb(options: AttachVerbOptions): Promise<number> {
  const choice = choiceOf(options);
  const { failClosed = false, xdp = false, follow = false } = options;
  if (xdp && !('interface' in choice)) {
    throw new PlinthError('input', 'xdp', '--xdp is for --interface NAME: it sees only what that receives');
  }
  const read = readSource(options);
  const calls = nativeCalls();
  requireRights(calls);
  if (read.source.rules.length === 0) {
    const why = 'no rule in it can be decided: "plinth inspect check" says why';
    throw new PlinthError('input', 'no-rules', `${options.rules}: ${why}`);
  }
  const settings = { failClosed, place: xdp ? 'xdp' : 'tcx' } as const;
  const tell = (steps: readonly FollowStep[]): void => steps.forEach((step) => tellStep(step, read, options));
  const tellFirst = (steps: readonly FollowStep[]): void => {
    sayRefused(options.rules, read.judgements, (line) => process.stderr.write(`plinth: ${line}\n`));
    tell(steps);
  };
  if (isNamed(choice) && !follow) {
    const { subject, points } = await findSubject(calls, choice);
    tellFirst([{ what: 'attached', attached: await attachInspection(calls, subject, points, read.source, settings) }]);
    return EXIT.clean;
  }
  if (isNamed(choice)) await sayIfAbsent(calls, choice);
  using follower = new Follower(calls, choice, read.source, settings);
  let steps = await follower.begin();
  tellFirst(steps);
  if (steps.length === 0 && !follow) process.stderr.write('plinth: no container runs that could be inspected\n');
  while (follow && !follower.over) {
    await follower.wait(LOOK_AGAIN);
    steps = await follower.look();
    tell(steps);
  }
  return steps.some(({ what }) => what === 'failed') ? EXIT.host : EXIT.clean;
}

function readSource({ rules: file, set = [] }: AttachVerbOptions): ReadSource {
  const { judgements, errors, text, variables } = readRules(file, set, {});
  if (errors.length > 0) throw errors[0]!;
  const taken = judgements.filter((one) => one.answer !== 'refused');
  const refused = refusedOf(judgements);
  const rules = taken.flatMap((one) => (one.answer === 'kernel' ? [one.kernel] : one.candidates));
  return {
    source: { file, text, variables, rules, taken: taken.length, refused: refused.length },
    judgements,
    confirmed: taken.filter((one) => one.answer === 'confirm').length,
  };
}

function choiceOf({ container, pid, interface: at, all = false, label }: AttachVerbOptions): Choice {
  const given = [container, pid, at, all ? true : undefined, label].filter((one) => one !== undefined);
  if (given.length !== 1) {
    throw new PlinthError(
      'input',
      'subject',
      'one of --container NAME, --pid N, --interface NAME, --label LABEL and --all says what is inspected',
    );
  }
  if (container !== undefined) return { container };
  if (at !== undefined) return { interface: at };
  if (label !== undefined) return { label };
  if (all) return { all };
  if (!/^[1-9]\d{0,9}$/.test(pid!))
    throw new PlinthError('input', 'subject', `--pid ${pid}: it is the number of a process`);
  return { pid: Number(pid) };
}

/** What is not there yet is waited for, and why is said. */
async function sayIfAbsent(calls: SystemCalls, choice: SubjectName): Promise<void> {
  try {
    await findSubject(calls, choice);
  } catch (error) {
    if (!(error instanceof PlinthError) || error.kind !== 'input' || 'pid' in choice) throw error;
    process.stderr.write(`plinth: ${error.message}: it is waited for\n`);
  }
}

function tellStep(step: FollowStep, read: ReadSource, { json = false, failClosed = false }: AttachVerbOptions): void {
  if (step.what === 'failed') {
    process.stderr.write(`plinth: ${step.subject.kind} ${step.subject.name}: ${step.error.message}\n`);
    return;
  }
  if (step.what === 'attached') tellTrouble(step.attached);
  if (!json) {
    process.stdout.write(`${describe(step, read, failClosed)}\n`);
    return;
  }
  const { source, confirmed } = read;
  const about = { rules: source.taken, confirmed, refused: source.refused, failClosed };
  process.stdout.write(`${JSON.stringify(step.what === 'attached' ? { ...step.attached, ...about } : step)}\n`);
}

function tellTrouble({ mounted, forgotten }: Attached): void {
  if (mounted) process.stderr.write('plinth: a BPF file system was mounted at /sys/fs/bpf\n');
  if (forgotten) {
    process.stderr.write('plinth: what was known of connections is forgotten: what they began before is not found\n');
  }
}

function describe(step: Exclude<FollowStep, { what: 'failed' }>, read: ReadSource, failClosed: boolean): string {
  const { kind, name } = step.what === 'attached' ? step.attached.subject : step.subject;
  if (step.what === 'covered') return `${kind} ${name}: inspected at ${placesText(step.points)}, too`;
  // Another one of the name may be there.
  if (step.what === 'ended') return `${kind} ${name}${idText(step.subject)}: has ended`;
  if (step.what === 'left') return `${kind} ${name}: was detached: it is left alone until it is started again`;
  const { points, replaced } = step.attached;
  const what = replaced ? 'rules changed' : 'inspected';
  const how = failClosed ? 'what cannot be inspected is dropped' : 'what cannot be inspected is passed and reported';
  const some = read.confirmed === 0 ? '' : `, ${read.confirmed} of them confirmed by "plinth inspect events"`;
  return `${kind} ${name}: ${what} at ${placesText(points)}: ${read.source.taken} rules${some}; ${how}`;
}

function idText({ kind, id, name }: InspectionSubject): string {
  return kind === 'container' && id !== name ? ` (${id})` : '';
}

function placesText(points: readonly AttachmentPoint[]): string {
  const each = points.map(({ name, innerName, inside }) =>
    inside ? `${name} in its namespace` : innerName === undefined ? name : `${name} (its ${innerName})`,
  );
  return each.join(', ');
}
