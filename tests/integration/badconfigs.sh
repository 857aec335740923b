#!/usr/bin/env bash
# Broken and hostile configurations: each is refused as its index says, in one line, and leaves
# nothing. The index is a list of {file, class, expect: a pattern for the message, cmd, rc: the
# statuses allowed}.
set -euo pipefail
bats_require_minimum_version() { :; }
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/integration/helpers.bash
. "$(dirname "$0")/helpers.bash"

# subids uid|gid: the first of the caller's ranges, "first count".
subids() {
  awk -F: -v n="$(id -un)" -v u="$(id -u)" '$1 == n || $1 == u { print $2, $3; exit }' "/etc/sub$1"
}

folder=$(mktemp -d "${TMPDIR:-/tmp}/badconfigs.XXXXXXXX")
read -r uids count < <(subids uid)
read -r gids _ < <(subids gid)
python3 "$(dirname "$0")/../data/badconfigs/gen.py" "$folder" \
  "$(id -u)" "$(id -g)" "$uids" "$gids" "$count" >/dev/null

# What is wrong with the outcome of a case: nothing, or why.
verdict() {
  local class=$1 expect=$2 allowed=$3
  [[ " $allowed " == *" $status "* ]] || { echo "status $status, not one of $allowed: $stderr"; return; }
  [ "$status" != 0 ] || return 0
  # 126 and 127 may come from a program inside
  if [ "$status" = 1 ] && [ "$class" != EXEC ]; then
    [[ "$stderr" == "bwrap-oci: "* && "$stderr" != *$'\n'* ]] || echo "not one line: $stderr"
  fi
  [ -z "$expect" ] || grep -qiE -e "$expect" <<<"$stderr" || echo "no '$expect' in: $stderr"
}

run_case() {
  local file=$1 class=$2 expect=$3 command=$4 allowed=$5 found
  setup_test
  make_rootfs "$BUNDLE/rootfs"
  cp "$folder/$file" "$BUNDLE/config.json"
  RUN_TIMEOUT=10 run_oci "$command" --bundle "$BUNDLE" "$ID"
  found=$(verdict "$class" "$expect" "$allowed")
  if [ "$command" != run ]; then run_oci delete --force "$ID"; fi
  found+=$(teardown_test || true)
  none "$file: $(jq -r --arg f "$file" '.[] | select(.file == $f).why' "$folder/index.json")" "$found"
}

name=$(hostname)
while IFS=$'\x1f' read -r file class expect command allowed; do
  run_case "$file" "$class" "$expect" "$command" "$allowed" </dev/null
done < <(jq -r '.[] | [.file, .class, .expect, .cmd, (.rc | map(tostring) | join(" "))] | join("\u001f")' \
  "$folder/index.json")
check "the host has kept its name" test "$(hostname)" = "$name"
check "nothing was made in /tmp" test ! -e /tmp/bwrap-oci-null
rm -rf "$folder"
finish
