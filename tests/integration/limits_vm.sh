#!/usr/bin/env bash
# runs as: root
# runs with: the plain build, since the machine has no libraries of a compiler
# Limits on a machine with all controllers of cgroup v2 and systemd: tests/vm/limits.sh in a
# virtual machine. BWRAP_OCI_TEST_VM_RUN names a program that is called as "PROGRAM -s FOLDER
# SCRIPT" and runs the script as root in such a machine, in a copy of the folder.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

if [ -z "${BWRAP_OCI_TEST_VM_RUN:-}" ]; then
  echo "1..0 # SKIP machine: BWRAP_OCI_TEST_VM_RUN is not set"
  exit 0
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$(dirname "${BWRAP_OCI:?names the program to test}")"/bwrap-oci{,-gio,-init} "$work"
"$BWRAP_OCI_TEST_VM_RUN" -s "$work" "$here/../vm/limits.sh"
