#!/usr/bin/env bash
# Hello from a container: makes a bundle from busybox and runs it as an unprivileged user.
#
#   demo/hello/run.sh
#
# Installs what is missing (as root, or with sudo), builds bwrap-oci if the checkout has none,
# and shows that root in the container is the user outside. Called by root it uses the user
# bwrap-oci-demo, which it makes. Everything else is in a temporary folder, removed at the end.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=tests/lib/install.sh
. "$top/tests/lib/install.sh"

user=$(id -un)
if [ "$user" = root ]; then user=bwrap-oci-demo; fi
folder=
cleanup() { [ -z "$folder" ] || rm -rf "$folder"; }
trap cleanup EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

# --- what is missing ----------------------------------------------------------

install_packages "${run_packages[@]}" busybox-static jq
build=$top/build
if [ ! -x "$build/bwrap-oci" ] || [ ! -x "$build/bwrap-oci-init" ]; then
  install_packages "${build_packages[@]}"
  echo "building bwrap-oci in $build"
  mkdir -p "$build"
  log=$build/build.log
  { [ -x "$top/configure" ] || "$top/autogen.sh"
    [ -f "$build/Makefile" ] || (cd "$build" && "$top/configure")
    make -C "$build" -j"$(nproc)"; } >"$log" 2>&1 || { tail -n 30 "$log"; fail "the build, see $log"; }
fi
[ "$(id -u)" != 0 ] || make_user "$user"
grep -qs "^$user:\|^$(id -u "$user"):" /etc/subuid ||
  fail "$user has no sub-ids: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $user"

# --- the bundle ---------------------------------------------------------------

# The container's other ids must be able to pass through every parent of the root.
folder=$(mktemp -d /var/tmp/bwrap-oci-hello.XXXXXXXX)
chmod 0711 "$folder"
install -m 0755 "$build"/bwrap-oci "$build"/bwrap-oci-gio "$build"/bwrap-oci-init "$folder"
bundle=$folder/hello
mkdir -p "$bundle/rootfs"/{bin,dev,etc,proc,sys,tmp}
cp "$(command -v busybox)" "$bundle/rootfs/bin/busybox"
for applet in cat echo id hostname ls sh touch; do ln -s busybox "$bundle/rootfs/bin/$applet"; done
echo root:x:0:0:root:/:/bin/sh >"$bundle/rootfs/etc/passwd"
mkdir -m 0700 "$folder/state"
[ "$(id -u)" != 0 ] || chown -R "$user:" "$folder"

as_user() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups --inh-caps=-all \
      env -i --default-signal PATH="$PATH" LANG=C.UTF-8 "$@"
  else
    "$@"
  fi
}

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
