#!/usr/bin/env bats
# toolbox and distrobox make containers of a whole system and enter them, with sudo inside:
# rootless. The image is a small Debian, which is kept in BWRAP_OCI_TEST_CACHE, since making it
# needs a mirror.
# shellcheck shell=bash
# takes: 100 s
load clients

IMAGE=localhost/debian:1
# What both look for, or would fetch, in an image.
CONTENTS=sudo,passwd,mount,findutils,diffutils,pinentry-curses,wget,curl,less,bc,time,lsof,procps,libcap2-bin
# What newer distroboxes look for too.
! grep -qsw xauth /usr/bin/distrobox-init ||
  CONTENTS+=,bzip2,gpg,hostname,man-db,pigz,iputils-ping,rsync,openssh-client,bsdutils,tree,unzip,xauth,zip
CLIENT_TIMEOUT=240

setup_file() {
  make_client_dir
  make_archive
  export HOME=$CLIENT_DIR/home XDG_RUNTIME_DIR=$CLIENT_DIR/run
  mkdir "$HOME"
  mkdir -m 0700 "$XDG_RUNTIME_DIR"
  own_podman cgroupfs
  # toolbox binds the system's bus, which not every machine has
  export DBUS_SYSTEM_BUS_ADDRESS=unix:path=$XDG_RUNTIME_DIR/system_bus_socket
  python3 -c 'import socket, sys; socket.socket (socket.AF_UNIX).bind (sys.argv[1])' "${DBUS_SYSTEM_BUS_ADDRESS#*=}"
  podman import --change 'LABEL com.github.containers.toolbox=true' "$ARCHIVE" "$IMAGE" >/dev/null
}

make_archive() {
  local cache=${BWRAP_OCI_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bwrap-oci} sources
  . /etc/os-release
  ARCHIVE=$cache/$ID-$VERSION_CODENAME-toolbox.tar
  [ ! -s "$ARCHIVE" ] || return 0
  mkdir -p "$cache"
  for sources in "/etc/apt/sources.list.d/$ID.sources" /etc/apt/sources.list; do
    [ ! -s "$sources" ] || break
  done
  # once more, since a mirror may be busy; it fails when a descriptor of its own gets two digits
  for _ in 1 2; do
    mmdebstrap --quiet --variant=minbase --include="$CONTENTS" --format=tar "$VERSION_CODENAME" \
      "$ARCHIVE.new" "$sources" >"$CLIENT_DIR/log" 2>&1 3>&- 4>&- && break
    rm -f "$ARCHIVE.new"
  done
  [ -s "$ARCHIVE.new" ] || { tail "$CLIENT_DIR/log"; return 1; }
  mv "$ARCHIVE.new" "$ARCHIVE"
}

teardown_file() {
  [ -n "${CLIENT_DIR:-}" ] || return 0
  podman rm --all --force --time 0 >/dev/null 2>&1 || true
  podman unshare rm -rf "$CLIENT_DIR/data" || true
  podman system migrate >/dev/null 2>&1 || true
  remove "$CLIENT_DIR"
}

setup() { cd "$HOME"; }
teardown() {
  local left
  podman rm --all --force --time 0 >/dev/null 2>&1 || true
  left=$(find "$XDG_RUNTIME_DIR/bwrap-oci" -mindepth 1 -maxdepth 1 ! -name '.*' 2>/dev/null || true)
  [ -z "$left" ] || { echo "left: $left"; return 1; }
}

# The caller with his own number, and root by sudo without a password.
INSIDE='id -u; sudo id -u'
as_expected() { [ "$status" -eq 0 ] && [[ $output == *"$(id -u)"$'\n0' ]] || show inside; }

@test "toolbox creates a container and runs programs in it" {
  # it is linked to be run by its container as well, with the host's loader below /run/host
  toolbox --version >/dev/null 2>&1 || skip "machine: no /run/host, which toolbox needs to start"
  client toolbox --assumeyes create --image "$IMAGE" box
  expect 0
  client toolbox run --container box sh -c "$INSIDE"
  as_expected
}

@test "distrobox creates a container and enters it" {
  client distrobox-create --image "$IMAGE" --name box --no-entry --yes
  expect 0
  client distrobox-enter --no-tty --name box -- sh -c "touch ~/made; sudo touch ~/made-by-root; $INSIDE"
  as_expected
  assert_equal "$(stat -c %U "$HOME/made")" "$(id -un)"
  # root inside is one of the caller's sub-ids, so that he is not root over what is his outside
  [ "$(stat -c %u "$HOME/made-by-root")" != "$(id -u)" ]
}

needs podman conmon toolbox distrobox-create mmdebstrap python3 user subids
