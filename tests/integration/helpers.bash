# Helpers of the integration tests; `load helpers` is the first line of each file.
#
# A test gets, in setup_test: TEST_DIR (its own, which sub-ids can pass through), STATE (its
# --root), BUNDLE and ID. What is left behind is looked for in teardown_test.
#
# BWRAP_OCI names the program. TMPDIR must be a folder whose parents all have o+x.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034  # bats's variables; variables for the tests
bats_require_minimum_version 1.5.0

BWRAP_OCI=${BWRAP_OCI:?names the program to test}
HELPERS=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
BUSYBOX=$(command -v busybox) || BUSYBOX=/bin/busybox

# --- a test's surroundings ----------------------------------------------------

setup_test() {
  TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/t.XXXXXXXX")
  chmod 0711 "$TEST_DIR"
  STATE=$TEST_DIR/state
  BUNDLE=$TEST_DIR/bundle
  ID=$(basename "$TEST_DIR" | tr . -)
  mkdir -m 0700 "$STATE"
  mkdir "$BUNDLE"
  findmnt -rno TARGET >"$TEST_DIR/mounts"
  session_programs >"$TEST_DIR/programs"
}

teardown_test() {
  local id status=0
  # a test that was skipped before it was set up
  [ -n "${TEST_DIR:-}" ] || return 0
  for id in "$STATE"/[!.]*; do
    [ -e "$id" ] && "$BWRAP_OCI" --root "$STATE" delete --force "$(basename "$id")" 3>&- || true
  done
  no_leftovers || status=1
  remove "$TEST_DIR"
  return $status
}

# Bats calls these unless the file defines its own.
setup() { setup_test; }
teardown() { teardown_test; }

# The root's folders may belong to sub-ids: only the namespace may remove them.
remove() {
  rm -rf "$@" 2>/dev/null || unshare --user --map-root-user --map-auto rm -rf "$@"
}

# Programs of ours in this session: the runtime, and bwrap's monitor.
session_programs() {
  ps -o pid=,stat=,comm= -s "$(cut -d' ' -f6 /proc/$$/stat)" |
    awk '$2 !~ /^[ZX]/ && $3 ~ /^(bwrap|bwrap-oci.*|newuidmap|newgidmap)$/ { print $1 }'
}

# Processes that see a mount from TEST_DIR, or name it in their arguments: a container's
# processes have a session, an environment and a mount namespace of their own.
marked_processes() {
  local name pid
  name=$(basename "$TEST_DIR")
  { grep -lsF "/$name" /proc/[0-9]*/mountinfo; grep -lsaF "/$name/" /proc/[0-9]*/cmdline; } |
    cut -d/ -f3 | sort -u | while read -r pid; do
    ! grep -qs '^State:[[:space:]]*[ZX]' "/proc/$pid/status" || continue
    # bats itself, and what it has left of shells
    [ -e "/proc/$pid" ] && [ "$(readlink "/proc/$pid/exe")" != "$(readlink -f "$BASH")" ] || continue
    echo "$pid $(tr '\0' ' ' <"/proc/$pid/cmdline")"
  done 2>/dev/null || true
}

# Nothing may be left: no process, no mount, no state, no cgroup.
no_leftovers() {
  local left
  left=$(find "$STATE" -mindepth 1 -maxdepth 1 ! -name '.*')
  [ -z "$left" ] || { echo "left in the state directory: $left"; return 1; }
  wait_until no_processes || { echo "left running: $(marked_processes; new_programs)"; return 1; }
  left=$(findmnt -rno TARGET | diff "$TEST_DIR/mounts" - | grep "^>.*$(basename "$TEST_DIR")" || true)
  [ -z "$left" ] || { echo "left mounted: $left"; return 1; }
  left=$(find /sys/fs/cgroup -type d -name "*$ID*" 2>/dev/null || true)
  [ -z "$left" ] || { echo "left cgroup: $left"; return 1; }
}

new_programs() { session_programs | grep -vxFf "$TEST_DIR/programs" || true; }
no_processes() { [ -z "$(marked_processes)$(new_programs)" ]; }

# wait_until COMMAND...: for at most ten seconds.
wait_until() {
  local i
  for ((i = 0; i < 200; i++)); do
    "$@" && return 0
    sleep 0.05
  done
  return 1
}

# --- what a test needs --------------------------------------------------------

# A reason that begins with "machine:" is one that no installation can mend; every other skip
# is a failure where BWRAP_OCI_TEST_REQUIRE=all.
requires() {
  local what
  for what in "$@"; do
    case $what in
      root) [ "$(id -u)" = 0 ] || skip "machine: needs root" ;;
      user) [ "$(id -u)" != 0 ] || skip "machine: needs a user other than root" ;;
      subids) has_subids || skip "$(id -un) has no sub-id ranges" ;;
      ids) [ "$(id -u)" = 0 ] || requires subids ;;  # more than one
      cgroup-v2) [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ] || skip "machine: no pure cgroup v2" ;;
      fuse) { : <>/dev/fuse; } 2>/dev/null || skip "machine: $(id -un) may not open /dev/fuse" ;;
      env:*) what=${what#env:}; [ -n "${!what:-}" ] || skip "$what is not set" ;;
      /*) [ -e "$what" ] || skip "machine: no $what" ;;
      *) command -v "$what" >/dev/null || skip "$what is not installed" ;;
    esac
  done
}

# needs WHAT...: the last line of a file of which no test can do without; there is no skip in setup_file.
needs() {
  local missing
  missing=$(skip() { echo "$1"; exit; }; requires "$@")
  [ -z "$missing" ] || let_go "$missing"
}

# let_go REASON: no test of the file is run; likewise at its end.
let_go() {
  LET_GO=$1
  setup_file() { :; }
  teardown_file() { :; }
  setup() { skip "$LET_GO"; }
  teardown() { :; }
}

has_subids() {
  grep -qs "^$(id -un):\|^$(id -u):" /etc/subuid && grep -qs "^$(id -un):\|^$(id -u):" /etc/subgid
}

# --- bundles ------------------------------------------------------------------

# make_bundle [DIR]: a busybox root and the configuration of `spec --rootless`, without a
# terminal and with the ids that the runtime chooses: the caller as root, then his sub-ids.
make_bundle() {
  local dir=${1:-$BUNDLE}
  make_rootfs "$dir/rootfs"
  "$BWRAP_OCI" spec --rootless --bundle "$dir" 3>&-
  config_of "$dir" '.process.terminal = false | del(.linux.uidMappings, .linux.gidMappings)'
}

# All of busybox in a root; made once, then copied.
make_rootfs() {
  local template=${TMPDIR:-/tmp}/busybox-root new applet
  if [ ! -d "$template" ]; then
    new=$(mktemp -d "$template.XXXXXX")
    chmod 0755 "$new"
    mkdir -p "$new"/{bin,dev,etc,home,proc,root,sys,tmp,usr/bin,var/tmp}
    chmod 1777 "$new/tmp" "$new/var/tmp"
    cp "$BUSYBOX" "$new/bin/busybox"
    for applet in $("$BUSYBOX" --list); do
      [ "$applet" = busybox ] || ln -s busybox "$new/bin/$applet"
    done
    printf '%s\n' root:x:0:0:root:/root:/bin/sh user:x:1000:1000::/home:/bin/sh \
      nobody:x:65534:65534::/:/bin/sh >"$new/etc/passwd"
    printf '%s\n' root:x:0: tty:x:5: user:x:1000: nogroup:x:65534: >"$new/etc/group"
    mv -T "$new" "$template" 2>/dev/null || rm -rf "$new"
  fi
  mkdir -p "$(dirname "$1")"
  cp -a "$template" "$1"
}

# config EXPRESSION [JQ-OPTION...]: edits the bundle's config.json.
config() { config_of "$BUNDLE" "$@"; }

config_of() {
  local dir=$1
  shift
  jq "$1" "$dir/config.json" "${@:2}" >"$dir/config.json.new"
  mv "$dir/config.json.new" "$dir/config.json"
}

# container_command ARGS...: what the container runs. (jq wants the file before --args.)
container_command() {
  jq '.process.args = $ARGS.positional' "$BUNDLE/config.json" --args -- "$@" >"$BUNDLE/config.json.new"
  mv "$BUNDLE/config.json.new" "$BUNDLE/config.json"
}

# The host's programs in the container, for its python.
with_host_programs() {
  local dir
  requires python3
  config '.mounts += [{destination: "/usr", type: "bind", source: "/usr", options: ["rbind", "ro"]}]'
  for dir in /lib /lib64; do
    [ -e "$dir" ] || continue
    if [ -L "$dir" ]; then ln -s "$(readlink "$dir")" "$BUNDLE/rootfs$dir"
    else config ".mounts += [{destination: \"$dir\", type: \"bind\", source: \"$dir\", options: [\"rbind\", \"ro\"]}]"; fi
  done
}

# --- running ------------------------------------------------------------------

# Runs the program with the test's --root: status, output and stderr are what it said. Not by
# bats's `run`: that waits for the end of a pipe that a detached container keeps open.
run_oci() {
  status=0
  timeout --kill-after 5 "${RUN_TIMEOUT:-60}" "$BWRAP_OCI" --root "$STATE" "$@" \
    <"${RUN_STDIN:-/dev/null}" >"$TEST_DIR/stdout" 2>"$TEST_DIR/stderr" 3>&- || status=$?
  output=$(<"$TEST_DIR/stdout")
  stderr=$(<"$TEST_DIR/stderr")
}

# run_container ARGS...: runs ARGS in the test's bundle, in the foreground.
run_container() {
  container_command "$@"
  run_oci run --bundle "$BUNDLE" "$ID"
}

# sh_container SCRIPT
sh_container() { run_container /bin/sh -c "$1"; }

# Runs the Python on standard input before a terminal: see terminal.py.
on_terminal() {
  { echo 'from terminal import *'; cat; } >"$TEST_DIR/user.py"
  BWRAP_OCI=$BWRAP_OCI STATE=$STATE BUNDLE=$BUNDLE ID=$ID PYTHONDONTWRITEBYTECODE=1 \
    PYTHONPATH=$HELPERS timeout --kill-after 5 "${RUN_TIMEOUT:-60}" \
    python3 "$TEST_DIR/user.py" </dev/null 3>&-
}

# The status as the runtime reports it: created, running, stopped.
container_status() { "$BWRAP_OCI" --root "$STATE" state "${1:-$ID}" 3>&- | jq -r .status; }
container_pid() { "$BWRAP_OCI" --root "$STATE" state "${1:-$ID}" 3>&- | jq -r .pid; }
is_status() { [ "$(container_status "${2:-$ID}" 2>/dev/null)" = "$1" ]; }

# --- assertions ---------------------------------------------------------------

show() {
  printf '%s\n' "$1" "status: ${status:-}" "output: ${output:-}" "stderr: ${stderr:-}"
  return 1
}

assert_success() { [ "$status" -eq 0 ] || show "expected success"; }
assert_failure() {
  [ "$status" -eq "${1:-$status}" ] && [ "$status" -ne 0 ] || show "expected failure ${1:-}"
}
assert_output() { [ "$output" = "$1" ] || show "expected output: $1"; }
assert_output_has() { [[ "$output" == *"$1"* ]] || show "expected in output: $1"; }
assert_output_matches() { [[ "$output" =~ $1 ]] || show "expected output to match: $1"; }
assert_stderr_has() { [[ "$stderr" == *"$1"* ]] || show "expected in stderr: $1"; }
assert_no_stderr() { [ -z "$stderr" ] || show "expected nothing on stderr"; }
assert_equal() { [ "$1" = "$2" ] || { printf 'got:      %s\nexpected: %s\n' "$1" "$2"; return 1; }; }

# One line, that of the house: "bwrap-oci: WHERE: WHAT".
assert_one_line_error() {
  [[ "$stderr" == "bwrap-oci: "* && "$stderr" != *$'\n'* ]] || show "expected one line of error"
  [ -z "$1" ] || assert_stderr_has "$1"
}
