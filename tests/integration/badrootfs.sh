#!/usr/bin/env bash
# Hostile images: whatever becomes of the run, the "victim" that stands for the host is the same
# afterwards. data/badrootfs.sh makes the bundles and says whether their victims are untouched.
# takes: 36 s
set -euo pipefail
bats_require_minimum_version() { :; }
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/integration/helpers.bash
. "$(dirname "$0")/helpers.bash"

data=$(dirname "$0")/../data
maker=$data/badrootfs.sh

# Each bundle is run in every way there is: as it is, a child of bwrap; without no_new_privs, where
# the container's first process joins what bwrap holds; in the plain mode, which refuses more; and
# with root's id another than the caller's, where the user namespace is entered before bwrap.
ways=(child join plain enter)
# shellcheck disable=SC2016  # for jq
declare -A configs=(
  [child]=.
  [join]='.process.noNewPrivileges = false'
  [plain]='del (.process.capabilities) | .linux.maskedPaths -= ["/proc/kcore", "/proc/keys"]
    | .mounts |= map (if .destination == "/dev" then .options = ["nosuid", "mode=755"]
        elif .type == "tmpfs" then .options = ["nosuid", "nodev"]
        elif .source == "/sys" then .options = ["rbind", "ro"]
        elif .type == "bind" then .options |= map (if . == "bind" then "rbind" else . end)
        else . end)'
  [enter]='.linux |= (.uidMappings = [.uidMappings[1] | .containerID = 0]
    | .gidMappings = [.gidMappings[1] | .containerID = 0])'
)

# The image is that root's, who may make mount points in it.
give_image() {
  local image=("$BUNDLE/rootfs") owner
  [ ! -e "$BUNDLE/real" ] || image+=("$BUNDLE/real")
  owner=$(jq -r '"\(.linux.uidMappings[0].hostID):\(.linux.gidMappings[0].hostID)"' "$BUNDLE/enter.json")
  if [ "$(id -u)" = 0 ]; then chown -hR "$owner" "${image[@]}"
  else unshare --user --map-root-user --map-auto chown -hR 1:1 "${image[@]}"; fi
}

# With descriptors 5 to 12 open on folders, as careless callers leave them.
run_with_descriptors() {
  exec 5</ 8</etc 10</tmp 12</
  run_oci "$@"
  exec 5<&- 8<&- 10<&- 12<&-
}

bundles=$(mktemp -d "${TMPDIR:-/tmp}/badrootfs.XXXXXXXX")
chmod 0711 "$bundles"
mkdir "$bundles/base"
python3 "$data/badconfigs/gen.py" "$bundles/base" 1001 1001 100000 100000 65536 >/dev/null
BASECONFIG=$bundles/base/001-valid-base.json bash "$maker" "$bundles/all" >/dev/null
chmod 0711 "$bundles/all"
bundles=$bundles/all

# What is wrong with the outcome of a way: nothing, or why.
verdict() {
  local way=$1 expect=$2
  case $way-$expect:$status in
    *:66 | *:67) echo "the host was reached" ;;
    *:124 | *:137) echo "it hangs" ;;
    *-ok:0 | *-either:* | *-fail:[1-9]*) ;;
    plain-ok:1) [[ "$stderr" == *"the plain mode"* ]] || echo "$stderr" ;;
    *) echo "status $status: $stderr" ;;
  esac
  [ "$status" != 1 ] || [[ "$stderr" != *$'\n'* ]] || echo "not one line: $stderr"
}

# run_way WAY NAME: runs the bundle; says what is wrong.
run_way() {
  local way=$1 name=$2 mode=normal
  [ "$way" != plain ] || mode=plain
  jq "${configs[$way]}" "$BUNDLE/config.json" >"$BUNDLE/$way.json"
  [ "$way" != enter ] || give_image
  RUN_TIMEOUT=20 run_with_descriptors run --mode=$mode --bundle "$BUNDLE" --config "$way.json" "$ID"
  {
    verdict "$way" "$(head -n1 "$BUNDLE/expect")"
    bash "$maker" --check "$bundles" "$name" 2>&1 | grep -v '^untouched$' || true
  } | sed "s/^/$way: /"
}

for BUNDLE in "$bundles"/*/; do
  bundle=${BUNDLE%/} name=$(basename "$BUNDLE") found=
  setup_test
  BUNDLE=$bundle
  for way in "${ways[@]}"; do
    # the one that looks at the bit itself
    [ "$name $way" = "exe-suid join" ] || found+=$(run_way "$way" "$name")
  done
  found+=$(teardown_test || true)
  none "$name: $(tail -n +2 "$BUNDLE/expect")" "$found"
done
remove "$(dirname "$bundles")"
finish
