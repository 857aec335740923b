#!/usr/bin/env bash
# Packages: a .deb is built in a fresh minimal Debian as contrib/debian/README.source has it,
# passes lintian, and in another one runs the demos of its documentation; the .spec of the RPM is
# read and built.
#
#   tests/package.sh [OUTPUT]
#
# As root, with mmdebstrap and a mirror; takes some minutes. The packages are left in OUTPUT.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/lib/tap.sh"
# shellcheck source=tests/lib/install.sh
. "$(dirname "$0")/lib/install.sh"

scratch=$(mktemp -d /var/tmp/bwrap-oci-package.XXXXXXXX)
trap 'rm -rf "$scratch"' EXIT
output=${1:-$scratch/output}
mkdir -p "$output"

# minimal ROOT PACKAGE...: a new minimal system with packages.
minimal() {
  local root=$1 sources
  shift
  # shellcheck disable=SC1091
  . /etc/os-release
  for sources in "/etc/apt/sources.list.d/$ID.sources" /etc/apt/sources.list; do
    [ ! -s "$sources" ] || break
  done
  mmdebstrap --quiet --variant=minbase --include="$(tr ' ' , <<<"$*")" "$VERSION_CODENAME" "$root" "$sources"
}

# inside ROOT COMMAND...: as root, as on a machine of its own: a user namespace cannot be made
# below a chroot.
inside() {
  local root=$1
  shift
  unshare --mount --pid --fork --kill-child --propagation private sh -e -c '
    mount --bind "$1" "$1"
    mount -t proc proc "$1/proc"
    for dir in dev sys; do mount --rbind "/$dir" "$1/$dir"; done
    mount -t tmpfs -o mode=755 tmpfs "$1/run"
    cd "$1"
    mkdir -p /.old .old
    pivot_root . .old
    umount -l /.old
    cd /
    shift
    exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"' \
    sh "$root" "$@" </dev/null
}

# step NAME COMMAND...: the end of what it says, if it fails.
step() {
  local name=$1
  shift
  if "$@" >"$scratch/log" 2>&1; then ok "$name"; else not_ok "$name" "$(tail -n 40 "$scratch/log")"; fi
}

# --- Debian -------------------------------------------------------------------

copy_sources() {
  mkdir -p "$1"
  if git -C "$top_srcdir" rev-parse HEAD >/dev/null 2>&1; then
    git -C "$top_srcdir" ls-files -z | (cd "$top_srcdir" && xargs -0 tar -c) | tar -xC "$1"
  else
    tar -C "$top_srcdir" --exclude=./build -c . | tar -xC "$1"
  fi
}

build_needs() { sed -n '/^Build-Depends:/,/^[A-Z]/s/^ \([a-z0-9.-]*\).*/\1/p' "$top_srcdir/contrib/debian/control"; }

build_deb() {
  # shellcheck disable=SC2046  # a word each
  minimal "$scratch/build" build-essential debhelper $(build_needs | grep -v ^debhelper-compat)
  copy_sources "$scratch/build/build/bwrap-oci"
  inside "$scratch/build" sh -e -c '
    cd /build/bwrap-oci
    cp -r contrib/debian debian
    dpkg-buildpackage -us -uc -b'
  cp "$scratch"/build/build/*.deb "$scratch"/build/build/*.changes "$scratch"/build/build/*.buildinfo "$output"
}

lint_deb() { lintian --allow-root --fail-on error --info "$output"/bwrap-oci_*.changes; }

# Each file of the list, and nothing that belongs to root alone.
deb_contents() {
  dpkg-deb --contents "$output"/bwrap-oci_*_*.deb | awk '{ print $6 }' >"$scratch/contents"
  local file absent=
  for file in usr/bin/bwrap-oci usr/libexec/bwrap-oci/bwrap-oci-gio usr/libexec/bwrap-oci/bwrap-oci-init \
    usr/libexec/bwrap-oci/hooks/network usr/lib/systemd/user/bwrap-oci@.service \
    usr/share/man/man1/bwrap-oci.1.gz usr/share/man/man8/bwrap-oci-init.8.gz \
    usr/share/man/man8/bwrap-oci-gio.8.gz usr/share/bash-completion/completions/bwrap-oci \
    usr/share/zsh/vendor-completions/_bwrap-oci usr/share/fish/vendor_completions.d/bwrap-oci.fish \
    etc/containers/containers.conf.d/bwrap-oci.conf usr/share/apparmor/extra-profiles/bwrap-oci; do
    grep -qx "./$file" "$scratch/contents" || absent+=" $file"
  done
  [ -z "$absent" ] || { echo "missing:$absent"; return 1; }
}

install_deb() {
  minimal "$scratch/root" busybox-static dbus-bin dbus-daemon jq podman conmon python3 slirp4netns \
    bubblewrap uidmap libsubid4 libjson-glib-1.0-0 libseccomp2 man-db
  cp "$output"/bwrap-oci_*.deb "$scratch/root/tmp"
  inside "$scratch/root" sh -c 'dpkg --install /tmp/bwrap-oci_*.deb'
}

demo() { inside "$scratch/root" "/usr/share/doc/bwrap-oci/examples/demo/$1/run.sh"; }

# What podman reads of the drop-in, without any configuration of a user.
podman_knows() {
  inside "$scratch/root" sh -c 'podman --runtime bwrap-oci info --format "{{.Host.OCIRuntime.Path}}"' | grep -x /usr/bin/bwrap-oci
}

remove_deb() {
  inside "$scratch/root" sh -e -c '
    dpkg --purge bwrap-oci
    left=$(find / -xdev -name "*bwrap-oci*" ! -path "/tmp/*" ! -path "/proc/*" ! -path "/home/*")
    [ -z "$left" ] || { echo "left: $left"; exit 1; }'
}

debian() {
  command -v mmdebstrap >/dev/null || { skip "debian: a package" "mmdebstrap is not installed"; return; }
  step "debian: a package is built in a minimal system" build_deb
  [ -e "$(echo "$output"/bwrap-oci_*.deb)" ] || return 0
  step "debian: lintian has no error" lint_deb
  step "debian: every file is in the package" deb_contents
  step "debian: it is installed in a minimal system" install_deb
  step "debian: the manual is found" inside "$scratch/root" man -w bwrap-oci bwrap-oci-init bwrap-oci-gio
  step "debian: demo hello runs from what is installed" demo hello
  step "debian: demo desktop runs from what is installed" demo desktop
  step "debian: demo podman runs from what is installed" demo podman
  step "debian: podman finds the runtime by its name" podman_knows
  step "debian: nothing is left when it is removed" remove_deb
}

# --- RPM ----------------------------------------------------------------------

# Debian's rpmbuild has no database of packages to look up what is needed in.
build_rpm() {
  local version
  version=$(sed -n 's/^Version: *//p' "$top_srcdir/contrib/bwrap-oci.spec")
  mkdir -p "$scratch"/rpm/{SOURCES,BUILD,RPMS,SRPMS}
  copy_sources "$scratch/rpm/bwrap-oci-$version"
  (cd "$scratch/rpm/bwrap-oci-$version" && ./autogen.sh)
  tar -C "$scratch/rpm" -cJf "$scratch/rpm/SOURCES/bwrap-oci-$version.tar.xz" "bwrap-oci-$version"
  rpmbuild -ba --nodeps --define "_topdir $scratch/rpm" "$top_srcdir/contrib/bwrap-oci.spec"
  cp "$scratch"/rpm/RPMS/*/*.rpm "$scratch"/rpm/SRPMS/*.rpm "$output"
}

rpm_contents() {
  rpm --query --list --package "$output"/bwrap-oci-[0-9]*."$(uname -m)".rpm >"$scratch/contents"
  local file absent=
  for file in /usr/bin/bwrap-oci /usr/lib/systemd/user/bwrap-oci@.service /usr/libexec/bwrap-oci/bwrap-oci-gio /usr/libexec/bwrap-oci/bwrap-oci-init \
    /usr/libexec/bwrap-oci/hooks/network \
    /etc/containers/containers.conf.d/bwrap-oci.conf /usr/share/zsh/site-functions/_bwrap-oci; do
    grep -qx "$file" "$scratch/contents" || absent+=" $file"
  done
  [ -z "$absent" ] || { echo "missing:$absent"; return 1; }
}

lint_rpm() {
  rpmlint --rpmlintrc "$top_srcdir/contrib/bwrap-oci.rpmlintrc" "$top_srcdir/contrib/bwrap-oci.spec" \
    "$output"/bwrap-oci-[0-9]*."$(uname -m)".rpm
}

redhat() {
  command -v rpmbuild >/dev/null || { skip "rpm: a package" "rpmbuild is not installed"; return; }
  step "rpm: a package is built" build_rpm
  [ -e "$(echo "$output"/bwrap-oci-*.src.rpm)" ] || return 0
  step "rpm: every file is in the package" rpm_contents
  if command -v rpmlint >/dev/null; then step "rpm: rpmlint has no error" lint_rpm; fi
}

if [ "$(id -u)" != 0 ]; then
  skip "packages" "machine: needs root"
else
  debian
  redhat
fi
finish
