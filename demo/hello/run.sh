#!/usr/bin/env bash
# Hello from a container: makes a bundle from busybox and runs it as an unprivileged user.
#
#   demo/hello/run.sh
#
# Installs what is missing (as root, or with sudo), builds bwrap-oci if the checkout has none,
# and shows that root in the container is the user outside. Called by root it uses the user
# bwrap-oci-demo, which it makes. Everything else is in a temporary folder, removed at the end.
set -euo pipefail
# shellcheck source=demo/common.sh
. "$(dirname "$0")/../common.sh"

prepare busybox-static jq
bundle=$folder/hello
busybox_root "$bundle/rootfs" cat echo id hostname ls sh touch
give_folder

# The configuration that `spec` makes maps one id; without mappings, the runtime adds the
# user's sub-ids.
cd "$folder"
as_user ./bwrap-oci spec --rootless --bundle "$bundle"
# shellcheck disable=SC2016  # for the shell inside
as_user jq '.process.terminal = false | .root.readonly = false | .hostname = "hello"
  | del(.linux.uidMappings, .linux.gidMappings)
  | .process.args = ["/bin/sh", "-c", $script]' "$bundle/config.json" --arg script '
    echo "Hello from $(hostname), where I am $(id -un) ($(id -u)) and process $$."
    echo made by root inside >/made
    cat /proc/self/uid_map' | as_user tee "$bundle/config.new" >/dev/null
as_user mv "$bundle/config.new" "$bundle/config.json"

# --- the run ------------------------------------------------------------------

echo "\$ bwrap-oci run --bundle $bundle hello      # as $user"
output=$(as_user ./bwrap-oci --root "$folder/state" run --bundle "$bundle" hello </dev/null) ||
  fail "bwrap-oci run: exit status $?"
echo "$output"
owner=$(stat -c %U "$bundle/rootfs/made")
echo "outside, the file that root made belongs to $owner"

# --- as it should be ----------------------------------------------------------

uid=$(id -u "$user")
[[ "$output" == "Hello from hello, where I am root (0) and process 1."* ]] || fail "the greeting"
[ "$(grep -cE '^ *[0-9]+ +[0-9]+ +[0-9]+$' <<<"$output")" = 2 ] || fail "not two ranges of ids"
grep -qE "^ *0 +$uid +1\$" <<<"$output" || fail "root inside is not $user outside"
[ "$owner" = "$user" ] || fail "the file belongs to $owner"
left=$(ls "$folder/state")
[ -z "$left" ] || fail "left behind: $left"
echo "OK: $user ran a container as its root, with two ranges of ids, and nothing is left of it"
