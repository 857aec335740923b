#!/usr/bin/env bash
# Hostile images: whatever becomes of the run, the "victim" that stands for the host is the same
# afterwards. data/badrootfs.sh makes the bundles and says whether their victims are untouched.
set -euo pipefail
bats_require_minimum_version() { :; }
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/integration/helpers.bash
. "$(dirname "$0")/helpers.bash"

data=$(dirname "$0")/../data
maker=$data/badrootfs.sh

# Each bundle is run as it is, a child of bwrap, and again without no_new_privs, where the
# container's first process joins what bwrap holds.
ways=('.' '.process.noNewPrivileges = false')

# With descriptors 5 to 12 open on folders, as careless callers leave them.
run_with_descriptors() {
  exec 5</ 8</etc 10</tmp 12</
  run_oci "$@"
  exec 5<&- 8<&- 10<&- 12<&-
}

bundles=$(mktemp -d "${TMPDIR:-/tmp}/badrootfs.XXXXXXXX")
chmod 0711 "$bundles"
mkdir "$bundles/base"
python3 "$data/badconfigs/gen.py" "$bundles/base" 1001 1001 100000 100000 65536 >/dev/null
BASECONFIG=$bundles/base/001-valid-base.json bash "$maker" "$bundles/all" >/dev/null
chmod 0711 "$bundles/all"
bundles=$bundles/all

for BUNDLE in "$bundles"/*/; do for way in "${ways[@]}"; do
  BUNDLE=${BUNDLE%/} name=${BUNDLE##*/}
  bundle=$BUNDLE
  # the one that looks at the bit itself
  [ "$name $way" != "exe-suid ${ways[1]}" ] || continue
  setup_test
  BUNDLE=$bundle found=
  config "$way"
  RUN_TIMEOUT=20 run_with_descriptors run --bundle "$BUNDLE" "$ID"
  case $(head -n1 "$BUNDLE/expect"):$status in
    *:66 | *:67) found="the host was reached" ;;
    *:124 | *:137) found="it hangs" ;;
    ok:0 | either:*) ;;
    fail:[1-9]*) ;;
    *) found="status $status: $stderr" ;;
  esac
  if [ "$status" = 1 ] && [[ "$stderr" == *$'\n'* ]]; then found+=" not one line: $stderr"; fi
  found+=$(bash "$maker" --check "$bundles" "$name" 2>&1 | grep -v '^untouched$' || true)
  found+=$(teardown_test || true)
  [ "$way" = . ] && how= || how=", hold and join"
  none "$name$how: $(tail -n +2 "$BUNDLE/expect")" "$found"
done; done
remove "$(dirname "$bundles")"
finish
