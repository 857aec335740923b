#!/usr/bin/env bats
# What passes between the program and the service manager around us: readiness by sd_notify(3),
# descriptors by sd_listen_fds(3) and --preserve-fds, groups by crun's annotation.
load helpers

setup() {
  setup_test
  make_bundle
  unset NOTIFY_SOCKET LISTEN_FDS LISTEN_PID
}

teardown() {
  [ -z "${manager:-}" ] || kill "$manager" 2>/dev/null || true
  teardown_test
}

# notifier SCRIPT: the program is a python script that has say("A=1\nB=2") and sleep(SECONDS).
notifier() {
  with_host_programs
  printf '%s\n' 'import os, socket' 'from time import sleep' \
    'notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)' \
    'notify.connect(os.environ["NOTIFY_SOCKET"])' \
    'def say(text, *fds): socket.send_fds(notify, [text.encode()], fds)' \
    "$1" >"$BUNDLE/rootfs/notifier.py"
  container_command /usr/bin/python3 /notifier.py
}

# listens [ADDRESS [DELAY]]: the manager; what it hears is in TEST_DIR/heard.
listens() {
  NOTIFY_SOCKET=${1:-$TEST_DIR/manager}
  export NOTIFY_SOCKET
  python3 "$BATS_TEST_DIRNAME/manager.py" "$NOTIFY_SOCKET" "$TEST_DIR/heard" "${2:-0}" \
    </dev/null >/dev/null 2>&1 3>&- &
  manager=$!
  wait_until grep -qs listening "$TEST_DIR/heard"
}

heard() { sed 1d "$TEST_DIR/heard"; }
has_heard() { heard | grep -qxF -e "$1"; }

# --- readiness ----------------------------------------------------------------

@test "in the container: an address of its own, the only thing in a read-only file system" {
  listens
  config '.process.env += ["NOTIFY_SOCKET=/other"]'
  sh_container 'echo $NOTIFY_SOCKET; ls -l /run/notify | cut -c1-10; grep " /run/notify " /proc/self/mounts
    touch /run/notify/x 2>&1; ls /proc/self/fd | wc -l'
  assert_success
  assert_equal "${output%%$'\n'*}" /run/notify/notify.sock
  assert_output_has srwxrwxrwx
  assert_output_matches ' /run/notify tmpfs ro,nosuid,nodev,noexec,'
  assert_output_has "Read-only file system"
}

@test "without NOTIFY_SOCKET there is nothing of it" {
  sh_container 'env | grep NOTIFY; ls -d /run/notify; true'
  assert_success
  assert_output ""
}

@test "an address that nobody can reach is none" {
  local address
  for address in relative/path / @ "/$(printf 'x%.0s' {1..200})"; do
    export NOTIFY_SOCKET=$address
    sh_container 'ls -d /run/notify; true'
    assert_success
    assert_output ""
  done
}

@test "run --detach returns when the program is ready, and tells its number" {
  listens
  notifier 'sleep(1); open("/dev/shm/was", "w").close(); say("READY=1\nSTATUS=up"); sleep(60)'
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
  assert_no_stderr
  run_oci exec "$ID" /bin/ls /dev/shm/was
  assert_success
  assert_equal "$(heard)" "READY=1 | STATUS=up | MAINPID=$(container_pid)"$'\n'"BARRIER=1 (fd)"
}

@test "start returns when the program is ready, and needs no NOTIFY_SOCKET itself" {
  listens
  notifier 'sleep(0.5); say("READY=1"); sleep(60)'
  run_oci create --bundle "$BUNDLE" "$ID"
  assert_success
  assert_equal "$(heard)" ""
  unset NOTIFY_SOCKET
  run_oci start "$ID"
  assert_success
  assert_no_stderr
  assert_equal "$(heard)" "READY=1 | MAINPID=$(container_pid)"$'\n'"BARRIER=1 (fd)"
}

@test "it does not return before the manager has taken it" {
  listens "$TEST_DIR/manager" 2
  notifier 'say("READY=1"); sleep(60)'
  local begin=$SECONDS
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
  [ $((SECONDS - begin)) -ge 2 ]
}

@test "what is said before that it is ready is passed on too" {
  listens
  notifier 'say("STATUS=one"); say("EXTEND_TIMEOUT_USEC=5000000"); say("READY=1"); sleep(60)'
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
  assert_equal "$(heard | head -n 3 | xargs)" \
    "STATUS=one EXTEND_TIMEOUT_USEC=5000000 READY=1 | MAINPID=$(container_pid)"
}

@test "when the manager hears of the process it is its child already" {
  local privileges
  notifier 'say("READY=1"); sleep(60)'
  for privileges in true false; do
    config ".process.noNewPrivileges = $privileges"
    python3 - "$BWRAP_OCI" "$STATE" "$BUNDLE" "$ID" "$TEST_DIR/m.$privileges" 3>&- <<'PYTHON'
import ctypes, os, re, socket, subprocess, sys
program, state, bundle, name, address = sys.argv[1:]
assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(address)
run = subprocess.Popen([program, "--root", state, "run", "-d", "--bundle", bundle, name],
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                       env=dict(os.environ, NOTIFY_SOCKET=address))
manager.settimeout(20)
text = manager.recv(4096).decode()
pid = int(re.search("MAINPID=([0-9]+)", text)[1])
parent = int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])
assert parent == os.getpid(), (parent, os.getpid(), run.pid)
# the barrier
_, control, _, _ = manager.recvmsg(4096, 64)
os.close(int.from_bytes(control[0][2][:4], sys.byteorder))
assert run.wait() == 0
PYTHON
    run_oci delete --force "$ID"
    assert_success
  done
}

@test "run --detach fails in one line, and leaves nothing" {
  listens
  container_command /no/such/program
  run_oci --log "$TEST_DIR/log" --log-format json run --detach --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error 'exec: "/no/such/program": stat /no/such/program: no such file or directory'
  assert_equal "$(wc -l <"$TEST_DIR/log")" 1
  [ ! -e "$STATE/$ID" ]
  config '.hooks.startContainer = [{path: "/no/such/hook"}]'
  container_command /bin/true
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error 'error running startContainer hook #0: /no/such/hook: exec: No such file or directory'
  [ ! -e "$STATE/$ID" ]
}

# A command beside us, and its end by TERM.
begin() { "$BWRAP_OCI" --root "$STATE" "$@" </dev/null >/dev/null 2>"$TEST_DIR/stderr" 3>&- & }
ask_to_end() {
  kill $!
  status=0
  wait $! || status=$?
  stderr=$(<"$TEST_DIR/stderr")
}

@test "TERM while run --detach creates: a hook ends, and everything is undone" {
  listens
  printf '#!/bin/bash\necho $$ >%s/hook.pid; sleep 300\n' "$TEST_DIR" >"$TEST_DIR/hook.sh"
  chmod 0755 "$TEST_DIR/hook.sh"
  config '.hooks.createRuntime = [{path: $path}]' --arg path "$TEST_DIR/hook.sh"
  container_command /bin/true
  begin run -d --bundle "$BUNDLE" "$ID"
  wait_until test -s "$TEST_DIR/hook.pid"
  ask_to_end
  assert_failure 1
  assert_one_line_error 'interrupted by signal 15'
  [ ! -e "$STATE/$ID" ]
}

# A program that is never ready is waited for by a command that is then asked to end.
gives_up() {
  begin "$@"
  wait_until is_status running
  wait_until test -e "$BUNDLE/rootfs/here"
  ask_to_end
  assert_failure 1
  assert_equal "$stderr" "bwrap-oci: interrupted by signal 15"
}

@test "TERM while a program is waited for: run --detach undoes everything, start leaves it to run" {
  listens
  config '.root.readonly = false'
  container_command /bin/sh -c 'touch /here; exec sleep 300'
  gives_up run --detach --pid-file "$TEST_DIR/pid" --bundle "$BUNDLE" "$ID"
  [ ! -e "$STATE/$ID" ]
  [ ! -e "$TEST_DIR/pid" ]
  rm "$BUNDLE/rootfs/here"
  run_oci create --bundle "$BUNDLE" "$ID"
  assert_success
  gives_up start "$ID"
  is_status running
}

@test "run in the foreground passes on to the end, and stays the main process" {
  listens
  notifier 'for text in ["READY=1", "WATCHDOG=1", "STATUS=a b", "RELOADING=1\nMONOTONIC_USEC=7", "READY=1",
    "STOPPING=1"]: say(text)'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_no_stderr
  wait_until has_heard STOPPING=1
  assert_equal "$(heard)" "READY=1
WATCHDOG=1
STATUS=a b
RELOADING=1 | MONOTONIC_USEC=7
READY=1
STOPPING=1"
}

@test "numbers of processes, descriptors and barriers of the program are not passed on" {
  listens
  notifier '
r, w = os.pipe()
say("FDSTORE=1\nFDNAME=x", r)
say("MAINPID=1\nSTATUS=kept\nNOTIFYACCESS=all\nREADY=0")
say("BARRIER=1", w)
os.close(w)
print(os.read(r, 1) == b"", flush=True)'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_success
  # the end of file is what a barrier waits for
  assert_output True
  wait_until has_heard "STATUS=kept | READY=0"
  assert_equal "$(heard)" "STATUS=kept | READY=0"
}

@test "an abstract address" {
  listens "@$ID"
  notifier 'say("READY=1"); sleep(60)'
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
  has_heard "READY=1 | MAINPID=$(container_pid)"
}

@test "any user of the container may notify" {
  listens
  config '.process.user = {uid: 33, gid: 33}'
  notifier 'say("READY=1"); sleep(60)'
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
  has_heard "READY=1 | MAINPID=$(container_pid)"
}

@test "where the container's root is a sub-id, and where it may gain privileges" {
  requires subids
  listens
  notifier 'say("READY=1"); sleep(60)'
  config '.process.noNewPrivileges = false
    | .linux.uidMappings = [{containerID: 0, hostID: $uid, size: 1000}]
    | .linux.gidMappings = [{containerID: 0, hostID: $gid, size: 1000}]' \
    --argjson uid "$(grep "^$(id -un):" /etc/subuid | head -n 1 | cut -d: -f2)" \
    --argjson gid "$(grep "^$(id -un):" /etc/subgid | head -n 1 | cut -d: -f2)"
  # which may make no mount points there
  mkdir -p "$BUNDLE/rootfs/run/notify"
  chmod -R a+rX "$BUNDLE"
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
  has_heard "READY=1 | MAINPID=$(container_pid)"
}

@test "a program that ends without a word: start and run return" {
  listens
  container_command /bin/sleep 0.3
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
  run_oci delete "$ID"
  run_oci create --bundle "$BUNDLE" "$ID"
  run_oci start "$ID"
  assert_success
  assert_equal "$(heard)" ""
}

@test "a program that says it is ready and ends at once was ready" {
  listens
  notifier 'say("READY=1")'
  run_oci create --bundle "$BUNDLE" "$ID"
  local pid
  pid=$(container_pid)
  run_oci start "$ID"
  assert_success
  assert_equal "$(heard | head -n 1)" "READY=1 | MAINPID=$pid"
}

@test "while start waits, others can do with the container what they like" {
  listens
  container_command /bin/sleep 60
  run_oci create --bundle "$BUNDLE" "$ID"
  "$BWRAP_OCI" --root "$STATE" start "$ID" </dev/null >/dev/null 2>&1 3>&- &
  wait_until is_status running
  run_oci exec "$ID" /bin/true
  assert_success
  run_oci delete --force "$ID"
  assert_success
  wait $!
}

@test "a manager that is gone does no harm" {
  listens
  kill "$manager"
  wait "$manager" || true
  notifier 'say("READY=1"); sleep(60)'
  run_oci --log "$TEST_DIR/text.log" run --detach --bundle "$BUNDLE" "$ID"
  assert_success
  assert_no_stderr
  grep -q 'notify .*manager: Connection refused' "$TEST_DIR/text.log"
}

@test "a flood of notifications does not stop the signals" {
  listens
  notifier '
import signal
signal.signal(signal.SIGTERM, lambda *_: os._exit(9))
while True: say("X=1")'
  container_command /usr/bin/python3 /notifier.py
  "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- &
  wait_until is_status running
  sleep 0.5
  kill $!
  status=0
  wait $! || status=$?
  assert_failure 9
}

# Whether the program of the container has been executed, behind our init.
sleeps() { [ "$(<"/proc/$(container_pid)/comm")" = sleep ]; }

@test "the created container waits without a file of ours" {
  listens
  container_command /bin/sleep 60
  run_oci create --bundle "$BUNDLE" "$ID"
  local fd
  for fd in "/proc/$(container_pid)/fd"/*; do
    [[ "${fd##*/}" -le 2 || "$(readlink "$fd")" == socket:* ]] || show "$fd: $(readlink "$fd")"
  done
  run_oci start "$ID" &
  wait_until sleeps
  for fd in "/proc/$(container_pid)/fd"/*; do [ "${fd##*/}" -le 2 ] || show "left open: $fd"; done
  run_oci delete --force "$ID"
}

# --- descriptors ----------------------------------------------------------------

# given COMMAND...: runs it with LISTEN_PID of its own process.
given() {
  bash -c 'LISTEN_PID=$$ exec "$@"' given "$BWRAP_OCI" --root "$STATE" "$@"
}

@test "LISTEN_FDS: the descriptors come first, and the program is told" {
  echo one >"$TEST_DIR/1"
  echo two >"$TEST_DIR/2"
  echo three >"$TEST_DIR/3"
  config '.process.env += ["LISTEN_FDS=7", "LISTEN_PID=7"]'
  container_command /bin/sh -c 'cat <&3; cat <&4; cat <&5; env | grep LISTEN | sort; ls /proc/self/fd'
  LISTEN_FDS=2 given run --preserve-fds 1 --bundle "$BUNDLE" "$ID" \
    3<"$TEST_DIR/1" 4<"$TEST_DIR/2" 5<"$TEST_DIR/3" 6<"$TEST_DIR/1" </dev/null >"$TEST_DIR/out"
  # 6 is the directory that ls reads
  assert_equal "$(xargs <"$TEST_DIR/out")" "one two three LISTEN_FDS=2 LISTEN_PID=1 0 1 2 3 4 5 6"
}

@test "LISTEN_FDS of somebody else is not for us" {
  container_command /bin/sh -c 'env | grep LISTEN; ls /proc/self/fd'
  LISTEN_FDS=1 LISTEN_PID=1 "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" \
    3<"$BUNDLE/config.json" </dev/null >"$TEST_DIR/out"
  assert_equal "$(xargs <"$TEST_DIR/out")" "0 1 2 3"
}

@test "LISTEN_FDS through create and start" {
  echo one >"$TEST_DIR/1"
  container_command /bin/sh -c 'cat <&3; env | grep LISTEN_FDS; echo end'
  LISTEN_FDS=1 given create --bundle "$BUNDLE" "$ID" 3<"$TEST_DIR/1" </dev/null >"$TEST_DIR/out"
  run_oci start "$ID"
  assert_success
  wait_until grep -q end "$TEST_DIR/out"
  assert_equal "$(xargs <"$TEST_DIR/out")" "one LISTEN_FDS=1 end"
}

@test "of preserved descriptors only the last must be open, and the others stay closed" {
  local show='cat <&5; ls /proc/self/fd'
  echo five >"$TEST_DIR/5"
  # given_fifth COMMAND...: 3 is the directory that ls reads
  given_fifth() {
    "$BWRAP_OCI" --root "$STATE" "$@" 3>&- 4>&- 5<"$TEST_DIR/5" 6<"$TEST_DIR/5" </dev/null >"$TEST_DIR/out"
    assert_equal "$(xargs <"$TEST_DIR/out")" "five 0 1 2 3 5"
  }
  container_command /bin/sh -c "$show"
  given_fifth run --preserve-fds 3 --bundle "$BUNDLE" "$ID"
  config '.process.noNewPrivileges = false'
  given_fifth run --preserve-fds 3 --bundle "$BUNDLE" "$ID"
  container_command /bin/sleep 60
  run_oci create --bundle "$BUNDLE" "$ID"
  run_oci start "$ID"
  given_fifth exec --preserve-fds 3 "$ID" /bin/sh -c "$show"
}

@test "a preserved descriptor that is not open: an error before anything exists" {
  local command
  container_command /bin/true
  for command in run create; do
    status=0
    "$BWRAP_OCI" --root "$STATE" --log "$TEST_DIR/log" $command --preserve-fds 2 --bundle "$BUNDLE" "$ID" \
      3<"$BUNDLE/config.json" 4<&- 5<"$BUNDLE/config.json" </dev/null 2>"$TEST_DIR/stderr" || status=$?
    stderr=$(<"$TEST_DIR/stderr")
    assert_failure 1
    assert_one_line_error "unable to stat preserved-fd"
    [ ! -e "$STATE/$ID" ]
  done
  status=0
  LISTEN_FDS=1 given run --bundle "$BUNDLE" "$ID" </dev/null 2>"$TEST_DIR/stderr" 3>&- || status=$?
  stderr=$(<"$TEST_DIR/stderr")
  assert_failure 1
  assert_one_line_error "unable to stat preserved-fd"
}

# --- groups ---------------------------------------------------------------------

@test "run.oci.keep_original_groups: the caller's groups stay, also where the process joins" {
  local value privileges here
  here=$(id -G | wc -w)
  for privileges in true false; do
    config ".process.noNewPrivileges = $privileges | .annotations = {\"run.oci.keep_original_groups\": \"1\"}"
    sh_container 'grep ^Groups: /proc/self/status | wc -w'
    assert_success
    [ "$output" -ge 2 ] || [ "$here" -le 1 ] || show "no groups are left of $here"
    config '.annotations["run.oci.keep_original_groups"] = "0"'
    sh_container 'grep ^Groups: /proc/self/status'
    assert_success
    assert_equal "$(wc -w <<<"$output")" 1
  done
}
