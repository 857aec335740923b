# Helpers of the tests with real clients; `load clients` is the first line of each file.
#
# CLIENT_DIR, made by make_client_dir, is the file's own folder, short enough for sockets.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034  # bats's variables; variables for the tests
load "${BASH_SOURCE[0]%/*}/../integration/helpers"

CLIENT_TIMEOUT=60
# else podman 5 says on terminals too that the machine's cgroups are old
export PODMAN_IGNORE_CGROUPSV1_WARNING=1

make_client_dir() {
  CLIENT_DIR=$(mktemp -d "${TMPDIR:-/tmp}/c.XXXXXX")
  chmod 0711 "$CLIENT_DIR"
  export CLIENT_DIR
}

# client PROGRAM ARGUMENT...: status, output and stderr are what it said.
client() {
  status=0
  timeout --kill-after 5 "$CLIENT_TIMEOUT" "$@" </dev/null \
    >"$CLIENT_DIR/stdout" 2>"$CLIENT_DIR/stderr" 3>&- || status=$?
  output=$(tr -d '\0' <"$CLIENT_DIR/stdout")
  stderr=$(<"$CLIENT_DIR/stderr")
}

# on_pty PROGRAM ARGUMENT...: the same on a terminal, whose carriage returns are left out; what is
# in TYPE is typed.
on_pty() {
  client python3 "$BATS_TEST_DIRNAME/on_pty.py" "${TYPE:-}" "$@"
  output=${output//$'\r'/}
}

# expect STATUS [OUTPUT]
expect() {
  [ "$status" -eq "$1" ] && { [ $# = 1 ] || [ "$output" = "$2" ]; } ||
    show "expected status $1${2+, output: $2}"
}

# make_image ROOTFS ARCHIVE NAME: an OCI archive of one layer, which runs IMAGE_COMMAND (JSON) or a
# shell; no client is needed.
make_image() {
  local dir layer config manifest
  dir=$(mktemp -d "$CLIENT_DIR/image.XXXXXX")
  mkdir -p "$dir/blobs/sha256"
  tar --owner=0 --group=0 -C "$1" -cf "$dir/new" .
  layer=$(add_blob "$dir" application/vnd.oci.image.layer.v1.tar)
  jq -cn --argjson layer "$layer" --arg arch "$(image_architecture)" \
    --argjson command "${IMAGE_COMMAND:-[\"/bin/sh\"]}" '{architecture: $arch, os: "linux",
    config: {Env: ["PATH=/bin"], Cmd: $command},
    rootfs: {type: "layers", diff_ids: [$layer.digest]}}' >"$dir/new"
  config=$(add_blob "$dir" application/vnd.oci.image.config.v1+json)
  jq -cn --argjson config "$config" --argjson layer "$layer" '{schemaVersion: 2,
    mediaType: "application/vnd.oci.image.manifest.v1+json", config: $config, layers: [$layer]}' >"$dir/new"
  manifest=$(add_blob "$dir" application/vnd.oci.image.manifest.v1+json)
  jq -cn --argjson manifest "$manifest" --arg name "$3" '{schemaVersion: 2, manifests: [$manifest
    + {annotations: {"io.containerd.image.name": $name, "org.opencontainers.image.ref.name": "1"}}]}' \
    >"$dir/index.json"
  echo '{"imageLayoutVersion": "1.0.0"}' >"$dir/oci-layout"
  tar -C "$dir" -cf "$2" oci-layout index.json blobs
  rm -r "$dir"
}

# add_blob DIR TYPE: moves DIR/new to the blobs; prints its descriptor.
add_blob() {
  local digest size
  digest=$(sha256sum "$1/new" | cut -d' ' -f1)
  size=$(stat -c %s "$1/new")
  mv "$1/new" "$1/blobs/sha256/$digest"
  jq -cn --arg type "$2" --arg digest "sha256:$digest" --argjson size "$size" \
    '{mediaType: $type, digest: $digest, size: $size}'
}

# As Go names it.
image_architecture() {
  case $(uname -m) in
    x86_64) echo amd64 ;;
    aarch64) echo arm64 ;;
    *) uname -m ;;
  esac
}

# own_podman MANAGER: a home of podman's own in CLIENT_DIR, where its runtime is the one to be tested
# and cgroups are made by MANAGER.
own_podman() {
  export XDG_DATA_HOME=$CLIENT_DIR/data XDG_CONFIG_HOME=$CLIENT_DIR/config
  export CONTAINERS_CONF=$CLIENT_DIR/containers.conf
  mkdir -p "$XDG_CONFIG_HOME/containers" "$XDG_DATA_HOME"
  printf '[storage]\ndriver = "overlay"\n' >"$XDG_CONFIG_HOME/containers/storage.conf"
  containers_conf "$BWRAP_OCI" "$(default_limits nofile)"$'\npids_limit = 0' \
    "cgroup_manager = \"$1\"" >"$CONTAINERS_CONF"
}

# containers_conf PROGRAM CONTAINERS [ENGINE...]: podman's configuration for a runtime at PROGRAM;
# the others are lines of these sections.
containers_conf() {
  printf '%s\n' '[containers]' "$2" '[engine]' 'runtime = "bwrap-oci"' 'events_logger = "file"' "${@:3}"
  # contrib's part of it continues that section
  sed -e '/^#/d' -e '/^\[engine\]$/d' -e "s|^bwrap-oci = .*|bwrap-oci = [\"$1\"]|" \
    "$HELPERS/../../contrib/containers.conf.d/bwrap-oci.conf"
}

# default_limits NAME...: a machine may not be able to raise the limits that clients have built in.
default_limits() {
  local most words
  most=$(ulimit -Hn | sed s/unlimited/1048576/)
  words=$(printf ', "%s"' "${@/%/=1024:$most}")
  echo "default_ulimits = [${words#, }]"
}

# cgroups_of WORD: cgroups in whose path below the root WORD is.
cgroups_of() { find /sys/fs/cgroup -depth -type d -path "*$1*" 2>/dev/null || true; }
remove_cgroups_of() { cgroups_of "$1" | xargs -r rmdir; }
