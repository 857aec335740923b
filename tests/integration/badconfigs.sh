#!/usr/bin/env bash
# Broken and hostile configurations: each is refused as its index says, in one line, and leaves
# nothing. BWRAP_OCI_TEST_BADCONFIGS names a folder of them with an index.json: a list of
# {file, class, expect: a pattern for the message, cmd, rc: the statuses allowed}.
set -euo pipefail
bats_require_minimum_version() { :; }
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/integration/helpers.bash
. "$(dirname "$0")/helpers.bash"

folder=${BWRAP_OCI_TEST_BADCONFIGS:-}
[ -n "$folder" ] || { echo "1..0 # SKIP machine: BWRAP_OCI_TEST_BADCONFIGS is not set"; exit 0; }

# The ids in the files are those of one recording host: put ours there.
own_ids() {
  awk -v u="$(id -u)" -v g="$(id -g)" -v su="$(first_subid uid)" -v sg="$(first_subid gid)" '
    /"uidMappings"/ { own = u; sub_id = su }
    /"gidMappings"/ { own = g; sub_id = sg }
    { sub (/"hostID": 1001/, "\"hostID\": " own); sub (/"hostID": 100000/, "\"hostID\": " sub_id) } 1'
}
first_subid() { awk -F: -v n="$(id -un)" -v u="$(id -u)" '$1 == n || $1 == u { print $2; exit }' "/etc/sub$1"; }

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

# A case, or one that is too large to be kept as a file.
case_file() {
  local base=$folder/001-valid-base.json
  if [ -e "$folder/$1" ]; then cat "$folder/$1"; return; fi
  case $1 in
    019-*) printf '[%.0s' {1..100000} ;;
    061-*) jq '.process.env += [range(10000) | "V\(.)=x"]
      | .process.args = ["/bin/sh", "-c", "test $(env | grep -c ^V) = 10000"]' "$base" ;;
  esac
}

run_case() {
  local file=$1 class=$2 expect=$3 command=$4 allowed=$5 found
  setup_test
  make_rootfs "$BUNDLE/rootfs"
  case_file "$file" | own_ids >"$BUNDLE/config.json"
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
finish
