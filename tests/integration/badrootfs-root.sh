#!/usr/bin/env bash
# The hostile images again, run by root.
# runs as: root
# runs with: the plain build; badrootfs.sh runs the same with the others
# takes: 36 s
set -euo pipefail
[ "$(id -u)" = 0 ] || { echo "1..0 # SKIP machine: needs root"; exit 0; }
cd "$(dirname "$0")"
BADROOTFS_MAP=0:0:100000:65536:100000:65536 exec bash ./badrootfs.sh
