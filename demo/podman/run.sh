#!/usr/bin/env bash
# podman with bwrap-oci as its runtime, rootless.
#
#   demo/podman/run.sh
#
# Installs what is missing (as root, or with sudo), builds bwrap-oci if the checkout has none,
# makes an image from busybox without any registry, and runs it as an unprivileged user. Storage
# and configuration are in a temporary folder, removed at the end.
set -euo pipefail
# shellcheck source=demo/common.sh
. "$(dirname "$0")/../common.sh"

prepare podman conmon busybox-static
busybox_root "$folder/rootfs" cat echo grep id sh sleep
mkdir -p "$folder"/{data,config/containers,runtime}
chmod 0700 "$folder/runtime"
printf '[storage]\ndriver = "overlay"\n' >"$folder/config/containers/storage.conf"
cat >"$folder/config/containers/containers.conf" <<CONF
[engine]
runtime = "bwrap-oci"
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime_supports_json = ["crun", "runc", "bwrap-oci"]
runtime_supports_nocgroup = ["crun", "bwrap-oci"]
[engine.runtimes]
bwrap-oci = ["$folder/bwrap-oci"]
CONF
give_folder

podman() {
  as_user XDG_DATA_HOME="$folder/data" XDG_CONFIG_HOME="$folder/config" \
    XDG_RUNTIME_DIR="$folder/runtime" podman "$@"
}
end() {
  podman rm --all --force --time 0 >/dev/null 2>&1 || true
  podman unshare rm -rf "$folder/data" >/dev/null 2>&1 || true
  podman system migrate >/dev/null 2>&1 || true
  cleanup
}
trap end EXIT
cd "$folder"

image=localhost/bwrap-oci-demo
tar --owner=0 --group=0 -C "$folder/rootfs" -c . | podman import - "$image" >/dev/null 2>&1
run=(run --rm --network none "$image")

echo "\$ podman --runtime bwrap-oci run $image id      # as $user"
output=$(podman "${run[@]}" sh -c 'id -u; cat /proc/self/uid_map; exit 7' 2>"$folder/stderr") && status=0 || status=$?
echo "$output"
[ "$status" = 7 ] || fail "exit status $status: $(<"$folder/stderr")"
[ "$(head -n1 <<<"$output")" = 0 ] || fail "not root inside"
grep -qE "^ *0 +$(id -u "$user") +1\$" <<<"$output" || fail "root inside is not $user outside"

podman run -d --name service --network none "$image" sleep 1000 >/dev/null 2>&1
[ "$(podman exec service cat /proc/1/comm 2>/dev/null)" = sleep ] || fail "exec"
podman rm --force --time 0 service >/dev/null 2>&1 || fail "rm"
runtime=$(podman info --format '{{.Host.OCIRuntime.Name}}' 2>/dev/null)
[ "$runtime" = bwrap-oci ] || fail "podman used $runtime"
echo "OK: $user ran, entered and removed containers with podman and bwrap-oci"
