// SPDX-License-Identifier: Apache-2.0
// A plan as lines for people, for --dry-run.

import type { MountStep, Surroundings } from '@plinth/sandbox';

export function describePlan(plan: Surroundings): string {
  const lines = [
    `${plan.name}, host name ${plan.hostName}`,
    `user       ${plan.user} is ${plan.insideUser} inside, group ${plan.group} is ${plan.insideGroup}`,
    `network    ${plan.network === 'none' ? 'a loopback interface only' : 'that of the host'}`,
    `directory  ${plan.directory}`,
    `rights     ${plan.capabilities.length === 0 ? 'none' : `capabilities ${plan.capabilities.join(', ')} over its own namespaces`}`,
    ...plan.limits.map(({ name, value }) => `limit      ${name} ${value}`),
    ...plan.controlGroups.map(
      ({ directory, settings }) =>
        `group      ${directory}: ${settings.map(({ file, value }) => `${file} ${value}`).join(', ')}`,
    ),
    `filter     ${plan.filter.length / 8} instructions; system calls that are not named are refused`,
    `writable   ${plan.writable.join(' ')}`,
    ...plan.steps.map((step) => `${step.kind.padEnd(10)} ${describeStep(step)}`),
  ];
  return `${lines.join('\n')}\n`;
}

function describeStep(step: MountStep): string {
  switch (step.kind) {
    case 'bind':
      return `${step.at} is ${step.from}, ${step.writable ? 'writable' : 'read-only'}`;
    case 'overlay':
      return `${step.at} over ${step.lower.join(', ')}; what is written goes to ${step.upper}`;
    case 'link':
      return `${step.at} -> ${step.target}`;
    case 'memory':
      return step.size === undefined ? step.at : `${step.at}, ${step.size} bytes at most`;
    case 'directory':
    case 'file':
    case 'processes':
    case 'terminals':
      return step.at;
  }
}
