#!/usr/bin/env bash
# Sets up what is missing, builds, runs the tests, and says at the end
# "N passed, N failed, N skipped".
#
#   tests/run.sh [STAGE...]
#
# Stages: setup build unit house integration compat, and with BWRAP_OCI_TEST_REQUIRE=all also clang,
# sanitizers, fuzz, static and coverage; only where it is named, package. As root, integration and
# compat tests run as the user BWRAP_OCI_TEST_USER (made if missing), else as the caller. Packages
# come from apt-get, as root or with sudo.
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

# --- the tally ----------------------------------------------------------------

passed=0 failed=0 skipped=0

# count NAME LOG STATUS [SECONDS]: adds a TAP log to the tally and shows what failed.
count() {
  local p f s
  awk -v require="$require" -v status="$3" -v name="$1" -v out="$2.count" \
    -f "$top/tests/lib/tally.awk" "$2"
  read -r p f s <"$2.count"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  printf '   %-40s %4d passed, %d failed, %d skipped%s\n' "$1" "$p" "$f" "$s" "${4:+, $4 s}"
}

# tap NAME COMMAND...: runs a program that speaks TAP, in the build folder.
tap() {
  local began=$SECONDS name=$1 log=$logs/${1//\//-}.tap status=0
  shift
  (cd "$build" && timeout --kill-after 10 "${TEST_TIMEOUT:-300}" "$@") \
    >"$log" 2>"$log.stderr" </dev/null || status=$?
  [ "$status" = 0 ] || sed 's/^/# /' "$log.stderr" >>"$log"
  count "$name" "$log" "$status" $((SECONDS - began))
}

# --- the unprivileged user ----------------------------------------------------

within=()

# Programs and tests are copied to a folder whose parents all let others through: sub-ids have
# to pass, and a checkout may lie below a home of mode 0700.
scratch=
cleanup() {
  local status=$?
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
  mkdir "$scratch/bin"
  cp -r "$top"/{bwrap-oci.1,completions,contrib,tests} "$scratch"
  chmod -R a+rX "$scratch"/{bin,bwrap-oci.1,completions,contrib,tests}
  if [ "$(id -u)" = 0 ]; then
    make_user "$user"
    chown "$user:" "$scratch/tmp" "$scratch/run"
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
  [ "$(id -u)" = 0 ] && [ ! -e "$scratch/fuse" ] && mknod -m 666 "$scratch/fuse" c 10 229 || return 0
  within=(unshare --mount --propagation slave sh -c 'mount --bind "$0" /dev/fuse && exec "$@"' "$scratch/fuse")
  "${within[@]}" true 2>/dev/null || within=()
}

# as_user [NAME=VALUE...] COMMAND..., as_root the same.
as_user() {
  local name=$user environment become=()
  if [ "$(id -u)" = 0 ]; then
    become=(setpriv --reuid "$name" --regid "$(id -g "$name")" --init-groups --inh-caps=-all)
  else
    name=$(id -un)
  fi
  mapfile -t environment < <(environment_of "$name" "$scratch/tmp")
  "${within[@]}" "${become[@]}" env -i --default-signal "${environment[@]}" XDG_RUNTIME_DIR="$scratch/run" "$@"
}
as_root() {
  local environment
  mapfile -t environment < <(environment_of root "$scratch/root")
  env -i --default-signal "${environment[@]}" "$@"
}

# --- the stages ---------------------------------------------------------------

stage_setup() {
  say "setup"
  install_packages "${build_packages[@]}" "${run_packages[@]}" "${test_packages[@]}" || return
  [ -z "${BWRAP_OCI_TEST_USER_SYSTEMD:-}" ] || install_packages "${manager_packages[@]}"
  [ -z "${BWRAP_OCI_TEST_VM_RUN:-}" ] || install_packages "${vm_packages[@]}"
  [ -z "${BWRAP_OCI_TEST_VM_RUN:-}" ] || [ -z "${BWRAP_OCI_TEST_LONG:-}" ] ||
    install_packages "${vm_long_packages[@]}"
}

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

# logged NAME COMMAND...: a step without tests of its own counts as one test.
logged() {
  local name=$1
  shift
  if "$@" >"$logs/$name.log" 2>&1; then
    passed=$((passed + 1))
    printf '   %-40s done\n' "$name"
  else
    failed=$((failed + 1))
    tail -n 60 "$logs/$name.log" | sed 's/^/   | /'
    printf '   %-40s FAILED (%s)\n' "$name" "$logs/$name.log"
    return 1
  fi
}

stage_build() {
  say "build"
  logged build build_in "$build"
}

# The list is the Makefile's: programs, and scripts that start some.
unit_tests() { make -s -C "$1" --no-print-directory print-unit-tests; }

stage_unit() {
  local test dir=${1:-$build} label=${1:+-${1##*/}} command
  say "unit tests${1:+ (${1##*/})}"
  for test in $(unit_tests "$dir"); do
    command=("$dir/$test")
    [ "${test%.sh}" = "$test" ] || command=(bash "$top/$test")
    tap "$test$label" env top_srcdir="$top" top_builddir="$dir" G_TEST_SRCDIR="$top" "${command[@]}"
  done
}

stage_house() {
  local test
  say "house tests"
  for test in "$top"/tests/house/*.sh; do
    tap "house/$(basename "$test" .sh)" env top_srcdir="$top" top_builddir="$build" bash "$test"
  done
}

runs_alone() { grep -q '^# runs alone' "$top/tests/${1%-root}"; }

# suites FOLDER [BUILD]: the .bats and .sh files of a folder of tests/, one beside the other, but
# those with a line "# runs alone". A file with a line "# runs with: the plain build" runs with no
# other BUILD.
suites() {
  local dir=${2:-$build} label=$1${2:+-${2##*/}} file name names=() status seconds
  say "$1 tests${2:+ (${2##*/})}"
  make_scratch
  rm -rf "${scratch:?}/bin"
  mkdir -m 0755 "$scratch/bin"
  install -m 0755 "$dir"/{bwrap-oci,bwrap-oci-gio,bwrap-oci-init} "$dir"/tests/faults/{exchange,flip,pretend,step} \
    "$scratch/bin" ||
    die "$dir: the programs are not there"
  for file in "$top/tests/$1"/*.{bats,sh}; do
    [ -e "$file" ] || continue
    if [ -n "${2:-}" ] && grep -q '^# runs with: the plain build' "$file"; then continue; fi
    name=$(basename "$file")
    [[ -z "${BWRAP_OCI_TEST_SUITES:-}" || " $BWRAP_OCI_TEST_SUITES " == *" ${name%.*} "* ]] || continue
    names+=("$name")
    # as both, where we can; one is enough for what another BUILD is to find
    if [ "$(id -u)" = 0 ] && [ -z "${2:-}" ] && grep -qx '# runs as: user and root' "$file"; then
      names+=("$name-root")
    fi
  done
  for name in "${names[@]}"; do
    ! runs_alone "$1/$name" || continue
    suite "$1/$name" "$logs/$label-$name" &
    # one more than there are processors, since many wait
    while [ "$(jobs -rp | wc -l)" -gt "$jobs" ]; do wait -n || true; done
  done
  wait
  for name in "${names[@]}"; do
    if runs_alone "$1/$name"; then suite "$1/$name" "$logs/$label-$name"; fi
  done
  for name in "${names[@]}"; do
    read -r status seconds <"$logs/$label-$name.status"
    count "$label/$name" "$logs/$label-$name.tap" "$status" "$seconds"
  done
}

# suite FILE LOG: in a session of its own, which the search for leftovers relies on. A file with
# a line "# runs as: root" does so where we can, and FILE-root is FILE as root; one with a line
# "# runs with: /dev/fuse" may open that.
suite() {
  local began=$SECONDS status=0 command=(bash) file=$scratch/tests/${1%-root} as=as_user limit=600
  local within=()
  [ -z "${BWRAP_OCI_TEST_LONG:-}" ] || limit=21600
  case ${file##*/} in
    *.bats) command=(bats --formatter tap ${BWRAP_OCI_TEST_FILTER:+--filter "$BWRAP_OCI_TEST_FILTER"}) ;;
  esac
  if [ "$(id -u)" = 0 ] && { [ "$1" != "${1%-root}" ] || grep -qx '# runs as: root' "$file"; }; then
    as=as_root
  elif grep -qx '# runs with: /dev/fuse' "$file"; then
    within_fuse
  fi
  $as BWRAP_OCI="$scratch/bin/bwrap-oci" setsid --wait timeout --kill-after 10 "$limit" \
    "${command[@]}" "$file" </dev/null >"$2.tap" 2>&1 || status=$?
  echo "$status $((SECONDS - began))" >"$2.status"
}

stage_integration() { suites integration; }

# Real clients; they are a lot to install, so only where everything is wanted.
stage_compat() {
  [ "$require" != all ] || install_packages "${client_packages[@]}"
  suites compat
}

# Some minutes, and a mirror of the distribution.
stage_package() {
  say "packages"
  install_packages "${package_packages[@]}"
  TEST_TIMEOUT=1800 tap package bash "$top/tests/package.sh" "$build/packages"
}

stage_clang() {
  say "clang"
  install_packages clang
  CC=clang logged clang build_in "$build/clang" || return 0
}

stage_sanitizers() {
  say "AddressSanitizer and UBSan"
  logged sanitizers build_in "$build/sanitizers" --enable-sanitizers || return 0
  stage_unit "$build/sanitizers"
  suites integration "$build/sanitizers"
}

# A few seconds for each target; tests/fuzz/run.sh takes any time.
stage_fuzz() {
  say "fuzzing"
  install_packages "${fuzz_packages[@]}"
  local seconds=${BWRAP_OCI_TEST_FUZZ_SECONDS:-5}
  # for all targets, one after the other, and the build
  TEST_TIMEOUT=$((300 + 12 * seconds)) tap fuzz env FUZZ_BUILD="$build/fuzz" \
    "$top/tests/fuzz/run.sh" "$seconds"
}

# The analysis that takes minutes is for the long form.
stage_static() {
  local tools=(cppcheck gcc clang-tidy)
  say "static analysis"
  install_packages "${static_packages[@]}"
  [ -z "${BWRAP_OCI_TEST_LONG:-}" ] || tools+=(clang)
  TEST_TIMEOUT=3600 tap static env BWRAP_OCI_TEST_BUILD="$build" "$top/tests/static.sh" "${tools[@]}"
}

stage_coverage() {
  say "coverage"
  TEST_TIMEOUT=900 tap coverage "$top/tests/coverage.sh" "$build/coverage"
  grep -E ' % of ' "$logs/coverage.tap" | sed 's/^.*ok [0-9]* - /   /' || true
}

# --- all ----------------------------------------------------------------------

stages=("$@")
if [ ${#stages[@]} = 0 ]; then
  stages=(setup build unit house integration compat)
  [ "$require" != all ] || stages+=(clang sanitizers fuzz static coverage)
fi
mkdir -p "$logs"
for stage in "${stages[@]}"; do
  declare -F "stage_$stage" >/dev/null || die "no stage $stage"
  "stage_$stage" || break
done

printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
