// SPDX-License-Identifier: Apache-2.0
// Process 1 of an image with a disk, until the root file system takes over. Written for busybox ash. It obeys root=,
// rootfstype=, rootflags=, ro, rw and init= of the kernel's command line (kernel-parameters of Linux; no quotes in them).

import { execFrame } from './init-script.js';

/** Seconds that a disk may take to appear. */
const ROOT_WAIT = 10;

/**
 * With /plinth/exec one command runs in the root file system, alone. Otherwise its own init is started; a root file system
 * without one, as containers have, gets a shell on the console, under the init of busybox.
 */
export const DISK_INIT_SCRIPT: string = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=xterm
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run

root=/dev/vda type=ext4 flags= mode=ro init=
for word in $(cat /proc/cmdline); do
  case $word in
    root=*) root=\${word#root=} ;;
    rootfstype=*) type=\${word#rootfstype=} ;;
    rootflags=*) flags=\${word#rootflags=} ;;
    init=*) init=\${word#init=} ;;
    ro|rw) mode=$word ;;
  esac
done

load() {
  local module
  while read -r module; do insmod /lib/modules/$module; done </lib/modules/load-$1
}
load always
case $type in 9p|virtiofs|overlay) load $type ;; esac

# A console session of the initramfs itself, for someone to look what is wrong.
rescue() {
  echo "plinth: $1"
  [ -f /plinth/exec/command ] && poweroff -f
  hostname plinth
  exec /sbin/init
}

device=$root tries=0
case $type in
  9p|virtiofs) ;;
  *)
    while
      case $root in UUID=*|LABEL=*) device=$(findfs $root 2>/dev/null) ;; esac
      [ ! -b "$device" ]
    do
      tries=$((tries + 1))
      [ $tries -gt ${ROOT_WAIT * 10} ] && rescue "root=$root: no such disk"
      sleep 0.1
    done
    ;;
esac

shell=
if [ -f /plinth/exec/command ]; then mode=rw; fi
mount -t $type -o $mode\${flags:+,$flags} $device /newroot || rescue "root=$root cannot be mounted as $type"
if [ -z "$init" ]; then
  for init in /sbin/init /etc/init /bin/init shell; do
    [ -e /newroot$init ] || [ -L /newroot$init ] && break
  done
fi

enter() {
  mount -o remount,rw /newroot
  for name in dev proc sys run; do
    mkdir -p /newroot/$name
    mount -o rbind /$name /newroot/$name
  done
  mkdir -p /dev/pts /dev/shm
  mount -t devpts -o gid=5,mode=620 devpts /dev/pts
  mount -t tmpfs tmpfs /dev/shm
  hostname "$(cat /newroot/etc/hostname 2>/dev/null || echo plinth)"
  ifconfig lo up
}

if [ -f /plinth/exec/command ]; then enter; fi
${execFrame('chroot /newroot /bin/sh -c "cd 2>/dev/null; $command"', '  mount -o remount,ro /newroot 2>/dev/null || sync\n')}
if [ "$init" = shell ]; then
  enter
  sed -i 's,^setsid cttyhack .*,setsid cttyhack chroot /newroot /bin/sh -l,' /etc/console
  sed -i 's,^poweroff,mount -o remount\\,ro /newroot; poweroff,' /etc/console
  exec /sbin/init
fi

if [ -d /plinth/console ]; then
  mkdir /run/plinth
  cp /plinth/console/size /run/plinth/size
fi
# What is mounted moves with the root file system; its directories may be missing in one that is mounted read-only.
for name in dev proc sys run; do
  if [ -d /newroot/$name ]; then mount --move /$name /newroot/$name; else umount -l /$name; fi
done
exec switch_root /newroot "$init"
`;
