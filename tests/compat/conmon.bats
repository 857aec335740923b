#!/usr/bin/env bats
# conmon, which podman and CRI-O start containers through, by hand: pipes, a terminal, exec.
# runs as: user and root
# shellcheck shell=bash
load clients

setup() {
  setup_test
  make_bundle
  # as root the configuration is taken as it is
  [ "$(id -u)" != 0 ] || config 'del (.linux.namespaces[] | select (.type == "user"))'
  CLIENT_DIR=$TEST_DIR
  mkdir "$TEST_DIR/exits" "$TEST_DIR/sockets"
}

# on_conmon OPTION...: conmon with the container's id, log and runtime, as podman calls it, in
# the background; what it says of the runtime's work is in $TEST_DIR/sync.
on_conmon() {
  # the start pipe: it waits for one byte, until its caller has moved it to its cgroup
  _OCI_SYNCPIPE=7 _OCI_STARTPIPE=8 timeout --kill-after 5 60 conmon --api-version 1 \
    --cid "$ID" --cuuid "$ID" --name "$ID" --runtime "$BWRAP_OCI" --bundle "$BUNDLE" \
    --log-path "k8s-file:$TEST_DIR/log" --exit-dir "$TEST_DIR/exits" \
    --socket-dir-path "$TEST_DIR/sockets" --full-attach --runtime-arg --root --runtime-arg "$STATE" \
    --runtime-arg --log-format=json --runtime-arg --log --runtime-arg "$TEST_DIR/oci-log" "$@" \
    7>"$TEST_DIR/sync" 8< <(echo) </dev/null >"$TEST_DIR/conmon.out" 2>&1 3>&-
}

create() { on_conmon --container-pidfile "$TEST_DIR/pid" "$@"; }

# sent data|message: what conmon has sent last: a pid, a status, why not.
sent() { jq -rs --arg name "$1" 'map (select (has ($name))) | last | .[$name]? // empty' "$TEST_DIR/sync"; }
has_sent() { [ -n "$(sent "$1")" ]; }

# The exit status that conmon has written, as soon as there is one.
exit_status() { wait_until test -s "$TEST_DIR/exits/$ID" && cat "$TEST_DIR/exits/$ID"; }

# What the container has written: k8s-file's lines are "TIME STREAM TAG TEXT".
log() { cut -d' ' -f4- "$TEST_DIR/log" | tr -d '\r'; }
logged() { log | grep -qx "$1"; }

start() {
  run_oci start "$ID"
  assert_success
}

@test "conmon: create, start, output, exit status" {
  container_command /bin/sh -c 'echo out; echo err >&2; exit 7'
  create
  wait_until has_sent data
  assert_equal "$(sent data)" "$(container_pid)"
  assert_equal "$(container_status)" created
  assert_equal "$(<"$TEST_DIR/pid")" "$(container_pid)"
  start
  assert_equal "$(exit_status)" 7
  wait_until logged out
  grep -q ' stdout F out$' "$TEST_DIR/log"
  grep -q ' stderr F err$' "$TEST_DIR/log"
  [ ! -s "$TEST_DIR/oci-log" ]
}

@test "conmon: the status of a container that a signal ends" {
  container_command /bin/sleep 1000
  create
  wait_until has_sent data
  start
  run_oci kill "$ID" KILL
  assert_success
  assert_equal "$(exit_status)" 137
}

@test "conmon: the same without no_new_privs, where the first process is one that has joined" {
  config '.process.noNewPrivileges = false'
  container_command /bin/sh -c 'exit 9'
  create
  wait_until has_sent data
  start
  assert_equal "$(exit_status)" 9
}

@test "conmon: a failed create is told in its words and in the log, and leaves nothing" {
  container_command /no/such
  create || true
  wait_until has_sent message
  assert_equal "$(sent data)" -1
  [[ $(sent message) == *'exec: "/no/such": stat /no/such: no such file or directory'* ]]
  # podman reads the whole log as one object
  assert_equal "$(wc -l <"$TEST_DIR/oci-log")" 1
  jq -e '.level == "error" and (.time | fromdateiso8601? // true)' "$TEST_DIR/oci-log"
  [[ $(jq -r .msg "$TEST_DIR/oci-log") == *'no such file or directory'* ]]
  run_oci list -q
  assert_output ''
  run_oci delete --force "$ID"
  assert_success
}

@test "conmon --terminal: the program's terminal, and its status" {
  config '.process.terminal = true'
  container_command /bin/sh -c 'tty; test -t 0 && test -t 1 && test -t 2; exit $?'
  create --terminal
  wait_until has_sent data
  start
  assert_equal "$(exit_status)" 0
  wait_until logged /dev/pts/0
}

@test "conmon: exec, with and without a terminal" {
  container_command /bin/sleep 1000
  create
  wait_until has_sent data
  start
  exec_process '["/bin/sh", "-c", "echo inside; exit 5"]' false
  assert_equal "$(sent data)" 5
  wait_until logged inside
  exec_process '["/bin/sh", "-c", "tty; sleep 0.2; exit 6"]' true --terminal
  assert_equal "$(sent data)" 6
  wait_until logged /dev/pts/0
  [ ! -s "$TEST_DIR/oci-log" ]
}

@test "conmon: an exec that fails" {
  container_command /bin/sleep 1000
  create
  wait_until has_sent data
  start
  exec_process '["/no/such"]' false
  wait_until has_sent message
  [[ $(sent message) == *'no such file or directory'* ]]
  assert_equal "$(wc -l <"$TEST_DIR/oci-log")" 1
}

# exec_process ARGS TERMINAL OPTION...
exec_process() {
  jq --argjson args "$1" --argjson terminal "$2" \
    '.process | .args = $args | .terminal = $terminal' "$BUNDLE/config.json" >"$TEST_DIR/process"
  rm -f "$TEST_DIR/sync" "$TEST_DIR/exec-pid"
  on_conmon --exec --exec-process-spec "$TEST_DIR/process" --container-pidfile "$TEST_DIR/exec-pid" \
    "${@:3}" || true
  wait_until has_ended
}
# first the pid, then the exit status
has_ended() { has_sent message || [ "$(jq -s length "$TEST_DIR/sync")" = 2 ]; }

@test "conmon: its descriptors do not go through" {
  container_command /bin/sh -c 'echo $(ls /proc/self/fd)'
  create
  wait_until has_sent data
  start
  # 3 is the folder that ls reads
  wait_until logged '0 1 2 3'
}

@test "conmon: its signals do not go through" {
  container_command /bin/grep -E 'SigIgn|SigBlk' /proc/self/status
  create
  wait_until has_sent data
  start
  wait_until logged $'SigIgn:\t0000000000000000'
  logged $'SigBlk:\t0000000000000000'
}

needs conmon jq python3 ids
