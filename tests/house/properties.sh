#!/usr/bin/env bash
# Every property of the configuration has a test that looks at it in a real container: the table
# tests/properties against the field tables and the suites.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
table=$top_srcdir/tests/properties

rows=$top_builddir/tests/unit/field-rows
if [ ! -x "$rows" ]; then
  echo "1..0 # SKIP machine: field-rows has not been built"
  exit 0
fi
none "tests/properties: a line for every row, in their order, and for nothing else" \
  "$(apart "the field tables" <("$rows" | cut -f1) "tests/properties" <(grep -v '^#' "$table" | sed 's/: .*//'))"

# The tests that the table names, and those that there are, as "SUITE: NAME".
named() { grep -v '^#' "$table" | sed 's/^[^ ]*: //' | sort -u; }
existing() {
  local file
  for file in "$top_srcdir"/tests/integration/*.bats; do
    sed -n "s/^@test \"\(.*\)\" {.*/$(basename "$file" .bats): \1/p" "$file"
  done | sort -u
}
none "every test that it names exists" "$(comm -23 <(named) <(existing))"

# tests_of SUPPORT: those of rows that are refused, or ignored.
tests_of() {
  "$rows" | awk -F '\t' -v support="$1" '$2 == support { print $1 }' |
    while read -r path; do awk -v at="$path: " 'index ($0, at) == 1 { print substr ($0, length (at) + 1) }' "$table"; done |
    sort -u
}
none "what is refused has a test that says so" "$(tests_of refused | grep -v refused || true)"
none "what is ignored has a test that says so" "$(tests_of ignored | grep -v ignored || true)"
finish
