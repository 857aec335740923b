# Namespaces that bubblewrap does not make, and a container without a process.
# shellcheck shell=bash
load helpers

setup() {
  setup_test
  make_bundle
}

# Seconds since boot.
seconds() { cut -d. -f1 /proc/uptime; }
is_near() { [ $(($1 - $2)) -ge -30 ] && [ $(($1 - $2)) -le 30 ] || show "$1 is not near $2"; }

@test "linux.timeOffsets: the clocks of a new time namespace" {
  requires /proc/self/ns/time
  config '.linux.namespaces += [{type: "time"}] |
    .linux.timeOffsets = {boottime: {secs: 700000, nanosecs: 5}, monotonic: {secs: 864000}}'
  sh_container 'cat /proc/self/timens_offsets; cut -d. -f1 /proc/uptime; readlink /proc/self/ns/time'
  assert_success
  assert_no_stderr
  [[ $(sed -n 1p <<<"$output") =~ ^monotonic\ +864000\ +0$ ]] || show monotonic
  [[ $(sed -n 2p <<<"$output") =~ ^boottime\ +700000\ +5$ ]] || show boottime
  is_near "$(sed -n 3p <<<"$output")" $(($(seconds) + 700000))
  [ "$(sed -n 4p <<<"$output")" != "$(readlink /proc/self/ns/time)" ]
}

@test "linux.timeOffsets: negative, without gains of privilege, and in exec" {
  requires /proc/self/ns/time
  config '.linux.namespaces += [{type: "time"}] | .process.noNewPrivileges = true |
    .linux.timeOffsets = {boottime: {secs: -10}}'
  container_command sleep 100
  run_oci create --bundle "$BUNDLE" "$ID"
  assert_success
  # complete before the start
  [ "$(readlink "/proc/$(container_pid)/ns/time")" != "$(readlink /proc/self/ns/time)" ]
  run_oci exec "$ID" /bin/sh -c 'cat /proc/self/timens_offsets; cut -d. -f1 /proc/uptime; echo $$ >/dev/null'
  assert_success
  [[ $output =~ boottime\ +-10\ +0 ]] || show boottime
  is_near "$(tail -n1 <<<"$output")" $(($(seconds) - 10))
  run_oci start "$ID"
  assert_success
}

@test "linux.timeOffsets: what the kernel cannot do is named" {
  requires /proc/self/ns/time
  config '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {monotonic: {secs: -864000000}}'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "config.json: /linux/timeOffsets: set the offsets: Numerical result out of range"
}

@test "linux.namespaces[].path: a time namespace" {
  requires /proc/self/ns/time subids
  local other
  config '.linux.namespaces += [{type: "time"}] | .linux.timeOffsets = {boottime: {secs: 700000}}'
  container_command sleep 100
  run_oci run --bundle "$BUNDLE" --detach "$ID"
  assert_success
  other=/proc/$(container_pid)/ns
  config '.linux.namespaces |= map(if .type == "time" or .type == "user" then .path = $o + "/" + .type else . end) |
    del(.linux.timeOffsets, .linux.uidMappings, .linux.gidMappings)' --arg o "$other"
  container_command /bin/sh -c 'readlink /proc/self/ns/time; cut -d. -f1 /proc/uptime'
  run_oci run --bundle "$BUNDLE" "$ID-2"
  assert_success
  assert_equal "$(head -n1 <<<"$output")" "$(readlink "$other/time")"
  is_near "$(tail -n1 <<<"$output")" $(($(seconds) + 700000))
  config '.linux.timeOffsets = {boottime: {secs: 1}}'
  run_oci run --bundle "$BUNDLE" "$ID-2"
  assert_failure 1
  assert_one_line_error "config.json: /linux/timeOffsets: the clocks of a time namespace that exists"
}

@test "process: without one a container can be created and used, not started" {
  config 'del(.process)'
  run_oci create --bundle "$BUNDLE" "$ID"
  assert_success
  assert_no_stderr
  is_status created
  run_oci start "$ID"
  assert_failure 1
  assert_one_line_error "config.json: /process: missing: there is nothing to run"
  is_status created
  echo '{"args": ["/bin/echo", "inside"], "cwd": "/", "user": {"uid": 0, "gid": 0}}' >"$TEST_DIR/process"
  run_oci exec --process "$TEST_DIR/process" "$ID"
  assert_success
  assert_output inside
  run_oci delete "$ID"
  assert_success
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "config.json: /process: missing: there is nothing to run"
}

@test "linux.namespaces[].path: all that can be joined" {
  requires subids
  local pid type
  container_command sleep 100
  run_oci run --bundle "$BUNDLE" --detach "$ID"
  assert_success
  pid=$(container_pid)
  config '.linux.namespaces |= [{type: "mount"}] + (map(select(.type != "mount")) | map(.path = "/proc/\($p)/ns/" + ({network: "net"}[.type] // .type)))
    | del(.linux.uidMappings, .linux.gidMappings, .hostname)' --arg p "$pid"
  # shellcheck disable=SC2016  # for the shell inside
  container_command /bin/sh -c 'for n in user net ipc uts cgroup pid; do readlink /proc/self/ns/$n; done; pidof sleep'
  run_oci run --bundle "$BUNDLE" "$ID-2"
  assert_success
  assert_equal "$output" "$(for type in user net ipc uts cgroup pid; do readlink "/proc/$pid/ns/$type"; done; echo 1)"
  config '.linux.namespaces |= map(if .type == "ipc" then .path |= sub ("ipc$"; "uts") else . end)'
  run_oci run --bundle "$BUNDLE" "$ID-2"
  assert_failure 1
  assert_stderr_has "is not a ipc namespace"
}
