// SPDX-License-Identifier: Apache-2.0
// Hosts as their user names them, and what they are when a run begins: names are resolved here, outside, so that inside nobody has
// to be asked, and nothing can be told by asking.

import { lookup } from 'node:dns/promises';
import { domainToASCII } from 'node:url';
import { ADDRESS_BITS, parseInternetAddress, PlinthError } from '@plinth/core';
import { isLinkLocal, type Reachable, specialAddress } from './reachable.js';

/** What comes of one text: an address or a network, or a name. */
type NamedHost = { readonly port?: number } & ({ readonly name: string } | Pick<Reachable, 'address' | 'prefix'>);

const NAME = /^(?=.{1,253}$)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z_]([a-z0-9_-]{0,61}[a-z0-9_])?$/;
const FORMS =
  'a name, an address or a network is wanted, such as example.org:443, 192.0.2.7, [2001:db8::7]:80 or 10.0.0.0/8';

/** @throws PlinthError `allow-net` (input) */
export function checkHost(text: string): void {
  parseHost(text);
}

/**
 * All their addresses.
 * @throws PlinthError `allow-net`, `host-name` (input)
 */
export async function resolveHosts(texts: readonly string[]): Promise<Reachable[]> {
  const found = await Promise.all(texts.map(parseHost).map(addressesOf));
  return found.flat();
}

async function addressesOf(host: NamedHost): Promise<Reachable[]> {
  if (!('name' in host)) return [host];
  const { name, port } = host;
  let all: readonly { readonly address: string }[];
  try {
    all = await lookup(name, { all: true, order: 'verbatim' });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    throw new PlinthError('input', 'host-name', `--allow-net ${name}: this name has no address here (${code})`);
  }
  const others = all.flatMap(({ address }): Reachable[] => {
    const value = parseInternetAddress(address);
    if (value === undefined || specialAddress(value) !== undefined || isLinkLocal(value)) return [];
    return [{ address, prefix: ADDRESS_BITS[value.version], name, ...(port === undefined ? {} : { port }) }];
  });
  if (others.length > 0) return others;
  const why = `this name has no address of another host (${all.map(({ address }) => address).join(', ')})`;
  throw new PlinthError('input', 'host-name', `--allow-net ${name}: ${why}`);
}

function parseHost(text: string): NamedHost {
  const complain = (why: string): never => {
    throw new PlinthError('input', 'allow-net', `--allow-net ${text}: ${why}`);
  };
  const { host, port: digits } = splitPort(text);
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && !(/^\d{1,5}$/.test(digits!) && port >= 1 && port <= 65_535)) {
    return complain(`${digits!} is no port: a number from 1 to 65535 is wanted`);
  }
  const withPort = port === undefined ? {} : { port };
  const [address = '', bits, ...more] = host.split('/');
  const value = parseInternetAddress(address);
  if (value === undefined) {
    const name = bits === undefined ? domainToASCII(host).replace(/\.$/, '') : '';
    return NAME.test(name) ? { name, ...withPort } : complain(FORMS);
  }
  const most = ADDRESS_BITS[value.version];
  const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : most + 1;
  if (prefix > most || more.length > 0) return complain(FORMS);
  const special = specialAddress(value, prefix);
  return special === undefined ? { address, prefix, ...withPort } : complain(`that is ${special}`);
}

/** An address of IPv6 stands in brackets if a port follows. */
function splitPort(text: string): { readonly host: string; readonly port?: string } {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  const plain = bracketed ?? (text.split(':').length === 2 ? /^([^:]*):(.*)$/.exec(text) : null);
  if (plain === null) return { host: text };
  return { host: plain[1]!, ...(plain[2] === undefined ? {} : { port: plain[2] }) };
}
