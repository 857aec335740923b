#!/usr/bin/env bash
# The known holes of SECURITY.md and the tests that are named after them.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
cd "$top_srcdir"

documented() { sed -n '/^## Known holes/,/^## /p' SECURITY.md | sed -nE 's/^\| ((CVE-|no id: )[^|,]*[^|, ]).*/\1/p' | sort -u; }
# a test without an id is named as its row begins
tested() { sed -nE 's/^@test "(CVE-[0-9-]+|no id: [^"]*)[:"].*/\1/p' tests/integration/cve.bats | sort -u; }

check "there are rows" test "$(documented | wc -l)" -gt 30
while read -r id; do
  check "$id has a test" grep -q "^$id" <(tested)
done < <(documented)
while read -r id; do
  none "$id has a row" "$(while read -r row; do [[ $id != "$row"* ]] || exit 0; done < <(documented); echo "$id")"
done < <(tested)
finish
