// SPDX-License-Identifier: Apache-2.0
// How urgent rules are that say what class they are of and not how urgent, as Snort and Suricata have it by default. 1 is the most urgent.

import type { Rule } from './rule.js';

const CLASSES: readonly (readonly [priority: number, classes: string])[] = [
  [
    1,
    `attempted-admin attempted-user command-and-control credential-theft domain-c2 exploit-kit inappropriate-content policy-violation
    shellcode-detect successful-admin successful-user targeted-activity trojan-activity unsuccessful-user web-application-attack`,
  ],
  [
    2,
    `attempted-dos attempted-recon bad-unknown coin-mining default-login-attempt denial-of-service external-ip-check misc-attack
    non-standard-protocol pup-activity rpc-portmap-decode social-engineering successful-dos successful-recon-largescale
    successful-recon-limited suspicious-filename-detect suspicious-login system-call-detect unusual-client-port-connection
    web-application-activity`,
  ],
  [3, 'icmp-event misc-activity network-scan not-suspicious protocol-command-decode string-detect unknown'],
  [4, 'tcp-connection'],
];

const PRIORITIES: ReadonlyMap<string, number> = new Map(
  CLASSES.flatMap(([priority, classes]) => classes.split(/\s+/).map((name) => [name, priority] as const)),
);
/** Of a rule that says neither. */
const DEFAULT_PRIORITY = 3;

export function priorityOf({ priority, classtype }: Pick<Rule, 'priority' | 'classtype'>): number {
  return priority ?? PRIORITIES.get(classtype ?? '') ?? DEFAULT_PRIORITY;
}
