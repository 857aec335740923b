#!/usr/bin/env bash
# runs as: root
# runs with: the plain build, as units.sh
# tests/systemd/scope.bats, which units.sh runs where cgroup v2 stands alone, where it stands beside
# v1: the tests that see a difference. BWRAP_OCI_TEST_USER_SYSTEMD names a program that is called as
# "PROGRAM -u USER --view hybrid NAME=VALUE... COMMAND" and runs the command below a systemd --user.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
user=${BWRAP_OCI_TEST_USER:-bwrap-oci-test}

if [ -z "${BWRAP_OCI_TEST_USER_SYSTEMD:-}" ]; then
  echo "1..0 # SKIP machine: BWRAP_OCI_TEST_USER_SYSTEMD is not set"
  exit 0
fi
if [ -z "$(findmnt -rno TARGET -t cgroup -O name=systemd)" ]; then
  echo "1..0 # SKIP machine: no cgroup v1"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chown "$user:" "$work"
chmod 0711 "$work"
"$BWRAP_OCI_TEST_USER_SYSTEMD" -u "$user" --view hybrid BWRAP_OCI="${BWRAP_OCI:?names the program to test}" \
  TMPDIR="$work" bats --formatter tap --filter 'root of what|subgroup|pause|exec --cgroup|again' \
  "$here/../systemd/scope.bats"
