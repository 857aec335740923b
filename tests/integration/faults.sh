#!/usr/bin/env bash
# Harm at the system calls of create, run, start, exec, state, list, kill and delete: a process is
# killed there, the call fails, it moves one byte only, or the command is asked to end. A sample that
# changes with the day, and that BWRAP_OCI_TEST_SEED repeats; with BWRAP_OCI_TEST_LONG every point
# there is.
# BWRAP_OCI_TEST_POINTS: how many of each kind, if others are wanted.
# runs with: the plain build
# takes: 46 s
set -euo pipefail
bats_require_minimum_version() { :; }
# shellcheck source=tests/integration/helpers.bash
. "$(dirname "$0")/helpers.bash"

STEP=$(dirname "$BWRAP_OCI")/step
[ -z "${BWRAP_OCI_TEST_LONG:-}" ] && points=12 || points=0
points=${BWRAP_OCI_TEST_POINTS:-$points}

none_here() { echo "1..0 # SKIP $1"; exit 0; }
[ "$(id -u)" != 0 ] || none_here "machine: needs a user other than root"
"$STEP" true || none_here "machine: no process can be traced here"
has_subids || none_here "$(id -un) has no sub-id ranges"

# first KIND: of the caller's ranges
first() { awk -F: -v n="$(id -un)" -v u="$(id -u)" '$1 == n || $1 == u { print $2; exit }' "/etc/sub$1"; }

setup_test
trap 'remove "$TEST_DIR"' EXIT
make_bundle "$BUNDLE/default"
config_of "$BUNDLE/default" '.process.args = ["/bin/sleep", "1000"]
  | .hooks.createRuntime = [{path: "/bin/true"}]
  | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{names: ["swapon"], action: "SCMP_ACT_ERRNO"}]}'
# beside a child of bwrap: one that joins what bwrap holds, one whose user namespace comes first, one
# for the plain mode, and one that ends by itself
for way in join enter plain short; do cp -a "$BUNDLE/default" "$BUNDLE/$way"; done
config_of "$BUNDLE/join" '.process.noNewPrivileges = false'
config_of "$BUNDLE/enter" '.linux.uidMappings = [{containerID: 0, hostID: $u, size: 65536}]
  | .linux.gidMappings = [{containerID: 0, hostID: $g, size: 65536}]' \
  --argjson u "$(first uid)" --argjson g "$(first gid)"
config_of "$BUNDLE/plain" 'del (.process.capabilities, .linux.readonlyPaths, .linux.maskedPaths)
  | .mounts = [{destination: "/proc", type: "proc", source: "proc"},
      {destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"]}]'
config_of "$BUNDLE/short" '.process.args = ["/bin/true"]'

STEP=$STEP BUNDLE=$BUNDLE STATE=$STATE TEST_DIR=$TEST_DIR POINTS=$points \
  SEED=${BWRAP_OCI_TEST_SEED:-} python3 "$(dirname "$0")/../faults/faults.py" "$@"
no_leftovers
