#!/usr/bin/env bats
# From an image to a running container with skopeo and umoci, as README has it; the registry is a
# folder here.
# shellcheck shell=bash
load clients

setup_file() {
  make_client_dir
  make_rootfs "$CLIENT_DIR/rootfs"
  make_image "$CLIENT_DIR/rootfs" "$CLIENT_DIR/image.tar" base
}

teardown_file() { [ -z "${CLIENT_DIR:-}" ] || remove "$CLIENT_DIR"; }

@test "skopeo copies an image, umoci unpacks it, and it runs with a terminal" {
  cd "$TEST_DIR"
  client skopeo --tmpdir "$TEST_DIR" copy "oci-archive:$CLIENT_DIR/image.tar" oci:images:base
  expect 0
  client umoci unpack --rootless --image images:base bundle
  expect 0
  TYPE=$'id -u; tty; exit 7\n' on_pty "$BWRAP_OCI" --root "$STATE" run --bundle bundle "$ID"
  [ "$status" -eq 7 ]
  [[ $output == *$'\n0\n/dev/pts/0'* ]] || show shell
}

@test "unpacked with the caller's sub-ids, files and processes have them" {
  cd "$TEST_DIR"
  client skopeo --tmpdir "$TEST_DIR" copy "oci-archive:$CLIENT_DIR/image.tar" oci:images:base
  client unshare --user --map-root-user --map-auto umoci unpack --image images:base bundle
  expect 0
  config_of bundle '.process.terminal = false | .process.args = ["sh", "-c", $script]' --arg script \
    'wc -l </proc/self/uid_map; stat -c %u /etc/passwd; id -u'
  client "$BWRAP_OCI" --root "$STATE" run --bundle bundle "$ID"
  expect 0 $'2\n0\n0'
}

needs skopeo umoci jq python3 user subids
