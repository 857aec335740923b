# Packages and users; sourced by tests/run.sh and the demos.
# shellcheck shell=bash
# shellcheck disable=SC2034  # lists for those who source this

build_packages=(autoconf automake binutils gcc libc6-dev libglib2.0-dev libjson-glib-dev
  libseccomp-dev libsubid-dev make musl-tools pkg-config)
run_packages=(bubblewrap uidmap)
client_packages=(buildah catatonit conmon containerd containernetworking-plugins curl distrobox netavark
  podman podman-toolbox
  protobuf-compiler python3-grpcio python3-protobuf python3-websocket runc skopeo slirp4netns socat
  umoci)
fuzz_packages=(clang libclang-rt-dev llvm)
manager_packages=(dbus-user-session systemd)
static_packages=(clang-tidy cppcheck)
package_packages=(debhelper lintian mmdebstrap rpm rpmlint)
vm_packages=(e2fsprogs mmdebstrap user-mode-linux)
vm_long_packages=(linux-image-cloud-amd64 qemu-system-x86 secilc)
test_packages=(bats busybox-static fish fuse-overlayfs git gojq iproute2 jq man-db mmdebstrap passt procps
  python3 shellcheck slirp4netns zsh)

# install_packages NAME...: with apt-get, as root or with sudo; says which.
install_packages() {
  local missing=() package become=()
  if ! command -v dpkg-query >/dev/null; then
    echo "no Debian package tools here; needed: $*"
    return 0
  fi
  for package in "$@"; do
    dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
      missing+=("$package")
  done
  [ ${#missing[@]} != 0 ] || return 0
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
      echo "please install: apt-get install ${missing[*]}" >&2
      return 1
    }
    become=(sudo)
  fi
  echo "installing: ${missing[*]}"
  "${become[@]}" apt-get update -qq
  "${become[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

# make_user NAME: an ordinary user with 65536 sub-ids, as `adduser` would make one. As root.
make_user() {
  local kind first
  if ! id -u "$1" >/dev/null 2>&1; then
    echo "making the user $1"
    useradd --create-home --shell /bin/bash "$1"
  fi
  for kind in uid gid; do
    touch "/etc/sub$kind"
    ! grep -q "^$1:" "/etc/sub$kind" || continue
    first=$(awk -F: '$2 + $3 > m { m = $2 + $3 } END { print m < 100000 ? 100000 : m }' "/etc/sub$kind")
    usermod "--add-sub${kind}s" "$first-$((first + 65535))" "$1"
  done
}

# allow_namespaces PROFILE: where AppArmor keeps programs from making user namespaces, as on Ubuntu,
# loads the profile that lets bubblewrap, until the next boot; as root or with sudo, and says so.
allow_namespaces() {
  local setting=/proc/sys/kernel/apparmor_restrict_unprivileged_userns become=()
  [ "$(cat "$setting" 2>/dev/null)" = 1 ] && [ -e "$1" ] || return 0
  [ "$(id -u)" = 0 ] || become=(sudo)
  echo "letting bubblewrap make user namespaces until the next boot: apparmor_parser -r $1"
  "${become[@]}" apparmor_parser -r "$1" || echo "not allowed: user namespaces stay restricted here" >&2
}
