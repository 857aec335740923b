#!/usr/bin/env bash
# Scripts: shellcheck finds nothing, and those that are run have the bit for it.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
cd "$top_srcdir"

mapfile -t scripts < <(find . -path './build*' -prune -o -path ./autom4te.cache -prune \
  -o \( -name '*.sh' -o -name '*.bash' -o -path ./.ci/run \) -type f -print | grep -v /build-aux/ | sort)
mapfile -t suites < <(find tests -name '*.bats' | sort)

# each OPTION... -- FILE...: shellcheck, some files at once on each processor
each() {
  local options=(--severity=warning)
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  printf '%s\0' "$@" | xargs -0 -n 4 -P "$(nproc)" shellcheck "${options[@]}"
}

if command -v shellcheck >/dev/null; then
  check "scripts pass shellcheck" each --external-sources -- "${scripts[@]}"
  # bats sets and reads variables of its own, and stops at the first failure
  check "test suites pass shellcheck" each --shell=bash \
    --exclude=SC2034,SC2154,SC2164,SC2030,SC2031 -- "${suites[@]}"
else
  skip "scripts pass shellcheck" "shellcheck is not installed"
fi
none "scripts that are called have the run bit" "$(find autogen.sh tests/run.sh .ci/run demo \
  \( -name '*.sh' -o -name run \) -type f ! -perm -u+x 2>/dev/null || true)"
none "house tests that make check does not run: no line in Makefile.am" "$(for file in tests/house/*.sh; do
  grep -qE "^\s$file( |\$)" Makefile.am || echo "$file"; done)"
finish
