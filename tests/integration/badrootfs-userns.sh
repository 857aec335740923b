#!/usr/bin/env bash
# The hostile images again, run by root of a user namespace, as engines run their runtime.
# runs with: the plain build; badrootfs.sh runs the same with the others
# takes: 36 s
set -euo pipefail
cd "$(dirname "$0")"
BADROOTFS_MAP=0:0:1:60000:1:60000 exec unshare --user --map-root-user --map-auto -- bash ./badrootfs.sh
