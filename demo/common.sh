# What the demos share: packages, the build, an unprivileged user, a folder that goes away.
# Sourced; sets top, build, user and folder. In a checkout the program is that of its build, in
# the documentation of an installed one the one in PATH.
# shellcheck shell=bash
# shellcheck disable=SC2034  # for the demos
top=$(cd "$(dirname "$0")/../.." && pwd)
build=$top/build
# shellcheck source=tests/lib/install.sh
. "$top/tests/lib/install.sh"

# The caller; root uses a user of the demos, who is made.
user=$(id -un)
if [ "$user" = root ]; then user=bwrap-oci-demo; fi

folder=
cleanup() { [ -z "$folder" ] || rm -rf "$folder"; }
trap cleanup EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

# prepare PACKAGE...: installs what is missing, builds a checkout that has not been built, and
# makes the user and a folder that sub-ids can pass through, with the programs in it.
prepare() {
  install_packages "${run_packages[@]}" "$@"
  allow_namespaces "$top/contrib/apparmor/bwrap-oci"
  [ ! -e "$top/configure.ac" ] || build_checkout
  [ "$(id -u)" != 0 ] || make_user "$user"
  grep -qs "^$user:\|^$(id -u "$user"):" /etc/subuid ||
    fail "$user has no sub-ids: sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 $user"
  folder=$(mktemp -d /var/tmp/bwrap-oci-demo.XXXXXXXX)
  chmod 0711 "$folder"
  if [ -e "$top/configure.ac" ]; then
    install -m 0755 "$build"/bwrap-oci "$build"/bwrap-oci-gio "$build"/bwrap-oci-init "$folder"
  else
    ln -s "$(command -v bwrap-oci)" "$folder/bwrap-oci" || fail "bwrap-oci is not installed"
  fi
  mkdir -m 0700 "$folder/state"
}

build_checkout() {
  if [ ! -x "$build/bwrap-oci" ] || [ ! -x "$build/bwrap-oci-init" ]; then
    install_packages "${build_packages[@]}"
    echo "building bwrap-oci in $build"
    mkdir -p "$build"
    { [ -x "$top/configure" ] || "$top/autogen.sh"
      [ -f "$build/Makefile" ] || (cd "$build" && "$top/configure")
      make -C "$build" -j"$(nproc)"; } >"$build/build.log" 2>&1 ||
      { tail -n 30 "$build/build.log"; fail "the build, see $build/build.log"; }
  fi
}

# The folder's contents are the user's.
give_folder() { [ "$(id -u)" != 0 ] || chown -R "$user:" "$folder"; }

# as_user [NAME=VALUE...] COMMAND...
as_user() {
  if [ "$(id -u)" = 0 ]; then
    setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups --inh-caps=-all \
      env -i --default-signal PATH="$PATH" LANG=C.UTF-8 HOME="$(getent passwd "$user" | cut -d: -f6)" "$@"
  else
    env "$@"
  fi
}

# busybox_root DIR APPLET...: a root file system of busybox.
busybox_root() {
  local root=$1 applet
  shift
  mkdir -p "$root"/{bin,dev,etc,proc,sys,tmp}
  cp "$(command -v busybox)" "$root/bin/busybox"
  for applet; do ln -s busybox "$root/bin/$applet"; done
  echo root:x:0:0:root:/:/bin/sh >"$root/etc/passwd"
}
