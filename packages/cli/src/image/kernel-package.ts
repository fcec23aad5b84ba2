// SPDX-License-Identifier: Apache-2.0
// Debian's armhf kernel package: which it is, the kernel in it as packed and unpacked, and its modules less those for
// hardware that no machine of ours has.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { PlinthError } from '@plinth/core';
import { readZImage, unpackZImage, unxz } from '@plinth/machine';
import { makeDirectory } from '../host/make-directory.js';
import { run } from '../host/run-command.js';
import type { DebianPackage, PrivateApt } from './apt.js';
import type { Tool } from './host-tools.js';
import { DEVICE_TREES } from './manifest.js';

const KERNEL_META_PACKAGE = 'linux-image-armmp';
const MAXIMUM_KERNEL_SIZE = 128 * 1024 * 1024;

/** Below ./lib/modules/VERSION/kernel; together two thirds of all modules. */
const LEFT_OUT = [
  'arch/arm/mach-*',
  'drivers/{ata,bluetooth,bus,clk,devfreq,dma,edac,extcon,firmware,fpga,gpio,gpu,hid,hwmon,i2c,iio,infiniband,input}',
  'drivers/{leds,mailbox,media,memory,mfd,mmc,mtd,mux,nfc,nvme,pci,phy,pinctrl,platform,power,pwm,regulator,remoteproc}',
  'drivers/{reset,rpmsg,scsi,slimbus,soc,soundwire,spi,spmi,ssb,staging,thermal,typec,usb,video,w1,watchdog}',
  'drivers/net/{arcnet,can,dsa,ethernet,hamradio,ieee802154,mdio,pcs,phy,ppp,slip,usb,wan,wireless,wwan}',
  'net/{6lowpan,bluetooth,can,dsa,ieee802154,mac80211,mac802154,nfc,qrtr,wireless}',
  'lib/test_*',
  'sound',
];

/** The package of the current version, which the meta package depends on. */
export async function findKernelPackage(apt: PrivateApt): Promise<DebianPackage> {
  const meta = await apt.show(KERNEL_META_PACKAGE);
  const name = /(?:^|, )(linux-image-[\w.+-]+-armmp)(?: |,|$)/.exec(meta.depends)?.[1];
  if (name === undefined) {
    throw new PlinthError(
      'host',
      'kernel-package',
      `${meta.name} ${meta.version} names no kernel package: ${meta.depends}`,
    );
  }
  return apt.show(name);
}

export function unpackKernel(vmlinuz: Uint8Array): Uint8Array {
  return unpackZImage(readZImage(vmlinuz, 'vmlinuz'), 'vmlinuz', {
    xz: (payload) => unxz(payload, 'vmlinuz', MAXIMUM_KERNEL_SIZE).data,
    gzip: (payload) => gunzipSync(payload, { maxOutputLength: MAXIMUM_KERNEL_SIZE }),
  });
}

type DeviceTree = (typeof DEVICE_TREES)[number];

export async function deviceTrees(
  read: (tree: DeviceTree) => Uint8Array | Promise<Uint8Array>,
): Promise<Record<DeviceTree, Uint8Array>> {
  const entries = await Promise.all(DEVICE_TREES.map(async (tree) => [tree, await read(tree)] as const));
  return Object.fromEntries(entries) as Record<DeviceTree, Uint8Array>;
}

/** Unpacks the modules to `directory`/lib/modules/VERSION, indexed for modprobe, and gives VERSION. */
export async function unpackModules(debFile: string, directory: string, depmod: Tool): Promise<string> {
  makeDirectory(directory);
  const excluded = LEFT_OUT.flatMap(expandBraces).map((path) => `--exclude=./lib/modules/*/kernel/${path}`);
  const script =
    'deb=$1; dir=$2; shift 2; dpkg-deb --fsys-tarfile "$deb" | tar -xf - -C "$dir" --no-same-owner "$@" ./lib/modules';
  const unpacked = await run('sh', ['-c', script, 'sh', debFile, directory, '--wildcards', ...excluded], {
    environment: { LC_ALL: 'C' },
    missing: 'sh, dpkg-deb and tar are needed to unpack packages',
  });
  const [version] = unpacked.status === 0 ? readdirSync(join(directory, 'lib/modules')) : [];
  if (version === undefined) {
    const [error = ''] = unpacked.stderr.split('\n');
    throw new PlinthError('host', 'package-file', `${debFile}: its modules cannot be unpacked: ${error}`);
  }
  const indexed = await run(depmod.path, ['-b', directory, version], {
    environment: { LC_ALL: 'C', ...(depmod.libraries === '' ? {} : { LD_LIBRARY_PATH: depmod.libraries }) },
    missing: 'package kmod is needed to index kernel modules',
  });
  if (indexed.status !== 0) {
    const [error = ''] = indexed.stderr.split('\n');
    throw new PlinthError('host', 'depmod', `the kernel's modules cannot be indexed: ${error}`);
  }
  return version;
}

/** `a/{b,c}` to `a/b` and `a/c`, as a shell does it. */
function expandBraces(text: string): string[] {
  const match = /^(.*)\{(.*)\}(.*)$/.exec(text);
  return match === null ? [text] : (match[2] ?? '').split(',').map((part) => `${match[1]}${part}${match[3]}`);
}
