#!/usr/bin/env bash
# runs as: root
# runs with: the plain build, since all of it runs below one manager
# Services below a real systemd --user: tests/systemd/*.bats. A user with a manager of his own uses
# that; for root BWRAP_OCI_TEST_USER_SYSTEMD names a program that is called as
# "PROGRAM -u USER NAME=VALUE... COMMAND" and runs the command below one of USER.
# takes: 60 s
set -euo pipefail
here=$(cd "$(dirname "$0")/../systemd" && pwd)
suites=("$here"/*.bats)

if [ "$(id -u)" != 0 ]; then
  case $(systemctl --user is-system-running 2>/dev/null) in
    running | degraded) exec bats --formatter tap "${suites[@]}" ;;
  esac
  echo "1..0 # SKIP machine: there is no systemd --user of $(id -un)"
  exit 0
fi
if [ -z "${BWRAP_OCI_TEST_USER_SYSTEMD:-}" ]; then
  echo "1..0 # SKIP machine: BWRAP_OCI_TEST_USER_SYSTEMD is not set"
  exit 0
fi
user=${BWRAP_OCI_TEST_USER:-bwrap-oci-test}
work=$(mktemp -d "${TMPDIR:-/tmp}/units.XXXXXX")
trap 'rm -rf "$work"' EXIT
chown "$user:" "$work"
chmod 0711 "$work"
"$BWRAP_OCI_TEST_USER_SYSTEMD" -u "$user" BWRAP_OCI="${BWRAP_OCI:?names the program to test}" TMPDIR="$work" \
  BWRAP_OCI_TEST_REQUIRE="${BWRAP_OCI_TEST_REQUIRE:-}" bats --formatter tap "${suites[@]}"
