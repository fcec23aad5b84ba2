// SPDX-License-Identifier: Apache-2.0
// What we add to Debian's packages in the image `debian`: settings, each for a reason. Formats: systemd.unit(5),
// systemd.network(5), fstab(5), sources.list(5), dpkg.cfg(5).

import type { AptSource } from './apt-sources.js';
import { formatAptSources } from './apt-sources.js';

export const DEBIAN_PACKAGES: readonly string[] = [
  '?essential',
  // The other half of what init-system-helpers accepts is a converter in Perl; our directories are merged from the start.
  'usr-is-merged',
  'apt',
  'ca-certificates',
  'dbus',
  'e2fsprogs',
  'iproute2',
  'iputils-ping',
  'kmod',
  'libpam-systemd',
  'netbase',
  'openssh-server',
  'procps',
  'systemd',
  'systemd-resolved',
  'systemd-sysv',
  'udev',
];

export interface RootFile {
  readonly path: string;
  readonly mode: number;
  readonly text: string;
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** dpkg obeys it while the image is built and in the guest: no manuals, translations and changelogs. */
const SLIM = `# Left out of this image to keep it small; remove this file and reinstall a package to have its documents.
path-exclude=/usr/share/doc/*
path-include=/usr/share/doc/*/copyright
path-exclude=/usr/share/info/*
path-exclude=/usr/share/locale/*
path-include=/usr/share/locale/locale.alias
path-exclude=/usr/share/man/*
`;

/** Root logs in without a password on the serial console, and nowhere else: its password stays locked. */
const SERIAL_LOGIN = `[Service]
ExecStart=
ExecStart=-/sbin/agetty --login-options '-f -- \\\\u' --keep-baud 115200 %I $TERM
`;

const HOST_KEY = '/etc/ssh/ssh_host_ed25519_key';

/** An image with host keys would give every machine the same ones. One kind is made: others cost a minute of its CPU. */
const HOST_KEYS_SERVICE = `[Unit]
Description=Make the SSH host key of this machine
ConditionPathExists=!${HOST_KEY}
Before=ssh.service ssh.socket

[Service]
Type=oneshot
ExecStart=/usr/bin/ssh-keygen -q -t ed25519 -N "" -f ${HOST_KEY}

[Install]
WantedBy=multi-user.target
`;

const NETWORK = `[Match]
Type=ether

[Network]
DHCP=yes
`;

/** How long a start may take depends on the machine's speed; what is only slow must not be given up. */
const PATIENCE = `[Manager]
DefaultTimeoutStartSec=15min
DefaultDeviceTimeoutSec=15min
`;

/** A serial line cannot tell the size of the terminal behind it; who starts the machine knows it. */
const TERMINAL_SIZE = `if [ -f /run/plinth/size ] && [ "$(tty)" = /dev/ttyAMA0 ]; then
  read -r rows columns </run/plinth/size && stty rows "$rows" cols "$columns"
fi
`;

export function debianFiles(sources: readonly AptSource[]): RootFile[] {
  const archive = sources.map((source) => ({ ...source, signedBy: KEYRING }));
  return [
    ['etc/apt/sources.list.d/debian.sources', formatAptSources(archive)],
    ['etc/default/locale', 'LANG=C.UTF-8\n'],
    ['etc/dpkg/dpkg.cfg.d/plinth-slim', SLIM],
    ['etc/fstab', '/dev/vda / ext4 defaults,errors=remount-ro 0 1\n'],
    ['etc/hostname', 'plinth\n'],
    ['etc/hosts', '127.0.0.1 localhost\n127.0.1.1 plinth\n::1 localhost ip6-localhost ip6-loopback\n'],
    ['etc/profile.d/plinth-terminal-size.sh', TERMINAL_SIZE],
    ['etc/systemd/network/80-plinth.network', NETWORK],
    ['etc/systemd/system.conf.d/plinth.conf', PATIENCE],
    ['etc/systemd/system/serial-getty@ttyAMA0.service.d/login.conf', SERIAL_LOGIN],
    ['etc/systemd/system/ssh-host-keys.service', HOST_KEYS_SERVICE],
  ].map(([path = '', text = '']) => ({ path, mode: 0o644, text }));
}
