# The root file system of a whole Debian (or Ubuntu), for the tests that want one: with systemd as
# init, D-Bus and a web server. The archive is made once and kept in BWRAP_OCI_TEST_CACHE, since
# making it needs a mirror; the unprivileged user does all of it.
# shellcheck shell=bash

# podman's default capabilities.
# shellcheck disable=SC2034  # for the tests
CAPABILITIES='["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
  "CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT"]'

# Where this machine's own packages come from; $1 is its ID.
host_sources() {
  local file
  for file in "/etc/apt/sources.list.d/$1.sources" /etc/apt/sources.list; do
    [ ! -s "$file" ] || { echo "$file"; return; }
  done
}

# debian_archive: the name of the archive, which is made if it is missing.
debian_archive() {
  local cache=${BWRAP_OCI_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bwrap-oci} ID VERSION_CODENAME archive
  . /etc/os-release
  archive=$cache/$ID-$VERSION_CODENAME-system.tar
  mkdir -p "$cache"
  (
    # several suites may want it at once
    flock 9
    # mmdebstrap fails when a descriptor of its own gets two digits, and bats has some open
    [ -s "$archive" ] || {
      mmdebstrap --quiet --variant=minbase --format=tar \
        --include=apt,systemd,systemd-sysv,dbus,libpam-systemd,nginx-light,curl,iproute2,procps \
        "$VERSION_CODENAME" "$archive.new" "$(host_sources "$ID")" >"$archive.log" 2>&1 3>&- 4>&- 9>&- ||
        { cat "$archive.log" >&2; exit 1; }
      mv "$archive.new" "$archive"
    }
  ) 9>"$archive.lock" || return
  echo "$archive"
}

# debian_rootfs DIR: makes DIR and unpacks into DIR/rootfs, as the user with his sub-ids.
debian_rootfs() {
  local archive
  archive=$(debian_archive) || return
  mkdir -p "$1"
  chmod 0711 "$1"
  mkdir "$1/rootfs"
  # the nodes in /dev cannot be made, and another /dev is mounted anyway
  "$BWRAP_OCI" unshare tar --exclude='./dev/*' -xpf "$archive" -C "$1/rootfs" 3>&-
}
