// SPDX-License-Identifier: Apache-2.0
// Installs Debian packages of another architecture to a directory and makes a disk of it, run by runInNamespace. The
// host's dpkg unpacks, which is many times faster than the guest's; the guest's own dpkg configures, through qemu-user.

import { MAKE_DISK } from './make-disk.js';

/**
 * Environment: ARCHIVES (where the packages lie), FIRST and PACKAGES (names of files in it: what a chroot needs to run
 * scripts, and all), FILES (a tree that is laid over the root), MODULES (a directory with lib/modules), EMULATOR, STATES (apt's
 * extended_states), and that of MAKE_DISK. Lines `step TEXT` and
 * dpkg's status lines on standard output tell how it goes. Status 90: this kernel has no binfmt_misc for namespaces.
 */
export const INSTALL_SCRIPT: string =
  String.raw`
set -eu
umask 022
trap 'exit 1' INT TERM

register() {
  mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc || return 1
  # ELF, 32-bit, little-endian, executable or shared object, machine 40 (ARM). F: the emulator is opened now, outside the
  # chroot. P: it is given the name of the program as it was called.
  printf '%s' ':plinth-arm:M::\x7fELF\x01\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x28\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:'"$EMULATOR"':FP' >/proc/sys/fs/binfmt_misc/register
}
# Where memory allows it nothing of the root file system reaches the host's disk, and nothing can stay behind.
if [ "$(sed -n 's/^MemAvailable: *\([0-9]*\) kB$/\1/p' /proc/meminfo)" -gt 2000000 ]; then
  mount -t tmpfs -o mode=755,size=1500m tmpfs "$ROOT"
fi
chmod 755 "$ROOT"

echo 'step Unpacking the packages'
for directory in bin sbin lib; do
  mkdir -p "$ROOT/usr/$directory"
  ln -s "usr/$directory" "$ROOT/$directory"
done
for file in $FIRST; do
  dpkg-deb --fsys-tarfile "$ARCHIVES/$file" | tar -x -f - --keep-directory-symlink -C "$ROOT" \
    --exclude=./usr/share/doc --exclude=./usr/share/info --exclude=./usr/share/locale --exclude=./usr/share/man
done

mkdir -p "$ROOT/dev" "$ROOT/proc" "$ROOT/sys"
mount -t proc proc "$ROOT/proc"
mount -t tmpfs -o mode=755 tmpfs "$ROOT/dev"
for device in null zero full random urandom tty; do
  : >"$ROOT/dev/$device"
  mount --bind "/dev/$device" "$ROOT/dev/$device"
done
mkdir "$ROOT/dev/pts" "$ROOT/dev/shm"
ln -s /proc/self/fd "$ROOT/dev/fd"
register || chroot "$ROOT" /bin/true || exit 90

mkdir -p "$ROOT/var/lib/dpkg/info" "$ROOT/var/lib/dpkg/updates"
: >"$ROOT/var/lib/dpkg/status"
: >"$ROOT/var/lib/dpkg/available"
printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d" # no service is started by its installation
chmod 755 "$ROOT/usr/sbin/policy-rc.d"
export DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true SYSTEMD_OFFLINE=1
log=$ROOT/dev/log-of-dpkg # a file in memory
set -f
cd "$ARCHIVES"
# The first two make the users and the directories that other packages' scripts expect.
dpkg --root="$ROOT" --status-fd 3 --force-architecture --force-depends --force-unsafe-io \
  $(sed -n 's/^path-/--path-/p' "$FILES/etc/dpkg/dpkg.cfg.d/plinth-slim") --unpack $PACKAGES 3>&1 >"$log" 2>&1 ||
  { tail -n 5 "$log" >&2; exit 1; }
set +f

echo 'step Configuring the packages'
# Keys made now would be thrown away; making them takes the emulator a minute.
mkdir -p "$ROOT/etc/ssh"
for file in ssh_host_rsa_key ssh_host_ecdsa_key ssh_host_ed25519_key; do : >"$ROOT/etc/ssh/$file"; done
find "$FILES" -type d -exec chmod 755 '{}' + # whatever our umask was
cp -R "$FILES/." "$ROOT/"
chroot "$ROOT" dpkg --status-fd 3 --force-confold --force-unsafe-io --configure --pending 3>&1 >"$log" 2>&1 ||
  { tail -n 5 "$log" >&2; exit 1; }
problems=$(chroot "$ROOT" dpkg --audit)
[ -z "$problems" ] || { echo "dpkg: $problems" >&2; exit 1; }

echo 'step Setting the system up'
cp -R "$MODULES/lib/modules" "$ROOT/usr/lib/"
chroot "$ROOT" systemctl --quiet enable systemd-networkd.service ssh-host-keys.service
# They would fetch and install on their own, in a machine whose processor has better things to do.
chroot "$ROOT" systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer \
  e2scrub_all.timer e2scrub_reap.service # of use with LVM only
chroot "$ROOT" usermod --password '*' root
cp "$STATES" "$ROOT/var/lib/apt/extended_states"
rm -f "$ROOT"/etc/ssh/ssh_host_* "$ROOT"/var/lib/dpkg/*-old "$ROOT"/etc/*- "$ROOT/usr/sbin/policy-rc.d"
rm -rf "$ROOT"/var/log/*.log "$ROOT"/var/log/apt/* "$ROOT"/var/cache/debconf/*-old "$ROOT"/var/cache/apt/*.bin
: >"$ROOT/etc/machine-id" # each machine makes its own at its first start
rm -f "$ROOT/var/lib/dbus/machine-id" "$ROOT/var/lib/systemd/random-seed"
umount -R "$ROOT/dev" "$ROOT/proc"

echo 'step Making the disk'
` + MAKE_DISK;
