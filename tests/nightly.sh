#!/usr/bin/env bash
# The long forms of what CI runs in part: harm at every system call, races of half a minute each, an
# hour of containers that come and go, fuzzing, all static analysis, packages. Some four hours on two
# cores.
#
#   tests/nightly.sh [SUITE...]     (default: all that have a long form, fuzzing, analysis, packages)
#
# BWRAP_OCI_TEST_SOAK, BWRAP_OCI_TEST_RACE: seconds, BWRAP_OCI_TEST_POINTS: harm of each kind, if
# others are wanted.
# BWRAP_OCI_TEST_FUZZ_SECONDS: for each target (default here: 600).
set -euo pipefail
cd "$(dirname "$0")/.."

export BWRAP_OCI_TEST_LONG=1
export BWRAP_OCI_TEST_SUITES=${*:-faults races hostile_mounts hostile_root soak machine many maps state labels_vm}
stages=(setup build integration)
if [ $# = 0 ] && [ -x tests/fuzz/run.sh ]; then
  export BWRAP_OCI_TEST_FUZZ_SECONDS=${BWRAP_OCI_TEST_FUZZ_SECONDS:-600}
  stages+=(fuzz static package)
fi
exec tests/run.sh "${stages[@]}"
