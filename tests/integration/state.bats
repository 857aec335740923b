#!/usr/bin/env bats
# What is on record about containers: torn, empty, foreign and forged, of another boot, with links
# and other users' folders in the way, in great number, and when much happens at once.
# takes: 65 s
load helpers

setup() {
  setup_test
  make_bundle
}

sleeper() {
  container_command /bin/sh -c 'trap "exit 0" TERM; while :; do sleep 0.1; done'
  run_oci run --detach --bundle "$BUNDLE" "${1:-$ID}"
  assert_success
}

is_gone() { ! [ -d "/proc/$1" ] || grep -qs '^State:[[:space:]]*[ZX]' "/proc/$1/status"; }

# Every command but delete --force refuses the container, in one line; list shows it as broken, and
# "fine" as it is.
assert_broken() {
  local command
  for command in state "kill $ID" start "exec $ID /bin/true" delete; do
    [[ $command == *" "* ]] || command="$command $ID"
    # shellcheck disable=SC2086  # a command and its arguments
    run_oci $command
    [ "$status" != 0 ] || show "$1: $command"
    [[ "$stderr" == "bwrap-oci: "* && "$stderr" != *$'\n'* ]] || show "$1: $command: one line"
  done
  run_oci list
  assert_success
  assert_no_stderr
  assert_output_matches "$ID .*broken"
  assert_output_matches "fine .*running"
  run_oci list --format json
  assert_success
  assert_equal "$(jq -r '.[].id' <<<"$output")" fine
}

assert_removed() {
  run_oci delete --force "$ID"
  [ "$status" = 0 ] && [ -z "$stderr" ] || show "$1: delete --force"
  wait_until is_gone "$pid" || show "$1: the process lives"
  [ ! -e "$STATE/$ID" ] || show "$1: the folder is there"
}

# --- records --------------------------------------------------------------------------------------

@test "a torn record, wherever it was torn" {
  local size length pid
  sleeper fine
  sleeper
  pid=$(container_pid)
  cp "$STATE/$ID/state.json" "$TEST_DIR/whole"
  size=$(stat -c %s "$TEST_DIR/whole")
  for length in 0 1 2 $((size / 3)) $((size / 2)) $((size - 2)); do
    head -c "$length" "$TEST_DIR/whole" >"$STATE/$ID/state.json"
    assert_broken "$length bytes"
  done
  is_gone "$pid" && show "the process was ended"
  assert_removed "torn"
}

@test "records that are none: garbage, other JSON, another container's, of another version" {
  local pid record
  sleeper fine
  for record in garbage '[]' '{}' '{"version":1}' $'\x00\x00\x00' \
    "$(cat "$STATE/fine/state.json")" 'version 99' '/id' '/bundle'; do
    sleeper
    pid=$(container_pid)
    case $record in
      'version 99') jq -c '.version = 99' "$STATE/$ID/state.json" >"$TEST_DIR/record" ;;
      /*) jq -c "del(.${record#/})" "$STATE/$ID/state.json" >"$TEST_DIR/record" ;;
      *) printf '%s' "$record" >"$TEST_DIR/record" ;;
    esac
    cp "$TEST_DIR/record" "$STATE/$ID/state.json"
    [ "$record" != garbage ] || assert_broken "$record"
    run_oci list
    assert_output_matches "$ID .*broken"
    assert_removed "$record"
  done
}

@test "records that are no files: a FIFO, a link to another's, one that cannot be read, none" {
  local pid kind
  sleeper fine
  for kind in fifo link unreadable none; do
    sleeper
    pid=$(container_pid)
    [ "$kind" = unreadable ] || rm "$STATE/$ID/state.json"
    case $kind in
      fifo) mkfifo "$STATE/$ID/state.json" ;;
      link) ln -s ../fine/state.json "$STATE/$ID/state.json" ;;
      unreadable) [ "$(id -u)" != 0 ] || continue; chmod 0 "$STATE/$ID/state.json" ;;
    esac
    assert_broken "$kind"
    assert_removed "$kind"
    run_oci state fine
    assert_success
  done
}

@test "a second record that is torn or missing makes the container broken, and harms nobody" {
  local pid kind
  sleeper fine
  for kind in empty garbage torn missing; do
    sleeper
    pid=$(container_pid)
    cp "$STATE/$ID/init" "$TEST_DIR/init"
    case $kind in
      empty) : >"$STATE/$ID/init" ;;
      garbage) echo garbage >"$STATE/$ID/init" ;;
      torn) head -c 20 "$TEST_DIR/init" >"$STATE/$ID/init" ;;
      missing) rm "$STATE/$ID/init" ;;
    esac
    assert_broken "$kind"
    cp "$TEST_DIR/init" "$STATE/$ID/init"
    run_oci state "$ID"
    assert_success
    assert_removed "$kind"
  done
}

@test "both records are broken: delete --force removes what there is" {
  sleeper
  local pid
  pid=$(container_pid)
  echo garbage >"$STATE/$ID/state.json"
  echo garbage >"$STATE/$ID/init"
  run_oci delete --force "$ID"
  assert_success
  [ ! -e "$STATE/$ID" ]
  kill -KILL "$pid"  # whose it is nobody knew
}

@test "files of others in the folder are not removed, and named" {
  sleeper
  local pid
  pid=$(container_pid)
  echo precious >"$STATE/$ID/precious"
  run_oci delete --force "$ID"
  assert_failure 1
  assert_one_line_error "$STATE/$ID: Directory not empty"
  assert_equal "$(cat "$STATE/$ID/precious")" precious
  wait_until is_gone "$pid"
  rm "$STATE/$ID/precious"
  run_oci delete --force "$ID"
  assert_success
}

# --- processes ------------------------------------------------------------------------------------

# forge PID-WORDS...: the words of the second record: pid, start time, boot, two namespaces.
forge() { echo "$*" >"$STATE/$ID/init"; }

@test "a forged record never reaches a bystander" {
  local bystander words start mount_ns record
  sleeper
  sleep 1000 3>&- &
  bystander=$!
  read -r -a words <"$STATE/$ID/init"
  start=$(sed 's/.*) //' "/proc/$bystander/stat" | cut -d' ' -f20)
  mount_ns=$(stat -Lc %i "/proc/$bystander/ns/mnt")
  cp "$STATE/$ID/state.json" "$TEST_DIR/whole"
  for record in "$bystander ${words[*]:1}" "$bystander $start ${words[*]:2}" \
    "$bystander $start ${words[2]} ${words[3]} $mount_ns" "$bystander $start 1 2 3" \
    "1 ${words[*]:1}" "$$ ${words[*]:1}"; do
    # shellcheck disable=SC2086  # words
    forge $record
    cp "$TEST_DIR/whole" "$STATE/$ID/state.json"
    for command in "kill $ID TERM" "kill $ID KILL" "kill --all $ID KILL" "exec $ID /bin/true" \
      "state $ID"; do
      # shellcheck disable=SC2086  # a command and its arguments
      run_oci $command
      kill -0 "$bystander" || show "$record: $command"
    done
    [ "$(jq -r .status <<<"$output")" != running ] || show "$record: running"
    # with the first record broken only the second tells
    cp -a "$STATE/$ID" "$STATE/copy"
    echo garbage >"$STATE/copy/state.json"
    run_oci delete --force copy
    kill -0 "$bystander" || show "$record: delete --force of a broken one"
    rm -rf "$STATE/copy"
    [[ "$record" != 1* ]] || [ -d /proc/1 ]
  done
  kill "$bystander"
  forge "${words[@]}"
  cp "$TEST_DIR/whole" "$STATE/$ID/state.json"
  run_oci delete --force "$ID"
  assert_success
}

@test "a pid that has passed on to another process is that of a container that has stopped" {
  local words
  sleeper
  read -r -a words <"$STATE/$ID/init"
  forge "${words[0]}" $((words[1] + 1)) "${words[@]:2}"
  assert_equal "$(container_status)" stopped
  run_oci kill "$ID" KILL
  assert_failure 1
  assert_one_line_error "container not running"
  kill -0 "${words[0]}"
  forge "${words[@]}"
  assert_equal "$(container_status)" running
}

@test "a container of another boot has stopped, and is deleted without force" {
  local words pid
  sleeper
  read -r -a words <"$STATE/$ID/init"
  pid=${words[0]}
  forge "${words[@]:0:2}" 12345678-1234-4321-8765-123456789abc "${words[@]:3}"
  assert_equal "$(container_status)" stopped
  run_oci list
  assert_output_matches "$ID +0 +stopped"
  run_oci start "$ID"
  assert_failure 1
  run_oci delete "$ID"
  assert_success
  kill -0 "$pid"
  kill -KILL "$pid"
}

# --- in the way -----------------------------------------------------------------------------------

@test "a link in the state directory is no container, and nothing follows it" {
  local command
  mkdir "$TEST_DIR/victim" && touch "$TEST_DIR/victim/state.json"
  ln -s "$TEST_DIR/victim" "$STATE/link"
  ln -s /nowhere "$STATE/dangling"
  touch "$STATE/file" "$STATE/.hidden"
  mkdir "$STATE/not an id"
  run_oci list -q
  assert_success
  assert_output ""
  for command in state kill start delete "delete --force"; do
    # shellcheck disable=SC2086  # a command and its option
    run_oci $command link
    assert_failure 1
    assert_one_line_error link
  done
  run_oci run --bundle "$BUNDLE" link
  assert_failure 1
  assert_one_line_error "container with given ID already exists"
  [ -e "$TEST_DIR/victim/state.json" ]
  rm -r "${STATE:?}"/*
}

@test "the state directory itself may not be a link or somebody else's" {
  requires user subids unshare
  ln -s "$STATE" "$TEST_DIR/link"
  run_oci --root "$TEST_DIR/link" run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "$TEST_DIR/link"
  mkdir "$TEST_DIR/other"
  unshare --user --map-root-user --map-auto chown 1:1 "$TEST_DIR/other"
  run_oci --root "$TEST_DIR/other" list
  assert_failure 1
  assert_one_line_error "$TEST_DIR/other: belongs to uid"
}

@test "a folder of another user in the state directory hinders nobody else" {
  requires user subids unshare
  sleeper fine
  mkdir -m 700 "$STATE/other"
  unshare --user --map-root-user --map-auto chown 1:1 "$STATE/other"
  run_oci --log "$TEST_DIR/log" list
  assert_success
  assert_no_stderr
  assert_output_matches "fine .*running"
  assert_output_matches "other .*broken"
  grep -q "container other: .*$STATE/other: Permission denied" "$TEST_DIR/log" || show "$(<"$TEST_DIR/log")"
  run_oci state other
  assert_failure 1
  assert_one_line_error "$STATE/other: Permission denied"
  run_oci delete --force other
  assert_failure 1
  assert_one_line_error "$STATE/other: Permission denied"
  rmdir "$STATE/other"
}

@test "a state directory that is full, at any step: an error that names the path, and nothing left" {
  requires user subids unshare
  local inodes failures=0 started=0
  own='(.linux.uidMappings, .linux.gidMappings) = [{containerID: 0, hostID: 0, size: 65536}]'
  config "$own"
  container_command /bin/sleep 1000
  # shellcheck disable=SC2016  # for the shell inside
  for inodes in {2..14}; do
    status=0
    timeout 60 unshare --user --map-root-user --map-auto --mount --propagation private sh -c '
      root=$1/full; mkdir -p "$root"; mount -t tmpfs -o mode=700,nr_inodes="$4" none "$root"
      "$2" --root "$root" run -d --bundle "$3" box; status=$?
      if [ $status != 0 ]; then test -z "$(ls "$root")" || echo "left: $(ls -R "$root")"
      else "$2" --root "$root" delete --force box; fi; exit $status' \
      sh "$TEST_DIR" "$BWRAP_OCI" "$BUNDLE" "$inodes" >"$TEST_DIR/out" 2>"$TEST_DIR/err" 3>&- || status=$?
    [ ! -s "$TEST_DIR/out" ] || show "$inodes: $(cat "$TEST_DIR/out")"
    if [ "$status" = 0 ]; then
      started=$((started + 1))
    else
      failures=$((failures + 1))
      stderr=$(cat "$TEST_DIR/err")
      assert_one_line_error "/full/box"
      assert_stderr_has "No space left on device"
    fi
    no_processes || show "$inodes: left running"
  done
  [ "$failures" -ge 3 ] && [ "$started" -ge 3 ] || show "$failures failures, $started started"
}

# In namespaces where the state directory is a tmpfs with OPTIONS: SCRIPT, in which oci is the
# program. What it says on stdout is wrong.
on_tmpfs() {
  config '(.linux.uidMappings, .linux.gidMappings) = [{containerID: 0, hostID: 0, size: 65536}]'
  container_command /bin/sleep 1000
  # shellcheck disable=SC2016  # for the shell inside
  timeout 60 unshare --user --map-root-user --map-auto --mount --propagation private sh -c '
    root=$1/small
    mkdir -p "$root"
    mount -t tmpfs -o "mode=700,$3" none "$root"
    oci() { "$BWRAP_OCI" --root "$root" "$@" </dev/null 2>"$1.err" >/dev/null; }
    cd "$2"
    eval "$4"' sh "$TEST_DIR" "$BUNDLE" "$1" "$2" 3>&- || echo "status $?"
}

@test "a state directory without a free block, at any step: an error that names the path, and nothing left" {
  requires user subids unshare
  local blocks outcomes=
  # shellcheck disable=SC2016  # for the shell inside
  export BWRAP_OCI
  for blocks in 1 2 3 4 5; do
    output=$(on_tmpfs "nr_blocks=$blocks" '
      if oci run -d box; then oci delete -f box && echo started; exit; fi
      [ "$(wc -l <run.err)" = 1 ] && grep -q "/small/box.*No space left on device" run.err && echo refused
      ls "$root"')
    outcomes+="$output "
    no_processes || show "$blocks: left running"
  done
  [[ "$outcomes" =~ ^(refused ){2,4}(started )+$ ]] || show "$outcomes"
}

@test "a state directory that becomes read-only: each command says so or does its work" {
  requires user subids unshare
  export BWRAP_OCI
  # shellcheck disable=SC2016  # for the shell inside
  output=$(on_tmpfs "size=1m" '
    refused() {
      oci "$@" && echo "$*: success"
      [ "$(wc -l <"$1.err")" = 1 ] && grep -q "/small.*Read-only file system" "$1.err" || cat "$1.err"
    }
    oci create made && oci create other && oci run -d running || cat ./*.err
    mount -o remount,ro none "$root"
    refused create more
    refused run more
    oci state made && oci list && oci exec running /bin/true && oci exec made /bin/true || cat ./*.err
    oci kill made KILL || cat kill.err
    refused delete made
    refused delete -f made
    refused delete -f running
    oci start other && oci exec other /bin/true && oci kill other KILL || cat ./*.err
    mount -o remount,rw none "$root"
    for id in made other running; do oci delete -f $id || cat delete.err; done
    ls "$root"')
  assert_output ""
}

@test "a state directory that cannot be written to is named" {
  requires user
  container_command /bin/true
  chmod 0500 "$STATE"
  run_oci run --bundle "$BUNDLE" "$ID"
  chmod 0700 "$STATE"
  assert_failure 1
  assert_one_line_error "$STATE/$ID: Permission denied"
}

@test "what has neither lock nor record is given a moment before list calls it broken" {
  local holder
  mkdir -p "$STATE"
  mkdir -m 700 "$STATE/$ID"
  { sleep 0.2; exec flock --no-fork "$STATE/$ID" sleep 100; } 3>&- &
  holder=$!
  run_oci list
  assert_output_matches "$ID .*creating"
  kill "$holder"
  wait "$holder" || true
  run_oci list
  assert_success
  assert_output_matches "$ID .*broken"
  run_oci delete --force "$ID"
  assert_success
  assert_equal "$(ls "$STATE")" ""
}

# --- many, and at once ----------------------------------------------------------------------------

# As many containers on record as wanted, all of the one process.
copies() {
  python3 - "$STATE" "$ID" "$1" <<'PY'
import os, sys
state, name, count = sys.argv[1:]
init, record = (open("%s/%s/%s" % (state, name, file)).read() for file in ("init", "state.json"))
for i in range(int(count)):
    copy = "%s/copy%d" % (state, i)
    os.mkdir(copy, 0o700)
    open(copy + "/init", "w").write(init)
    open(copy + "/state.json", "w").write(record.replace('"%s"' % name, '"copy%d"' % i))
PY
}

# The least milliseconds of the CPU that `list $@` took in five runs.
list_time() {
  local i least=1000000 took TIMEFORMAT='%U %S'
  for i in {1..5}; do
    took=$({ time "$BWRAP_OCI" --root "$STATE" list "$@" >"$TEST_DIR/list" 2>&1 3>&-; } 2>&1 |
      awk '{ printf "%d", ($1 + $2) * 1000 }')
    [ "$took" -ge "$least" ] || least=$took
  done
  echo "$least"
}

@test "list with a thousand containers takes less than 50 milliseconds, and is linear" {
  local hundred thousand format limit=50
  # a program with sanitizers is slower by far: only that it is linear
  ! grep -qa __asan_init "$BWRAP_OCI" || limit=5000
  sleeper
  copies 99
  hundred=$(list_time)
  rm -r "$STATE"/copy*
  copies 999
  thousand=$(list_time)
  assert_equal "$(grep -c running "$TEST_DIR/list")" 1000

  [ "$thousand" -lt "$limit" ] || show "$thousand ms"
  [ "$thousand" -lt $((15 * (hundred + 2))) ] || show "$hundred ms for a hundred, $thousand for a thousand"
  [ "$(list_time -q)" -lt "$limit" ]
  for format in json table; do
    run_oci list --format $format
    assert_success
  done
  rm -r "$STATE"/copy*
}

@test "of twenty parallel creates of one id exactly one wins, the others say why" {
  local i
  container_command /bin/true
  for i in {1..20}; do
    "$BWRAP_OCI" --root "$STATE" create --bundle "$BUNDLE" "$ID" \
      </dev/null >/dev/null 2>"$TEST_DIR/err.$i" 3>&- && touch "$TEST_DIR/won.$i" &
  done
  wait
  assert_equal "$(find "$TEST_DIR" -name 'won.*' | wc -l)" 1
  assert_equal "$(cat "$TEST_DIR"/err.* | sort | uniq -c | sed 's/^ *//')" \
    "19 bwrap-oci: container with given ID already exists"
  assert_equal "$(container_status)" created
}

@test "create, start, kill and delete of one id, all at once" {
  local i command statuses
  container_command /bin/sleep 1000
  for i in {1..15}; do
    for command in "create --bundle $BUNDLE" start kill delete "delete --force" state; do
      (
        status=0
        # shellcheck disable=SC2086  # a command and its options
        "$BWRAP_OCI" --root "$STATE" $command "$ID" </dev/null >/dev/null 2>&1 3>&- || status=$?
        echo $status >>"$TEST_DIR/statuses"
      ) &
    done
  done
  wait
  statuses=$(sort -un "$TEST_DIR/statuses" | tr '\n' ' ')
  [[ "$statuses" = "0 1 " || "$statuses" = "1 " ]] || show "statuses $statuses"
  run_oci delete --force "$ID"
  assert_success
  run_oci delete --force "$ID"
  assert_success
}

@test "a run in the foreground whose container was deleted leaves the next one of its id alone" {
  local run pid
  container_command /bin/sleep 1000
  "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" </dev/null >"$TEST_DIR/run" 2>&1 3>&- &
  run=$!
  wait_until is_status running
  kill -STOP $run
  run_oci delete --force "$ID"
  assert_success
  run_oci create --bundle "$BUNDLE" "$ID"
  assert_success
  pid=$(container_pid)
  kill -CONT $run
  status=0
  wait $run || status=$?
  assert_equal "$status $(cat "$TEST_DIR/run")" "137 "
  assert_equal "$(container_status) $(container_pid)" "created $pid"
}

@test "the runtime is killed at any time of a create or run: delete --force cleans up" {
  local i command
  container_command /bin/sleep 1000
  for i in {1..60}; do
    command=create
    [ $((i % 3)) = 0 ] || command="run -d"
    # shellcheck disable=SC2086  # a command and its option
    "$BWRAP_OCI" --root "$STATE" $command --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- &
    sleep "0.0$((i / 40))$((i / 4 % 10))$((i % 4 * 2))"
    kill -KILL $! 2>/dev/null || true
    wait $! || true
    run_oci delete --force "$ID"
    assert_success
    assert_no_stderr
    [ ! -e "$STATE/$ID" ]
  done
  wait_until no_processes || show "left: $(marked_processes; new_programs)"
  sleeper
}

@test "list and ps are coloured on a terminal, unless NO_COLOR or a dumb terminal say no" {
  local command escape=$'\e[' plain
  requires python3
  container_command /bin/sleep 100
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
  # shellcheck disable=SC2086  # a command and its argument
  for command in list "ps $ID"; do
    run_oci $command
    assert_success
    plain=$output
    [[ "$plain" != *"$escape"* ]] || show "colours without a terminal"
    output=$(on_tty env TERM=xterm "$BWRAP_OCI" --root "$STATE" $command)
    assert_output_has "${escape}1m"
    assert_equal "$(sed $'s/\e\\[[0-9]*m//g' <<<"$output" | tr -s ' ' | sed 's/ *$//')" \
      "$(tr -s ' ' <<<"$plain" | sed 's/ *$//')"
    output=$(on_tty env TERM=xterm NO_COLOR=1 "$BWRAP_OCI" --root "$STATE" $command)
    assert_equal "$output" "$plain"
    output=$(on_tty env TERM=dumb "$BWRAP_OCI" --root "$STATE" $command)
    assert_equal "$output" "$plain"
  done
  output=$(on_tty env TERM=xterm "$BWRAP_OCI" --root "$STATE" list)
  assert_output_has "${escape}32mrunning${escape}0m"
}
