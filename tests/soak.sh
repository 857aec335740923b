#!/usr/bin/env bash
# Containers come and go for SECONDS (default: an hour), and nothing may grow:
# tests/integration/soak.sh, with all that it needs.
#
#   tests/soak.sh [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/.."

export BWRAP_OCI_TEST_LONG=1 BWRAP_OCI_TEST_SUITES=soak BWRAP_OCI_TEST_SOAK=${1:-3600}
exec tests/run.sh setup build integration
