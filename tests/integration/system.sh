#!/usr/bin/env bash
# runs as: root
# runs with: the plain build, since a whole system takes its time
# A whole system as pid 1 (tests/system/boot.bats) below a real systemd --user: where cgroup v2
# stands alone, and what may differ beside v1. A user with a manager of his own uses that; for root
# BWRAP_OCI_TEST_USER_SYSTEMD names a program that is called as "PROGRAM -u USER --view v2|hybrid
# NAME=VALUE... COMMAND" and runs the command below one of USER.
# takes: 40 s
set -euo pipefail
here=$(cd "$(dirname "$0")/../system" && pwd)

if [ "$(id -u)" != 0 ]; then
  case $(systemctl --user is-system-running 2>/dev/null) in
    running | degraded)
      exec systemd-run --user --scope --quiet --collect --property=Delegate=yes \
        bats --formatter tap "$here/boot.bats" ;;
  esac
  echo "1..0 # SKIP machine: there is no systemd --user of $(id -un)"
  exit 0
fi
if [ -z "${BWRAP_OCI_TEST_USER_SYSTEMD:-}" ]; then
  echo "1..0 # SKIP machine: BWRAP_OCI_TEST_USER_SYSTEMD is not set"
  exit 0
fi
user=${BWRAP_OCI_TEST_USER:-bwrap-oci-test}
work=$(mktemp -d "${TMPDIR:-/tmp}/system.XXXXXX")
trap 'rm -rf "$work"' EXIT
chown "$user:" "$work"
chmod 0711 "$work"

# boot VIEW [BATS-OPTION...]
boot() {
  "$BWRAP_OCI_TEST_USER_SYSTEMD" -u "$user" --view "$1" BWRAP_OCI="${BWRAP_OCI:?names the program to test}" \
    TMPDIR="$work" BWRAP_OCI_TEST_REQUIRE="${BWRAP_OCI_TEST_REQUIRE:-}" \
    ${BWRAP_OCI_TEST_CACHE:+BWRAP_OCI_TEST_CACHE="$BWRAP_OCI_TEST_CACHE"} \
    bats --formatter tap "${@:2}" "$here/boot.bats"
}

# two runs as one
{
  boot v2
  [ -z "$(findmnt -rno TARGET -t cgroup -O name=systemd)" ] ||
    boot hybrid --filter 'comes up|nginx|cgroups are|console'
} | awk -f "$here/../lib/join.awk"
