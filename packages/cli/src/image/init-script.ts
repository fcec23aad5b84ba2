// SPDX-License-Identifier: Apache-2.0
// The scripts inside debian-mini: process 1, the console session, the login profile. They are written for busybox ash.
// What the host hands in lies in a second archive under /plinth (see run/exec-frame.ts and run/guest-files.ts).

/**
 * With /plinth/exec one command is run: the console is made transparent, kernel messages are silenced, and the command's
 * output passes between two marked lines. The command writes into a pipe, so programs see no terminal. Whatever it leaves
 * running is killed before the output is taken as complete. \`call\` runs "$command"; \`after\` stores what it
 * wrote, before the host sees the end and switches off.
 */
export function execFrame(call: string, after: string = ''): string {
  return `if [ -f /plinth/exec/command ]; then
  dmesg -n 1
  stty raw -echo </dev/console
  command=$(cat /plinth/exec/command)
  marker=$(cat /plinth/exec/marker)
  rm -r /plinth
  mkfifo -m 600 /run/output
  cat /run/output & copier=$!
  printf '[plinth %s begin]\\n' "$marker"
  ${call} </dev/null >/run/output 2>/run/errors
  status=$?
  for process in /proc/[0-9]*; do
    process=\${process#/proc/}
    case $process in 1|"$copier") ;; *) kill -9 "$process" 2>/dev/null ;; esac
  done
  wait "$copier"
${after}  printf '[plinth %s status %d]\\n' "$marker" "$status"
  cat /run/errors
  printf '[plinth %s end]\\n' "$marker"
  stty sane </dev/console
  poweroff -f
fi
`;
}

/**
 * Process 1. With /plinth/wait it says that it is ready and reads what to do from the console (guest-request.ts in the
 * machine's room): up to there all boots are the same, so that a snapshot taken there serves any of them. The line brings
 * what must differ: random bytes, and the time of day, which the host has put into the clock. Without a command busybox
 * init takes over, which reaps orphans and obeys \`poweroff\` and \`reboot\`.
 */
export const INIT_SCRIPT: string = `#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=xterm
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620 devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
hostname plinth
ifconfig lo up
cd /root

if [ -f /plinth/wait ]; then
  stty raw -echo </dev/console
  printf '\\033]plinth ready\\007'
  read -r random kind first second
  echo "$random" >/dev/urandom
  hwclock -s -u 2>/dev/null
  mkdir -p /plinth/exec /plinth/console
  case $kind in
    exec)
      echo "$first" >/plinth/exec/marker
      head -c "$second" >/plinth/exec/command
      sleep 2
      ;;
    terminal) echo "$first $second" >/plinth/console/size ;;
  esac
  stty sane </dev/console
fi

${execFrame('sh -c "$command"')}
exec /sbin/init
`;

/** What busybox init starts: one session on the console. */
export const INITTAB: string = `::once:/etc/console
::ctrlaltdel:/sbin/reboot
`;

/**
 * /etc/console: a login shell with the console as its controlling terminal, so that Ctrl-C reaches the foreground
 * program. When it ends the machine is switched off, without the pause that init makes for services to stop.
 */
export const CONSOLE_SCRIPT: string = `#!/bin/sh
if [ -f /plinth/console/size ]; then
  read -r rows columns </plinth/console/size
  stty rows "$rows" cols "$columns"
fi
cd /root
setsid cttyhack sh -l
stty sane
poweroff -f
`;

/**
 * /etc/profile. A serial line cannot tell the guest that the window changed: \`resize\` asks the terminal for the
 * position of its far corner (DSR 6) and stores the answer in the line's window size.
 */
export const PROFILE: string = `export PS1='plinth:\\w# '
resize() {
  local saved reply rows columns
  saved=$(stty -g)
  stty raw -echo
  printf '\\0337\\033[r\\033[999;999H\\033[6n\\0338'
  read -r -t 2 -d R reply
  stty "$saved"
  reply=\${reply##*[}
  rows=\${reply%%;*} columns=\${reply##*;}
  case $rows$columns in
    ''|*[!0-9]*) echo 'resize: the terminal did not answer' >&2; return 1 ;;
  esac
  stty rows "$rows" cols "$columns"
}
`;
