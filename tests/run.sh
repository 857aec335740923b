#!/usr/bin/env bash
# Sets up what is missing, builds, runs the tests, and says at the end
# "N passed, N failed, N skipped".
#
#   tests/run.sh [STAGE...]
#
# Stages: setup build unit house integration compat, and with BWRAP_OCI_TEST_REQUIRE=all also clang,
# sanitizers, fuzz, static and coverage; only where it is named, package. As root, integration and
# compat tests run as the user BWRAP_OCI_TEST_USER (made if missing), else as the caller. Packages
# come from apt-get, as root or with sudo. Behind the first build, suites run side by side, and beside
# them builds, unit tests and analysis; what they said is reported in the order of the stages.
#
#   BWRAP_OCI_TEST_REQUIRE=all   a test skipped for want of anything that can be installed fails
#   BWRAP_OCI_TEST_BUILD=DIR     where to build (default: build/ in the checkout)
#   BWRAP_OCI_TEST_FILTER=REGEX  integration tests whose name matches
#   BWRAP_OCI_TEST_FUZZ_SECONDS  for each fuzz target (default: 5)
#   BWRAP_OCI_TEST_SUITES=NAMES  only these files of integration and compat tests
#   BWRAP_OCI_TEST_LONG=1        the long forms of some tests, without a limit: see tests/nightly.sh
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
build=${BWRAP_OCI_TEST_BUILD:-$top/build}
require=${BWRAP_OCI_TEST_REQUIRE:-}
user=${BWRAP_OCI_TEST_USER:-bwrap-oci-test}
jobs=$(nproc)
logs=$build/test-logs
# shellcheck source=tests/lib/install.sh
. "$top/tests/lib/install.sh"

die() { echo "tests/run.sh: $*" >&2; exit 1; }
say() { printf '== %s (after %d s)\n' "$*" "$SECONDS"; }

# --- jobs, and the tally ------------------------------------------------------
#
# A job speaks TAP, or has no test of its own and counts as one. What it says is in $logs/NAME.tap;
# once it has ended NAME.status has its exit status and how many seconds it took.

passed=0 failed=0 skipped=0

# ended NAME STATUS BEGAN
ended() {
  local log=$logs/${1//\//-}
  echo "$2 $((SECONDS - $3))" >"$log.status.new"
  mv "$log.status.new" "$log.status"
}

# tap NAME COMMAND...: runs a program that speaks TAP, in the build folder.
tap() {
  local began=$SECONDS name=$1 log=$logs/${1//\//-} status=0
  shift
  (cd "$build" && timeout --kill-after 10 "${TEST_TIMEOUT:-300}" "$@") \
    >"$log.tap" 2>"$log.stderr" </dev/null || status=$?
  [ "$status" = 0 ] || sed 's/^/# /' "$log.stderr" >>"$log.tap"
  ended "$name" "$status" "$began"
}

# step NAME COMMAND...: a job without tests of its own.
step() {
  local began=$SECONDS name=$1 status=0 result="ok 1 - $1"
  shift
  "$@" >"$logs/$name.log" 2>&1 </dev/null || status=$? result="not ok 1 - $name ($logs/$name.log)"
  {
    [ "$status" = 0 ] || tail -n 40 "$logs/$name.log" | sed 's/^/# /'
    echo "$result"
  } >"$logs/$name.tap"
  ended "$name" "$status" "$began"
  return "$status"
}

# report NAME: waits for the end of a job, adds it to the tally and shows what failed.
report() {
  local log=$logs/${1//\//-} status="did not run" seconds=0 p f s
  until [ -e "$log.status" ] || [ -z "$(jobs -rp)" ]; do sleep 0.2; done
  if [ -e "$log.status" ]; then read -r status seconds <"$log.status"; else echo "# $status" >"$log.tap"; fi
  awk -v require="$require" -v status="$status" -v name="$1" -v out="$log.count" \
    -f "$top/tests/lib/tally.awk" "$log.tap"
  read -r p f s <"$log.count"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  printf '   %-40s %4d passed, %d failed, %d skipped, %d s\n' "$1" "$p" "$f" "$s" "$seconds"
}

# --- the unprivileged user ----------------------------------------------------

within=()
scratch=
everything=

# Programs and tests are copied to a folder whose parents all let others through: sub-ids have
# to pass, and a checkout may lie below a home of mode 0700.
cleanup() {
  local status=$?
  [ -z "$everything" ] || kill "$everything" 2>/dev/null || true
  [ -z "$scratch" ] || rm -rf "$scratch" 2>/dev/null ||
    unshare --user --map-root-user --map-auto rm -rf "$scratch"
  exit "$status"
}
trap cleanup EXIT

make_scratch() {
  [ -z "$scratch" ] || return 0
  scratch=$(mktemp -d /var/tmp/bwrap-oci-test.XXXXXXXX)
  chmod 0711 "$scratch"
  mkdir -m 0711 "$scratch/tmp" "$scratch/root"
  mkdir -m 0700 "$scratch/run"
  cp -r "$top"/{bwrap-oci.1,completions,contrib,tests} "$scratch"
  chmod -R a+rX "$scratch"/{bwrap-oci.1,completions,contrib,tests}
  if [ "$(id -u)" = 0 ]; then
    make_user "$user"
    chown "$user:" "$scratch/tmp" "$scratch/run"
    mknod -m 666 "$scratch/fuse" c 10 229 2>/dev/null || true
  fi
}

# environment_of NAME TMPDIR: as after a login, one NAME=VALUE a line.
environment_of() {
  local variable
  for variable in ${!BWRAP_OCI*}; do printf '%s\n' "$variable=${!variable}"; done
  printf '%s\n' HOME="$(getent passwd "$1" | cut -d: -f6)" USER="$1" LOGNAME="$1" SHELL=/bin/bash \
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8 TMPDIR="$2"
}

# A mount namespace in which everybody may open /dev/fuse, where that is for root alone.
within_fuse() {
  [ -e "$scratch/fuse" ] || return 0
  within=(unshare --mount --propagation slave sh -c 'mount --bind "$0" /dev/fuse && exec "$@"' "$scratch/fuse")
  "${within[@]}" true 2>/dev/null || within=()
}

# as_user [NAME=VALUE...] COMMAND..., as_root the same. In /: a user may not come to where root is.
as_user() {
  local name=$user environment become=()
  if [ "$(id -u)" = 0 ]; then
    become=(setpriv --reuid "$name" --regid "$(id -g "$name")" --init-groups --inh-caps=-all)
  else
    name=$(id -un)
  fi
  mapfile -t environment < <(environment_of "$name" "$scratch/tmp")
  "${within[@]}" "${become[@]}" env -i -C / --default-signal "${environment[@]}" XDG_RUNTIME_DIR="$scratch/run" "$@"
}
as_root() {
  local environment
  mapfile -t environment < <(environment_of root "$scratch/root")
  env -i -C / --default-signal "${environment[@]}" "$@"
}

# --- builds -------------------------------------------------------------------

# build_in DIR [CONFIGURE-ARGUMENT...]
build_in() {
  local dir=$1
  shift
  mkdir -p "$dir"
  [ "$top/configure" -nt "$top/configure.ac" ] || "$top/autogen.sh"
  [ -f "$dir/Makefile" ] || (cd "$dir" && "$top/configure" --enable-werror "$@")
  make -C "$dir" -j"$jobs" --no-print-directory all
  make -C "$dir" -j"$jobs" --no-print-directory check TESTS=
}

# --- suites -------------------------------------------------------------------
#
# The .bats and .sh files of a folder of tests/. A line of such a file may say
#
#   # runs as: root, or # runs as: user and root: FILE-root is then FILE as root
#   # runs with: the plain build: with no other
#   # runs with: /dev/fuse: it may open that
#   # runs alone: beside no other suite
#   # takes: N s: many; the longest begin first, so that none is left to run alone at the end

says() { grep -q "^# $2" "$top/tests/${1%-root}"; }

# suites FOLDER [BUILD]: their names.
suites() {
  local file name
  for file in "$top/tests/$1"/*.{bats,sh}; do
    [ -e "$file" ] || continue
    name=$(basename "$file")
    [ -z "${2:-}" ] || ! says "$1/$name" 'runs with: the plain build' || continue
    [[ -z "${BWRAP_OCI_TEST_SUITES:-}" || " $BWRAP_OCI_TEST_SUITES " == *" ${name%.*} "* ]] || continue
    echo "$name"
    # as both, where we can; one is enough for what another BUILD is to find
    if [ "$(id -u)" = 0 ] && [ -z "${2:-}" ] && says "$1/$name" 'runs as: user and root$'; then
      echo "$name-root"
    fi
  done
}

# seconds_of FILE: as it says; most take some.
seconds_of() { sed -n '1,20s/^# takes: \([0-9]*\) s.*/\1/p' "$top/tests/${1%-root}" | grep . || echo 20; }

# bring BUILD: its programs to where the user may run them.
bring() {
  local dir=$build/${1:-.} bin=$scratch/bin${1:+-$1}
  rm -rf "$bin"
  mkdir -m 0755 "$bin"
  install -m 0755 "$dir"/{bwrap-oci,bwrap-oci-gio,bwrap-oci-init} "$dir"/tests/faults/{exchange,flip,pretend,step} \
    "$bin" || die "$dir: the programs are not there"
}

# suite FOLDER NAME [BUILD]: in a session of its own, which the search for leftovers relies on.
suite() {
  local began=$SECONDS status=0 command=(bash) file=$scratch/tests/$1/${2%-root} as=as_user limit=600
  local within=() label=$1${3:+-$3}/$2
  [ -z "${BWRAP_OCI_TEST_LONG:-}" ] || limit=21600
  case $file in
    *.bats) command=(bats --formatter tap ${BWRAP_OCI_TEST_FILTER:+--filter "$BWRAP_OCI_TEST_FILTER"}) ;;
  esac
  if [ "$(id -u)" = 0 ] && { [[ "$2" == *-root ]] || says "$1/$2" 'runs as: root$'; }; then
    as=as_root
  elif says "$1/$2" 'runs with: /dev/fuse$'; then
    within_fuse
  fi
  $as BWRAP_OCI="$scratch/bin${3:+-$3}/bwrap-oci" setsid --wait timeout --kill-after 10 "$limit" \
    "${command[@]}" "$file" </dev/null >"$logs/${label//\//-}.tap" 2>&1 || status=$?
  ended "$label" "$status" "$began"
}

# several [BUILD] FOLDER...: their suites, the longest first. First those that run alone, for there is
# most beside them then that is no suite.
several() {
  local build_name=$1 folder name order=() entry
  shift
  for folder; do
    for name in $(suites "$folder" "$build_name"); do
      if says "$folder/$name" 'runs alone'; then suite "$folder" "$name" "$build_name"
      else order+=("$(seconds_of "$folder/$name") $folder $name"); fi
    done
  done
  mapfile -t order < <(printf '%s\n' "${order[@]}" | sort -s -k1,1nr)
  for entry in "${order[@]}"; do
    read -r _ folder name <<<"$entry"
    [ -n "$name" ] || continue
    # one more than there are processors, since many wait
    while [ "$(jobs -rp | wc -l)" -gt "$jobs" ]; do wait -n || true; done
    suite "$folder" "$name" "$build_name" &
  done
}

report_suites() {
  local name
  say "$1 tests${2:+ ($2)}"
  for name in $(suites "$1" "${2:-}"); do report "$1${2:+-$2}/$name"; done
}

# --- the stages ---------------------------------------------------------------
#
# do_STAGE does it, report_STAGE says what came of it.

# What the stages want that come, at once.
do_setup() {
  local packages=("${build_packages[@]}" "${run_packages[@]}" "${test_packages[@]}")
  say "setup"
  [ -z "${BWRAP_OCI_TEST_USER_SYSTEMD:-}" ] || packages+=("${manager_packages[@]}")
  [ -z "${BWRAP_OCI_TEST_VM_RUN:-}" ] || packages+=("${vm_packages[@]}")
  [ -z "${BWRAP_OCI_TEST_VM_RUN:-}" ] || [ -z "${BWRAP_OCI_TEST_LONG:-}" ] || packages+=("${vm_long_packages[@]}")
  install_packages "${packages[@]}"
  allow_namespaces "$top/contrib/apparmor/bwrap-oci"
}

# Real clients are a lot to install, so only where everything is wanted.
install_for_stages() {
  local packages=()
  ! wanted compat || [ "$require" != all ] || packages+=("${client_packages[@]}")
  ! wanted clang || packages+=(clang)
  ! wanted fuzz || packages+=("${fuzz_packages[@]}")
  ! wanted static || packages+=("${static_packages[@]}")
  ! wanted package || packages+=("${package_packages[@]}")
  install_packages "${packages[@]}"
}

do_build() {
  local status=0
  say "build"
  step build build_in "$build" || status=$?
  report build
  return "$status"
}

# The list is the Makefile's: programs, and scripts that start some.
unit_tests() { make -s -C "$build" --no-print-directory print-unit-tests; }

do_unit() {
  local test dir=$build/${1:-.} command
  for test in $(unit_tests); do
    command=("$dir/$test")
    [ "${test%.sh}" = "$test" ] || command=(bash "$top/$test")
    tap "$test${1:+-$1}" env top_srcdir="$top" top_builddir="$dir" G_TEST_SRCDIR="$top" "${command[@]}"
  done
}
report_unit() {
  local test
  say "unit tests${1:+ ($1)}"
  for test in $(unit_tests); do report "$test${1:+-$1}"; done
}

house_tests() { basename -a -s .sh "$top"/tests/house/*.sh; }
do_house() {
  local test
  for test in $(house_tests); do
    tap "house/$test" env top_srcdir="$top" top_builddir="$build" bash "$top/tests/house/$test.sh"
  done
}
report_house() {
  local test
  say "house tests"
  for test in $(house_tests); do report "house/$test"; done
}

report_integration() { report_suites integration; }
report_compat() { report_suites compat; }

# For its warnings: nothing of it is run.
do_clang() { CC=clang step clang build_in "$build/clang" CFLAGS=-O2 || true; }
report_clang() { say "clang"; report clang; }

# Less optimised is built sooner, and what would be optimised away is looked at too.
do_sanitizers() {
  ! step sanitizers build_in "$build/sanitizers" --enable-sanitizers CFLAGS='-O1 -g1' || do_unit sanitizers
}
report_sanitizers() {
  say "AddressSanitizer and UBSan"
  report sanitizers
  built_sanitizers || return 0
  report_unit sanitizers
  report_suites integration sanitizers
}
built_sanitizers() { grep -qs '^0 ' "$logs/sanitizers.status"; }

# Some seconds for each target; tests/fuzz/run.sh takes any time. A build that fails does so again.
do_fuzz() {
  local seconds=${BWRAP_OCI_TEST_FUZZ_SECONDS:-5}
  # for all targets, one after the other, and the build
  TEST_TIMEOUT=$((300 + 12 * seconds)) tap fuzz env FUZZ_BUILD="$build/fuzz" \
    "$top/tests/fuzz/run.sh" "$seconds"
}
build_fuzz() { FUZZ_BUILD=$build/fuzz "$top/tests/fuzz/run.sh" build >"$logs/fuzz-build.log" 2>&1 || true; }
report_fuzz() { say "fuzzing"; report fuzz; }

# The analysis that takes minutes is for the long form.
do_static() {
  local tools=(cppcheck gcc clang-tidy)
  [ -z "${BWRAP_OCI_TEST_LONG:-}" ] || tools+=(clang)
  TEST_TIMEOUT=3600 tap static env BWRAP_OCI_TEST_BUILD="$build" "$top/tests/static.sh" "${tools[@]}"
}
report_static() { say "static analysis"; report static; }

do_coverage() { TEST_TIMEOUT=900 tap coverage "$top/tests/coverage.sh" "$build/coverage"; }
report_coverage() {
  say "coverage"
  report coverage
  grep -E ' % of ' "$logs/coverage.tap" | sed 's/^.*ok [0-9]* - /   /' || true
}

# Some minutes, and a mirror of the distribution.
do_package() { TEST_TIMEOUT=1800 tap package bash "$top/tests/package.sh" "$build/packages"; }
report_package() { say "packages"; report package; }

# --- all ----------------------------------------------------------------------

wanted() { [[ " ${stages[*]} " == *" $1 "* ]]; }

# One after the other; the build that suites wait for comes first.
run_others() {
  local stage
  for stage in sanitizers unit house clang static coverage; do
    ! wanted "$stage" || "do_$stage"
  done
  ! wanted fuzz || build_fuzz
  ! wanted package || do_package
}

run_suites() {
  local folders=()
  ! wanted integration || folders+=(integration)
  ! wanted compat || folders+=(compat)
  [ ${#folders[@]} = 0 ] || { bring "" && several "" "${folders[@]}"; }
  if wanted sanitizers; then
    until [ -e "$logs/sanitizers.status" ]; do sleep 0.2; done
    ! built_sanitizers || { bring sanitizers && several sanitizers integration; }
  fi
  wait
}

# What is fuzzed for some seconds gets the whole of them: nothing runs beside that.
run_everything() {
  run_others &
  run_suites &
  wait
  ! wanted fuzz || do_fuzz
}

stages=("$@")
if [ ${#stages[@]} = 0 ]; then
  stages=(setup build unit house integration compat)
  [ "$require" != all ] || stages+=(clang sanitizers fuzz static coverage)
fi
for stage in "${stages[@]}"; do
  declare -F "do_$stage" >/dev/null || declare -F "report_$stage" >/dev/null || die "no stage $stage"
done
mkdir -p "$logs"
rm -f "$logs"/*.{status,tap}

if { ! wanted setup || do_setup; } && { ! wanted build || do_build; } && install_for_stages; then
  ! wanted integration && ! wanted compat && ! wanted sanitizers || make_scratch
  run_everything &
  everything=$!
  for stage in "${stages[@]}"; do
    [[ "$stage" == @(setup|build) ]] || "report_$stage"
  done
  wait
  everything=
fi

say "all"
printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
