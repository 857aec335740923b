#!/usr/bin/env bash
# While containers are made, somebody exchanges what their configuration names for a link to the
# host: parents and last parts of destinations, /proc, /dev, the working directory, a mount inside a
# volume, sources. BWRAP_OCI_TEST_RACE seconds each (3; 30 where BWRAP_OCI_TEST_LONG), in turn as a
# child of bwrap, as one that joins, in the plain mode, and with several ranges of ids.
#
# The host stays the same; what started has its mounts where they were asked for, below its root; the
# rest failed in one line.
# runs with: the plain build
set -euo pipefail
bats_require_minimum_version() { :; }
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/integration/helpers.bash
. "$(dirname "$0")/helpers.bash"
# shellcheck source=tests/integration/hostile.bash
. "$(dirname "$0")/hostile.bash"

exchange=$(dirname "$BWRAP_OCI")/exchange
[ -z "${BWRAP_OCI_TEST_LONG:-}" ] && seconds=3 || seconds=30
seconds=${BWRAP_OCI_TEST_RACE:-$seconds}
own=$(id -u)
if [ "$own" != 0 ] && ! has_subids; then echo "1..0 # SKIP $(id -un) has no sub-id ranges"; exit 0; fi

first() { awk -F: -v n="$(id -un)" -v u="$(id -u)" '$1 == n || $1 == u { print $2; exit }' "/etc/sub$1"; }

# make_ways EDIT: the configurations of a bundle, one for each way.
make_ways() {
  local way
  ways=(child join plain)
  for way in "${ways[@]}"; do
    configure_way "$way" "$1"
    # shellcheck disable=SC2016  # for the shell inside
    container_command /bin/sh -c 'for i in $(seq 300); do
      cat /proc/self/mountinfo && exit; cat /proc.link/self/mountinfo && exit; done 2>/dev/null; exit 9'
    mv "$BUNDLE/config.json" "$BUNDLE/$way.json"
  done
}

# maps: several ranges of ids, and a network namespace
make_maps() {
  [ "$own" != 0 ] || return 0
  jq '(.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}, {containerID: 1, hostID: $s, size: 999}])
    | (.linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}, {containerID: 1, hostID: $t, size: 999}])
    | .linux.namespaces += [{type: "network"}]' "$BUNDLE/child.json" \
    --argjson u "$own" --argjson g "$(id -g)" --argjson s "$(first uid)" --argjson t "$(first gid)" \
    >"$BUNDLE/maps.json"
  ways+=(maps)
}

fingerprint() { (cd "$VICTIM" && find . -printf '%p %y %m %u %g %T@ %s\n' -type f -exec cat {} + | sort); }

# race NAME PLACES JQ EXCHANGED...: PLACES are where the mount may be, P|P...: as named, where the
# link leads below the root, and what the kernel calls it after another exchange.
race() {
  local name=$1 places=$2 edit=$3 end wrong='' round=0 way mode before pid
  local -A counts=()
  shift 3
  make_ways "$edit"
  make_maps
  before=$(fingerprint)
  "$exchange" 0 "$@" 2>"$TEST_DIR/exchange" &
  pid=$!
  end=$((SECONDS + seconds))
  while [ $SECONDS -lt $end ]; do
    round=$((round + 1)) way=${ways[round % ${#ways[@]}]}
    [ "$way" = plain ] && mode=plain || mode=normal
    RUN_TIMEOUT=20 run_oci run --mode=$mode --bundle "$BUNDLE" --config "$way.json" "$ID"
    counts[$way:$((status != 0))]=$((${counts[$way:$((status != 0))]:-0} + 1))
    case $status in
      0) wrong+=$(mounts_as_planned "$places") ;;
      124 | 137) wrong+="it hangs"$'\n' ;;
      *) [[ "$stderr" == "bwrap-oci: "* && "$stderr" != *$'\n'* ]] || wrong+="not one line: $stderr"$'\n' ;;
    esac
    [ -z "$(ls "$STATE")" ] || { wrong+="left: $(ls "$STATE")"$'\n'; run_oci delete --force "$ID"; }
  done
  kill -0 "$pid" || wrong+="the exchange ended: $(<"$TEST_DIR/exchange")"
  kill "$pid"
  wait "$pid" 2>/dev/null || true
  # as it was in the beginning, for the next
  for ((; $# > 0; )); do
    [ ! -L "$1" ] || "$exchange" 1 "$1" "$2"
    shift 2
  done
  [ "$(fingerprint)" = "$before" ] || wrong+="the host is not the same"$'\n'
  for way in "${ways[@]}"; do
    name+=", $way ${counts[$way:0]:-0} started ${counts[$way:1]:-0} failed"
  done
  none "$name" "$wrong"
}

setup_test
make_bundle
VICTIM=$TEST_DIR/victim
mkdir -p "$VICTIM/sub" "$VICTIM/self"
echo secret >"$VICTIM/file"
root=$BUNDLE/rootfs
config '.root.readonly = false'
cp "$BUNDLE/config.json" "$TEST_DIR/base.json"

mkdir -p "$root"/{parent/sub,last,cwd}
for link in parent last cwd proc dev sys; do ln -s "$VICTIM" "$root/$link.link"; done
mkdir -p "$TEST_DIR"/volume/a/sub "$TEST_DIR"/{one,two}
ln -s "$VICTIM" "$TEST_DIR/volume/a.link"
ln -s ../../../../../../../../../../../../../../"$VICTIM" "$root/climb.link"
mkdir -p "$root/climb/sub"

tmpfs='{type: "tmpfs", source: "tmpfs", destination: $p}'
race "the parent of a destination" "/parent/sub|$VICTIM/sub|/parent.link/sub" \
  '.mounts += ["/parent/sub" as $p | '"$tmpfs]" "$root/parent" "$root/parent.link"
race "the last part of a destination" "/last|$VICTIM|/last.link" \
  '.mounts += ["/last" as $p | '"$tmpfs]" "$root/last" "$root/last.link"
race "a link that climbs" "/climb/sub|$VICTIM/sub|/climb.link/sub" \
  '.mounts += ["/climb/sub" as $p | '"$tmpfs]" "$root/climb" "$root/climb.link"
race "/proc" "/proc|/proc.link" . "$root/proc" "$root/proc.link"
race "/dev and /sys" /proc . "$root/dev" "$root/dev.link" "$root/sys" "$root/sys.link"
race "the working directory" /proc '.process.cwd = "/cwd"' "$root/cwd" "$root/cwd.link"
race "inside a volume" /vol '.mounts += [{type: "bind", source: "\($d)/volume", destination: "/vol",
    options: ["rbind"]}] | .mounts += ["/vol/a/sub" as $p | '"$tmpfs]" \
  "$TEST_DIR/volume/a" "$TEST_DIR/volume/a.link"
race "a masked and a read-only path" /proc \
  '.linux.maskedPaths += ["/last"] | .linux.readonlyPaths += ["/parent/sub"]' \
  "$root/last" "$root/last.link" "$root/parent" "$root/parent.link"
race "a source" /src '.mounts += [{type: "bind", source: "\($d)/one", destination: "/src",
    options: ["rbind", "ro"]}]' "$TEST_DIR/one" "$TEST_DIR/two"
check "nothing is left" teardown_test
finish
