#!/usr/bin/env bash
# runs as: root
# runs with: the plain build, since the machine has no libraries of a compiler
# Limits, and a whole system that uses them, on a machine with all controllers of cgroup v2 and
# systemd: tests/vm/*.sh in a virtual machine, in one boot. BWRAP_OCI_TEST_VM_RUN names a program that is called as "PROGRAM -s FOLDER
# SCRIPT" and runs the script as root in such a machine, in a copy of the folder.
# takes: 140 s
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if [ -z "${BWRAP_OCI_TEST_VM_RUN:-}" ]; then
  echo "1..0 # SKIP machine: BWRAP_OCI_TEST_VM_RUN is not set"
  exit 0
fi
user=${BWRAP_OCI_TEST_USER:-bwrap-oci-test}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$(dirname "${BWRAP_OCI:?names the program to test}")"/bwrap-oci{,-gio,-init} "$here/../vm"/*.sh \
  "$here/../lib/join.awk" "$work"
# the archive of a system is the user's
# shellcheck disable=SC2016  # for the other shell
archive=$(runuser -u "$user" -- env HOME="$(getent passwd "$user" | cut -d: -f6)" \
  bash -c '. "$0/debian.bash"; debian_archive' "$here")
ln "$archive" "$work/system.tar" 2>/dev/null || cp "$archive" "$work/system.tar"
"$BWRAP_OCI_TEST_VM_RUN" -s "$work" "$here/../vm/all.sh"
