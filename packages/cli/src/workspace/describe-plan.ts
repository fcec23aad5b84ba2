// SPDX-License-Identifier: Apache-2.0
// A plan as lines for people, for --dry-run.

import type { MountStep, Surroundings } from '@plinth/sandbox';

/** @param mayBeServed nobody has said which carrier its layers have, and it was not tried */
export function describePlan(plan: Surroundings, mayBeServed = false): string {
  const isServed = plan.steps.some(({ kind }) => kind === 'fuse');
  const kernel = `overlayfs of the kernel${mayBeServed ? ', or FUSE where that is refused' : ''}`;
  const lines = [
    `${plan.name}, host name ${plan.hostName}`,
    `user       ${plan.user} is ${plan.insideUser} inside, group ${plan.group} is ${plan.insideGroup}`,
    ...describeNetwork(plan.network),
    `directory  ${plan.directory}`,
    `layers     ${isServed ? 'FUSE, served by the watcher' : kernel}`,
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

function describeNetwork(network: Surroundings['network']): string[] {
  if (network === 'none') return ['network    a loopback interface only'];
  if (network === 'host') return ['network    that of the host'];
  const { reachable, carrier } = network;
  return [
    `network    what is listed, carried by ${carrier.program}; all else is refused at once`,
    ...reachable.map(({ address, prefix, port, name }) => {
      const where = `${address}/${prefix} ${port === undefined ? 'all ports' : `port ${port}`}`;
      return `reachable  ${where}${name === undefined ? '' : ` (${name})`}`;
    }),
  ];
}

function describeStep(step: MountStep): string {
  switch (step.kind) {
    case 'bind':
      return `${step.at} is ${step.from}, ${step.writable ? 'writable' : 'read-only'}`;
    case 'overlay':
    case 'fuse':
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
