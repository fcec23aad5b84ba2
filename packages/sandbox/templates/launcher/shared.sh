# SPDX-License-Identifier: Apache-2.0
# Launcher of a program in one file (docs/bundle.md): its settings stand above this line, then come this, inside.sh and host.sh. It is plain
# POSIX sh, and needs a shell, coreutils and tar of its host.

newline='
'
self=$0
case $self in */*) ;; *) [ -e "./$self" ] && self=./$self || self=$(command -v -- "$self") ;; esac
if [ "${1:-}" != --plinth-inside ]; then
  if [ -L "$self" ]; then self=$(readlink -f -- "$self"); else self=$(CDPATH= cd -- "${self%/*}/" && pwd -P)/${self##*/}; fi
fi

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
