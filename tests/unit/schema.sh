#!/usr/bin/env bash
# Every property of the specification's schema has a row in the tables, and every row a property.
# BWRAP_OCI_TEST_SCHEMA names the folder of the schema (schema/ of the runtime-spec).
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

schema=${BWRAP_OCI_TEST_SCHEMA:-}
[ -n "$schema" ] || { echo "1..0 # SKIP machine: BWRAP_OCI_TEST_SCHEMA is not set"; exit 0; }
command -v python3 >/dev/null || { echo "1..0 # SKIP machine: no python3"; exit 0; }

# compare WHAT: prints where the rows and the schema differ.
compare() {
  "$top_builddir/tests/unit/field-rows" | python3 "$(dirname "$0")/schema.py" "$schema" "$1" ||
    echo "the comparison failed"
}

none "the schema is whole" "$(compare schema)"
none "every property has a row" "$(compare missing)"
none "every row is a property of the specification" "$(compare invented)"
none "rows have the schema's types" "$(compare types)"
none "what the schema requires is required" "$(compare required)"
none "rows know all the schema's values" "$(compare values)"
none "what is not done has a reason" "$(compare reasons)"
none "what is of other platforms is ignored" "$(compare platforms)"
finish
