// SPDX-License-Identifier: Apache-2.0
// Findings and verdicts: the same shape in every layer, so that one rule file, one event log and one dashboard serve
// machines, partitions, containers and workspaces alike.

export type Severity = 'info' | 'low' | 'medium' | 'high' | 'critical';
/** What a guard answers at a point of passage. */
export type Verdict = 'allow' | 'report' | 'deny' | 'stop';
export type GuestKind = 'machine' | 'partition' | 'container' | 'workspace' | 'app' | 'capture';

/** One JSON line of the event log. */
export interface Finding {
  /** `wall` is RFC 3339 and left out when runs are compared; `instruction` is the count at which it happened. */
  readonly time: { wall?: string; instruction?: number };
  readonly guest: { kind: GuestKind; id: string; name: string };
  readonly guard: string;
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
  readonly subject: Readonly<Record<string, unknown>>;
  readonly evidence: Readonly<Record<string, unknown>>;
  readonly verdict: Verdict;
}
