# Helpers of the tests below a real systemd --user; `load units` is the first line of each file.
#
# Units are files in UNITS, which the manager forgets with the session; they have names that begin
# with the test's ID, and a test leaves none behind.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034  # bats's variables; variables for the tests
load ../integration/helpers

UNITS=${XDG_RUNTIME_DIR:?}/systemd/user

setup_units() {
  mkdir -p "$UNITS"
  setup_test
  make_bundle
  config '.root.readonly = false'
}

# Everything of the test is stopped, and then nothing may be left: no process, no cgroup, no state.
teardown_units() {
  local status=0
  sd stop "$ID*"
  rm -rf "${UNITS:?}/$ID"* "$UNITS"/*.wants/"$ID"*
  systemctl --user daemon-reload
  systemctl --user reset-failed "$ID*" 2>/dev/null || true
  [ -z "${PID_FILE:-}" ] || [ ! -e "$PID_FILE" ] || { echo "left: $PID_FILE"; status=1; }
  teardown_test || status=1
  return $status
}

# --- units ----------------------------------------------------------------------

# sd COMMAND...: systemctl; what it says comes with the test's log if that fails.
sd() { timeout 60 systemctl --user --no-pager "$@" 3>&-; }

# make_unit [OPTION...]: what `unit` prints for the test's bundle, as the service ID.
make_unit() {
  "$BWRAP_OCI" --root "$STATE" unit "$BUNDLE" --name "$ID" "$@" >"$UNITS/$ID.service" 3>&-
  sd daemon-reload
}

# add_settings [SECTION] LINE...: to the test's unit, after its own.
add_settings() {
  local section='[Service]'
  mkdir -p "$UNITS/$ID.service.d"
  case $1 in \[*) section=$1; shift ;; esac
  printf '%s\n' "$section" "$@" >>"$UNITS/$ID.service.d/test.conf"
  sd daemon-reload
}

property() { sd show --property "$1" --value "${2:-$ID}.service"; }
is_state() { [ "$(property ActiveState "${2:-$ID}")" = "$1" ]; }
has_property() { [ "$(property "$1")" = "$2" ]; }
is_restarted() { [ "$(property NRestarts)" -ge "${1:-1}" ]; }
log_of() { sd status --lines 20 "$ID.service" || true; }

# assert_stopped [RESULT]: it is down, and the manager calls that RESULT.
assert_stopped() {
  wait_until is_state "$([ "${1:-success}" = success ] && echo inactive || echo failed)" ||
    { log_of; return 1; }
  assert_equal "$(property Result)" "${1:-success}"
  assert_equal "$("$BWRAP_OCI" --root "$STATE" list -q 3>&-)" ""
  wait_until is_without_cgroup || { echo "left: $(cgroups)"; return 1; }
}
is_without_cgroup() { [ -z "$(cgroups)" ]; }
cgroups() { find /sys/fs/cgroup -type d -path "*/$ID.service*" 2>/dev/null || true; }

# The names of the processes in the unit's cgroup.
processes() {
  local dir pid
  for dir in $(cgroups); do
    while read -r pid; do cat "/proc/$pid/comm"; done <"$dir/cgroup.procs" 2>/dev/null
  done
}

# The cgroup of cgroup v2 that a process is in.
cgroup_of() { sed -n 's/^0:://p' "/proc/$1/cgroup"; }

# --- programs -------------------------------------------------------------------

# A program that ends with 0 when it is asked to, and says in the file /runs that it has begun.
serves() { container_command /bin/sh -c 'echo run >>/runs; trap "exit 0" TERM; while :; do sleep 1 & wait $!; done'; }
runs() { wc -l 2>/dev/null <"$BUNDLE/rootfs/runs" || echo 0; }
