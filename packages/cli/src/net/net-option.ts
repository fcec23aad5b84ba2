// SPDX-License-Identifier: Apache-2.0
// `--net` as QEMU users write it: `user,hostfwd=tcp::2222-:22`, `tap:NAME` (or `tap,ifname=NAME`), `none`. Keys of QEMU's
// that say what we do anyway are accepted.

import { PlinthError } from '@plinth/core';
import { parseNetSpec } from '@plinth/machine';
import type { NetSpec, PortForward } from '@plinth/machine';

const IMPLIED: Readonly<Record<string, RegExp>> = {
  id: /^./,
  model: /^virtio(-net(-device)?)?$/,
  script: /^no$/,
  downscript: /^no$/,
};

export function parseNet(text: string): NetSpec {
  const [first = '', ...rest] = text.split(',');
  const colon = first.indexOf(':');
  const options: Record<string, unknown> = { kind: colon < 0 ? first : first.slice(0, colon) };
  if (colon >= 0) {
    if (options['kind'] !== 'tap') throw wrong(text, `"${first}" is none of user, tap:NAME, none`);
    options['interface'] = first.slice(colon + 1);
  }
  const forwards: PortForward[] = [];
  for (const part of rest) {
    const equals = part.indexOf('=');
    const key = part.slice(0, Math.max(0, equals));
    const value = part.slice(equals + 1);
    if (equals <= 0) throw wrong(text, `"${part}" is no option: write key=value`);
    const implied = IMPLIED[key];
    if (implied !== undefined) {
      if (!implied.test(value)) throw wrong(text, `${part} cannot be had here`);
    } else if (key === 'hostfwd') forwards.push(parseForward(text, value));
    else {
      const name = key === 'ifname' ? 'interface' : key;
      if (options[name] !== undefined) throw wrong(text, `${key} is given twice`);
      options[name] = key === 'mtu' && /^\d+$/.test(value) ? Number(value) : value;
    }
  }
  if (forwards.length > 0) options['forwards'] = forwards;
  return parseNetSpec(options);
}

/** `tcp:[HOST ADDRESS]:PORT-[GUEST ADDRESS]:PORT`; the guest has one address, which it gets from the network. */
function parseForward(text: string, value: string): PortForward {
  const match = /^(tcp|udp):(\[[^\]]*\]|[^:]*):(\d{1,5})-([^:]*):(\d{1,5})$/.exec(value);
  if (match === null) throw wrong(text, `hostfwd=${value}: write hostfwd=tcp:[ADDRESS]:PORT-:PORT`);
  const [, protocol, address = '', hostPort, guestAddress, guestPort] = match;
  if (guestAddress !== '') {
    throw wrong(text, `hostfwd=${value}: leave the guest’s address out: it has the one that the network gives it`);
  }
  const hostAddress = address.replace(/^\[|\]$/g, '');
  return {
    protocol: protocol === 'udp' ? 'udp' : 'tcp',
    ...(hostAddress === '' ? {} : { hostAddress }),
    hostPort: Number(hostPort),
    guestPort: Number(guestPort),
  };
}

function wrong(text: string, detail: string): PlinthError {
  return new PlinthError('input', 'net', `net: ${text}: ${detail}`.replace(/\p{Cc}/gu, '?'));
}
