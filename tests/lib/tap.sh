# TAP for shell scripts; sourced by the house tests. A script calls `check NAME COMMAND...` or
# ok, not_ok and skip, and at its end `finish`.
# shellcheck shell=bash
# shellcheck disable=SC2034  # for those who source this

top_srcdir=${top_srcdir:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
top_builddir=${top_builddir:-$top_srcdir/build}
tests_run=0 tests_failed=0

ok() { tests_run=$((tests_run + 1)); echo "ok $tests_run - $1"; }
skip() { tests_run=$((tests_run + 1)); echo "ok $tests_run - $1 # SKIP $2"; }

# not_ok NAME [DETAILS]
not_ok() {
  tests_run=$((tests_run + 1)) tests_failed=$((tests_failed + 1))
  echo "not ok $tests_run - $1"
  [ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/# /'
}

# none NAME FOUND: passes if nothing was found.
none() { if [ -z "$2" ]; then ok "$1"; else not_ok "$1" "$2"; fi; }

# apart A FILE B FILE: what only one of two sorted lists has; A and B say what they are of.
apart() { diff "$2" "$4" | sed -n "s,^< ,only in $1: ,p; s,^> ,only in $3: ,p" || true; }

# check NAME COMMAND...
check() {
  local name=$1 output
  shift
  if output=$("$@" 2>&1); then ok "$name"; else not_ok "$name" "$output"; fi
}

finish() {
  echo "1..$tests_run"
  [ "$tests_failed" = 0 ]
}

# sources FOLDER...: C files and headers, relative to the top.
sources() { (cd "$top_srcdir" && find "$@" -name '*.[ch]' | sort); }
