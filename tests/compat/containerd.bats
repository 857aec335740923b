#!/usr/bin/env bats
# containerd drives bwrap-oci unmodified, by its shim for runc.
# runs as: root
# shellcheck shell=bash
load clients

IMAGE=docker.io/library/bwrap-oci-test:1

setup_file() {
  make_client_dir
  # cgroups are named after it: the host has but one tree of them
  export NAMESPACE=bwrap-oci-${CLIENT_DIR##*.}
  make_rootfs "$CLIENT_DIR/rootfs"
  cat >"$CLIENT_DIR/config.toml" <<CONF
version = 2
root = "$CLIENT_DIR/root"
state = "$CLIENT_DIR/run"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$CLIENT_DIR/sock"
CONF
  containerd --config "$CLIENT_DIR/config.toml" >"$CLIENT_DIR/log" 2>&1 3>&- &
  echo $! >"$CLIENT_DIR/pid"
  wait_until answers || { tail "$CLIENT_DIR/log"; return 1; }
  make_image "$CLIENT_DIR/rootfs" "$CLIENT_DIR/image.tar" "$IMAGE"
  c images import "$CLIENT_DIR/image.tar"
  expect 0
}

teardown_file() {
  [ -n "${CLIENT_DIR:-}" ] || return 0
  [ ! -s "$CLIENT_DIR/pid" ] || kill "$(<"$CLIENT_DIR/pid")" || true
  wait
  remove_cgroups_of "/$NAMESPACE"
  rm -rf "$CLIENT_DIR"
}

setup() { :; }

teardown() {
  local id left
  for id in $(ctr -a "$CLIENT_DIR/sock" -n "$NAMESPACE" containers list -q 3>&-); do
    c tasks delete --force "$id"
    c containers delete "$id"
  done
  left=$(find "$CLIENT_DIR/state" -mindepth 2 -maxdepth 2 ! -name '.*' 2>/dev/null || true)
  [ -z "$left" ] || { echo "left: $left"; return 1; }
  left=$(cgroups_of "/$NAMESPACE/x")
  [ -z "$left" ] || { echo "left cgroup: $left"; return 1; }
}

answers() { ctr -a "$CLIENT_DIR/sock" version >/dev/null 2>&1 3>&-; }

# c ARGUMENT...: ctr, in our namespace
c() { client ctr -a "$CLIENT_DIR/sock" -n "$NAMESPACE" "$@"; }
# On a terminal, where containerd 2.2 also says that cgroups of version 1 are old.
c_on_pty() {
  on_pty ctr -a "$CLIENT_DIR/sock" -n "$NAMESPACE" "$@"
  output=$(sed '/DEPRECATION/d' <<<"$output")
}

runtime_options() { RUNTIME=(--runc-binary "$BWRAP_OCI" --runc-root "$CLIENT_DIR/state"); }

# c_run OPTION... -- ID COMMAND...: a container of a folder
c_run() {
  local options=() RUNTIME
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  runtime_options
  c run "${RUNTIME[@]}" "${options[@]}" --rootfs "$CLIENT_DIR/rootfs" "${@:2}"
}

task_status() { ctr -a "$CLIENT_DIR/sock" -n "$NAMESPACE" tasks list 3>&- | awk -v id="$1" '$1 == id { print $3 }'; }
is_task_status() { [ "$(task_status "$1")" = "$2" ]; }

sleeper() {
  c_run --detach -- "$1" /bin/sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done'
  expect 0
  wait_until is_task_status "$1" RUNNING
}

@test "run: output and exit status, of a folder" {
  c_run --rm -- x /bin/sh -c 'echo hello; exit 7'
  expect 7 hello
}

@test "run: output and exit status, of an image" {
  local RUNTIME
  runtime_options
  c run --rm "${RUNTIME[@]}" "$IMAGE" x sh -c 'echo hello; id -u; exit 7'
  expect 7 $'hello\n0'
}

@test "run --null-io: what is written goes nowhere, which is no error" {
  c_run --rm --null-io -- x1 /bin/echo hello
  expect 0 ''
}

@test "run: a program that is not there" {
  c_run --rm -- x /no/such
  [ "$status" -ne 0 ]
  [[ $stderr == *'exec: "/no/such": stat /no/such: no such file or directory'* ]] || show text
}

@test "run: a program that cannot be executed" {
  c_run --rm -- x /etc/passwd
  [ "$status" -ne 0 ]
  [[ $stderr == *'permission denied'* ]] || show text
}

@test "run: a signal is 128 + N" {
  c_run --rm -- x /bin/sh -c 'sh -c "kill -9 \$\$"; exit $?'
  expect 137
}

@test "run: capabilities, no_new_privs and the cgroup are those of containerd" {
  c_run --rm -- x /bin/sh -c 'grep -E "CapEff|NoNewPrivs" /proc/self/status; cat /proc/self/cgroup'
  [ "$status" -eq 0 ]
  [[ $output == *$'NoNewPrivs:\t1'* && $output == *$'CapEff:\t00000000a80425fb'* ]] || show status
  [[ $output == *"/$NAMESPACE/x"* ]] || show cgroup
}

@test "run --tty: a terminal, and an end at once" {
  local RUNTIME before=$SECONDS
  runtime_options
  c_on_pty run --rm --tty "${RUNTIME[@]}" --rootfs "$CLIENT_DIR/rootfs" x \
    /bin/sh -c 'tty; sleep 0.5; exit 5'
  expect 5 /dev/pts/0
  # somebody who keeps the standard output makes it wait for ten seconds
  [ $((SECONDS - before)) -lt 5 ]
}

@test "run --tty: what is typed arrives" {
  local RUNTIME
  runtime_options
  TYPE=$'word\n' c_on_pty run --rm --tty "${RUNTIME[@]}" --rootfs "$CLIENT_DIR/rootfs" x \
    /bin/sh -c 'echo ready; read -r line; echo "got $line"'
  [ "$status" -eq 0 ]
  [[ $output == *'got word'* ]] || show typed
}

@test "run --detach, exec, exec --tty, ps, kill, rm" {
  sleeper x
  c tasks exec --exec-id e1 x /bin/sh -c 'echo inside; exit 4'
  expect 4 inside
  c_on_pty tasks exec --exec-id e2 --tty x /bin/sh -c 'tty; sleep 0.5; exit 6'
  expect 6 /dev/pts/0
  c tasks exec --exec-id e3 x /no/such
  [ "$status" -ne 0 ]
  [[ $stderr == *'no such file or directory'* ]] || show text
  c tasks exec --exec-id e4 --detach x /bin/sleep 1000
  expect 0
  c tasks ps x
  [ "$status" -eq 0 ]
  [ "$(tail -n +2 <<<"$output" | wc -l)" -ge 2 ] || show "two processes"
  c tasks kill --signal KILL --exec-id e4 x
  expect 0
  c tasks kill --signal TERM x
  expect 0
  wait_until is_task_status x STOPPED
  c tasks delete x
  expect 0
  [[ $stderr == *'exit code 3'* ]] || show "exit status"
  c containers delete x
  expect 0
}

@test "kill --all, delete --force" {
  sleeper x
  c tasks kill --all --signal KILL x
  expect 0
  wait_until is_task_status x STOPPED
  sleeper y
  c tasks delete --force y
  [ "$(task_status y)" = "" ]
}

@test "pause and resume" {
  local pid
  sleeper x
  c tasks pause x
  expect 0
  is_task_status x PAUSED
  c tasks exec --exec-id e1 x /bin/true
  [ "$status" -ne 0 ]
  c tasks resume x
  expect 0
  is_task_status x RUNNING
  c tasks exec --exec-id e2 x /bin/echo goes on
  expect 0 'goes on'
}

@test "a paused container can be killed and removed" {
  sleeper x
  c tasks pause x
  c tasks delete --force x
  [ "$(task_status x)" = "" ]
}

@test "metrics" {
  sleeper x
  c tasks metrics --format json x
  expect 0
  # with cgroup v2 the members have other names
  jq -e '[.. | objects | select (has ("current"))] != [] or has ("pids")' <<<"$output" || show metrics
}

@test "a memory limit" {
  local files
  c_run --detach --memory-limit 33554432 -- x /bin/sleep 1000
  expect 0
  files=$(find /sys/fs/cgroup -path "*/$NAMESPACE/x/memory.limit_in_bytes" -o -path "*/$NAMESPACE/x/memory.max")
  [ -n "$files" ] || skip "machine: no memory controller"
  # shellcheck disable=SC2086  # one or more files
  assert_equal "$(cat $files)" 33554432
}

@test "namespaces of the host" {
  c_run --rm --net-host --with-ns "pid:/proc/self/ns/pid" -- x /bin/sh -c 'readlink /proc/self/ns/net'
  expect 0 "$(readlink /proc/self/ns/net)"
}

@test "a read-only root, mounts, environment, working directory" {
  mkdir "$CLIENT_DIR/volume"
  echo data >"$CLIENT_DIR/volume/file"
  c_run --rm --read-only --env A=b --cwd /tmp \
    --mount "type=bind,src=$CLIENT_DIR/volume,dst=/volume,options=rbind:ro" -- x /bin/sh -c \
    'touch /x 2>/dev/null || echo read-only; echo $A; pwd; cat /volume/file'
  expect 0 $'read-only\nb\n/tmp\ndata'
}

@test "five at once" {
  local i pids=() pid RUNTIME
  runtime_options
  for i in 1 2 3 4 5; do
    timeout 60 ctr -a "$CLIENT_DIR/sock" -n "$NAMESPACE" run --rm "${RUNTIME[@]}" \
      --rootfs "$CLIENT_DIR/rootfs" "x$i" /bin/echo "$i" >"$CLIENT_DIR/out.$i" 3>&- & pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
  [ "$(cat "$CLIENT_DIR"/out.* | sort | tr '\n' ' ')" = "1 2 3 4 5 " ]
}

needs root containerd ctr jq python3
