#!/usr/bin/env bats
# A whole system: a minimal Debian (or Ubuntu) root, unpacked by the unprivileged user with his
# sub-ids. The archive is kept in BWRAP_OCI_TEST_CACHE, since making it needs a mirror.
load helpers

# podman's default capabilities.
CAPABILITIES='["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
  "CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT"]'

setup_file() {
  requires mmdebstrap subids unshare
  local cache=${BWRAP_OCI_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bwrap-oci}
  export DEBIAN_ROOT=$TMPDIR/debian
  . /etc/os-release
  local archive=$cache/$ID-$VERSION_CODENAME-minbase.tar
  mkdir -p "$cache"
  if [ ! -s "$archive" ]; then
    mmdebstrap --quiet --variant=minbase --format=tar "$VERSION_CODENAME" "$archive.new" \
      "$(host_sources)" >"$BATS_FILE_TMPDIR/log" 2>&1 || { cat "$BATS_FILE_TMPDIR/log"; return 1; }
    mv "$archive.new" "$archive"
  fi
  mkdir -p "$DEBIAN_ROOT"
  chmod 0711 "$DEBIAN_ROOT"
  mkdir "$DEBIAN_ROOT/rootfs"
  unshare --user --map-root-user --map-auto \
    tar --exclude='./dev/*' -xpf "$archive" -C "$DEBIAN_ROOT/rootfs"
}

teardown_file() {
  [ -z "${DEBIAN_ROOT:-}" ] || remove "$DEBIAN_ROOT"
}

# Where this machine's own packages come from.
host_sources() {
  local file
  for file in "/etc/apt/sources.list.d/$ID.sources" /etc/apt/sources.list; do
    [ ! -s "$file" ] || { echo "$file"; return; }
  done
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
