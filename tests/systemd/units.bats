#!/usr/bin/env bats
# Services made by `unit`, and the unit for bundles by name, below a real systemd --user.
# shellcheck shell=bash
load units

setup() {
  requires systemctl jq
  setup_units
}

teardown() { teardown_units; }

# --- what it prints ---------------------------------------------------------------

@test "of a container: its bundle and its name" {
  container_command /bin/sleep 100
  run_oci create --bundle "$BUNDLE" "$ID"
  run_oci unit "$ID"
  assert_success
  assert_no_stderr
  assert_output_has "ExecStart=$(readlink -f "$BWRAP_OCI") --root $STATE run --bundle $BUNDLE $ID"
  run_oci unit "$ID" --name other --type forking
  assert_output_has "--pid-file %t/bwrap-oci-other.pid --bundle $BUNDLE other"
}

@test "options may stand before and behind; words that are none are errors" {
  run_oci unit --type notify "$BUNDLE" --name x
  assert_success
  assert_output_has "Type=notify"
  run_oci unit "$BUNDLE" --type oneshot
  assert_failure 1
  assert_one_line_error 'unit: unknown type "oneshot"'
  run_oci unit "$BUNDLE" more
  assert_one_line_error 'unit: unexpected argument "more"'
  run_oci unit none-such
  assert_one_line_error 'none-such is neither a container nor a bundle'
  run_oci unit "$TEST_DIR/none"
  assert_one_line_error "chdir $TEST_DIR/none: No such file or directory"
  run_oci unit "$BUNDLE" --name 'a b'
  assert_one_line_error 'invalid container ID format: "a b"'
}

@test "a configuration that cannot be a service is refused by name" {
  config '.process.terminal = true'
  run_oci unit "$BUNDLE"
  assert_failure 1
  assert_one_line_error "config.json: /process/terminal: a service has no terminal"
  config '.process.terminal = false | .linux.cgroupsPath = "/somewhere"'
  run_oci unit "$BUNDLE" --type forking
  assert_failure 1
  assert_one_line_error "config.json: /linux/cgroupsPath: /somewhere: the container's first process would not be in the unit's cgroup (--type simple)"
}

@test "systemd finds nothing to complain about" {
  local type
  requires systemd-analyze
  config '.linux.resources = {memory: {limit: 100000000, swap: 200000000, reservation: 1000}, pids: {limit: 50},
    cpu: {quota: 33333, period: 100000, shares: 100, cpus: "0-1", mems: "0", idle: 0},
    blockIO: {weight: 100, throttleReadBpsDevice: [{major: 8, minor: 0, rate: 1000}]},
    unified: {"memory.high": "90000000"}} | .process.args = ["/sbin/init"]'
  for type in simple notify forking; do
    make_unit --type "$type"
    run systemd-analyze --user --man=no verify "$UNITS/$ID.service"
    assert_equal "$output" ""
  done
}

# --- start, stop, restart, crash ----------------------------------------------------

@test "simple: start, restart, stop; the container is in the unit's cgroup" {
  local main first pid
  serves
  make_unit
  sd start "$ID"
  wait_until is_status running
  is_state active
  main=$(property MainPID)
  pid=$(container_pid)
  [ "$main" != "$pid" ]
  [[ "$(cgroup_of "$pid")" == */"$ID.service"* ]]
  assert_equal "$(cgroup_of "$main")" "$(property ControlGroup)"
  sd restart "$ID"
  wait_until is_status running
  [ "$(container_pid)" != "$pid" ]
  assert_equal "$(runs)" 2
  sd stop "$ID"
  assert_stopped
  assert_equal "$(runs)" 2
}

@test "forking: the container's first process is the main process" {
  PID_FILE=$XDG_RUNTIME_DIR/bwrap-oci-$ID.pid
  serves
  make_unit --type forking
  sd start "$ID"
  is_state active
  assert_equal "$(property MainPID)" "$(container_pid)"
  assert_equal "$(<"$PID_FILE")" "$(container_pid)"
  # nothing else of ours is left there
  assert_equal "$(processes | sort -u | xargs)" "sh sleep"
  sd restart "$ID"
  assert_equal "$(property MainPID)" "$(container_pid)"
  sd stop "$ID"
  assert_stopped
  assert_equal "$(runs)" 2
}

@test "a program that ends is a service that ends" {
  local type
  for type in simple forking; do
    container_command /bin/sh -c 'sleep 0.5'
    make_unit --type "$type"
    sd start "$ID"
    assert_stopped
  done
}

@test "a program that fails is started again, until that is too often" {
  local type
  for type in simple forking; do
    rm -f "$BUNDLE/rootfs/runs"
    container_command /bin/sh -c 'echo run >>/runs; sleep 0.3; exit 7'
    make_unit --type "$type"
    add_settings [Unit] StartLimitBurst=3
    sd start "$ID"
    wait_until is_state failed
    assert_equal "$(property ExecMainStatus)" 7
    assert_equal "$(runs)" 3
    assert_stopped exit-code
    sd reset-failed "$ID"
  done
}

@test "whatever is killed, the service is started again and what was left is gone" {
  local type victim pid
  for type in simple forking; do
    serves
    make_unit --type "$type"
    for victim in main container; do
      sd start "$ID"
      wait_until is_status running
      pid=$(property MainPID)
      [ "$victim" = main ] || pid=$(container_pid)
      kill -KILL "$pid"
      wait_until is_restarted
      wait_until is_status running
      [ "$(container_pid)" != "$pid" ]
      sd stop "$ID"
      assert_stopped
    done
  done
}

@test "a program that cannot be started: the unit fails, with the reason in its log" {
  local type
  for type in simple notify forking; do
    container_command /no/such
    make_unit --type "$type"
    add_settings Restart=no
    sd start "$ID" || true
    assert_stopped exit-code
  done
}

@test "an end by the stop signal is a success, that of another is not" {
  local type
  # one that is not process 1 of a namespace has the default actions
  config '.linux.namespaces |= map(select(.type != "pid"))
    | .annotations = {"org.opencontainers.image.stopSignal": "USR1"}'
  container_command /bin/sleep 1000
  for type in simple forking; do
    make_unit --type "$type"
    add_settings Restart=no
    sd start "$ID"
    wait_until is_status running
    sd stop "$ID"
    assert_stopped
    sd start "$ID"
    wait_until is_status running
    kill -USR2 "$(container_pid)"
    assert_stopped "$([ "$type" = simple ] && echo exit-code || echo signal)"
    sd reset-failed "$ID"
  done
}

@test "a program that does not listen is killed when its time is over" {
  local type
  container_command /bin/sh -c 'trap "" TERM; sleep 1000 & while :; do sleep 1; done'
  for type in simple forking; do
    make_unit --type "$type"
    add_settings TimeoutStopSec=1
    sd start "$ID"
    wait_until is_status running
    sd stop "$ID" || true
    assert_stopped timeout
    sd reset-failed "$ID"
  done
}

@test "stopped while it starts" {
  local type
  config '.hooks.createRuntime = [{path: "/bin/sleep", args: ["sleep", "1000"]}]'
  serves
  for type in simple forking; do
    make_unit --type "$type"
    sd start --no-block "$ID"
    wait_until has_hook
    sd stop "$ID" || true
    wait_until is_down
    assert_equal "$("$BWRAP_OCI" --root "$STATE" list -q 3>&-)" ""
    sd reset-failed "$ID" || true
  done
}
has_hook() { processes | grep -qx sleep; }
is_down() { is_state inactive || is_state failed; }

# --- readiness ------------------------------------------------------------------

# A program of the host's python that waits for the file /go, then says that it is ready.
says() {
  with_host_programs
  printf '%s\n' 'import os, socket, time, signal, sys' \
    'signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))' \
    'notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)' \
    'notify.connect(os.environ["NOTIFY_SOCKET"])' \
    'def say(text): notify.send(text.encode())' \
    'def wait(name):' '    while not os.path.exists(name): time.sleep(0.05)' \
    "$1" >"$BUNDLE/rootfs/says.py"
  container_command /usr/bin/python3 /says.py
}

@test "notify: active when the program says so, with its status, to its end" {
  says 'say("STATUS=warming up"); wait("/go"); say("READY=1\nSTATUS=serving")
wait("/more"); say("STATUS=more"); time.sleep(1000)'
  make_unit --type notify
  sd start --no-block "$ID"
  wait_until has_property StatusText "warming up"
  is_state activating
  touch "$BUNDLE/rootfs/go"
  wait_until is_state active
  wait_until has_property StatusText serving
  [ "$(property MainPID)" != "$(container_pid)" ]
  touch "$BUNDLE/rootfs/more"
  wait_until has_property StatusText more
  sd stop "$ID"
  assert_stopped
}

@test "notify: a program that ends without a word has failed to start" {
  container_command /bin/sleep 0.2
  make_unit --type notify
  add_settings Restart=no
  status=0
  sd start "$ID" || status=$?
  [ "$status" != 0 ]
  assert_stopped protocol
}

@test "notify: a program that hangs is ended by the watchdog" {
  says 'say("READY=1"); say("WATCHDOG=1"); time.sleep(1000)'
  make_unit --type notify
  add_settings WatchdogSec=1 Restart=no
  sd start "$ID"
  assert_stopped watchdog
}

@test "run --detach as Type=notify: the container's process becomes the main process" {
  says 'wait("/go"); say("READY=1\nSTATUS=up"); time.sleep(1000)'
  make_unit --type notify
  sed -i 's/ run / run --detach /' "$UNITS/$ID.service"
  sd daemon-reload
  sd start --no-block "$ID"
  wait_until is_status running
  is_state activating
  touch "$BUNDLE/rootfs/go"
  wait_until is_state active
  assert_equal "$(property MainPID)" "$(container_pid)"
  assert_equal "$(property StatusText)" up
  sd stop "$ID"
  assert_stopped
}

@test "a socket that the manager listens on is handed in" {
  requires python3
  says 'import socket as s
listener = s.socket(fileno=3)
assert os.environ["LISTEN_FDS"] == "1" and os.environ["LISTEN_PID"] == str(os.getpid())
while True:
    peer, _ = listener.accept()
    peer.send(b"hello from " + os.uname().nodename.encode())
    peer.close()'
  sed -i '/^notify/d' "$BUNDLE/rootfs/says.py"
  config '.hostname = "inside"'
  make_unit
  printf '[Socket]\nListenStream=%s\n' "$TEST_DIR/socket" >"$UNITS/$ID.socket"
  sd daemon-reload
  sd start "$ID.socket"
  is_state inactive
  assert_equal "$(timeout 30 python3 -c 'import socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect(sys.argv[1])
print(peer.recv(100).decode())' "$TEST_DIR/socket")" "hello from inside"
  is_state active
  sd stop "$ID.socket" "$ID.service"
  assert_stopped
}

# --- order ----------------------------------------------------------------------

@test "order: what needs another one is started when that is ready, and stopped before it" {
  local first
  says 'wait("/go"); say("READY=1"); time.sleep(1000)'
  make_unit --type notify
  # a second container, of the same root
  cat >"$UNITS/$ID-second.service" <<UNIT
[Unit]
Requires=$ID.service
After=$ID.service
[Service]
ExecStart=$BWRAP_OCI --root $STATE run --bundle $TEST_DIR/second $ID-second
KillMode=mixed
SuccessExitStatus=143
Delegate=yes
UNIT
  make_bundle "$TEST_DIR/second"
  config_of "$TEST_DIR/second" '.process.args = ["/bin/sh", "-c", "trap \"exit 0\" TERM; while :; do sleep 1 & wait $!; done"]'
  sd daemon-reload
  sd start --no-block "$ID-second"
  wait_until is_status running
  sleep 0.3
  assert_equal "$(property ActiveState "$ID-second")" inactive
  touch "$BUNDLE/rootfs/go"
  wait_until is_status running "$ID-second"
  first=$(property ActiveEnterTimestampMonotonic)
  [ "$first" -gt 0 ] && [ "$first" -le "$(property ExecMainStartTimestampMonotonic "$ID-second")" ]
  sd stop "$ID"
  is_state inactive "$ID-second"
  assert_stopped
  [ "$(property InactiveEnterTimestampMonotonic "$ID-second")" -le "$(property ExecMainExitTimestampMonotonic)" ]
}

# --- names and places -------------------------------------------------------------

@test "a bundle whose path has blanks, quotes, %, \$ and \\" {
  local odd="$TEST_DIR/a b%h \$HOME \${ID} \"q\" 'r' \\t;é"
  serves
  mv "$BUNDLE" "$odd"
  BUNDLE=$odd
  make_unit
  sd start "$ID"
  wait_until is_status running
  assert_equal "$("$BWRAP_OCI" --root "$STATE" state "$ID" 3>&- | jq -r .bundle)" "$odd"
  sd stop "$ID"
  assert_stopped
}

@test "a program whose path has blanks, % and \$" {
  local dir="$TEST_DIR/p %h \$HOME"
  mkdir "$dir"
  cp "$(dirname "$BWRAP_OCI")"/bwrap-oci{,-gio,-init} "$dir"
  serves
  BWRAP_OCI=$dir/bwrap-oci make_unit
  grep -qF "ExecStart=\"${dir//%/%%}/bwrap-oci\" --root" "$UNITS/$ID.service"
  sd start "$ID"
  wait_until is_status running
  sd stop "$ID"
  assert_stopped
}

@test "bwrap-oci@NAME runs ~/.local/share/bwrap-oci/NAME" {
  local bundles=$HOME/.local/share/bwrap-oci
  # as `make install` does
  sed "s|=bwrap-oci |=$BWRAP_OCI --root $STATE |" "$BATS_TEST_DIRNAME/../../contrib/systemd/bwrap-oci@.service" \
    >"$UNITS/$ID@.service"
  sd daemon-reload
  status=0
  sd start "$ID@$ID" || status=$?
  [ "$status" != 0 ]
  assert_equal "$(property AssertResult "$ID@$ID")" no
  mkdir -p "$bundles"
  serves
  mv "$BUNDLE" "$bundles/$ID"
  sd start "$ID@$ID"
  wait_until is_status running
  BUNDLE=$bundles/$ID
  assert_equal "$(property Description "$ID@$ID")" "OCI container $ID"
  sd restart "$ID@$ID"
  wait_until is_status running
  assert_equal "$(runs)" 2
  sd stop "$ID@$ID"
  is_state inactive "$ID@$ID"
  assert_equal "$(property Result "$ID@$ID")" success
  assert_equal "$("$BWRAP_OCI" --root "$STATE" list -q 3>&-)" ""
  rm -rf "${bundles:?}/$ID"
  rmdir -p --ignore-fail-on-non-empty "$bundles"
}
