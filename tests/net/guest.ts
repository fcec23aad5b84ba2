// SPDX-License-Identifier: Apache-2.0
// A guest with Debian's virtio-net driver, for tests that run it in a network namespace.

import { join } from 'node:path';
import { missingModules, VirtioGuest } from '../virtio/guest.js';

const PLINTH = join(import.meta.dirname, '../../packages/cli/bin/plinth.js');
const MODULES = ['failover', 'net_failover', 'virtio_net'];
const MACHINE = ['--memory', '128M', '--append', 'console=ttyAMA0 quiet cryptomgr.notests', '--limit-seconds', '500'];

/** As busybox's DHCP client calls it. */
export const DHCP = `
cat >/tmp/bound <<'END'
#!/bin/sh
[ "$1" = bound ] || exit 0
ifconfig $interface $ip netmask $subnet
route add default gw $router
END
chmod +x /tmp/bound
ip link set eth0 up
udhcpc -i eth0 -s /tmp/bound -q -n -t 20 >/dev/null 2>&1 || exit 98
`;

export const missingDriver = (): Promise<string | undefined> => missingModules(MODULES);

export class NetGuest extends VirtioGuest {
  constructor(command: string) {
    super(command, MODULES);
  }

  /** Arguments for Node that run it. */
  run(...options: string[]): string[] {
    return [PLINTH, 'run', '--kernel', this.kernel, '--initrd', this.initrd, ...MACHINE, ...options];
  }
}
