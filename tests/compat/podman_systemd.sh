#!/usr/bin/env bash
# runs as: root
# podman with scopes and units: tests/compat/systemd/podman.bats. BWRAP_OCI_TEST_USER_SYSTEMD names
# a program that is called as "PROGRAM -u USER NAME=VALUE... COMMAND" and runs the command below a
# systemd --user.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
user=${BWRAP_OCI_TEST_USER:-bwrap-oci-test}

if [ -z "${BWRAP_OCI_TEST_USER_SYSTEMD:-}" ]; then
  echo "1..0 # SKIP machine: BWRAP_OCI_TEST_USER_SYSTEMD is not set"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chown "$user:" "$work"
chmod 0711 "$work"
"$BWRAP_OCI_TEST_USER_SYSTEMD" -u "$user" BWRAP_OCI="${BWRAP_OCI:?names the program to test}" TMPDIR="$work" \
  BWRAP_OCI_TEST_REQUIRE="${BWRAP_OCI_TEST_REQUIRE:-}" bats --formatter tap "$here/systemd/podman.bats"
