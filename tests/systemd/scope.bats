#!/usr/bin/env bats
# Containers in scopes of the user's own systemd, below which this runs (units.sh and
# scope_hybrid.sh in tests/integration).
# shellcheck shell=bash
load ../integration/helpers

setup() {
  requires jq systemctl
  setup_test
  make_bundle
  UNIT=test-$ID.scope
  config 'del(.linux.resources) | .root.readonly = false'
  config ".linux.cgroupsPath = \"user.slice:test:$ID\"
    | .linux.namespaces |= map(select(.type != \"cgroup\")) + [{type: \"cgroup\"}]"
}

teardown() {
  local status=0
  [ -z "${other:-}" ] || systemctl --user stop "$other"
  teardown_test || status=1
  [ -z "$(units)" ] || { echo "left: $(units)"; status=1; }
  return $status
}

units() { systemctl --user list-units --all --plain --no-legend --full "*$ID*"; }
show_unit() { systemctl --user show --property "$1" --value "${2:-$UNIT}"; }
is_gone() { [ -z "$(units)" ]; }

scoped() { run_oci --systemd-cgroup "$@"; }
start_container() {
  container_command "$@"
  scoped run --detach --bundle "$BUNDLE" "$ID"
  assert_success
  assert_no_stderr
}

# Where cgroup v2 is, and the container's cgroup there.
top() { findmnt -rno TARGET -t cgroup2 | head -n 1; }
cgroup_of() { sed -n 's/^0:://p' "/proc/$1/cgroup"; }
folder() { echo "$(top)$(cgroup_of "$(container_pid)")"; }

# --- where --------------------------------------------------------------------

@test "a scope, and the container in a cgroup below it: the root of what it sees" {
  start_container sleep 1000
  assert_equal "$(show_unit ControlGroup)/container" "$(cgroup_of "$(container_pid)")"
  assert_equal "$(show_unit Delegate) $(show_unit Slice) $(show_unit ActiveState)" "yes user.slice active"
  assert_equal "$(show_unit Description)" "bwrap-oci container $ID"
  assert_equal "$(cat "$(folder)/../cgroup.procs")" ""
  assert_equal "$(cat "$(folder)/cgroup.procs")" "$(container_pid)"
  run_oci exec "$ID" sh -c 'grep ^0: /proc/self/cgroup /proc/1/cgroup | cut -d: -f2-'
  assert_output $'0::/\n0::/'
  # where systemd keeps its units in a hierarchy of v1
  if grep -q :name=systemd:/. /proc/self/cgroup; then
    assert_equal "$(sed -n 's/.*:name=systemd://p' "/proc/$(container_pid)/cgroup")" "$(cgroup_of "$(container_pid)")"
  fi
  run_oci delete --force "$ID"
  assert_success
  is_gone
}

@test "without cgroupsPath; another slice; the option by its other name" {
  config 'del(.linux.cgroupsPath)'
  container_command sleep 1000
  run_oci --cgroup-manager systemd run --detach --bundle "$BUNDLE" "$ID"
  assert_success
  assert_equal "$(show_unit Slice "bwrap-oci-$ID.scope")" user.slice
  run_oci delete --force "$ID"
  config ".linux.cgroupsPath = \"test.slice::$ID\""
  scoped create --bundle "$BUNDLE" "$ID"
  assert_success
  assert_equal "$(show_unit Slice "bwrap-oci-$ID.scope")" test.slice
}

@test "without the option nobody is asked, with cgroupfs the path means nothing" {
  config 'del(.linux.cgroupsPath)'
  DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere run_container grep ^0: /proc/self/cgroup
  assert_success
  run_oci --cgroup-manager cgroupfs run --bundle "$BUNDLE" "$ID"
  assert_success
  config ".linux.cgroupsPath = \"user.slice:test:$ID\""
  run_container true
  assert_failure 1
  assert_one_line_error 'config.json: /linux/cgroupsPath: '
}

@test "noNewPrivileges false: who joins is in the same cgroup" {
  config '.process.noNewPrivileges = false'
  start_container sleep 1000
  assert_equal "$(show_unit ControlGroup)/container" "$(cgroup_of "$(container_pid)")"
  run_oci exec "$ID" grep ^0: /proc/self/cgroup
  assert_output 0::/
}

@test "as root of a user namespace, where only the socket says who we are" {
  config 'del(.linux.uidMappings, .linux.gidMappings) | .linux.namespaces |= map(select(.type != "user"))'
  cat >"$TEST_DIR/bwrap-oci" <<SH
#!/bin/sh
exec unshare --user --map-root-user --map-auto $BWRAP_OCI "\$@"
SH
  chmod +x "$TEST_DIR/bwrap-oci"
  REAL=$BWRAP_OCI BWRAP_OCI=$TEST_DIR/bwrap-oci
  start_container sleep 1000
  assert_equal "$(show_unit ControlGroup)/container" "$(cgroup_of "$("$REAL" --root "$STATE" state "$ID" | jq .pid)")"
  run_oci delete --force "$ID"
  assert_success
  is_gone
}

@test "the bus is found by XDG_RUNTIME_DIR alone; without both, and where nobody answers, that is said" {
  unset DBUS_SESSION_BUS_ADDRESS
  start_container sleep 1000
  run_oci delete --force "$ID"
  DBUS_SESSION_BUS_ADDRESS=unix:path=$TEST_DIR/none scoped run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "systemd: $UNIT: connect to unix:path=$TEST_DIR/none: "
  unset XDG_RUNTIME_DIR
  scoped run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "systemd: no session bus"
}

# --- annotations --------------------------------------------------------------

@test "run.oci.systemd.subgroup: another name, or none" {
  config '.annotations = {"run.oci.systemd.subgroup": "inside"}'
  start_container sleep 1000
  assert_equal "$(show_unit ControlGroup)/inside" "$(cgroup_of "$(container_pid)")"
  run_oci delete --force "$ID"
  config '.annotations = {"run.oci.systemd.subgroup": ""}'
  start_container sleep 1000
  assert_equal "$(show_unit ControlGroup)" "$(cgroup_of "$(container_pid)")"
  run_oci pause "$ID"
  assert_success
  run_oci delete --force "$ID"
  assert_success
}

@test "run.oci.delegate-cgroup: the processes are below the root of what they see" {
  config '.annotations = {"run.oci.delegate-cgroup": "own"}
    | .mounts += [{destination: "/cgroup", type: "cgroup2", source: "cgroup2", options: []}]'
  start_container sh -c 'grep ^0: /proc/self/cgroup; mkdir /cgroup/own/below; : >/ready; sleep 1000'
  assert_equal "$(show_unit ControlGroup)/container/own" "$(cgroup_of "$(container_pid)")"
  wait_until test -e "$BUNDLE/rootfs/ready"
  [ -d "$(folder)/below" ]
  run_oci exec "$ID" grep ^0: /proc/self/cgroup
  assert_output 0::/own
}

@test "org.systemd.property: values, times in seconds; what systemd does not know is said" {
  config '.annotations = {"org.systemd.property.TimeoutStopSec": "7", "org.systemd.property.RuntimeMaxUSec": "uint64 3600000000",
    "org.systemd.property.Documentation": "[\"man:true(1)\"]"}'
  start_container sleep 1000
  assert_equal "$(show_unit TimeoutStopUSec) $(show_unit RuntimeMaxUSec) $(show_unit Documentation)" '7s 1h "man:true(1)"'
  run_oci delete --force "$ID"
  config '.annotations = {"org.systemd.property.NoSuchThing": "1"}'
  scoped run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "systemd: $UNIT: "
  assert_stderr_has NoSuchThing
  is_gone
}

# --- limits (those of controllers: tests/vm/limits.sh) ------------------------

@test "a controller that is not handed down is named" {
  grep -qw hugetlb "$(top)/cgroup.controllers" || skip "machine: no such controller"
  config '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 4194304}]'
  scoped run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error 'config.json: /linux/resources/hugepageLimits/0: '
  wait_until is_gone
}

@test "files of cgroup v2 itself, in the container's cgroup and in that of the scope; update" {
  config '.linux.resources.unified = {"cgroup.max.descendants": "50"}'
  start_container sleep 1000
  assert_equal "$(cat "$(folder)/cgroup.max.descendants" "$(folder)/../cgroup.max.descendants")" $'50\n50'
  echo '{"unified": {"cgroup.max.descendants": "60"}}' >"$TEST_DIR/resources"
  run_oci update --resources "$TEST_DIR/resources" "$ID"
  assert_success
  assert_equal "$(cat "$(folder)/cgroup.max.descendants" "$(folder)/../cgroup.max.descendants")" $'60\n60'
}

# --- what is done to it -------------------------------------------------------

@test "pause, resume, ps, kill --all: by the container's cgroup" {
  start_container sh -c 'setsid sleep 1000 & sleep 1000'
  run_oci pause "$ID"
  assert_success
  assert_equal "$(container_status)" paused
  grep -q 'frozen 1' "$(folder)/cgroup.events"
  run_oci resume "$ID"
  assert_success
  run_oci ps --format json "$ID"
  assert_equal "$(jq length <<<"$output")" 2
  run_oci kill --all "$ID" KILL
  assert_success
  wait_until is_status stopped
  # the scope goes with its last process
  wait_until is_gone
  run_oci delete "$ID"
  assert_success
}

@test "exec --cgroup" {
  start_container sleep 1000
  jq -r '.cgroups[].path' "$STATE/$ID/cgroup" | while read -r dir; do mkdir -p "$dir/a/b"; done
  run_oci exec --cgroup a/b "$ID" grep ^0: /proc/self/cgroup
  assert_output 0::/a/b
  run_oci exec --cgroup / "$ID" grep ^0: /proc/self/cgroup
  assert_output 0::/
  run_oci exec --cgroup ../../../a "$ID" true
  assert_failure 255
  assert_one_line_error '../../../a is not a sub cgroup path'
  run_oci exec --cgroup none "$ID" true
  assert_failure 255
  assert_stderr_has /none
  run_oci exec --cgroup memory:a "$ID" true
  assert_failure 255
  assert_one_line_error '--cgroup memory:a: '
}

@test "the same id again and again; a foreground run leaves no scope" {
  for _ in 1 2 3; do
    start_container sleep 1000
    run_oci delete --force "$ID"
    assert_success
  done
  container_command true
  scoped run --bundle "$BUNDLE" "$ID"
  assert_success
  is_gone
}

@test "a create that fails leaves no scope; one whose name is taken touches nothing" {
  container_command /no/such/program
  scoped create --bundle "$BUNDLE" "$ID"
  assert_failure 1
  is_gone
  systemd-run --user --scope --quiet --unit "$UNIT" sleep 1000 </dev/null >/dev/null 2>&1 3>&- &
  other=$UNIT
  wait_until systemctl --user --quiet is-active "$UNIT"
  container_command true
  scoped run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "systemd: $UNIT: "
  systemctl --user --quiet is-active "$UNIT"
}

no_programs() { [ -z "$(new_programs)" ]; }
@test "a runtime that is killed while it waits for systemd leaves nothing that runs" {
  local runtime silent
  requires python3
  # somebody is there, who says nothing
  cat >"$TEST_DIR/silent.py" <<'PY'
import socket, sys, time
server = socket.socket(socket.AF_UNIX)
server.bind(sys.argv[1] + "/silent")
server.listen()
open(sys.argv[1] + "/listens", "w").close()
peer, _ = server.accept()
open(sys.argv[1] + "/connected", "w").close()
time.sleep(1000)
PY
  python3 "$TEST_DIR/silent.py" "$TEST_DIR" </dev/null >/dev/null 2>&1 3>&- &
  silent=$!
  wait_until test -e "$TEST_DIR/listens"
  container_command sleep 1000
  DBUS_SESSION_BUS_ADDRESS=unix:path=$TEST_DIR/silent "$BWRAP_OCI" --root "$STATE" --systemd-cgroup create \
    --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- &
  runtime=$!
  wait_until test -e "$TEST_DIR/connected"
  kill -KILL $runtime
  wait $runtime || true
  wait_until no_programs
  kill "$silent"
  wait "$silent" || true
  run_oci delete --force "$ID"
  assert_success
}
