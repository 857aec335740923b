#!/usr/bin/env bash
# Containers come and go for BWRAP_OCI_TEST_SOAK seconds (30; an hour where BWRAP_OCI_TEST_LONG):
# create, start, exec, kill, delete, one after the other, beside one that stays, with its runtime in
# the foreground. Nothing may grow: files, processes, mounts, cgroups, keys, and the descriptors and
# memory of those that stay. `list` is right at any time.
# runs with: the plain build
# takes: 32 s
set -euo pipefail
bats_require_minimum_version() { :; }
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/integration/helpers.bash
. "$(dirname "$0")/helpers.bash"

[ -z "${BWRAP_OCI_TEST_LONG:-}" ] && seconds=30 || seconds=3600
seconds=${BWRAP_OCI_TEST_SOAK:-$seconds}
warm_up=10
problems=

setup_test
make_bundle
oci() { "$BWRAP_OCI" --root "$STATE" "$@" </dev/null; }
problem() { problems+="round $round: $*"$'\n'; }

# one that stays, which leaves orphans to its first process, and one without a pid namespace, which
# leaves them to the runtime
container_command /bin/sh -c 'while :; do sh -c "sleep 0.01 &"; sleep 0.05; done'
"$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" stays </dev/null >/dev/null 2>&1 &
foreground=$!
mkdir "$TEST_DIR/host"
cp -a "$BUNDLE" "$TEST_DIR/host/bundle"
config_of "$TEST_DIR/host/bundle" 'del(.linux.namespaces[] | select(.type == "pid"))
  | .mounts |= map(select(.destination != "/proc")) | del(.linux.maskedPaths, .linux.readonlyPaths)'
"$BWRAP_OCI" --root "$STATE" run --bundle "$TEST_DIR/host/bundle" adopts </dev/null >/dev/null 2>&1 &
adopter=$!
container_command /bin/sleep 1000

# expect_list [ID=STATUS]: beside the two that stay
expect_list() {
  local found
  found=$(oci list | awk 'NR > 1 { print $1 "=" $3 }' | xargs)
  [ "$found" = "adopts=running ${1:+$1 }stays=running" ] || problem "list says: $found, not $*"
}

# lives through all of it: run, create and start, exec, kill, delete
cycle() {
  local id=box$((round % 7))
  oci create --bundle "$BUNDLE" "$id" >/dev/null 2>"$TEST_DIR/err" || problem "create: $(<"$TEST_DIR/err")"
  expect_list "$id=created"
  oci start "$id" || problem start
  expect_list "$id=running"
  oci exec "$id" /bin/true || problem exec
  oci exec stays /bin/true || problem "exec in the one that stays"
  oci kill "$id" KILL || problem kill
  wait_until is_status stopped "$id" || problem "it has not stopped"
  oci delete "$id" || problem delete
  oci run --bundle "$BUNDLE" --detach "$id" >/dev/null 2>&1 || problem "run --detach"
  oci delete --force "$id" || problem "delete --force"
  expect_list
}

# memory_of PID: in kB, what is its own
memory_of() { awk '/^(RssAnon|VmPTE):/ { sum += $2 } END { print sum + 0 }' "/proc/$1/status"; }
descriptors_of() { find "/proc/$1/fd" -mindepth 1 2>/dev/null | wc -l; }

# What there is, one "NAME NUMBER" a line.
survey() {
  echo "files $(find "$STATE" ! -path "$STATE/box*" | wc -l)"
  echo "mounts $(grep -c "$(basename "$TEST_DIR")" /proc/self/mountinfo)"
  echo "processes $(marked_processes | grep -vc sleep)"
  echo "programs $(new_programs | wc -l)"
  echo "cgroups $(find /sys/fs/cgroup -type d -path '*box*' 2>/dev/null | wc -l)"
  echo "keys $(awk -v u="$(id -u):" '$1 == u { print $2 }' /proc/key-users)"
  echo "runtime-descriptors $(descriptors_of "$foreground")"
  echo "adopter-descriptors $(descriptors_of "$adopter")"
  echo "init-descriptors $(descriptors_of "$(container_pid stays)")"
  echo "runtime-kB $(memory_of "$foreground")"
  echo "adopter-kB $(memory_of "$adopter")"
  echo "init-kB $(memory_of "$(container_pid stays)")"
  echo "adopter-zombies $(ps -o stat= --ppid "$adopter" | grep -c Z || true)"
}

# What has grown, and is still there a while later: kernels free keys late.
grown() {
  survey >"$TEST_DIR/after"
  join "$TEST_DIR/before" "$TEST_DIR/after" | awk '
    { allowed = $1 ~ /kB$/ ? 64 : $1 == "keys" ? 40 : $1 ~ /zombies|processes/ ? 3 : 0 }
    $3 > $2 + allowed { print $1 ": " $2 " at first, then " $3 }'
}
is_flat() { [ -z "$(grown)" ]; }

round=0 begin=$SECONDS
wait_until is_status running stays && wait_until is_status running adopts || problem "not running"
for pid in "$foreground" "$adopter"; do
  [ "/proc/$pid/exe" -ef "$BWRAP_OCI" ] || problem "process $pid is not the runtime"
done
while [ $((SECONDS - begin)) -lt "$seconds" ]; do
  round=$((round + 1))
  cycle
  [ $round != $warm_up ] || survey >"$TEST_DIR/before"
  [ "$(wc -l <<<"$problems")" -lt 20 ] || break
done
echo "# $round rounds in $((SECONDS - begin)) seconds"
check "enough rounds to say anything" test $round -ge $((2 * warm_up))
none "every command does what it says, and list is right at any time" "$problems"
wait_until is_flat || true
none "nothing grows" "$(grown)"
# what, at first, in the end
join "$TEST_DIR/before" "$TEST_DIR/after" | sed 's/^/# /'
oci delete --force stays
oci delete --force adopts
wait "$foreground" "$adopter" || true
check "nothing is left" teardown_test
finish
