// SPDX-License-Identifier: Apache-2.0
// Reads a file of rules. A rule that is wrong is an error with its line; the others are read all the same, so that a user
// sees all that is wrong at once.

import { PlinthError } from '@plinth/core';
import type { Action, Rule, RuleHeader } from './rule.js';
import { OptionError, readOptions, type RuleOptions } from './rule-options.js';
import { parseAddresses, parsePorts, SetError, type Variables } from './rule-sets.js';
import { ruleError, type RuleText, splitOptions, splitRules } from './rule-text.js';

export interface ParsedRules {
  readonly rules: readonly Rule[];
  readonly errors: readonly PlinthError[];
}

const ACTIONS: Readonly<Record<string, Action>> = {
  alert: 'alert',
  drop: 'drop',
  reject: 'reject',
  rejectsrc: 'reject',
  rejectdst: 'reject',
  rejectboth: 'reject',
  pass: 'pass',
};

/** What `$NAME` stands for when nobody says otherwise: the networks that are private, and the ports that Suricata ships with. */
export const DEFAULT_VARIABLES: Variables = {
  HOME_NET: '[192.168.0.0/16,10.0.0.0/8,172.16.0.0/12]',
  EXTERNAL_NET: '!$HOME_NET',
  HTTP_SERVERS: '$HOME_NET',
  SMTP_SERVERS: '$HOME_NET',
  SQL_SERVERS: '$HOME_NET',
  DNS_SERVERS: '$HOME_NET',
  TELNET_SERVERS: '$HOME_NET',
  AIM_SERVERS: '$EXTERNAL_NET',
  HTTP_PORTS: '80',
  SHELLCODE_PORTS: '!80',
  ORACLE_PORTS: '1521',
  SSH_PORTS: '22',
  FTP_PORTS: '21',
  FILE_DATA_PORTS: '[$HTTP_PORTS,110,143]',
};

/** `file` names it in messages. */
export function parseRules(text: string, file: string, variables: Variables = DEFAULT_VARIABLES): ParsedRules {
  const rules: Rule[] = [];
  const errors: PlinthError[] = [];
  const lines = new Map<string, number>();
  for (const one of splitRules(text)) {
    try {
      const rule = parseRule(one, file, variables);
      const name = `${rule.gid}:${rule.sid}`;
      const known = lines.get(name);
      if (known !== undefined)
        throw ruleError(file, one.line, `sid ${rule.sid} is that of the rule in line ${known} too`);
      lines.set(name, one.line);
      rules.push(rule);
    } catch (error) {
      if (error instanceof SetError || error instanceof OptionError)
        errors.push(ruleError(file, one.line, error.message));
      else if (error instanceof PlinthError && error.kind === 'input') errors.push(error);
      else throw error;
    }
  }
  return { rules, errors };
}

function parseRule({ line, text }: RuleText, file: string, variables: Variables): Rule {
  const match = /^([^(]+)\((.*)\)\s*$/s.exec(text);
  if (match === null) throw ruleError(file, line, 'not a rule: it is an action, a header and (options;)');
  const header = parseHeader(match[1]!, variables);
  const texts = splitOptions(match[2]!);
  if (texts === undefined) throw new OptionError('the options do not end: each ends with ; and quotes are closed');
  const options = readOptions(texts);
  if (options.sid === undefined) throw new OptionError('it has no sid, by which it is told');
  checkRelations(options);
  const { sid, gid, rev, message, classtype, priority, references, metadata, conditions, threshold, noalert } = options;
  return {
    file,
    line,
    header,
    sid,
    gid,
    rev,
    message,
    ...(classtype === undefined ? {} : { classtype }),
    ...(priority === undefined ? {} : { priority }),
    references,
    metadata,
    conditions,
    ...(threshold === undefined ? {} : { threshold }),
    noalert,
    undecided: [...options.undecided],
  };
}

function parseHeader(text: string, variables: Variables): RuleHeader {
  const parts = words(text);
  const action = ACTIONS[parts[0]?.toLowerCase() ?? ''];
  if (action === undefined) {
    throw new OptionError(`"${parts[0] ?? ''}" is no action: alert, drop, reject and pass are`);
  }
  const protocol = parts[1]?.toLowerCase() ?? '';
  if (!/^[a-z][a-z0-9_+-]*$/.test(protocol)) throw new OptionError(`"${protocol}" is no protocol`);
  // Rules about what is decoded, or of a protocol of which every flow is meant, may have no addresses.
  if (parts.length === 2) {
    const any = { source: undefined, sourcePort: undefined, destination: undefined, destinationPort: undefined };
    return { action, protocol, ...any, negatedAddresses: false, bothWays: false };
  }
  if (parts.length !== 7) {
    throw new OptionError(`its header has ${parts.length} parts, not 7: action protocol address port -> address port`);
  }
  const arrow = parts[4]!;
  if (arrow !== '->' && arrow !== '<>' && arrow !== '=>')
    throw new OptionError(`"${arrow}" is no direction: -> and <> are`);
  const [source, destination] = [parseAddresses(parts[2]!, variables), parseAddresses(parts[5]!, variables)];
  return {
    action,
    protocol,
    source: source.set,
    sourcePort: parsePorts(parts[3]!, variables),
    destination: destination.set,
    destinationPort: parsePorts(parts[6]!, variables),
    negatedAddresses: source.negated || destination.negated,
    bothWays: arrow === '<>',
  };
}

/** Words between blanks; a list in brackets, with blanks in it or not, is one. */
function words(text: string): string[] {
  const all: string[] = [];
  let depth = 0;
  let word = '';
  for (const char of `${text} `) {
    if (char === '[') depth++;
    if (char === ']') depth--;
    if (/\s/.test(char) && depth <= 0) {
      if (word !== '') all.push(word);
      word = '';
    } else word += char;
  }
  return word === '' ? all : [...all, word];
}

/** What contradicts itself inside of one rule. */
function checkRelations({ conditions }: RuleOptions): void {
  for (const condition of conditions) {
    if (condition.kind !== 'content') continue;
    const { startswith, offset, depth, distance, within } = condition;
    const absolute = offset !== undefined || depth !== undefined;
    const relative = distance !== undefined || within !== undefined;
    if (absolute && relative) throw new OptionError('a content has offset or depth, or distance or within, not both');
    if (startswith && (absolute || relative)) {
      throw new OptionError(
        'startswith says where the content is: offset, depth, distance and within do not go with it',
      );
    }
  }
}
