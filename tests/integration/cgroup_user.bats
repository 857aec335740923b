#!/usr/bin/env bats
# Cgroups without privilege: in one that root has delegated to a user, and where there is none.
# runs as: root
# shellcheck shell=bash
load helpers

USERS_NAME=${BWRAP_OCI_TEST_USER:-bwrap-oci-test}

setup() {
  requires root jq
  id -u "$USERS_NAME" >/dev/null 2>&1 || skip "there is no user $USERS_NAME"
  setup_test
  make_bundle
  config 'del(.linux.resources) | .root.readonly = false'
  chown -R "$USERS_NAME:" "$STATE" "$BUNDLE"
}

teardown() {
  local status
  [ -n "${TEST_DIR:-}" ] || return 0
  # by the user, who can be in a cgroup that goes only outside of it
  [ -z "${REAL:-}" ] || session='' as_the_user
  teardown_test || status=1
  [ -z "${slice:-}" ] || {
    echo 1 >"$slice/cgroup.kill"
    wait_until is_empty
    find "$slice" -depth -type d -exec rmdir {} +
  }
  return "${status:-0}"
}
is_empty() { grep -q 'populated 0' "$slice/cgroup.events"; }

# delegate [CONTROLLER]: a cgroup of v2 that belongs to the user, with this controller; and every
# program in a cgroup below it from now on.
delegate() {
  local top
  top=$(findmnt -rno TARGET -t cgroup2 | head -n 1)
  [ -n "$top" ] || skip "machine: no cgroup v2"
  slice=$top/delegated-${ID#t-}
  home=$slice/user session=$slice/user/session
  mkdir "$slice" "$home" "$session"
  if [ -n "${1:-}" ]; then
    echo "+$1" >"$top/cgroup.subtree_control"
    echo "+$1" >"$slice/cgroup.subtree_control"
  fi
  chown "$USERS_NAME:" {"$home","$session"}{,/cgroup.procs,/cgroup.threads,/cgroup.subtree_control}
}

# Everything from now on as the user, and in the cgroup SESSION of the user.
as_the_user() {
  REAL=${REAL:-$BWRAP_OCI}
  cat >"$TEST_DIR/bwrap-oci" <<SH
#!/bin/sh
[ -z "${session:-}" ] || echo \$\$ >"${session:-}/cgroup.procs" || exit 125
exec setpriv --reuid "$USERS_NAME" --regid "$(id -g "$USERS_NAME")" --init-groups \\
  --inh-caps=-all env HOME=/ "$REAL" "\$@"
SH
  chmod +x "$TEST_DIR/bwrap-oci"
  BWRAP_OCI=$TEST_DIR/bwrap-oci
}

is_controller_of_v2() {
  local at
  at=$(findmnt -rno TARGET -t cgroup2 | head -n 1)
  [ -n "$at" ] && grep -qw "$1" "$at/cgroup.controllers"
}

start_container() {
  container_command "$@"
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
}

# --- no cgroup ----------------------------------------------------------------

@test "no limit: a path that cannot be made is no error" {
  as_the_user
  config ".linux.cgroupsPath = \"/$ID\" | .linux.resources = {pids: {limit: -1}, devices: [{allow: false, access: \"rwm\"}]}"
  run_container cat /proc/self/cgroup
  assert_success
  assert_no_stderr
  assert_equal "$output" "$(cat /proc/self/cgroup)"
}

@test "a limit that cannot be kept is named, and nothing is left" {
  as_the_user
  config '.linux.resources.pids.limit = 100'
  run_container true
  assert_failure 1
  assert_one_line_error 'config.json: /linux/resources/pids/limit: '
  config ".linux.cgroupsPath = \"/$ID\" | .linux.resources = {memory: {limit: 1000000}}"
  run_container true
  assert_failure 1
  assert_one_line_error 'config.json: /linux/resources/memory/limit: '
}

@test "without a cgroup: no pause, no update; ps and kill --all by the namespaces" {
  as_the_user
  start_container sh -c 'setsid sleep 1000 & sleep 1000'
  run_oci pause "$ID"
  assert_failure 1
  assert_one_line_error 'cannot pause the container without a cgroup'
  run_oci update --pids-limit 5 "$ID"
  assert_failure 1
  assert_one_line_error "container $ID has no cgroup of its own"
  run_oci ps --format json "$ID"
  assert_success
  assert_equal "$(jq length <<<"$output")" 2
  run_oci kill --all "$ID" KILL
  assert_success
  wait_until is_status stopped
}

# --- a delegated cgroup -------------------------------------------------------

@test "delegated: no path and no limit, the container stays" {
  delegate
  as_the_user
  run_container grep ^0: /proc/self/cgroup
  assert_success
  [[ "$output" == */session ]] || show "not where the caller is"
}

@test "delegated: a relative path" {
  delegate
  as_the_user
  config '.linux.cgroupsPath = "in/side"'
  start_container sleep 1000
  grep -qx "$(container_pid)" "$session/in/side/cgroup.procs"
  run_oci exec "$ID" grep ^0: /proc/self/cgroup
  [[ "$output" == */session/in/side ]] || show "exec is elsewhere"
  run_oci pause "$ID"
  assert_success
  assert_equal "$(container_status)" paused
  run_oci resume "$ID"
  assert_success
  run_oci kill --all "$ID" KILL
  assert_success
  wait_until is_status stopped
  run_oci delete "$ID"
  assert_success
  [ ! -e "$session/in" ]
}

@test "delegated: an absolute path, beside the caller" {
  delegate
  as_the_user
  config ".linux.cgroupsPath = \"/delegated-${ID#t-}/user/box\""
  start_container sleep 1000
  grep -qx "$(container_pid)" "$home/box/cgroup.procs"
  run_oci delete --force "$ID"
  assert_success
  [ ! -e "$home/box" ]
}

@test "a limit for a child of the caller's own: the others make room" {
  is_controller_of_v2 hugetlb || skip "machine: no controller to hand down"
  delegate hugetlb
  as_the_user
  config '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 4194304}]'
  sleep 1000 3>&- &
  echo $! >"$session/cgroup.procs"
  start_container sleep 1000
  # from now on from where the caller has been put
  session=$session/bwrap-oci-supervisor as_the_user
  assert_equal "$(cat "$session/bwrap-oci-$ID/hugetlb.2MB.max")" 4194304
  grep -qx "$(container_pid)" "$session/bwrap-oci-$ID/cgroup.procs"
  grep -qx $! "$session/bwrap-oci-supervisor/cgroup.procs"
  run_oci run --detach --bundle "$BUNDLE" "$ID-2"
  assert_success
  assert_equal "$(cat "$session/bwrap-oci-$ID-2/hugetlb.2MB.max")" 4194304
  run_oci delete --force "$ID-2"
  kill $!
  wait $! || true
}

@test "a controller that was not delegated is named" {
  is_controller_of_v2 hugetlb || skip "machine: no controller to withhold"
  delegate
  as_the_user
  config '.linux.cgroupsPath = "in" | .linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 4194304}]'
  run_container true
  assert_failure 1
  assert_one_line_error 'config.json: /linux/resources/hugepageLimits/0: '
}

@test "delegated: in a cgroup namespace the container may divide its cgroup" {
  delegate
  as_the_user
  config '.linux.cgroupsPath = "in" | .linux.namespaces += [{type: "cgroup"}]
    | .mounts += [{destination: "/cgroup", type: "cgroup2", source: "cgroup2", options: ["nosuid", "noexec", "nodev"]}]'
  sh_container 'grep ^0: /proc/self/cgroup; mkdir /cgroup/a && echo 1 >/cgroup/a/cgroup.procs && grep ^0: /proc/self/cgroup'
  assert_success
  assert_output $'0::/\n0::/a'
  [ ! -e "$session/in" ]
}

@test "exec where the container has handed controllers down in its cgroup" {
  is_controller_of_v2 hugetlb || skip "machine: no controller to hand down"
  delegate hugetlb
  as_the_user
  config ".linux.cgroupsPath = \"/delegated-${ID#t-}/user/in\"
    | .linux.namespaces += [{type: \"cgroup\"}]
    | .mounts += [{destination: \"/cgroup\", type: \"cgroup2\", source: \"cgroup2\", options: []}]"
  start_container sh -c 'mkdir /cgroup/a && echo 1 >/cgroup/a/cgroup.procs &&
    echo +hugetlb >/cgroup/cgroup.subtree_control && : >/ready && sleep 1000'
  wait_until test -e "$BUNDLE/rootfs/ready"
  run_oci exec "$ID" grep ^0: /proc/self/cgroup
  assert_success
  assert_output 0::/a
}
