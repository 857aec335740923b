#!/usr/bin/env bash
# Broken and hostile configurations: each is refused as its index says, in one line, and leaves
# nothing, whichever way its container would be made: as a child of bwrap, one that joins what bwrap
# holds, one whose user namespace is entered before bwrap, and in the plain mode. The index is a list
# of {file, class, expect: a pattern for the message, cmd, rc: the statuses allowed}.
# takes: 33 s
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
# generate DIR UID GID UIDS GIDS COUNT
generate() { python3 "$(dirname "$0")/../data/badconfigs/gen.py" "$folder/$1" "${@:2}" >/dev/null; }
mkdir "$folder"/{child,enter}
generate child "$(id -u)" "$(id -g)" "$uids" "$gids" "$count"
generate enter "$uids" "$gids" $((uids + 1)) $((gids + 1)) $((count - 1))
index=$folder/child/index.json

# What is wrong with the outcome of a way: nothing, or why.
verdict() {
  local way=$1 class=$2 expect=$3 allowed=$4
  # it refuses more, perhaps before it comes to what is wrong
  if [ "$way" = plain ] && [ "$status" = 1 ] && [[ "$stderr" == *"the plain mode"* ]]; then
    allowed+=" 1" expect=
  fi
  [[ " $allowed " == *" $status "* ]] || { echo "status $status, not one of $allowed: $stderr"; return; }
  [ "$status" != 0 ] || return 0
  # 126 and 127 may come from a program inside
  if [ "$status" = 1 ] && [ "$class" != EXEC ]; then
    [[ "$stderr" == "bwrap-oci: "* && "$stderr" != *$'\n'* ]] || echo "not one line: $stderr"
  fi
  [ -z "$expect" ] || grep -qiE -e "$expect" <<<"$stderr" || echo "no '$expect' in: $stderr"
}

# run_way WAY FILE CLASS EXPECT COMMAND ALLOWED: says what is wrong.
run_way() {
  local way=$1 file=$2 class=$3 expect=$4 command=$5 allowed=$6 mode=normal from=child
  case $way in
    enter) from=enter ;;
    plain) mode=plain ;;
  esac
  cp "$folder/$from/$file" "$BUNDLE/config.json"
  [ "$way" != join ] || sed -i 's/\("noNewPrivileges": *\)true/\1false/' "$BUNDLE/config.json"
  RUN_TIMEOUT=10 run_oci "$command" --mode=$mode --bundle "$BUNDLE" "$ID"
  verdict "$way" "$class" "$expect" "$allowed" | sed "s/^/$way: /"
  if [ "$command" != run ]; then run_oci delete --force "$ID"; fi
}

run_case() {
  local file=$1 way found=
  setup_test
  make_rootfs "$BUNDLE/rootfs"
  for way in child join enter plain; do found+=$(run_way "$way" "$@"); done
  found+=$(teardown_test || true)
  none "$file: $(jq -r --arg f "$file" '.[] | select(.file == $f).why' "$index")" "$found"
}

name=$(hostname)
while IFS=$'\x1f' read -r file class expect command allowed; do
  run_case "$file" "$class" "$expect" "$command" "$allowed" </dev/null
done < <(jq -r '.[] | [.file, .class, .expect, .cmd, (.rc | map(tostring) | join(" "))] | join("\u001f")' \
  "$index")
check "the host has kept its name" test "$(hostname)" = "$name"
check "nothing was made in /tmp" test ! -e /tmp/bwrap-oci-null
rm -rf "$folder"
finish
