# SPDX-License-Identifier: Apache-2.0
# In the namespaces: what the program finds is laid out and mounted, and it is started.

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
          mkdir -p "$host"
          tool mount --bind "$4" "$host" || fail 3 "this host does not show $4 in a namespace"
          ;;
      esac
      lower=$lower:$host
      laid="$laid $host"
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
    [ -z "$below" ] || { chmod "$(stat -c %a "$below")" "$upper"; } 2>/dev/null
  fi
  # Each mount by its own costs bwrap a look at all mounts, so what lies in the root comes with that.
  case $2 in
    /*/*) laid_at=$work/part-$number && put --bind "$laid_at" "$2" ;;
    *) laid_at=$work/root$2 ;;
  esac
  parts="$parts $laid_at $changes/work/$number"
  options=lowerdir=${lower:-$work/empty},upperdir=$upper,workdir=$changes/work/$number,userxattr
  printf 'overlay %s overlay %s 0 0\n' "$laid_at" "$options" >&5
  starts_in "$2" "$laid_at"
}

# A host's directory $3 below which something is mounted: read-only itself, and with overlays where nothing is: on what lies in it,
# and on what the program begins in. $1 and $2 as for part.
read_only_part() {
  # Every program takes it for granted that it can write to /tmp, so that is one in memory, with what lies in the host's.
  case $1 in root/tmp) put --perms 1777 --tmpfs "$2" ;; *) put --ro-bind "$3" "$2" ;; esac
  starts_in "$2" "$3"
  for inner in "$3"/* "$3"/.[!.]*; do
    is_directory "$inner" && covered_part "$1" "$2" "$3" "${inner#"$3/"}" && continue
    case $1 in root/tmp) as_it_is "$inner" "$2/${inner##*/}" ;; esac
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
  if is_directory "$2" && [ -r "$2" ] && [ -x "$2" ] && ! has_mounts "$2"; then
    # One level down it can be written, as where layers have nothing; deeper there may be hundreds.
    case $1 in root/*/*/* | *[!A-Za-z0-9/._+-]*) put --ro-bind "$2" "$2" ;; *) part "$1" "$2" write-copy "$2" ;; esac
  else
    as_it_is "$2" "$2"
  fi
}

# An entry $1 of a directory of the host at $2, read-only, if it is there and stays there.
as_it_is() {
  if [ -L "$1" ]; then put --symlink "$(readlink "$1")" "$2"; elif [ -e "$1" ]; then put --ro-bind-try "$1" "$2"; fi
}

covered_part() {
  case $4 in *[!A-Za-z0-9/._+-]*) return 1 ;; esac
  [ "$3/$4" != "$known_home" ] && [ -r "$3/$4" ] && [ -x "$3/$4" ] && ! has_mounts "$3/$4" && part "$1/$4" "$2/$4" write-copy "$3/$4"
}

# Directories of the host that have gone since they were looked at, as there are many in /tmp: then all is begun anew.
again_if_changed() {
  for each in $laid; do
    [ -d "$each" ] || { : >"$work/again"; exit 75; }
  done
}

# All overlays at once: a process for each would take longer than the program itself.
mount_parts() {
  exec 5>&-
  mkdir -p $parts
  tool mount --all --fstab "$work/mounts" 2>"$work/why" && return
  again_if_changed
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
  work=$1 state=$2 uid=$3 gid=$4 apart=$5 fuse=$6 reset=$7
  shift 7
  exec 2>&4 4>&-
  : >"$work/inside"
  known_folders
  # Only what is mounted by now is in the way: mounts of this namespace itself hide nothing from anybody.
  mount_points=' '
  while read -r _ _ _ _ point _; do mount_points="$mount_points$point "; done </proc/self/mountinfo
  changes=$work/${apart:-state}
  case $apart$state in
    # What separates mount options cannot stand in them.
    *[!A-Za-z0-9/._+-]*) tool mount --bind "$state" "$work/state" || fail 125 "$state: cannot be used" ;;
    /*) changes=$state ;;
  esac
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
  put --bind "$work/root" /
  number=0 seen= parts= laid= links= start_here= etc= mixed= read_only=
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
  bin=/run/plinth
  eval "set -- $arguments \"\$@\""
  tool bwrap --args 7 --json-status-fd 9 -- "$bin/ld-linux-x86-64.so.2" --library-path "$bin/lib" "$bin/bin/env" \
    --default-signal="$reset" -- "$entry" "$@" 7<"$work/arguments" 9>"$work/status" 8>&-
  status=$?
  # bwrap writes the status there, if it came so far.
  while read -r line; do
    case $line in *exit-code*) exit "$status" ;; esac
  done <"$work/status"
  again_if_changed
  fail 125 'it could not be started'
}
