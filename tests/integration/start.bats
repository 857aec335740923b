#!/usr/bin/env bats
# Two steps: create makes everything but the program, start runs it.
load helpers

setup() {
  setup_test
  make_bundle
}

# creates ARGS...: a container that will run them.
creates() {
  container_command "$@"
  run_oci create --bundle "$BUNDLE" "$ID"
  assert_success
  assert_no_stderr
}

@test "create leaves a container whose program has not run" {
  config '.root.readonly = false'
  creates /bin/touch /ran
  assert_equal "$(container_status)" created
  kill -0 "$(container_pid)"
  [ ! -e "$BUNDLE/rootfs/ran" ]
  run_oci start "$ID"
  assert_success
  assert_no_stderr
  wait_until is_status stopped
  [ -e "$BUNDLE/rootfs/ran" ]
}

@test "the configuration is that of create" {
  creates /bin/sleep 60
  rm "$BUNDLE/config.json"
  run_oci start "$ID"
  assert_success
  assert_equal "$(container_status)" running
}

@test "the namespaces are there before the start" {
  creates /bin/true
  local kind
  for kind in pid ipc uts mnt user; do
    [ "$(readlink "/proc/$(container_pid)/ns/$kind")" != "$(readlink "/proc/self/ns/$kind")" ]
  done
}

@test "a created container takes less than a tenth of a megabyte, as engines ask for it too" {
  local pss
  config '.process.env += [range(100) | "NAME_\(.)=a value of that variable"]
    | .linux.maskedPaths = ["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list"]
    | .linux.readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"]
    | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [range(200)
        | {names: ["personality"], action: "SCMP_ACT_ERRNO",
           args: [{index: 0, value: (. + 1000), op: "SCMP_CMP_EQ"}]}]}'
  creates sleep 60
  pss=$(awk '$1 == "Pss:" { print $2 }' "/proc/$(container_pid)/smaps_rollup")
  # in KiB
  ((pss > 0 && pss <= 97)) || show "$pss KiB"
  run_oci start "$ID"
  assert_success
}

@test "who reaps for the creator gets the first process, and no other" {
  local gain
  for gain in true false; do
    config '.process.noNewPrivileges = $gain' --argjson gain "$gain"
    container_command /bin/sh -c 'exit 43'
    run python3 -c 'import ctypes, os, subprocess, sys
ctypes.CDLL(None).prctl(36, 1)
for step in ["create", "--bundle", sys.argv[3]], ["start"]:
    subprocess.run([sys.argv[1], "--root", sys.argv[2], *step, sys.argv[4]], stdin=subprocess.DEVNULL, check=True)
print(os.waitstatus_to_exitcode(os.wait()[1]))
try:
    print(os.wait())
except ChildProcessError:
    print("no other")' "$BWRAP_OCI" "$STATE" "$BUNDLE" "$ID" 3>&-
    assert_success
    assert_output $'43\nno other'
    run_oci delete "$ID"
    assert_success
  done
}

@test "start works once" {
  creates /bin/sleep 60
  run_oci start "$ID"
  assert_success
  run_oci start "$ID"
  assert_failure 1
  assert_one_line_error "cannot start an already running container"
  run_oci kill "$ID" KILL
  wait_until is_status stopped
  run_oci start "$ID"
  assert_failure 1
  assert_one_line_error "cannot start a container that has stopped"
}

@test "start of an unknown container" {
  run_oci start nosuch
  assert_failure 1
  assert_one_line_error "container does not exist"
}

@test "of ten starts at once one wins" {
  local i wins
  creates /bin/sleep 60
  for i in {1..10}; do
    "$BWRAP_OCI" --root "$STATE" start "$ID" </dev/null >/dev/null 2>&1 3>&- &&
      echo won >"$TEST_DIR/won.$i" &
  done
  wait
  wins=("$TEST_DIR"/won.*)
  assert_equal "${#wins[@]}" 1
  assert_equal "$(container_status)" running
}

@test "looking at a created container does not start it" {
  local i
  creates /bin/sleep 60
  for i in {1..20}; do
    assert_equal "$(container_status)" created
    run_oci list
    assert_output_matches "$ID .*created"
  done
  run_oci start "$ID"
  assert_success
}

@test "a program that has gone since create" {
  creates /bin/sleep 60
  rm "$BUNDLE/rootfs/bin/sleep"
  run_oci start "$ID"
  assert_failure 1
  assert_one_line_error 'exec /bin/sleep: no such file or directory'
  wait_until is_status stopped
}

@test "what fails only at the start is said of its property" {
  config '.process.rlimits = [{type: "RLIMIT_AS", soft: 4096, hard: 1000000000}]'
  creates /bin/true
  run_oci start "$ID"
  assert_failure 1
  assert_equal "$stderr" "bwrap-oci: config.json: /process/args: prepare the arguments: mmap: Cannot allocate memory"
  is_status stopped
}

# Nobody reaps what these commands leave.
unreaped() {
  python3 -c 'import ctypes, subprocess, sys
assert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER
sys.exit(subprocess.call(["bash", "-c", *sys.argv[1:]], stdin=subprocess.DEVNULL))' "$@" 3>&-
}

@test "a program that never begins is a failure: the filter ends the init" {
  local never="bwrap-oci: the init has ended before the program began"
  container_command /bin/true
  # the second forbids all there is, the end of the process as well
  for filter in '{defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{names: ["execve"], action: "SCMP_ACT_KILL_PROCESS"}]}' \
      '{defaultAction: "SCMP_ACT_ERRNO"}'; do
    config ".linux.seccomp = $filter"
    for how in "" --detach; do
      run_oci run $how --bundle "$BUNDLE" "$ID"
      assert_failure 1
      assert_equal "$stderr" "$never"
      [ ! -e "$STATE/$ID" ]
    done
  done
  run unreaped '"$0" --root "$1" create --bundle "$2" "$3" && "$0" --root "$1" start "$3"' \
    "$BWRAP_OCI" "$STATE" "$BUNDLE" "$ID"
  assert_failure 1
  assert_output "$never"
  is_status stopped
}

@test "a program that never begins is a failure: the init is killed while a hook runs" {
  config '.root.readonly = false | .hooks.startContainer = [{path: "/bin/touch", args: ["touch", "/hook"]},
    {path: "/bin/sleep", args: ["sleep", "1000"]}]'
  container_command /bin/true
  run unreaped '"$0" --root "$1" create --bundle "$2" --pid-file "$2/pid" "$3" || exit
    "$0" --root "$1" start "$3" &
    until [ -e "$2/rootfs/hook" ]; do sleep 0.05; done
    kill -KILL "$(<"$2/pid")"
    wait $!' "$BWRAP_OCI" "$STATE" "$BUNDLE" "$ID"
  assert_failure 1
  assert_output "bwrap-oci: the init has ended before the program began"
  is_status stopped
}

@test "KILL ends the waiting init" {
  creates /bin/sleep 60
  run_oci kill "$ID" KILL
  assert_success
  wait_until is_status stopped
  run_oci start "$ID"
  assert_failure 1
  assert_one_line_error "cannot start a container that has stopped"
  run_oci delete "$ID"
  assert_success
}

@test "any signal that ends a program ends the waiting init; others do not" {
  for signal in CHLD CONT WINCH; do
    creates /bin/sleep 60
    run_oci kill "$ID" "$signal"
    assert_success
    run_oci start "$ID"
    assert_success
    run_oci delete --force "$ID"
  done
  for signal in TERM INT 37; do
    creates /bin/sleep 60
    run_oci kill "$ID" "$signal"
    assert_success
    wait_until is_status stopped
    run_oci delete "$ID"
    assert_success
  done
}

@test "delete ends a created container" {
  creates /bin/sleep 60
  local pid
  pid=$(container_pid)
  run_oci delete "$ID"
  assert_success
  [ ! -d "/proc/$pid" ] || grep -q '^State:.*[ZX]' "/proc/$pid/status"
}

# /bin/sleep: some builds of busybox have another in the shell itself.
@test "kill --all reaches every process, kill only the first" {
  creates /bin/sh -c 'trap : TERM; /bin/sleep 60.5 & /bin/sleep 61.5 & echo up; while :; do wait; done'
  "$BWRAP_OCI" --root "$STATE" start "$ID" 3>&-
  children() { pgrep -f '^/bin/sleep 6[01]\.5$' --ns "$(container_pid)" --nslist pid | wc -l; }
  two_children() { [ "$(children)" = 2 ]; }
  no_children() { [ "$(children)" = 0 ]; }
  wait_until two_children
  run_oci kill "$ID" TERM
  assert_success
  sleep 0.2
  assert_equal "$(children)" 2
  run_oci kill --all "$ID" TERM
  assert_success
  wait_until no_children
  assert_equal "$(container_status)" running
  run_oci kill --all "$ID" KILL
  assert_success
  wait_until is_status stopped
  run_oci kill --all "$ID" KILL
  assert_success
}

@test "delete against delete --force" {
  local i
  for i in {1..5}; do
    creates /bin/sleep 60
    "$BWRAP_OCI" --root "$STATE" delete "$ID" 2>"$TEST_DIR/plain" 3>&- &
    run_oci delete --force "$ID"
    assert_success
    wait $! || grep -q "container does not exist" "$TEST_DIR/plain"
    [ ! -e "$STATE/$ID" ]
  done
}
