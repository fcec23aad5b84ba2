// SPDX-License-Identifier: Apache-2.0
// Whether an event is what a check of suricata-verify looks for: keys with dots go into objects, [n] into lists, and some endings ask
// something else of a value.

export type Event = Readonly<Record<string, unknown>>;

export function matchesEvent(event: Event, match: Readonly<Record<string, unknown>>): boolean {
  return Object.entries(match).every(([key, wanted]) => {
    if (key === 'has-key') return lookUp(event, String(wanted)) !== undefined;
    if (key === 'not-has-key') return lookUp(event, String(wanted)) === undefined;
    const ending = /^(.*)\.__(\w+)$/.exec(key);
    const found = lookUp(event, ending?.[1] ?? key);
    if (ending !== null) return asks(ending[2]!, found, wanted);
    return wanted === null ? found === undefined : isEqual(found, wanted);
  });
}

/** The keys of a match, those in objects with dots. */
export function keysOf(match: Readonly<Record<string, unknown>>, prefix = ''): string[] {
  return Object.entries(match).flatMap(([key, value]) => {
    if (key === 'has-key' || key === 'not-has-key') return [String(value)];
    const name = prefix + key.replace(/\.__\w+$/, '');
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    return isObject ? keysOf(value as Record<string, unknown>, `${name}.`) : [name];
  });
}

function asks(what: string, found: unknown, wanted: unknown): boolean {
  switch (what) {
    case 'len':
      return (Array.isArray(found) || typeof found === 'string') && found.length === wanted;
    case 'contains':
      return typeof found === 'string'
        ? found.includes(String(wanted))
        : Array.isArray(found) && found.includes(wanted);
    case 'find':
      return Array.isArray(found) && found.includes(wanted);
    case 'startswith':
      return typeof found === 'string' && found.startsWith(String(wanted));
    case 'endswith':
      return typeof found === 'string' && found.endsWith(String(wanted));
    default:
      return false;
  }
}

function lookUp(event: unknown, path: string): unknown {
  let value = event;
  for (const part of path.split('.')) {
    const [, name, index] = /^([^[]*)(?:\[(\d+)\])?$/.exec(part) ?? [];
    if (typeof value !== 'object' || value === null || name === undefined) return undefined;
    value = (value as Record<string, unknown>)[name];
    if (index !== undefined) value = Array.isArray(value) ? (value as unknown[])[Number(index)] : undefined;
  }
  return value;
}

/** An object has to have what is asked for, and may have more. */
function isEqual(found: unknown, wanted: unknown): boolean {
  if (typeof wanted === 'object' && wanted !== null && !Array.isArray(wanted)) {
    return (
      typeof found === 'object' && found !== null && matchesEvent(found as Event, wanted as Record<string, unknown>)
    );
  }
  if (Array.isArray(wanted)) {
    return Array.isArray(found) && found.length === wanted.length && wanted.every((one, n) => isEqual(found[n], one));
  }
  // A number may be written as a text.
  const plain = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));
  return found !== undefined && plain(found) === plain(wanted);
}
