#!/usr/bin/env bash
# How much of the layers that read, decide and keep the state is run by the unit tests, the golden
# plans and the seeds of fuzzing: at least 90 of 100 lines of each.
#
#   tests/coverage.sh [BUILD]       (default: build/coverage)
#
# COVERAGE_SHOW=1 shows the lines that nothing has run.
set -euo pipefail
top_srcdir=$(cd "$(dirname "$0")/.." && pwd)
# shellcheck source=tests/lib/tap.sh
. "$top_srcdir/tests/lib/tap.sh"
build=$(realpath -m "${1:-$top_srcdir/build/coverage}")
least=90

[ "$top_srcdir/configure" -nt "$top_srcdir/configure.ac" ] || "$top_srcdir/autogen.sh" >/dev/null
mkdir -p "$build"
cd "$build"
{
  [ -f Makefile ] || "$top_srcdir/configure" CFLAGS='-O0 -g --coverage' LDFLAGS=--coverage
  make -j"$(nproc)" all
  make -j"$(nproc)" check TESTS=
} >build.log 2>&1 || { tail -n 40 build.log >&2; exit 1; }

find . -name '*.gcda' -delete
for test in $(make -s --no-print-directory print-unit-tests); do
  [ "${test%.sh}" = "$test" ] || continue
  check "$test" env G_TEST_SRCDIR="$top_srcdir" "./$test"
done

# Each line as gcov has it, "COUNT:NUMBER:TEXT", behind the name of its source from src/ on. A header
# counts with those who include it.
lines() {
  find src -name '*.gcda' -print0 | xargs -0 gcov --stdout 2>/dev/null | awk '
    / 0:Source:/ { sub (/.*0:Source:/, ""); name = $0; sub (/.*\/src\//, "src/", name); next }
    name ~ /^src\/.*\.c$/ && !/^ *-:/ { print name ":" $0 }'
}
lines >lines

# measure NAME SOURCE...: files, or folders with a slash
measure() {
  local name=$1 all missed permille
  shift
  grep -F "${@/#/-e}" lines >"lines.$name" || true
  all=$(wc -l <"lines.$name")
  missed=$(grep -cE '^[^:]*: *(#|=)' "lines.$name" || true)
  permille=$((all > 0 ? 1000 * (all - missed) / all : 0))
  check "$name: $((permille / 10)).$((permille % 10)) % of $all lines are run" \
    test "$permille" -ge $((10 * least))
  [ -z "${COVERAGE_SHOW:-}" ] || grep -E '^[^:]*: *(#|=)' "lines.$name" | sed 's/^/# /' || true
}
measure json src/json/
measure spec src/spec/
measure plan src/plan/
# what is on record, and what works on it alone
measure state src/base/lock.c src/run/{container,delete,gate,kill,list,processes,record,store}.c
finish
