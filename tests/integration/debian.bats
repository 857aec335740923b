#!/usr/bin/env bats
# A whole system: the root of a Debian (or Ubuntu), unpacked by the unprivileged user with his
# sub-ids.
# takes: 45 s
load helpers
load debian

setup_file() {
  export DEBIAN_ROOT=$TMPDIR/debian
  debian_rootfs "$DEBIAN_ROOT"
}

teardown_file() {
  [ -z "${DEBIAN_ROOT:-}" ] || remove "$DEBIAN_ROOT"
}

setup() {
  setup_test
  "$BWRAP_OCI" spec --rootless --bundle "$BUNDLE" 3>&-
  config '.process.terminal = false | del(.linux.uidMappings, .linux.gidMappings)
    | .root.path = $root | .root.readonly = false
    | .process.capabilities = {bounding: $caps, effective: $caps, permitted: $caps}' \
    --arg root "$DEBIAN_ROOT/rootfs" --argjson caps "$CAPABILITIES"
}

@test "apt-get runs" {
  run_container apt-get --version
  assert_success
  assert_output_matches '^apt [0-9]'
}

@test "root becomes nobody with su" {
  run_container su - nobody -s /bin/sh -c id
  assert_success
  assert_output_has "uid=65534(nobody)"
}

@test "the files of the packages belong to whom they should" {
  run_container stat -c '%U:%G %a' /etc/shadow /tmp /var/mail
  assert_success
  assert_output $'root:shadow 640\nroot:root 1777\nroot:mail 2775'
}

@test "dpkg finds no file changed" {
  run_container dpkg --verify base-files bash coreutils
  assert_success
  assert_output ""
}

needs mmdebstrap subids
