#!/usr/bin/env bats
# A container that stays: run --detach, state, list, kill, delete, and what is recorded.
load helpers

setup() {
  setup_test
  make_bundle
}

sleeper() {
  container_command /bin/sh -c 'trap "exit 0" TERM; echo up; while :; do sleep 0.1; done'
  run_oci run --detach --bundle "$BUNDLE" "$@" "$ID"
  assert_success
  # a first process that has not said what TERM is to do does not get it
  wait_until grep -q up "$TEST_DIR/stdout"
}

@test "run --detach returns while the program runs" {
  sleeper
  assert_equal "$(container_status)" running
  kill -0 "$(container_pid)"
}

@test "state is a document with the keys of the specification" {
  sleeper
  run_oci state "$ID"
  assert_success
  assert_no_stderr
  assert_equal "$(jq -r .id <<<"$output")" "$ID"
  assert_equal "$(jq -r .bundle <<<"$output")" "$BUNDLE"
  assert_equal "$(jq -r '.pid > 1' <<<"$output")" true
  jq -e '.ociVersion and .created' <<<"$output"
}

@test "annotations are in the state" {
  config '.annotations = {"org.example.key": "value"}'
  sleeper
  run_oci state "$ID"
  assert_equal "$(jq -r '.annotations["org.example.key"]' <<<"$output")" value
}

@test "the pid file is a number without a newline" {
  sleeper --pid-file "$TEST_DIR/pid"
  assert_equal "$(wc -l <"$TEST_DIR/pid")" 0
  assert_equal "$(cat "$TEST_DIR/pid")" "$(container_pid)"
}

@test "a relative pid file is the caller's, not the bundle's" {
  cd "$TEST_DIR"
  sleeper --pid-file here.pid
  [ -s "$TEST_DIR/here.pid" ]
}

@test "only the container's own process stays" {
  local programs
  sleeper
  programs=$(new_programs)
  assert_equal "$programs" ""
}

@test "the running container holds no descriptor of the host" {
  sleeper
  local pid fd
  pid=$(container_pid)
  for fd in /proc/"$pid"/fd/*; do
    [ "${fd##*/}" -le 2 ] || show "descriptor ${fd##*/}: $(readlink "$fd")"
  done
}

@test "list shows the container: table, JSON and ids" {
  sleeper
  run_oci list
  assert_success
  assert_output_matches '^NAME +PID +STATUS +BUNDLE +CREATED +OWNER'
  assert_output_matches "$ID +$(container_pid) +running +$BUNDLE"
  run_oci list --format json
  assert_equal "$(jq -r '.[0].id, .[0].status' <<<"$output")" "$ID"$'\n'running
  run_oci list -q
  assert_output "$ID"
}

@test "list without containers, and without a root" {
  run_oci list -q
  assert_success
  assert_output ""
  run_oci --root "$TEST_DIR/none" list -q
  assert_success
  assert_output ""
  run_oci list -f json
  assert_success
}

@test "kill sends TERM, or what it is given by name or number" {
  local signal
  for signal in "" TERM SIGTERM term 15; do
    sleeper
    # shellcheck disable=SC2086  # no signal is no argument
    run_oci kill "$ID" $signal
    assert_success
    wait_until is_status stopped || show "signal '$signal'"
    run_oci delete "$ID"
    assert_success
  done
}

@test "kill takes real-time signals" {
  container_command /bin/sh -c 'trap "exit 3" 37; echo up; while :; do sleep 0.1; done'
  run_oci run -d --bundle "$BUNDLE" "$ID"
  wait_until grep -q up "$TEST_DIR/stdout"
  run_oci kill "$ID" RTMIN+3
  assert_success
  wait_until is_status stopped
}

@test "kill of an unknown signal is an error" {
  sleeper
  run_oci kill "$ID" NOSUCH
  assert_failure 1
  assert_one_line_error 'unknown signal "NOSUCH"'
}

@test "kill of a stopped container" {
  container_command /bin/true
  run_oci run -d --bundle "$BUNDLE" "$ID"
  assert_success
  wait_until is_status stopped
  run_oci kill "$ID"
  assert_failure 1
  assert_one_line_error "container not running"
}

@test "a stopped container has no pid" {
  container_command /bin/true
  run_oci run -d --bundle "$BUNDLE" "$ID"
  assert_success
  wait_until is_status stopped
  assert_equal "$(container_pid)" 0
}

@test "delete refuses a running container, delete --force ends it" {
  sleeper
  local pid
  pid=$(container_pid)
  run_oci delete "$ID"
  assert_failure 1
  assert_one_line_error "cannot delete container $ID that is not stopped: running"
  run_oci delete --force "$ID"
  assert_success
  assert_no_stderr
  [ ! -d "/proc/$pid" ] || grep -q '^State:.*[ZX]' "/proc/$pid/status"
  run_oci delete --force "$ID"
  assert_success
}

@test "the id can be used again at once" {
  sleeper
  run_oci delete -f "$ID"
  sleeper
}

@test "an unknown container" {
  local command
  for command in state kill delete; do
    run_oci $command nosuch
    assert_failure 1
    assert_one_line_error "container does not exist"
  done
  run_oci delete --force nosuch
  assert_success
  assert_no_stderr
}

@test "an id in use" {
  sleeper
  run_oci run -d --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "container with given ID already exists"
  assert_equal "$(container_status)" running
}

@test "bad ids are refused by every command before anything is touched" {
  local id command long
  mkdir "$TEST_DIR/precious"
  long=$(printf '%0300d' 0)
  for id in "" . .. a/b ../precious "a b" $'a\nb' é "$long"; do
    for command in run state kill delete "delete --force"; do
      # shellcheck disable=SC2086  # a command and its option
      cd "$BUNDLE" && run_oci $command "$id"
      assert_failure 1
      [[ "$stderr" == *"container ID"* || "$stderr" == *"container id"* ]] || show "$command '$id'"
    done
  done
  [ -d "$TEST_DIR/precious" ] && [ -d "$STATE" ]
}

@test "of twenty creates of one id one wins" {
  local i wins
  container_command /bin/sleep 60
  for i in {1..20}; do
    "$BWRAP_OCI" --root "$STATE" run -d --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- &&
      echo won >"$TEST_DIR/won.$i" &
  done
  wait
  wins=("$TEST_DIR"/won.*)
  assert_equal "${#wins[@]}" 1
  assert_equal "$(container_status)" running
}

@test "a forged pid in the record does not reach a bystander" {
  local bystander forged
  sleeper
  sleep 60 &
  bystander=$!
  run_oci kill "$ID" KILL
  wait_until is_status stopped
  forged=$(jq --argjson pid "$bystander" '(.. | objects | select(has("pid"))).pid = $pid' \
    "$STATE/$ID/state.json")
  echo "$forged" >"$STATE/$ID/state.json"
  run_oci delete --force "$ID"
  kill -0 "$bystander"
  kill "$bystander"
}

@test "a broken record: list goes on, delete --force cleans up" {
  sleeper
  local pid
  pid=$(container_pid)
  echo garbage >"$STATE/$ID/state.json"
  run_oci list
  assert_success
  assert_output_matches "$ID .*broken"
  run_oci list -q
  assert_output "$ID"
  run_oci delete "$ID"
  assert_failure 1
  run_oci delete --force "$ID"
  assert_success
  wait_until bash -c "! [ -d /proc/$pid ] || grep -q '^State:.*[ZX]' /proc/$pid/status"
  [ ! -e "$STATE/$ID" ]
}
