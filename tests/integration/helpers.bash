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

# Every test pays for these two, so no program where bash will do. Bats notes each line that is run,
# for a tenth of a millisecond: those of the test itself tell enough, not those of what it calls.
setup_test() {
  set +T
  prepare_test
}

prepare_test() {
  local process
  TEST_DIR=$(mktemp -d "${TMPDIR:-/tmp}/t.XXXXXXXX")
  chmod 0711 "$TEST_DIR"
  STATE=$TEST_DIR/state
  BUNDLE=$TEST_DIR/bundle
  ID=${TEST_DIR##*/}
  ID=${ID/./-}
  mkdir -m 0700 "$STATE"
  mkdir "$BUNDLE"
  declare -gA EARLIER=()
  for process in /proc/[0-9]*; do EARLIER[$process]=1; done
}

teardown_test() {
  local id status=0
  # a test that was skipped before it was set up
  [ -n "${TEST_DIR:-}" ] || return 0
  for id in "$STATE"/[!.]*; do
    [ -e "$id" ] && "$BWRAP_OCI" --root "$STATE" delete --force "${id##*/}" 3>&- || true
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

# The processes that were not there when the test began: FRESH, as /proc/PID.
fresh_processes() {
  local process
  FRESH=()
  for process in /proc/[0-9]*; do
    [ -n "${EARLIER[$process]:-}" ] || FRESH+=("$process")
  done
}

# is_program PROCESS: one of ours in this session: the runtime, bwrap's monitor.
is_program() {
  local line name its ours
  { read -r line <"$1/stat"; } 2>/dev/null || return 1
  name=${line#*(}
  # not bwrap-oci/init, as the init of a container is called that waits for its start
  [[ "${name%)*}" =~ ^(bwrap|bwrap-oci(-.*)?|newuidmap|newgidmap)$ ]] || return 1
  # state, parent, group, session
  read -r -a its <<<"${line##*) }"
  read -r line </proc/$$/stat
  read -r -a ours <<<"${line##*) }"
  [[ "${its[0]}" != [ZX] && "${its[3]}" = "${ours[3]}" ]]
}

new_programs() {
  local process
  fresh_processes
  for process in "${FRESH[@]}"; do
    ! is_program "$process" || echo "${process#/proc/}"
  done
}

# Processes that see a mount from TEST_DIR, or name it in their arguments: a container's
# processes have a session, an environment and a mount namespace of their own.
marked_processes() {
  local name=${TEST_DIR##*/} process
  fresh_processes
  { grep -lsF "/$name" "${FRESH[@]/%//mountinfo}"; grep -lsaF "/$name/" "${FRESH[@]/%//cmdline}"; } </dev/null |
    cut -d/ -f-3 | sort -u | while read -r process; do
    ! grep -qs '^State:[[:space:]]*[ZX]' "$process/status" || continue
    # bats itself, and what it has left of shells
    [ -e "$process" ] && [ "$(readlink "$process/exe")" != "$(readlink -f "$BASH")" ] || continue
    echo "${process#/proc/} $(tr '\0' ' ' <"$process/cmdline")"
  done 2>/dev/null || true
}

# Nothing may be left: no process, no mount, no state, no cgroup.
no_leftovers() {
  local left name=${TEST_DIR##*/}
  left=$(compgen -G "$STATE/*" || true)
  [ -z "$left" ] || { echo "left in the state directory: $left"; return 1; }
  wait_until no_processes || { echo "left running: $(marked_processes; new_programs)"; return 1; }
  left=$(grep -F "/$name" /proc/self/mountinfo || true)
  [ -z "$left" ] || { echo "left mounted: $left"; return 1; }
  left=$(find /sys/fs/cgroup -type d -name "*$ID*" 2>/dev/null || true)
  [ -z "$left" ] || { echo "left cgroup: $left"; return 1; }
}

# A look at all of them tells whether it is worth to look at each.
no_processes() {
  local process
  fresh_processes
  for process in "${FRESH[@]}"; do ! is_program "$process" || return 1; done
  ! grep -qsaF "/${TEST_DIR##*/}" "${FRESH[@]/%//mountinfo}" "${FRESH[@]/%//cmdline}" </dev/null ||
    [ -z "$(marked_processes)" ]
}

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
  local dir=${1:-$BUNDLE} config=${BATS_RUN_TMPDIR:+$BATS_RUN_TMPDIR/config.json}
  make_rootfs "$dir/rootfs"
  if [ ! -e "$config" ]; then
    "$BWRAP_OCI" spec --rootless --bundle "$dir" 3>&-
    config_of "$dir" '.process.terminal = false | del(.linux.uidMappings, .linux.gidMappings)'
    [ -z "$config" ] || cp "$dir/config.json" "$config"
  else
    cp "$config" "$dir/config.json"
  fi
}

# All of busybox in a root; made once, then copied. Links of a file with many names, as in the image
# of that name: some file systems take long to make what many have just been removed of.
make_rootfs() {
  local template=${TMPDIR:-/tmp}/busybox-root new applet
  if [ ! -d "$template" ]; then
    new=$(mktemp -d "$template.XXXXXX")
    chmod 0755 "$new"
    mkdir -p "$new"/{bin,dev,etc,home,proc,root,sys,tmp,usr/bin,var/tmp}
    chmod 1777 "$new/tmp" "$new/var/tmp"
    cp "$BUSYBOX" "$new/bin/busybox"
    for applet in $("$BUSYBOX" --list); do
      [ "$applet" = busybox ] || ln "$new/bin/busybox" "$new/bin/$applet"
    done
    printf '%s\n' root:x:0:0:root:/root:/bin/sh user:x:1000:1000::/home:/bin/sh \
      nobody:x:65534:65534::/:/bin/sh >"$new/etc/passwd"
    printf '%s\n' root:x:0: tty:x:5: user:x:1000: nogroup:x:65534: >"$new/etc/group"
    mv -T "$new" "$template" 2>/dev/null || rm -rf "$new"
  fi
  mkdir -p "${1%/*}"
  cp -RT --preserve=mode,links "$template" "$1"
}

# Debian's jq takes 40 ms to start, gojq three.
if command -v gojq >/dev/null; then jq() { gojq "$@"; }; fi

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

# on_tty COMMAND...: what it shows on a terminal of its own.
on_tty() { python3 "$HELPERS/../compat/on_pty.py" "" "$@" </dev/null 3>&- | tr -d '\r'; }

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
