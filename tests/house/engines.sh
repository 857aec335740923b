#!/usr/bin/env bash
# What README says about engines is what contrib/ has, which the tests with real clients use.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
cd "$top_srcdir"

# The lines of a file but for comments stand in README, indented, one after the other.
quoted() {
  sed 's/^    //' README | python3 -c 'import sys
text = [line for line in open(sys.argv[1]).read().splitlines() if not line.startswith("#")]
readme = sys.stdin.read().splitlines()
sys.exit(not any(readme[i:i + len(text)] == text for i in range(len(readme))))' "$1"
}
for file in contrib/engines/*; do
  check "$(basename "$file") is quoted" quoted "$file"
done
check "TOML and JSON can be read" python3 -c 'import json, sys
try: import tomllib
except ImportError: tomllib = None
json.load(open("contrib/engines/docker.json"))
for name in ["engines/containerd.toml", "engines/crio.conf", "containers.conf.d/bwrap-oci.conf"]:
    if tomllib: tomllib.load(open("contrib/" + name, "rb"))'
handler=$(sed -n 's/^handler: //p' contrib/engines/runtimeclass.yaml)
check "the handler of the class is one of containerd" grep -q "runtimes\.$handler\]" contrib/engines/containerd.toml
check "and one of CRI-O" grep -q "runtimes\.$handler\]" contrib/engines/crio.conf
finish
