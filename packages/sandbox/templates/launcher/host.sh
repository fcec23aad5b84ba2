# SPDX-License-Identifier: Apache-2.0
# On the host: options, state, the namespaces, and what is to be done without any.

# Sets `program`: behind unshare, the shell in the namespaces, and bwrap's two processes. Nothing if it has not begun, which is seen by
# a command line that is still ours.
program_of() {
  program=$1
  for depth in 1 2 3 4; do
    children=
    read -r children <"/proc/$program/task/$program/children"
    program=
    for one in $children; do
      below=
      [ "$depth" = 4 ] || read -r below <"/proc/$one/task/$one/children"
      if [ -z "$program" ] || [ -n "$below" ]; then program=$one; fi
    done
    [ -n "$program" ] || return
  done
  words=
  read -r words <"/proc/$program/cmdline"
  case $words in "$work/tools/"* | /run/plinth/*) program= ;; esac
} 2>/dev/null

# A signal $1, number $2, goes to the program, which may do with it what it likes. One that has not begun does not.
pass_on() {
  [ -n "$child" ] || exit "$((128 + $2))"
  program_of "$child"
  if [ -n "$program" ]; then
    kill -s "$1" "$program"
  else
    not_begun=$((128 + $2))
    # When the namespace's first process has ended all others have, so nothing is made any more where we remove all.
    first=
    read -r first <"/proc/$child/task/$child/children"
    kill -s KILL ${first:-"$child"}
  fi 2>/dev/null
}

make_work() {
  parent=${TMPDIR:-/tmp}
  # The kernel's mount options are separated by commas and colons.
  case $parent in [!/]* | *[!A-Za-z0-9/._-]*) parent=/tmp ;; esac
  child=
  not_begun=
  work=
  trap 'cd /; [ -z "$work" ] || discard "$work"' EXIT
  trap 'pass_on TERM 15' TERM
  trap 'pass_on HUP 1' HUP
  trap : INT QUIT
  # It is made for its user alone, and what makes it tells its name whatever comes.
  work=$(trap '' HUP INT QUIT TERM && mktemp -d "$parent/plinth-app-$$-XXXXXX") || fail 125 "$parent: cannot be written"
}

# What follows are directories below $work to be made with theirs.
unpack_tools() {
  # The program's root directory is one of them, and anybody may look into that.
  (cd "$work" && umask 022 && mkdir -p tools "$@")
  # dd moves the place in the file that both read from, and tar ends where the archive does. Licences stay in it.
  { dd bs=4096 skip="$tools_at" count=0 2>/dev/null && tar -xf - -C "$work/tools" ./bin ./lib ./ld-linux-x86-64.so.2; } \
    <"$self" 2>"$work/why" && return
  read -r why <"$work/why"
  fail 125 "its tools cannot be unpacked to $work: ${why:-no reason given}"
}

# Files of layer $layer to $1, a directory that is made; what follows are their names. The directory is new: where something is already,
# unsquashfs follows symbolic links that an older layer may have put there.
unpack() {
  to=$1
  shift
  discard "$to"
  set -- -quiet -no-progress -no-exit-code -no-xattrs -no-wildcards -exclude-file "$work/left-out" -offset "${layer#*:}" \
    -dest "$to" "$self" "$@"
  if [ "$(id -u)" = 0 ]; then
    # An image has no say in what devices there are.
    bin=$work/tools
    tool setpriv --bounding-set -mknod -- "$bin/ld-linux-x86-64.so.2" --library-path "$bin/lib" "$bin/bin/unsquashfs" "$@"
  else
    tool unsquashfs "$@"
  fi >/dev/null 2>"$work/why"
}

# Removes $1, whatever its rights are.
discard() {
  rm -rf "$1" 2>/dev/null && return
  [ -L "$1" ] || chmod -R u+rwx "$1"
  rm -rf "$1"
}

# Removes $2 below directory $1, if plain names and real directories lead there.
remove_below() {
  at=$1
  rest=$2/
  while [ -n "$rest" ]; do
    case ${rest%%/*} in '' | . | ..) return ;; esac
    is_directory "$at" || return 0
    at=$at/${rest%%/*}
    rest=${rest#*/}
  done
  if [ -e "$at" ] || [ -L "$at" ]; then discard "$at"; fi
}

# Moves $1 to $2, where something of an older layer may be: directories merge, all else is replaced, no symbolic link is followed.
lay() {
  if ! is_directory "$1"; then
    discard "$2"
    mv "$1" "$2"
    return
  fi
  set -- "$1" "$2" "$(stat -c %a "$1")"
  chmod u+rwx "$1"
  if is_directory "$2"; then
    chmod u+rwx "$2"
    for each in "$1"/* "$1"/.[!.]* "$1"/..?*; do
      if [ -e "$each" ] || [ -L "$each" ]; then lay "$each" "$2/${each##*/}"; fi
    done
  else
    discard "$2"
    mv "$1" "$2"
  fi
  chmod "$3" "$2"
}

extract() {
  case $1 in /*) ;; *) set -- "$PWD/$1" ;; esac
  if [ -e "$1" ] || [ -L "$1" ]; then fail 2 "$1: is there already"; fi
  make_work
  unpack_tools
  mkdir "$1" || exit 2
  # From the oldest layer on; what a layer removes is in its list.
  set -- "$1" $layers
  last=$#
  while [ "$last" -gt 1 ]; do
    eval "layer=\${$last}"
    last=$((last - 1))
    extract_layer "$1"
  done
}

# Bytes.
longest_list=16777216

# Whatever is wrong with it, nothing is left of directory $1.
extract_fails() {
  discard "$1"
  fail 125 "$1: $2"
}

# Layer $layer over what is in directory $1.
extract_layer() {
  : >"$work/left-out"
  unpack "$work/lists" removed replaced
  for list in replaced removed; do
    list=$work/lists/$list
    [ -e "$list" ] || [ -L "$list" ] || continue
    if ! [ -f "$list" ] || [ -L "$list" ] || [ "$(stat -c %s "$list")" -gt "$longest_list" ]; then
      extract_fails "$1" 'damaged: its lists of what is removed cannot be used'
    fi
    while IFS= read -r path; do remove_below "$1" "$path"; done <"$list"
    # Nodes that stand for what is removed cannot be made without rights.
    case $list in */removed) cat "$list" >"$work/left-out" ;; esac
  done
  new=$1/.plinth-layer
  unpack "$new" root known registry
  read -r why <"$work/why" && extract_fails "$1" "$why"
  # Nobody gets to be whoever unpacks it.
  chmod -R ug-s "$new" 2>/dev/null
  for part in root known registry; do
    if is_directory "$new/$part"; then lay "$new/$part" "$1/$part"; fi
  done
  discard "$new"
}

verify() {
  block=0
  bytes "$hashes_at" "$hashes_bytes" | {
    read -r _ size _ all
    # In a damaged file they may be anything, and they become arithmetic.
    [ "$size $all" = "1048576 $((hashes_at * 4096))" ] || fail 1 'damaged: its hashes are not of all that lies before them'
    while read -r wanted; do
      count=$((size / 4096))
      [ "$((block + count))" -le "$((all / 4096))" ] || count=$((all / 4096 - block))
      found=$(blocks "$block" "$count" | sha256sum)
      [ "${found%% *}" = "$wanted" ] || fail 1 "damaged at byte $((block * 4096))"
      block=$((block + count))
    done
    [ "$block" -eq "$((all / 4096))" ] || fail 1 'damaged: its hashes end too early'
    printf '%s: %s bytes are what they were when it was made\n' "$self" "$all"
  }
}

no_namespaces() {
  for setting in kernel/unprivileged_userns_clone=0 user/max_user_namespaces=0 kernel/apparmor_restrict_unprivileged_userns=1; do
    file=${setting%=*}
    value=
    # Its end is told at the second byte, so this is only the first digit, which is enough.
    [ -r "/proc/sys/$file" ] && read -r value <"/proc/sys/$file"
    [ "$value" = "${setting#*=}" ] || continue
    fail 3 "this host forbids user namespaces (sysctl $(printf %s "$file" | tr / .)=$value): --plinth-extract DIR works"
  done
  read -r why <"$work/why"
  fail 3 "this host gives no user namespace (${why##*: }): --plinth-extract DIR works"
}

start() {
  if [ "$fuse" = yes ] && ! { [ -r /dev/fuse ] && [ -w /dev/fuse ]; }; then
    fail 3 'this host has no /dev/fuse that you may use: --plinth-no-fuse and --plinth-extract DIR work'
  fi
  # What waits in the background would get another input.
  if [ -e "/proc/$$/fd/0" ]; then exec 3<&0; else exec 3</dev/null; fi
  exec 4>&2
  reset=INT,QUIT,TERM,HUP
  while read -r key first value _; do
    case $key in
      Uid:) uid=$value ;;
      Gid:) gid=$value ;;
      # Whoever has it ignored (nohup) wants the program to outlive a terminal.
      SigIgn:) case $first in *[13579bdf]) reset=INT,QUIT,TERM ;; esac ;;
    esac
  done <"/proc/$$/status"
  make_work
  places=
  for layer in $layers; do places="$places layer-${layer%%:*}"; done
  unpack_tools root state empty made/root/etc $places
  forgotten=
  if ! { { [ -d "$state" ] || mkdir -p "$state"; } && [ -w "$state" ]; } 2>/dev/null; then
    [ "$state_given" = no ] || fail 125 "$state: cannot be written"
    forgotten=$state state=$work/forgotten
    mkdir "$state"
  fi
  state=$(cd -- "$state" && pwd -P)
  # Whoever comes while another run has the state gets a copy, and what is written there is kept apart.
  apart=
  exec 8>>"$state/lock"
  tool flock --nonblock --conflict-exit-code 9 8 2>/dev/null
  case $? in
    0) ;;
    9) apart=apart ;;
    *) fail 3 "this host runs no program of x86-64 in ${work%/*} (is it mounted noexec?): TMPDIR names another place" ;;
  esac
  if [ -n "$apart" ]; then
    mkdir "$work/apart"
    [ ! -d "$state/upper" ] || cp -a "$state/upper" "$work/apart/upper"
    had=$(files_of "$work/apart")
  fi
  set -- "$work" "$state" "$uid" "$gid" "$apart" "$fuse" "$reset" "$@"
  ld=$work/tools/ld-linux-x86-64.so.2 lib=$work/tools/lib bin=$work/tools/bin
  for attempt in 1 2 3 4 5 6 7 8 9; do
    [ ! -e "$work/again" ] || { rm -f "$work/again" && discard "$work/root" && mkdir -m 755 "$work/root"; }
    child=none
    # A terminal that is closed, timeout and managers of services tell all processes at once. Such a signal is for the program; those around
    # it go on until it has ended, since all of it ends with them. No function, so that its number is that of the first process.
    (
      trap '' HUP INT QUIT TERM
      exec "$ld" --library-path "$lib" "$bin/unshare" --user --map-root-user \
        "$ld" --library-path "$lib" "$bin/setpriv" --pdeathsig KILL \
        "$ld" --library-path "$lib" "$bin/unshare" --mount --pid --mount-proc --fork --kill-child=KILL \
        sh "$self" --plinth-inside "$@"
    ) <&3 3<&- 2>"$work/why" &
    child=$!
    [ -z "$not_begun" ] || kill -s KILL "$child"
    while :; do
      wait "$child" 2>/dev/null
      status=$?
      kill -0 "$child" 2>/dev/null || break
    done
    [ -e "$work/again" ] && [ -z "$not_begun" ] || break
  done
  exec 3<&-
  # What it wrote is kept whole, and nothing is left behind.
  trap '' HUP INT QUIT TERM
  if [ -z "$not_begun" ]; then
    [ ! -e "$work/again" ] || fail 3 'directories of this host come and go, so it finds no moment to be started: try again'
    [ -e "$work/inside" ] || no_namespaces
  fi
  if [ -n "$apart" ] && [ "$(files_of "$work/apart")" != "$had" ]; then
    mkdir -p "$state/apart" && cp -a "$work/apart/upper" "$state/apart/$$" ||
      fail 125 "$state/apart/$$: cannot be written, so what it wrote while another run had its state is lost"
    say "another run has its state, so what this one wrote is in $state/apart/$$"
  fi
  if [ -n "$forgotten" ] && [ -n "$(files_of "$state")" ]; then
    say "$forgotten: cannot be written, so what it wrote is forgotten: --plinth-state names another place"
  fi
  exit "${not_begun:-$status}"
}

# All that is no directory in state $1, with sizes and times.
files_of() {
  [ -d "$1/upper" ] || return 0
  tar -C "$1" -cf - upper 2>/dev/null | tar --full-time -tvf - | while IFS= read -r one; do
    case $one in d*) ;; *) printf '%s\n' "$one" ;; esac
  done
}

main() {
  fuse=yes state_given=no
  state_directory
  while :; do
    case ${1:-} in
      --plinth-inside)
        shift
        inside "$@"
        ;;
      --plinth-help)
        help
        exit 0
        ;;
      --plinth-manifest)
        bytes "$manifest_at" "$manifest_bytes"
        exit 0
        ;;
      --plinth-verify)
        verify
        exit
        ;;
      --plinth-extract)
        [ $# -eq 2 ] || fail 2 '--plinth-extract: one directory is wanted'
        extract "$2"
        exit
        ;;
      --plinth-reset)
        [ -d "$state/upper" ] && { chmod -R u+rwx "$state" && rm -rf "$state/upper" "$state/work" "$state/apart"; }
        exit
        ;;
      --plinth-state)
        [ -n "${2:-}" ] || fail 2 '--plinth-state: a directory is wanted'
        state=$2 state_given=yes
        shift 2
        ;;
      --plinth-no-fuse)
        fuse=no
        shift
        ;;
      --plinth-run)
        shift
        break
        ;;
      --plinth-*) fail 2 "$1: no such option: --plinth-help lists them" ;;
      *) break ;;
    esac
  done
  start "$@"
}

# Beside the file if it says so, or if somebody has made that directory; otherwise with the user's data.
state_directory() {
  state=${XDG_DATA_HOME:-${HOME:-/nonexistent}/.local/share}/plinth/apps/$name
  if [ "$portable" = yes ] || [ -d "$self.state" ]; then state=$self.state; fi
}

main "$@"
exit
