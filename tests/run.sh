#!/usr/bin/env bash
# Sets up what is missing, builds, runs the tests, and says at the end
# "N passed, N failed, N skipped".
#
#   tests/run.sh [STAGE...]
#
# Stages: setup build unit house integration, and with BWRAP_OCI_TEST_REQUIRE=all also clang
# and sanitizers. As root, the integration tests run as the user BWRAP_OCI_TEST_USER (made if
# missing), else as the caller. Packages come from apt-get, as root or with sudo.
#
#   BWRAP_OCI_TEST_REQUIRE=all   a test skipped for want of anything that can be installed fails
#   BWRAP_OCI_TEST_BUILD=DIR     where to build (default: build/ in the checkout)
#   BWRAP_OCI_TEST_FILTER=REGEX  integration tests whose name matches
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
say() { printf '== %s\n' "$*"; }

# --- the tally ----------------------------------------------------------------

passed=0 failed=0 skipped=0

# count NAME LOG STATUS: adds a TAP log to the tally and shows what failed.
count() {
  local p f s
  awk -v require="$require" -v status="$3" -v name="$1" -v out="$2.count" \
    -f "$top/tests/lib/tally.awk" "$2"
  read -r p f s <"$2.count"
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  printf '   %-40s %4d passed, %d failed, %d skipped\n' "$1" "$p" "$f" "$s"
}

# tap NAME COMMAND...: runs a program that speaks TAP, in the build folder.
tap() {
  local name=$1 log=$logs/${1//\//-}.tap status=0
  shift
  (cd "$build" && timeout --kill-after 10 "${TEST_TIMEOUT:-300}" "$@") \
    >"$log" 2>"$log.stderr" </dev/null || status=$?
  [ "$status" = 0 ] || sed 's/^/# /' "$log.stderr" >>"$log"
  count "$name" "$log" "$status"
}

# --- the unprivileged user ----------------------------------------------------

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
  mkdir -m 0711 "$scratch/tmp"
  mkdir -m 0700 "$scratch/run"
  mkdir "$scratch/bin"
  cp -r "$top/tests" "$scratch/tests"
  chmod -R a+rX "$scratch/bin" "$scratch/tests"
  if [ "$(id -u)" = 0 ]; then
    make_user "$user"
    chown "$user:" "$scratch/tmp" "$scratch/run"
  fi
}

# as_user [NAME=VALUE...] COMMAND...: as after a login.
as_user() {
  local name=$user environment=() variable
  [ "$(id -u)" = 0 ] || name=$(id -un)
  for variable in ${!BWRAP_OCI*}; do environment+=("$variable=${!variable}"); done
  environment+=(HOME="$(getent passwd "$name" | cut -d: -f6)" USER="$name" LOGNAME="$name"
    PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb LANG=C.UTF-8
    XDG_RUNTIME_DIR="$scratch/run" TMPDIR="$scratch/tmp")
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid "$name" --regid "$(id -g "$name")" --init-groups --inh-caps=-all \
      env -i --default-signal "${environment[@]}" "$@"
  else
    env -i "${environment[@]}" "$@"
  fi
}

# --- the stages ---------------------------------------------------------------

stage_setup() {
  say "setup"
  install_packages "${build_packages[@]}" "${run_packages[@]}" "${test_packages[@]}"
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

stage_integration() {
  local dir=${1:-$build} label=${1:+-${1##*/}} file name names=()
  say "integration tests${1:+ (${1##*/})}"
  make_scratch
  rm -rf "${scratch:?}/bin"
  mkdir -m 0755 "$scratch/bin"
  install -m 0755 "$dir"/{bwrap-oci,bwrap-oci-gio,bwrap-oci-init} "$scratch/bin"
  for file in "$top"/tests/integration/*.{bats,sh}; do names+=("$(basename "$file")"); done
  # one file beside the other, each with its log
  for name in "${names[@]}"; do
    integration_file "$name" "$logs/integration$label-$name" &
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n || true; done
  done
  wait
  for name in "${names[@]}"; do
    count "integration$label/$name" "$logs/integration$label-$name.tap" \
      "$(<"$logs/integration$label-$name.status")"
  done
}

# integration_file NAME LOG: in a session of its own, which the search for leftovers relies on.
integration_file() {
  local status=0 command=(bash)
  case $1 in
    *.bats) command=(bats --formatter tap ${BWRAP_OCI_TEST_FILTER:+--filter "$BWRAP_OCI_TEST_FILTER"}) ;;
  esac
  as_user BWRAP_OCI="$scratch/bin/bwrap-oci" setsid --wait timeout --kill-after 10 600 \
    "${command[@]}" "$scratch/tests/integration/$1" </dev/null >"$2.tap" 2>&1 || status=$?
  echo "$status" >"$2.status"
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
  stage_integration "$build/sanitizers"
}

# --- all ----------------------------------------------------------------------

stages=("$@")
if [ ${#stages[@]} = 0 ]; then
  stages=(setup build unit house integration)
  [ "$require" != all ] || stages+=(clang sanitizers)
fi
mkdir -p "$logs"
for stage in "${stages[@]}"; do
  declare -F "stage_$stage" >/dev/null || die "no stage $stage"
  "stage_$stage" || break
done

printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
