#!/usr/bin/env bats
# unshare: a command as root of the caller's sub-ids, without a container.
# runs with: the plain build: a leak check forks, and nobody can whose pid namespace has ended
# shellcheck disable=SC2016,SC2034  # scripts for the shell inside; variables of helpers.bash
load helpers

setup() {
  requires user subids
  setup_test
}

# unshare ARGS...: status, output and stderr are what it said.
unshare_oci() {
  status=0
  timeout --kill-after 5 60 "$BWRAP_OCI" unshare "$@" </dev/null >"$TEST_DIR/stdout" 2>"$TEST_DIR/stderr" 3>&- ||
    status=$?
  output=$(<"$TEST_DIR/stdout")
  stderr=$(<"$TEST_DIR/stderr")
}

# ranges KIND: "FIRST COUNT" of each range of the caller.
ranges() { awk -F: -v name="$(id -un)" -v id="$(id -u)" '$1 == name || $1 == id { print $2, $3 }' "/etc/sub$1"; }

# --- ids ----------------------------------------------------------------------

@test "the caller is root, his sub-ids follow from 1" {
  local expected
  expected=$(for kind in uid gid; do
    echo "0 $(id "-${kind:0:1}") 1"
    ranges "$kind" | awk 'BEGIN { next_id = 1 } { print next_id, $1, $2; next_id += $2 }'
  done)
  unshare_oci sh -c 'cat /proc/self/uid_map /proc/self/gid_map'
  assert_success
  assert_no_stderr
  assert_equal "$(awk '{ print $1, $2, $3 }' <<<"$output")" "$expected"
  unshare_oci --map-all id -u
  assert_output 0
}

@test "files are made, changed and removed as any of these ids" {
  unshare_oci sh -c 'cd "$0" && mkdir d && touch d/f && chown 33:33 d/f && chown -R 100:200 d && chown 65535 d/f' "$TEST_DIR"
  assert_success
  local first count
  read -r first count < <(ranges uid)
  assert_equal "$(stat -c %u "$TEST_DIR/d")" $((first + 99))
  [ "$count" -lt 65535 ] || assert_equal "$(stat -c %u "$TEST_DIR/d/f")" $((first + 65534))
  run rm -rf "$TEST_DIR/d"
  [ "$status" -ne 0 ]
  unshare_oci rm -rf "$TEST_DIR/d"
  assert_success
  [ ! -e "$TEST_DIR/d" ]
}

@test "an archive keeps its owners" {
  unshare_oci sh -c 'cd "$0" && mkdir a b && touch a/f && chown 7:8 a/f && tar -cf t.tar -C a . && tar -xpf t.tar -C b && stat -c %u:%g b/f' "$TEST_DIR"
  assert_output 7:8
  unshare_oci rm -rf "$TEST_DIR/a" "$TEST_DIR/b"
}

@test "it nests: inside, every id there is stays what it is" {
  unshare_oci "$BWRAP_OCI" unshare sh -c 'cat /proc/self/uid_map; id -u'
  assert_success
  assert_equal "$(awk '{ print $1, $2 } NR == 2 { exit }' <<<"$output")" $'0 0\n1 1'
}

@test "no_new_privs is named, since the tools can do nothing then" {
  status=0
  stderr=$(setpriv --no-new-privs "$BWRAP_OCI" unshare true 2>&1 3>&-) || status=$?
  assert_failure 1
  assert_one_line_error "unshare: "
  assert_stderr_has "no_new_privs"
}

# --- namespaces ---------------------------------------------------------------

@test "only the namespaces that were asked for are new" {
  local option type new
  for option in cgroup ipc mount net pid uts all; do
    unshare_oci "--$option" sh -c 'for t in cgroup ipc mnt net pid uts user; do echo "$t $(readlink /proc/self/ns/$t)"; done'
    assert_success
    new=
    for type in cgroup ipc mnt net pid uts; do
      [ "$(grep "^$type " <<<"$output")" = "$type $(readlink "/proc/self/ns/$type")" ] || new+=" $type"
    done
    case $option in
      mount) assert_equal "$new" " mnt" ;;
      all) assert_equal "$new" " cgroup ipc mnt net pid uts" ;;
      *) assert_equal "$new" " $option" ;;
    esac
  done
}

@test "what is mounted inside is not seen outside" {
  unshare_oci --mount sh -c 'mount -t tmpfs none "$0" && touch "$0/inside" && ls "$0"' "$TEST_DIR"
  assert_output inside
  [ ! -e "$TEST_DIR/inside" ]
}

@test "a pid namespace ends with its first process" {
  unshare_oci --pid --mount sh -c 'mount -t proc proc /proc; sleep 1000 & echo $$ $!; exit 6'
  assert_failure 6
  assert_output "1 3"
  wait_until no_processes
}

# --- the command --------------------------------------------------------------

@test "its exit status, and that of a shell where it cannot be run" {
  local options
  for options in --ipc --pid; do
    unshare_oci "$options" sh -c 'exit 7'
    assert_failure 7
    unshare_oci "$options" "$TEST_DIR/missing"
    assert_failure 127
    assert_one_line_error "unshare: $TEST_DIR/missing: No such file or directory"
    unshare_oci "$options" "$TEST_DIR"
    assert_failure 126
    assert_one_line_error "unshare: $TEST_DIR: Permission denied"
  done
  unshare_oci sh -c 'kill -USR1 $$'
  assert_failure $((128 + $(kill -l USR1)))
}

@test "its descriptors, its environment, ignored signals and working directory are the caller's" {
  local same
  cd "$TEST_DIR"
  for same in "" "$BWRAP_OCI --log $TEST_DIR/log unshare --ipc"; do
    # shellcheck disable=SC2086  # words
    (trap '' HUP; exec env -i A=1 PATH="$PATH" $same sh -c \
      'pwd; ls /proc/self/fd; echo; cat <&7; env; grep SigIgn /proc/self/status') 7<<<seven 12</dev/null 3>&-
  done >"$TEST_DIR/both"
  output=$(awk '/^SigIgn/ { print; exit } { print }' "$TEST_DIR/both")
  assert_output_has $'\n12\n'
  assert_output_has $'\n7\n'
  assert_output_has $'\n\nseven\n'
  assert_output_has $'\nSigIgn:\t0000000000000001'
  assert_equal "$(<"$TEST_DIR/both")" "$output"$'\n'"$output"
}

@test "it is the process that was started, and gets the signals that are sent to that" {
  "$BWRAP_OCI" unshare sh -c 'echo $$ >"$0/pid"; exec sleep 1000' "$TEST_DIR" 3>&- &
  wait_until [ -s "$TEST_DIR/pid" ]
  assert_equal "$(<"$TEST_DIR/pid")" $!
  kill "$!"
  wait "$!" || status=$?
  assert_equal "$status" 143
}

# in_background SCRIPT: as pid 1 of a pid namespace; waits until it says "ready".
in_background() {
  "$BWRAP_OCI" unshare --pid sh -c "$1" "$TEST_DIR" 3>&- &
  wait_until [ -e "$TEST_DIR/ready" ]
}

@test "pid 1: a signal ends it, as if it were any other process" {
  local name
  for name in TERM HUP USR1 RTMIN+3; do
    rm -f "$TEST_DIR/ready"
    in_background 'touch "$0/ready"; exec sleep 1000'
    kill -s "$name" "$!"
    status=0
    wait "$!" || status=$?
    assert_equal "$name $status" "$name $((128 + $(kill -l "$name")))"
  done
}

@test "pid 1: a signal that it handles is its own affair" {
  in_background 'trap "echo got >\"\$0/got\"; exit 9" TERM; touch "$0/ready"; while :; do sleep 0.05; done'
  kill -TERM "$!"
  wait "$!" || status=$?
  assert_equal "$status" 9
  assert_equal "$(<"$TEST_DIR/got")" got
}

@test "pid 1: it ends with the one who waits for it" {
  in_background 'touch "$0/ready"; exec tail -f "$0/ready"'
  kill -KILL "$!"
  wait "$!" || status=$?
  assert_equal "$status" 137
  wait_until no_processes
}

@test "a job on a terminal: interrupted, stopped and continued by its keys" {
  on_terminal <<'PY'
for option in "--ipc", "--pid":
    job = Job([BWRAP_OCI, "unshare", option, "sh", "-c", "echo be''gun; exec sleep 1000"], [slave] * 3, False, dict(os.environ))
    expect("begun")
    keys("\x1a")
    job.wait_stopped()
    job.foreground()
    keys("\x03")
    equal(job.wait(), 128 + signal.SIGINT, option)
PY
}

@test "a shell on a terminal has its jobs" {
  on_terminal <<'PY'
job = Job([BWRAP_OCI, "unshare", "--pid", "bash", "--norc", "-i"], [slave] * 3, False, dict(os.environ, PS1="$ ", TERM="dumb"))
keys("sh -c 'echo be''gun; exec sleep 1000'\r")
expect("begun")
keys("\x1a")
expect("Stopped")
keys("kill %1; wait; echo id=$(id -u)\r")
expect("id=0")
keys("exit 4\r")
equal(job.wait(), 4, "status")
PY
}
