#!/usr/bin/env bash
# What starts inside is somebody else: an init that floods, lies, hangs up or dies at each step of
# run, create, start and exec (faults/pretend.c, in a copy of the programs), and a bubblewrap whose
# message has no end. The runtime says so in one line, with little memory; nothing is left.
# runs as: user and root
# runs with: the plain build
set -euo pipefail
bats_require_minimum_version() { :; }
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/integration/helpers.bash
. "$(dirname "$0")/helpers.bash"

REAL=$BWRAP_OCI
MEMORY_KIB=200000

# The runtime has but so much memory and so many descriptors.
limited() {
  (ulimit -v $MEMORY_KIB -S -n 64 && RUN_TIMEOUT=${RUN_TIMEOUT:-30} run_oci "$@" && echo "$status" >"$TEST_DIR/status")
  status=$(<"$TEST_DIR/status") output=$(<"$TEST_DIR/stdout") stderr=$(<"$TEST_DIR/stderr")
}

# What is wrong with a command that cannot succeed: nothing, or why.
failed() {
  case $status in
    0) echo "$1: success" ;;
    124 | 137) echo "$1: it hangs" ;;
    1 | 255) [[ "$stderr" == "bwrap-oci: "* && "$stderr" != *$'\n'* && ${#stderr} -lt 9000 ]] ||
      echo "$1: not one line: $stderr" ;;
    *) echo "$1: status $status: $stderr" ;;
  esac
}

removed() {
  run_oci delete --force "$ID"
  [ "$status:$stderr" = 0: ] || echo "delete --force: $stderr"
  [ -z "$(find "$STATE" -mindepth 1 -maxdepth 1 ! -name '.*')" ] || echo "left: $(ls "$STATE")"
}

# pretend PHASE WHAT: what the init is to do, by the command that comes to it.
pretend() { container_command /bin/true "pretend:$1:$2"; }

in_run() {
  pretend "$1" "$2"
  limited run --bundle "$BUNDLE" "$ID"
  failed run
  removed
}

in_create() {
  pretend "$1" "$2"
  limited create --bundle "$BUNDLE" "$ID"
  failed create
  removed
}

# at the gate
in_start() {
  pretend "$1" "$2"
  limited create --bundle "$BUNDLE" "$ID"
  [ "$status" = 0 ] || echo "create: $stderr"
  limited start "$ID"
  failed start
  removed
}

# late OPERATION MESSAGE: what fails behind the gate, where the plan is gone, is said of its property.
late() {
  local found
  cp "$TEST_DIR/base.json" "$BUNDLE/config.json"
  pretend gate "no-$1"
  limited create --bundle "$BUNDLE" "$ID"
  limited start "$ID"
  found=$(failed start)
  [ "$stderr" = "bwrap-oci: ${2}a step: Operation not permitted" ] || found+="$stderr"
  found+=$(removed)
  none "start: what fails is $1" "$found"
}

# The container's own init is a good one.
begin_exec() {
  BWRAP_OCI=$REAL
  container_command /bin/sleep 100
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  BWRAP_OCI=$COPY
}

in_exec() {
  begin_exec
  limited exec "$ID" /bin/true "pretend:$1:$2"
  failed exec
  is_status running || echo "exec: the container has ended"
  removed
}

# in_phase COMMAND PHASE JQ WHAT...
in_phase() {
  local command=$1 phase=$2 edit=$3 what found
  shift 3
  cp "$TEST_DIR/base.json" "$BUNDLE/config.json"
  config "$edit"
  for what; do
    found=$("in_$command" "$phase" "$what")
    none "$command: an init that does this: $phase $what" "$found"
  done
}

# It says nothing: whoever waits for it goes on to wait, until "delete --force" ends both or a signal
# comes.
begin_never() {
  local command=$1
  pretend "$2" never
  : >"$TEST_DIR/never"
  if [ "$command" = start ]; then
    run_oci create --bundle "$BUNDLE" "$ID"
    "$BWRAP_OCI" --root "$STATE" start "$ID" </dev/null >/dev/null 2>"$TEST_DIR/never" &
  else
    "$BWRAP_OCI" --root "$STATE" "$command" --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>"$TEST_DIR/never" &
  fi
  job=$!
  wait_until test -s "$STATE/$ID/init"
  sleep 0.2
}

# It ends with nothing on stderr, or one line.
ended() {
  wait_until gone "$job" || echo "$1 does not end"
  wait "$job" || true
  [ "$(wc -l <"$TEST_DIR/never")" -le 1 ] || echo "not one line: $(<"$TEST_DIR/never")"
}
gone() { ! kill -0 "$1" 2>/dev/null; }

never() {
  local command=$1 phase=$2 job found=
  begin_never "$command" "$phase"
  kill -0 "$job" || found+="$command has ended: $(<"$TEST_DIR/never") "
  found+=$(removed)
  found+=$(ended "$command")
  none "$command: an init that never answers ($phase) is ended by delete --force" "$found"
  begin_never "$command" "$phase"
  kill -TERM "$job"
  found=$(ended "$command")
  [ "$command" = start ] || [ -z "$(find "$STATE" -mindepth 1 -maxdepth 1 ! -name '.*')" ] || found+="left: $(ls "$STATE")"
  found+=$(removed)
  none "$command: an init that never answers ($phase) is given up at a signal" "$found"
}

never_in_exec() {
  local job found=
  begin_exec
  "$BWRAP_OCI" --root "$STATE" exec "$ID" /bin/true "pretend:$1:never" </dev/null >/dev/null 2>"$TEST_DIR/never" &
  job=$!
  sleep 0.3
  kill -0 "$job" || found+="exec has ended: $(<"$TEST_DIR/never") "
  kill -TERM "$job"
  found+=$(ended exec)
  is_status running || found+="the container has ended"
  found+=$(removed)
  none "exec: an init that never answers ($1) is given up at a signal" "$found"
}

setup_test
make_bundle
[ "$(id -u)" != 0 ] || config '.linux.namespaces |= map (select (.type != "user"))'
cp "$BUNDLE/config.json" "$TEST_DIR/base.json"
mkdir "$TEST_DIR/copy"
cp "$(dirname "$REAL")"/bwrap-oci{,-gio} "$TEST_DIR/copy"
cp "$(dirname "$REAL")/pretend" "$TEST_DIR/copy/bwrap-oci-init"
COPY=$TEST_DIR/copy/bwrap-oci BWRAP_OCI=$COPY

said=(flood consoles hooks notify long half unknown nowhere descriptors pairs early hang-up die)
in_phase run ready . "${said[@]}" twice trees busy serve
in_phase run ready '.annotations = {"org.bwrap-oci.rootfs.overlay": "volatile"}' trees busy serve
in_phase create ready '.process.terminal = false | .hooks.createRuntime = [{path: "/bin/true"}]' hooks flood
# there an end is that of the program
in_phase run gate . "${said[@]:0:11}"
in_phase start gate . flood consoles notify half nowhere descriptors
late ids 'config.json: /process/user: take on the ids: '
late capabilities 'config.json: /process/capabilities: take on the capabilities: '
late no-new-privs 'config.json: /process/noNewPrivileges: set the bit: '
late seccomp 'config.json: /linux/seccomp: load the filter: '
late arguments 'config.json: /process/args: prepare the arguments: '
late environment 'config.json: /process/env: prepare the environment: '
late root ''
# bwrap's child first holds what the container's first process joins
in_phase run hold '.process.noNewPrivileges = false' "${said[@]}"
in_phase run ready '.process.noNewPrivileges = false' flood nowhere hang-up die
in_phase exec ready . flood half nowhere descriptors hang-up die
sleep 1000 &
bystander=$!
in_phase exec inside . flood half unknown nowhere descriptors hang-up die 1 4294967295 $bystander
check "exec: a bystander lives that was told of as the program" kill -0 $bystander
kill $bystander
cp "$TEST_DIR/base.json" "$BUNDLE/config.json"
never run ready
never create ready
never run gate
never start gate
never_in_exec inside
never_in_exec ready
BWRAP_OCI=$REAL

fake_bwrap() {
  printf '#!/bin/sh\ncase $1 in --help|--version) exec %s "$1" ;; esac\n%s\n' \
    "$(command -v bwrap)" "$1" >"$TEST_DIR/bwrap"
  chmod 0755 "$TEST_DIR/bwrap"
  container_command /bin/true
  limited --bwrap "$TEST_DIR/bwrap" run --bundle "$BUNDLE" "$ID"
}
# shellcheck disable=SC2016  # for the script
fake_bwrap 'head -c 60000 /dev/zero | tr "\0" x >&2; kill -SEGV $$'
none "bubblewrap's message has no end" "$(failed run; removed)"
check "nothing is left" teardown_test
finish
