# Launcher of a program in one file (docs/bundle.md). Above this line stand its settings; it is plain POSIX sh, and needs a
# shell, coreutils and tar of its host. SPDX-License-Identifier: Apache-2.0

newline='
'
self=$0
case $self in */*) ;; *) [ -e "./$self" ] && self=./$self || self=$(command -v -- "$self") ;; esac
[ "${1:-}" = --plinth-inside ] || self=$(readlink -f -- "$self")

say() { printf 'plinth: %s: %s\n' "$name" "$1" >&2; }
fail() { say "$2"; exit "$1"; }
# Bytes of this file: from 4 KiB block $1 on, $2 blocks.
blocks() { dd if="$self" bs=4096 skip="$1" count="$2" 2>/dev/null; }
# Bytes of this file: $2 bytes from 4 KiB block $1 on.
bytes() { blocks "$1" "$((($2 + 4095) / 4096))" | head -c "$2"; }
tool() {
  run=$1
  shift
  "$work/tools/ld-linux-x86-64.so.2" --library-path "$work/tools/lib" "$work/tools/bin/$run" "$@"
}

# What tokens stand for here.
known_folders() {
  known_cwd=$(pwd -P)
  known_home=${HOME:-}
  [ -n "$known_home" ] && [ "$known_home" != / ] && [ -d "$known_home" ] && known_home=$(cd -- "$known_home" && pwd -P) || known_home=
  home=${known_home:-/home/plinth}
  known_config=${XDG_CONFIG_HOME:-$home/.config}
  known_data=${XDG_DATA_HOME:-$home/.local/share}
  known_cache=${XDG_CACHE_HOME:-$home/.cache}
  known_documents=$home/Documents known_downloads=$home/Downloads known_desktop=$home/Desktop
  # As xdg-user-dirs writes it: XDG_DOCUMENTS_DIR="$HOME/Documents".
  if [ -r "$known_config/user-dirs.dirs" ]; then
    while IFS== read -r key value; do
      value=${value#\"} value=${value%\"}
      case $value in '$HOME/'*) value=$home/${value#'$HOME/'} ;; /*) ;; *) continue ;; esac
      case $key in
        XDG_DOCUMENTS_DIR) known_documents=$value ;;
        XDG_DOWNLOAD_DIR) known_downloads=$value ;;
        XDG_DESKTOP_DIR) known_desktop=$value ;;
      esac
    done <"$known_config/user-dirs.dirs"
  fi
}

# Sets `expanded`: $1 with its tokens replaced.
expand() {
  expanded= rest=$1
  while :; do
    case $rest in *'{'*'}'*) ;; *) break ;; esac
    expanded=$expanded${rest%%'{'*}
    rest=${rest#*'{'}
    case ${rest%%'}'*} in
      home) expanded=$expanded$home ;;
      config | data | cache | documents | downloads | desktop | cwd)
        eval "expanded=\$expanded\$known_${rest%%\}*}"
        ;;
      *)
        expanded="$expanded{"
        continue
        ;;
    esac
    rest=${rest#*'}'}
  done
  expanded=$expanded$rest
}

# Sets `mode` of $1, which is $2 if nothing is said of it.
mode_of() {
  mode=$2
  for one in merged write-copy full hidden; do
    case $newline$isolation$newline in *"$newline$one $1$newline"*) mode=$one ;; esac
  done
}

help() {
  cat <<EOF
$name $version: a program in one file, made by Plinth. Arguments are the program's own, but for these, which come first:

  --plinth-state DIR      where what it writes is kept
  --plinth-extract DIR    write its files to DIR, and run nothing
  --plinth-no-fuse        unpack its files for this run: where there is no /dev/fuse, or for more speed
  --plinth-verify         compare this file with the hashes that it carries
  --plinth-manifest       print its manifest
  --plinth-reset          forget what it has written
  --plinth-run            what follows is the program's, even if it begins with --plinth-
  --plinth-help           print this

What it writes is kept in $state.
EOF
}

# ---- inside the namespaces ------------------------------------------------------------------------------------------

# If the program begins below $1, which is directory $2 here: whether it is there is seen when all is mounted.
starts_in() {
  case $known_cwd in "$1" | "$1"/*) start_here=$2${known_cwd#"$1"} ;; esac
}

# Something is mounted below $1, so the kernel lets nobody without rights see what lies under that.
has_mounts() {
  case $mount_points in *" $1/"*) return 0 ;; *) return 1 ;; esac
}

put() { printf '%s\0' "$@" >&6; }

is_directory() { [ -d "$1" ] && ! [ -L "$1" ]; }

# The way from $1 down to $2, in a state that anybody may have written, has no symbolic link.
through_no_link() {
  at=$1
  rest=$2/
  while [ -n "$rest" ]; do
    at=$at/${rest%%/*}
    rest=${rest#*/}
    [ ! -L "$at" ] || fail 125 "$at: a symbolic link, where what it writes would go elsewhere"
  done
}

# A part of the program's files: $1 its name in layers and state, $2 where it is, $3 its mode, $4 the host's directory.
part() {
  # Names that would be options of mounts, or lines of their list: such a directory is the newest layer's alone, and read-only.
  case $1 in
    *[!A-Za-z0-9/._+-]*)
      for layer in $layer_numbers; do
        if is_directory "$work/layer-$layer/$1"; then
          put --ro-bind "$work/layer-$layer/$1" "$2"
          return
        fi
      done
      return
      ;;
  esac
  number=$((number + 1))
  lower=
  below=
  case $1 in
    root/etc) [ -z "$etc" ] || lower=:$etc ;;
    *) [ -d "$work/made/$1" ] && lower=:$work/made/$1 ;;
  esac
  for layer in $layer_numbers; do
    [ -d "$work/layer-$layer/$1" ] || continue
    lower=$lower:$work/layer-$layer/$1
    below=${below:-$work/layer-$layer/$1}
  done
  if [ "$3" = write-copy ] && [ -d "$4" ]; then
    if ! has_mounts "$4"; then
      host=$4
      # What separates mount options cannot stand in them.
      case $4 in
        *[!A-Za-z0-9/._+-]*)
          host=$work/host-$number
          mkdir "$host"
          tool mount --bind "$4" "$host" || fail 3 "this host does not show $4 in a namespace"
          ;;
      esac
      lower=$lower:$host
      below=${below:-$4}
    elif [ -z "$lower" ]; then
      read_only_part "$1" "$2" "$4"
      return
    else
      case $1 in
        root/*)
          mixed="$mixed $1"
          return
          ;;
      esac
    fi
  fi
  lower=${lower#:}
  upper=$changes/upper/$1
  through_no_link "$changes" "upper/$1"
  if ! [ -d "$upper" ]; then
    mkdir -p "$upper" || fail 125 "$upper: cannot be made"
    [ -z "$below" ] || chmod "$(stat -c %a "$below")" "$upper"
  fi
  parts="$parts $work/part-$number $changes/work/$number"
  options=lowerdir=${lower:-$work/empty},upperdir=$upper,workdir=$changes/work/$number,userxattr
  printf 'overlay %s overlay %s 0 0\n' "$work/part-$number" "$options" >&5
  put --bind "$work/part-$number" "$2"
  starts_in "$2" "$work/part-$number"
}

# A host's directory $3 below which something is mounted: read-only itself, and with overlays where nothing is: on what lies in it,
# and on what the program begins in. $1 and $2 as for part.
read_only_part() {
  put --ro-bind "$3" "$2"
  starts_in "$2" "$3"
  for inner in "$3"/* "$3"/.[!.]*; do
    [ -d "$inner" ] && ! [ -L "$inner" ] && covered_part "$1" "$2" "$3" "${inner#"$3/"}"
  done
  case $known_cwd in "$3"/*) ;; *) return ;; esac
  rest=${known_cwd#"$3/"}/
  inner=
  while [ -n "$rest" ]; do
    inner=$inner${inner:+/}${rest%%/*}
    rest=${rest#*/}
    has_mounts "$3/$inner" && continue
    # The first one lies in it, and has its overlay.
    case $inner in */*) covered_part "$1" "$2" "$3" "$inner" ;; esac
    break
  done
}

# Directories of the host below which something is mounted and that layers have files for: read-only ones in memory, with all that is in either.
mixed_parts() {
  while [ -n "$mixed" ]; do
    whole=${mixed##* }
    mixed=${mixed% *}
    place=/${whole#root/}
    put --tmpfs "$place"
    starts_in "$place" "$place"
    names=/
    for each in "$work"/layer-*/"$whole"/* "$work"/layer-*/"$whole"/.[!.]* "$place"/* "$place"/.[!.]*; do
      name_in=${each##*/}
      case $names in *"/$name_in/"*) continue ;; esac
      names=$names$name_in/
      mixed_entry "$whole/$name_in" "$place/$name_in"
    done
    read_only="$read_only $place"
  done
}

# An entry of such a directory: $1 its name in layers, $2 where it is.
mixed_entry() {
  for layer in $layer_numbers; do
    inside=$work/layer-$layer/$1
    if [ -L "$inside" ]; then
      put --symlink "$(readlink "$inside")" "$2"
    elif [ -d "$inside" ]; then
      part "$1" "$2" write-copy "$2"
    elif [ -f "$inside" ]; then
      put --ro-bind "$inside" "$2"
    elif ! [ -e "$inside" ]; then
      continue
    fi
    # A device there says that it is removed.
    return
  done
  if [ -L "$2" ]; then
    put --symlink "$(readlink "$2")" "$2"
  elif [ -d "$2" ] && [ -r "$2" ] && [ -x "$2" ] && ! has_mounts "$2"; then
    # One level down it can be written, as where layers have nothing; deeper there may be hundreds.
    case $1 in root/*/*/* | *[!A-Za-z0-9/._+-]*) put --ro-bind "$2" "$2" ;; *) part "$1" "$2" write-copy "$2" ;; esac
  elif [ -e "$2" ]; then
    put --ro-bind "$2" "$2"
  fi
}

covered_part() {
  case $4 in *[!A-Za-z0-9/._+-]*) return ;; esac
  [ "$3/$4" != "$known_home" ] && [ -r "$3/$4" ] && [ -x "$3/$4" ] && ! has_mounts "$3/$4" && part "$1/$4" "$2/$4" write-copy "$3/$4"
}

# All overlays at once: a process for each would take longer than the program itself.
mount_parts() {
  exec 5>&-
  mkdir -p $parts
  tool mount --all --fstab "$work/mounts" 2>"$work/why" && return
  read -r why <"$work/why"
  # The kernel lays nothing over some file systems, as FAT: such a directory of the host is read-only.
  mounted=' '
  while read -r _ _ _ _ point _; do mounted="$mounted$point "; done </proc/self/mountinfo
  while read -r _ at _ options _; do
    case $mounted in *" $at "*) continue ;; esac
    lower=${options#lowerdir=}
    lower=${lower%%,*}
    case $lower in
      "$work"/* | *:*) ;;
      *) tool mount --bind --options ro "$lower" "$at" 2>/dev/null && continue ;;
    esac
    fail 3 "this host cannot lay files over each other (overlayfs in a user namespace, Linux 5.11 and later): $why"
  done <"$work/mounts"
}

# An entry $1 of the root directory.
top_entry() {
  case " proc sys dev run $seen " in *" $1 "*) return ;; esac
  seen="$seen $1"
  [ "/$1" != "$known_home" ] || return 0
  for layer in $layer_numbers; do
    inside=$work/layer-$layer/root/$1
    if [ -L "$inside" ]; then
      links="$links $inside"
    elif [ -d "$inside" ]; then
      mode_of "/$1" full
      [ "$mode" = hidden ] || part "root/$1" "/$1" "$mode" "/$1"
    elif [ -e "$inside" ]; then
      put --ro-bind "$inside" "/$1"
    else
      continue
    fi
    return 0
  done
  mode_of "/$1" "$others"
  case $mode in hidden) return ;; esac
  case $1 in *[!A-Za-z0-9._+-]*) [ "$mode" = merged ] || return 0 ;; esac
  if [ -L "/$1" ]; then
    links="$links /$1"
  elif [ -d "/$1" ]; then
    [ -r "/$1" ] && [ -x "/$1" ] || return 0
    if [ "$mode" = merged ]; then put --bind "/$1" "/$1" && starts_in "/$1" "/$1"; else part "root/$1" "/$1" "$mode" "/$1"; fi
  elif [ -f "/$1" ] && [ "$mode" != full ]; then
    put --ro-bind "/$1" "/$1"
  fi
}

# A folder $1 that tokens name, at $2 on this host, which is to have mode $3.
known_folder() {
  case $3 in
    merged) [ -d "$2" ] && put --bind "$2" "$2" && starts_in "$2" "$2" ;;
    hidden) put --tmpfs "$2" && starts_in "$2" "$work/empty" ;;
    *) part "known/$1" "$2" "$3" "$2" ;;
  esac
}

# What every program looks for in /etc, where that is the image's own.
make_etc() {
  etc=$work/made/root/etc
  cp -L /etc/resolv.conf /etc/hosts /etc/localtime "$etc" 2>/dev/null
  user=${USER:-user}
  case $user in *[!a-z0-9_-]*) user=user ;; esac
  printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin' >"$etc/passwd"
  printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' >"$etc/group"
  case $uid in 0 | 65534) ;; *) printf '%s\n' "$user:x:$uid:$gid::$home:/bin/sh" >>"$etc/passwd" ;; esac
  case $gid in 0 | 65534) ;; *) printf '%s\n' "$user:x:$gid:" >>"$etc/group" ;; esac
  printf '%s\n' 'passwd: files' 'group: files' 'hosts: files dns' >"$etc/nsswitch.conf"
}

# The program has files of its own in /usr, and no fonts, and the host has some.
lacks_fonts() {
  mode_of /usr full
  [ "$mode" = full ] && [ -d /usr/share/fonts ] || return 1
  own=no
  for layer in $layer_numbers; do
    [ -d "$work/layer-$layer/root/usr" ] && own=yes
    [ -d "$work/layer-$layer/root/usr/share/fonts" ] && return 1
  done
  [ "$own" = yes ]
}

# Wine writes a registry as a whole. What its first run began with is kept, so that it can be told what was changed, and merged with
# the registry of a newer version of this file.
keep_registry() {
  kept=$changes/upper/registry
  found=
  for each in system.reg user.reg userdef.reg; do
    for layer in $layer_numbers; do
      [ -f "$work/layer-$layer/root$prefix/$each" ] && found="$found $work/layer-$layer/root$prefix/$each" && break
    done
  done
  if ! [ -d "$kept" ]; then
    rm -rf "$kept.new"
    mkdir -p "$kept.new" && cp $found "$kept.new" && mv "$kept.new" "$kept" || fail 125 "$kept: cannot be written"
  elif [ "$(cat $found | sha256sum)" != "$(cd "$kept" && cat system.reg user.reg userdef.reg 2>/dev/null | sha256sum)" ]; then
    say 'what it has written is of another version of this file: "plinth app run" merges their registries'
  fi
}

inside() {
  work=$1 state=$2 uid=$3 gid=$4 apart=$5 fuse=$6
  shift 6
  exec 2>&4 4>&-
  : >"$work/inside"
  known_folders
  places=
  for layer in $layers; do places="$places $work/layer-${layer%%:*}"; done
  mkdir -p "$work/state" "$work/empty" "$work/made/root/etc" $places
  tool mount --bind "$state" "$work/state" || fail 125 "$state: cannot be used"
  changes=$work/${apart:-state}
  layer_numbers=
  for layer in $layers; do
    number=${layer%%:*}
    layer_numbers="$layer_numbers $number"
    if [ "$fuse" = yes ]; then
      tool squashfuse_ll -o "offset=${layer#*:}" "$self" "$work/layer-$number" >/dev/null 2>"$work/why" 8>&-
    else
      tool unsquashfs -quiet -no-progress -offset "${layer#*:}" -dest "$work/layer-$number" "$self" >/dev/null 2>"$work/why"
    fi || { read -r why <"$work/why"; fail 3 "this host cannot open its files: ${why:-no reason given}"; }
  done
  [ -z "$prefix" ] || keep_registry
  exec 5>"$work/mounts" 6>"$work/arguments"
  mount_points=' '
  while read -r _ _ _ _ point _; do mount_points="$mount_points$point "; done </proc/self/mountinfo
  number=0 seen= parts= links= start_here= etc= mixed= read_only=
  mode_of /etc full
  for layer in $layer_numbers; do
    [ "$mode" = full ] && [ -d "$work/layer-$layer/root/etc" ] && { make_etc; break; }
  done
  fonts=
  [ "$display" = yes ] && lacks_fonts && fonts=/usr/share/fonts && mkdir -p "$work/made/root$fonts"
  for each in "$work"/layer-*/root/* "$work"/layer-*/root/.[!.]* /* /.[!.]*; do
    [ -e "$each" ] || [ -L "$each" ] || continue
    top_entry "${each##*/}"
  done
  mixed_parts
  if [ -n "$links" ]; then
    # Busybox takes one at a time.
    readlink $links >"$work/links" 2>/dev/null || for each in $links; do readlink "$each"; done >"$work/links"
    for each in $links; do
      read -r target && put --symlink "$target" "/${each##*/}"
    done <"$work/links"
  fi
  put --proc /proc --dev /dev --tmpfs /run --ro-bind "$work/tools" /run/plinth --ro-bind-try /sys /sys
  if [ -n "$known_home" ]; then
    mode_of '{home}' "$others"
    known_folder home "$home" "$mode"
  else
    part known/home "$home" full ''
    put --setenv HOME "$home"
  fi
  for token in config data cache documents downloads desktop; do
    mode_of "{$token}" none
    [ "$mode" = none ] && continue
    eval "known_folder $token \"\$known_$token\" $mode"
  done
  while read -r mode where; do
    expand "$where"
    case $mode:$where in
      merged:'{cwd}'*) [ "$expanded" != / ] && put --bind "$expanded" "$expanded" && starts_in "$expanded" "$expanded" ;;
      merged:/*/*) [ -e "$expanded" ] && put --bind "$expanded" "$expanded" && starts_in "$expanded" "$expanded" ;;
      hidden:/*/*) if [ -d "$expanded" ]; then put --tmpfs "$expanded"; else put --ro-bind-try /dev/null "$expanded"; fi ;;
    esac
  done <<EOF
$isolation
EOF
  while IFS== read -r key value; do
    [ -n "$key" ] || continue
    expand "$value"
    put --setenv "$key" "$expanded"
  done <<EOF
$environment
EOF
  put --unshare-user --uid "$uid" --gid "$gid" --unshare-pid --unshare-uts --unshare-cgroup-try --die-with-parent
  [ "$network" = none ] && put --unshare-net
  if [ "$display" = yes ]; then
    put --ro-bind-try /tmp/.X11-unix /tmp/.X11-unix --dev-bind-try /dev/dri /dev/dri
    if [ -n "${XDG_RUNTIME_DIR:-}" ]; then
      wayland=$XDG_RUNTIME_DIR/${WAYLAND_DISPLAY:-wayland-0}
      put --perms 0700 --dir "$XDG_RUNTIME_DIR" --ro-bind-try "$wayland" "$wayland"
    fi
    [ -n "${XAUTHORITY:-}" ] && put --ro-bind-try "$XAUTHORITY" "$XAUTHORITY"
    [ -z "$fonts" ] || put --ro-bind "$fonts" "$fonts"
  else
    put --unshare-ipc --unsetenv DISPLAY --unsetenv WAYLAND_DISPLAY
    [ -d /tmp/.X11-unix ] && put --tmpfs /tmp/.X11-unix
  fi
  mount_parts
  start=$home
  if [ "$known_cwd" = / ] || { [ -n "$start_here" ] && [ -d "$start_here" ]; }; then start=$known_cwd; fi
  put --chdir "$start"
  for each in $read_only; do put --remount-ro "$each"; done
  exec 6>&-
  case $entry in '{home}'/*) entry=$home${entry#'{home}'} ;; esac
  # An interrupt from the terminal is for the program; whoever waits for it goes on.
  trap '' INT QUIT
  bin=/run/plinth
  eval "set -- $arguments \"\$@\""
  tool bwrap --args 7 --json-status-fd 9 -- "$bin/ld-linux-x86-64.so.2" --library-path "$bin/lib" "$bin/bin/env" \
    --default-signal=INT,QUIT -- "$entry" "$@" 7<"$work/arguments" 9>"$work/status" 8>&-
  status=$?
  # bwrap writes the status there, if it came so far.
  while read -r line; do
    case $line in *exit-code*) exit "$status" ;; esac
  done <"$work/status"
  fail 125 'it could not be started'
}

# ---- on the host ----------------------------------------------------------------------------------------------------

# Sets `program`: behind unshare, the shell in the namespaces, and bwrap's two processes. Nothing if it has not begun.
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
} 2>/dev/null

# A signal $1, number $2, goes to the program, which may do with it what it likes.
pass_on() {
  [ -n "$child" ] || exit "$((128 + $2))"
  program_of "$child"
  if [ -n "$program" ]; then kill -s "$1" "$program"; else kill -s KILL "$child"; fi 2>/dev/null
}

make_work() {
  parent=${TMPDIR:-/tmp}
  # The kernel's mount options are separated by commas and colons.
  case $parent in [!/]* | *[!A-Za-z0-9/._-]*) parent=/tmp ;; esac
  child=
  # It is made for its user alone.
  work=$(mktemp -d "$parent/plinth-app-$$-XXXXXX") || fail 125 "$parent: cannot be written"
  trap 'cd /; discard "$work"' EXIT
  trap 'pass_on TERM 15' TERM
  trap 'pass_on HUP 1' HUP
  trap : INT QUIT
}

unpack_tools() {
  mkdir "$work/tools"
  # dd moves the place in the file that both read from, and tar ends where the archive does.
  { dd bs=4096 skip="$tools_at" count=0 2>/dev/null && tar -xf - -C "$work/tools"; } <"$self" 2>"$work/why" && return
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
  unpack "$new" root known
  read -r why <"$work/why" && extract_fails "$1" "$why"
  # Nobody gets to be whoever unpacks it.
  chmod -R ug-s "$new" 2>/dev/null
  for part in root known; do
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
  make_work
  unpack_tools
  forgotten=
  if ! { mkdir -p "$state" && [ -w "$state" ]; } 2>/dev/null; then
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
  while read -r key _ value _; do
    case $key in Uid:) uid=$value ;; Gid:) gid=$value && break ;; esac
  done <"/proc/$$/status"
  set -- "$work" "$state" "$uid" "$gid" "$apart" "$fuse" "$@"
  ld=$work/tools/ld-linux-x86-64.so.2 lib=$work/tools/lib bin=$work/tools/bin
  # A command of its own and no function, so that its number is that of the first process.
  "$ld" --library-path "$lib" "$bin/unshare" --user --map-root-user \
    "$ld" --library-path "$lib" "$bin/setpriv" --pdeathsig KILL \
    "$ld" --library-path "$lib" "$bin/unshare" --mount --pid --mount-proc --fork --kill-child=KILL \
    sh "$self" --plinth-inside "$@" <&3 3<&- 2>"$work/why" &
  child=$!
  exec 3<&-
  while :; do
    wait "$child"
    status=$?
    kill -0 "$child" 2>/dev/null || break
  done
  [ -e "$work/inside" ] || no_namespaces
  if [ -n "$apart" ] && [ "$(files_of "$work/apart")" != "$had" ]; then
    mkdir -p "$state/apart" && cp -a "$work/apart/upper" "$state/apart/$$"
    say "another run has its state, so what this one wrote is in $state/apart/$$"
  fi
  if [ -n "$forgotten" ] && [ -n "$(files_of "$state")" ]; then
    say "$forgotten: cannot be written, so what it wrote is forgotten: --plinth-state names another place"
  fi
  exit "$status"
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
