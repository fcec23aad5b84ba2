// SPDX-License-Identifier: Apache-2.0
// A test in suricata-verify's layout: a folder with test.yaml, rules and a capture. Its README says what the keys mean.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parse } from 'yaml';

export interface Check {
  readonly kind: 'filter' | 'other';
  /** Name of the kind, for those that are not judged. */
  readonly name: string;
  readonly count: number;
  readonly match: Readonly<Record<string, unknown>>;
}

export interface VerifyTest {
  readonly name: string;
  readonly capture: string;
  readonly rules: string | undefined;
  readonly settings: Settings;
  readonly checks: readonly Check[];
}

/** What its arguments ask for. */
export interface Settings {
  /** Packets can be dropped. */
  ips: boolean;
  midstream: boolean;
  oneSided: boolean;
  dnsPorts: number[] | undefined;
  readonly variables: string[];
}

/** The version whose meaning of rules we follow: tests for older ones are not ours. */
const VERSION = [9, 0, 0] as const;
/** Features of a build that have no part in what is decided here. */
const FEATURES: ReadonlySet<string> = new Set([
  'LIBNET1.1',
  'HAVE_NSS',
  'HAVE_LIBJANSSON',
  'MAGIC',
  'HAVE_MAGIC',
  'RUST',
  'HAVE_RUST',
]);

/** Settings that change nothing of which alerts there are here. */
const SILENT: readonly RegExp[] = [
  /^(?:mpm-algo|spm-algo|runmode|flow\.|threading\.|outputs?\.|pcap-file\.|logging\.|max-pending-packets|classification-file|reference-config-file|default-rule-path|exception-policy|detect\.guess-applayer-tx)/,
  /^(?:stream\.checksum-validation|stream\.inline|stream\.memcap|stream\.reassembly\.memcap|decoder\.vxlan\.enabled|decoder\.geneve\.enabled|decoder\.teredo\.enabled)/,
  /^app-layer\.protocols\.http\.libhtp\.default-config\.response-body-decompress-layer-limit/,
];

/** Folders with a test.yaml below one, by their names. */
export function findTests(folder: string): string[] {
  const found: string[] = [];
  const walk = (at: string): void => {
    const entries = readdirSync(at, { withFileTypes: true });
    if (entries.some(({ name }) => name === 'test.yaml')) found.push(at);
    for (const entry of entries) if (entry.isDirectory()) walk(join(at, entry.name));
  };
  walk(folder);
  return found.sort();
}

/** The test, or what puts it out of scope. */
export function readTest(
  root: string,
  folder: string,
): VerifyTest | { readonly name: string; readonly keyword: string } {
  const name = relative(root, folder);
  const out = (keyword: string): { name: string; keyword: string } => ({ name, keyword });
  let yaml: Record<string, unknown>;
  try {
    yaml = asRecord(parse(readFileSync(join(folder, 'test.yaml'), 'utf8')));
  } catch {
    return out('test.yaml that is no YAML');
  }
  const unmet = unmetRequirement(yaml['requires']) ?? unmetRequirement(yaml['requirements']);
  if (unmet !== undefined) return out(unmet);
  if (existsSync(join(folder, 'suricata.yaml'))) return out('suricata.yaml');
  const files = readdirSync(folder);
  const capture = typeof yaml['pcap'] === 'string' ? yaml['pcap'] : files.find((file) => /\.pcap(ng)?$/.test(file));
  if (capture === undefined || !existsSync(join(folder, capture))) return out('no capture');
  const settings = readSettings(asList(yaml['args']).flatMap((arg) => String(arg).split(/\s+/)));
  if (typeof settings === 'string') return out(settings);
  // Some say only in a suricata.yaml, which is not here, and in their names that packets can be dropped.
  if (name.endsWith('-ips')) settings.ips = true;
  const rules = files.includes('test.rules') ? 'test.rules' : files.find((file) => file.endsWith('.rules'));
  return {
    name,
    capture: join(folder, capture),
    rules: rules === undefined ? undefined : join(folder, rules),
    settings,
    checks: asList(yaml['checks']).flatMap((check) => readCheck(asRecord(check))),
  };
}

function unmetRequirement(value: unknown): string | undefined {
  const requires = asRecord(value);
  const version = (key: string): number[] | undefined =>
    requires[key] === undefined ? undefined : plainText(requires[key]).split('.').map(Number);
  const least = version('min-version');
  if (least !== undefined && compare(least) > 0) return 'requires min-version';
  const below = version('lt-version');
  if (below !== undefined && compare(below) <= 0) return 'requires lt-version';
  if (requires['version'] !== undefined) return 'requires version';
  const feature = asList(requires['features'])
    .map(String)
    .find((one) => !FEATURES.has(one));
  if (feature !== undefined) return `requires ${feature}`;
  return requires['lambda'] === undefined && requires['script'] === undefined ? undefined : 'requires a script';
}

/** Above 0 if it is newer than ours. */
function compare(version: readonly number[]): number {
  const difference = VERSION.map((own, n) => (version[n] ?? 0) - own).find((one) => one !== 0);
  return difference ?? 0;
}

function readSettings(args: readonly string[]): Settings | string {
  const settings: Settings = { ips: false, midstream: false, oneSided: false, dnsPorts: undefined, variables: [] };
  for (let n = 0; n < args.length; n++) {
    const arg = args[n]!;
    if (arg === '') continue;
    if (arg === '--simulate-ips') settings.ips = true;
    else if (arg === '-k') n++;
    else if (arg === '--set') {
      const refused = set(settings, args[++n] ?? '');
      if (refused !== undefined) return refused;
    } else if (!/^--(?:runmode=|no-random)/.test(arg)) return `argument ${arg}`;
  }
  return settings;
}

function set(settings: Settings, text: string): string | undefined {
  const at = text.indexOf('=');
  const [key, value] = [text.slice(0, at), text.slice(at + 1).replaceAll(/^"|"$/g, '')];
  const variable = /^vars\.(?:address|port)-groups\.(\w+)$/.exec(key);
  if (variable !== null) settings.variables.push(`${variable[1]!}=${value}`);
  else if (key === 'stream.midstream') settings.midstream = /^(?:true|yes|1)$/.test(value);
  else if (key === 'stream.async-oneside') settings.oneSided = /^(?:true|yes|1)$/.test(value);
  else if (/^app-layer\.protocols\.dns\.(?:tcp|udp)\.detection-ports\.dp$/.test(key))
    settings.dnsPorts = value.split(',').map(Number);
  else if (!SILENT.some((known) => known.test(key))) return `setting ${key}`;
  return undefined;
}

/** None for one of another version. */
function readCheck(check: Record<string, unknown>): Check[] {
  const name = Object.keys(check)[0] ?? 'nothing';
  const body = asRecord(check[name]);
  if (unmetRequirement(body['requires']) !== undefined) return [];
  if (name !== 'filter') return [{ kind: 'other', name, count: 0, match: {} }];
  return [{ kind: 'filter', name, count: Number(body['count'] ?? 0), match: asRecord(body['match']) }];
}

function plainText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function asList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value];
}
