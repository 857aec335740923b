#!/usr/bin/env bats
# Options that callers of other runtimes use: several containers at once, pidfds, what is refused.
load helpers

setup() {
  setup_test
  make_bundle
}

# create_named NAME...
create_named() {
  local name
  container_command /bin/sleep 1000
  for name in "$@"; do
    run_oci create --bundle "$BUNDLE" "$name"
    assert_success
  done
}

# Runs COMMAND while somebody listens on $TEST_DIR/socket; what came is in $TEST_DIR/received: the
# message, the link of the descriptor, and the pid that it stands for.
with_listener() {
  python3 - "$TEST_DIR" <<'PY' 3>&- &
import array, os, socket, sys
folder = sys.argv[1]
listener = socket.socket(socket.AF_UNIX)
listener.bind(folder + "/socket")
listener.listen()
listener.settimeout(20)
connection = listener.accept()[0]
message, fds, _, _ = socket.recv_fds(connection, 100, 4)
info = open(f"/proc/self/fdinfo/{fds[0]}").read().split()
with open(folder + "/received.new", "w") as out:
    print(message.decode(), len(fds), os.readlink(f"/proc/self/fd/{fds[0]}"), info[info.index("Pid:") + 1], file=out)
os.rename(folder + "/received.new", folder + "/received")
PY
  listener=$!
  wait_until test -S "$TEST_DIR/socket"
  run_oci "$@"
  assert_success
  wait "$listener"
  rm "$TEST_DIR/socket"
}

@test "kill --regex and delete --regex take all that match" {
  create_named web-1 web-2 other
  run_oci kill --regex '^web-[0-9]$' KILL
  assert_success
  assert_no_stderr
  wait_until is_status stopped web-1
  wait_until is_status stopped web-2
  is_status created other
  run_oci delete -r '^web-'
  assert_success
  run_oci list -q
  assert_output other
  run_oci delete --force --regex 'oth|none'
  assert_success
  run_oci list -q
  assert_output ''
}

@test "exec: a working directory that is not there is an error, and is not made" {
  create_named box
  run_oci exec --cwd /no/such box /bin/true
  assert_failure 255
  assert_one_line_error "enter /no/such: chdir: /no/such: No such file or directory"
  run_oci exec box /bin/sh -c '[ ! -e /no ]'
  assert_success
}

@test "--regex: what fails does not keep the others from it, and is told" {
  create_named a b
  run_oci kill a KILL
  wait_until is_status stopped a
  run_oci kill --regex '[ab]' KILL
  assert_failure 1
  assert_one_line_error 'container a: container not running'
  wait_until is_status stopped b
}

@test "--regex: nothing that matches is no error, a bad expression is one" {
  run_oci delete --regex nothing
  assert_success
  run_oci kill --regex '(' TERM
  assert_failure 1
  assert_one_line_error '--regex "("'
}

@test "without --regex an ID is no expression" {
  create_named a
  run_oci delete --force '[a]'
  assert_failure 1
  assert_one_line_error 'invalid container ID format'
  is_status created a
}

@test "--pidfd-socket gets a pidfd of the first process, from create and from run" {
  requires python3
  container_command /bin/sleep 1000
  with_listener create --pidfd-socket "$TEST_DIR/socket" --bundle "$BUNDLE" "$ID"
  read -r message count link pid <"$TEST_DIR/received"
  assert_equal "$message $count $pid" "standard 1 $(container_pid)"
  [[ $link == *pidfd* ]]
  with_listener run --detach --pidfd-socket="$TEST_DIR/socket" --bundle "$BUNDLE" other
  read -r message count link pid <"$TEST_DIR/received"
  assert_equal "$message $count $pid" "standard 1 $(container_pid other)"
}

@test "--pidfd-socket of exec gets one of the program" {
  requires python3
  create_named "$ID"
  with_listener exec --detach --pid-file "$TEST_DIR/pid" --pidfd-socket "$TEST_DIR/socket" "$ID" /bin/sleep 1000
  read -r message count link pid <"$TEST_DIR/received"
  assert_equal "$message $count $pid" "setns 1 $(<"$TEST_DIR/pid")"
}

@test "--pidfd-socket: nobody listens, nothing is left" {
  container_command /bin/true
  run_oci create --pidfd-socket "$TEST_DIR/none" --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "pidfd socket $TEST_DIR/none"
  run_oci list -q
  assert_output ''
}

@test "options of other runtimes are accepted" {
  container_command /bin/true
  run_oci --criu /usr/sbin/criu --rootless=auto create --no-pivot --no-new-keyring --bundle "$BUNDLE" "$ID"
  assert_success
  run_oci exec --no-subreaper "$ID" /bin/true
  assert_success
  run_oci --rootless true run --no-pivot -no-subreaper --no-new-keyring --bundle "$BUNDLE" other
  assert_success
}

@test "checkpoint and restore are not there, also with --help" {
  for command in checkpoint restore; do
    run_oci "$command" --help
    assert_failure 1
    assert_one_line_error "$command: "
    assert_output ''
    run_oci "$command" --image-path /x --work-path /y "$ID"
    assert_failure 1
    assert_stderr_has 'not supported'
  done
  # podman takes a complaint about a missing argument as a sign that it is there
  run_oci restore --lsm-mount-context
  assert_failure 1
  [[ $stderr != *argument* ]]
}

@test "of several values of one variable the last counts, and is there once" {
  config '.process.env = ["PATH=/bin", "HOME=/first", "ONE=1", "HOME=", "ONE=2", "ONE="]'
  container_command env
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_equal "$(sort <<<"$output" | tr '\n' ' ')" "HOME=/root ONE= PATH=/bin "
}

@test "the device /dev/ptmx is that of the container's own devpts" {
  config '.linux.devices = [{path: "/dev/ptmx", type: "c", major: 5, minor: 2, uid: 0, gid: 0}]'
  sh_container 'readlink /dev/ptmx; stat -L -c "%u %t:%T" /dev/ptmx'
  assert_success
  assert_output $'pts/ptmx\n0 5:2'
}

@test "exec --process and update --resources read a pipe" {
  create_named "$ID"
  run_oci start "$ID"
  run_oci exec --process <(jq -c '.process | .args = ["echo", "piped"]' "$BUNDLE/config.json") "$ID"
  assert_success
  assert_output piped
  run_oci update --resources <(echo '{}') "$ID"
  assert_success
}

@test "exec into a container that ends meanwhile says that, not what is missing then" {
  local process
  create_named "$ID"
  run_oci start "$ID"
  process=$(jq -c .process "$BUNDLE/config.json")
  mkfifo "$TEST_DIR/process"
  # to open it for writing waits for exec, which has found the container running by then
  {
    exec 7>"$TEST_DIR/process"
    "$BWRAP_OCI" --root "$STATE" kill "$ID" KILL
    wait_until is_status stopped
    echo "$process" >&7
  } 3>&- &
  run_oci exec --process "$TEST_DIR/process" "$ID"
  wait $!
  assert_failure 255
  assert_equal "$stderr" "bwrap-oci: exec failed: cannot exec in a stopped container"
}

@test "exec --cap is ambient where the container's own set is inheritable" {
  config '.process.capabilities = {bounding: ["CAP_CHOWN", "CAP_SYSLOG", "CAP_KILL"],
    permitted: ["CAP_CHOWN"], effective: ["CAP_CHOWN"], ambient: ["CAP_CHOWN"],
    inheritable: ["CAP_CHOWN", "CAP_SYSLOG"]}'
  create_named "$ID"
  run_oci start "$ID"
  run_oci exec --cap CAP_SYSLOG --cap CAP_KILL "$ID" grep Cap /proc/self/status
  assert_success
  assert_output $'CapInh:\t0000000400000001\nCapPrm:\t0000000400000021\nCapEff:\t0000000400000021
CapBnd:\t0000000400000021\nCapAmb:\t0000000400000001'
  # as in the configuration: the name of a capability that only newer systems know is no error
  run_oci exec --cap CAP_FUTURE --cap CAP_KILL "$ID" grep CapEff /proc/self/status
  assert_success
  assert_output $'CapEff:\t0000000000000021'
  assert_equal "$stderr" ""
}

@test "--debug goes to a text log where there is one, in the form that readers of logs know" {
  container_command /bin/true
  config '.process.noNewPrivileges = true | .process.apparmorProfile = "" | .unknown = 1
    | .linux.resources.devices = [{allow: false, access: "rwm"}]'
  run_oci --debug --log "$TEST_DIR/log" run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_equal "$stderr" ""
  grep -qE '^time="[^"]+" level=debug msg="config.json: /linux/resources/devices' "$TEST_DIR/log"
}

@test "the spellings of runc: values of flags, options that are given empty" {
  container_command /bin/sleep 1000
  run_oci --debug=false --log= --log-format= create --no-pivot=true --pid-file= --console-socket "" \
    --bundle "$BUNDLE" "$ID"
  assert_success
  assert_no_stderr
  run_oci exec --tty=false --detach=0 --user "" --cwd= --process "" "$ID" /bin/pwd
  assert_success
  assert_output /
  run_oci exec --no-new-privs=maybe "$ID" /bin/true
  assert_one_line_error 'exec: option --no-new-privs: expected true or false, got "maybe"'
  run_oci kill --all=true "$ID" KILL
  assert_success
}

@test "exec: whatever keeps it from the container is 255, the ID as well" {
  local id
  for id in "" ../x nosuch; do
    run_oci exec "$id" /bin/true
    assert_failure 255
    assert_one_line_error "exec failed: "
  done
}
