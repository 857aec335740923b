#!/usr/bin/env bash
# All scripts for the virtual machine, one after the other in one boot; see limits.sh.
set -uo pipefail
for script in limits.sh system.sh; do bash "$PWD/$script"; done | awk -f join.awk
