#!/usr/bin/env bash
# Images with what only root can make: device nodes, whiteouts of overlays, files that cannot be
# changed, owners that are not mapped, folders that nobody may enter; in the places where mounts go,
# paths are hidden or read-only, and where the runtime looks. In turn as a child of bwrap, as one
# that joins and in the plain mode, of a user and of root.
#
# Whatever the container makes of it, the host and the thing stay the same; it runs, or fails in one
# line; nothing is left.
# runs as: root
# runs with: the plain build
set -euo pipefail
bats_require_minimum_version() { :; }
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/integration/helpers.bash
. "$(dirname "$0")/helpers.bash"
# shellcheck source=tests/integration/hostile.bash
. "$(dirname "$0")/hostile.bash"
needs_root_and_user

UNMAPPED=3999999999
kinds=(device block whiteout immutable-file immutable-folder unmapped-file unmapped-folder
  closed-folder other-root-folder socket setuid)

# make_thing KIND PATH: 1 where this machine has none.
make_thing() {
  local at=$2
  case $1 in
    device) mknod -m 0666 "$at" c 1 5 ;;
    block) mknod -m 0666 "$at" b 7 254 ;;
    whiteout) mknod "$at" c 0 0 ;;
    immutable-file) echo content >"$at" && chown "$owner" "$at" && chattr +i "$at" ;;
    immutable-folder) mkdir "$at" && chown "$owner" "$at" && chattr +i "$at" ;;
    unmapped-file) echo content >"$at" && chown "$UNMAPPED:$UNMAPPED" "$at" && chmod 0600 "$at" ;;
    unmapped-folder) mkdir -p "$at/sub" && chown -R "$UNMAPPED:$UNMAPPED" "$at" && chmod 0700 "$at" ;;
    closed-folder) mkdir -p "$at/sub" && chown -R "$owner" "$at" && chmod 0000 "$at" ;;
    other-root-folder) mkdir -p "$at/sub" && chown -R 0:0 "$at" && chmod 0755 "$at" ;;
    socket) python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$at" ;;
    setuid) cp "$BUSYBOX" "$at" && chmod 4755 "$at" ;;
  esac 2>/dev/null
}

unmake_thing() {
  [[ $1 != immutable* ]] || chattr -i "$2"
  rm -rf "$2"
}

describe() {
  stat -c '%n %F %a %u:%g %t:%T %s' "$2"
  [[ $1 != immutable* ]] || lsattr -d "$2"
}

# A place: the path of the thing in the image, and what the configuration does with it.
places=(destination parent file-destination masked read-only dev proc sys passwd cwd program device)
declare -A at=([dev]=dev [proc]=proc [sys]=sys [passwd]=etc/passwd [program]=bin/program)
declare -A edits=(
  [destination]='.mounts += [{destination: "/thing", type: "tmpfs", source: "tmpfs"}]'
  [parent]='.mounts += [{destination: "/thing/sub/made", type: "tmpfs", source: "tmpfs"}]'
  [file-destination]='.mounts += [{destination: "/thing", type: "bind", source: "/etc/hosts",
    options: ["rbind", "ro"]}]'
  [masked]='.linux.maskedPaths += ["/thing"]'
  [read-only]='.linux.readonlyPaths += ["/thing"]'
  [passwd]='.process.env |= map (select (startswith ("HOME=") | not))'
  [cwd]='.process.cwd = "/thing/sub"'
  [device]='.linux.devices = [{path: "/thing", type: "c", major: 1, minor: 3, fileMode: 438}]'
)

# The configurations of all places and ways, PLACE.WAY.json.
make_configs() {
  local place way
  for place in "${places[@]}"; do
    for way in "${ways[@]}"; do
      configure_way "$way" "${edits[$place]:-.} | .process.args =
        [if \$place == \"program\" then \"/bin/program\" else \"/bin/true\" end, \"true\"]" --arg place "$place"
      mv "$BUNDLE/config.json" "$BUNDLE/$place.$way.json"
    done
  done
}

# try KIND PLACE WAY: says what is wrong; 1 if there is no such thing here.
try() {
  local kind=$1 place=$2 way=$3 mode=normal thing before after left
  thing=$ROOTFS/${at[$place]:-thing}
  [ ! -e "$thing" ] || mv "$thing" "$thing.kept"
  make_thing "$kind" "$thing" || return 1
  before=$(describe "$kind" "$thing")
  [ "$way" != plain ] || mode=plain
  RUN_TIMEOUT=20 run_oci run --mode=$mode --bundle "$BUNDLE" --config "$place.$way.json" "$ID"
  counts[status != 0]=$((counts[status != 0] + 1))
  case $status in
    # 126, 127: of the program
    0 | 126 | 127) ;;
    124 | 137) echo "$kind as $place, $way: it hangs" ;;
    *) [[ "$stderr" == "bwrap-oci: "* && "$stderr" != *$'\n'* ]] ||
      echo "$kind as $place, $way: status $status, not one line: $stderr" ;;
  esac
  after=$(describe "$kind" "$thing")
  [ "$before" = "$after" ] || echo "$kind as $place, $way: it has changed: $before, $after"
  for left in "$STATE"/[!.]*; do
    [ ! -e "$left" ] || { echo "$kind as $place, $way: left: $left"; run_oci delete --force "$ID"; }
  done
  unmake_thing "$kind" "$thing"
  [ ! -e "$thing.kept" ] || mv "$thing.kept" "$thing"
}

turn=0
for who in user root; do
  become "$who"
  ways=(child join)
  [ "$who" = root ] || ways+=(plain)
  make_configs
  for kind in "${kinds[@]}"; do
    : >"$TEST_DIR/wrong"
    counts=([0]=0 [1]=0) name="$who: $kind" made=yes turn=$((turn + 1))
    for place in "${places[@]}"; do
      turn=$((turn + 1))
      chosen=("${ways[turn % ${#ways[@]}]}")
      [ -z "${BWRAP_OCI_TEST_LONG:-}" ] || chosen=("${ways[@]}")
      for way in "${chosen[@]}"; do
        [ -n "$made" ] && try "$kind" "$place" "$way" >>"$TEST_DIR/wrong" || made=
      done
    done
    victim | diff "$TEST_DIR/victim.before" - >>"$TEST_DIR/wrong" || true
    if [ -z "$made" ]; then skip "$name" "machine: none can be made"
    else none "$name, ${counts[0]} ran, ${counts[1]} failed" "$(<"$TEST_DIR/wrong")"; fi
  done
  check "$who: nothing is left" teardown_test
done
finish
