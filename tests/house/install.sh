#!/usr/bin/env bash
# `make install` puts each file where it belongs, and nothing else anywhere.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
# not as part of a make that runs this test
unset MAKEFLAGS MFLAGS MAKELEVEL
make -C "$top_builddir" -s install DESTDIR="$tree" prefix=/p sysconfdir=/p/etc libexecdir=/p/libexec \
  datarootdir=/p/share docdir=/p/share/doc >/dev/null 2>&1

found=$(cd "$tree/p" && find . -path ./share/doc -prune -o -type f \( -perm -u+x -o -name '*.[18]' -o -name '*.service' \) -print |
  sort | xargs)
wanted="./bin/bwrap-oci ./lib/systemd/user/bwrap-oci@.service"
wanted+=" ./libexec/bwrap-oci/bwrap-oci-gio ./libexec/bwrap-oci/bwrap-oci-init"
wanted+=" ./libexec/bwrap-oci/hooks/network"
wanted+=" ./share/man/man1/bwrap-oci.1 ./share/man/man8/bwrap-oci-gio.8 ./share/man/man8/bwrap-oci-init.8"
if [ "$found" = "$wanted" ]; then ok "programs, unit and manuals"; else not_ok "programs, unit and manuals" "$found"; fi
for file in share/bash-completion/completions/bwrap-oci share/zsh/site-functions/_bwrap-oci \
  share/fish/vendor_completions.d/bwrap-oci.fish share/apparmor/extra-profiles/bwrap-oci \
  etc/containers/containers.conf.d/bwrap-oci.conf; do
  check "$file is there" test -s "$tree/p/$file"
done
none "every demo is there" "$(cd "$top_srcdir" && find demo -type f | while read -r file; do
  cmp "$file" "$tree/p/share/doc/examples/$file" 2>&1; done)"
check "so is what the demos read" test -s "$tree/p/share/doc/examples/tests/lib/install.sh"
none "nothing is set-user-ID" "$(find "$tree" -perm /6000)"
check "the license is there" test -s "$tree/p/share/doc/COPYING"

if cd "$top_srcdir" && git ls-files --error-unmatch configure.ac >/dev/null 2>&1; then
  make -C "$top_builddir" -s distdir distdir="$tree/release" >/dev/null 2>&1
  none "every file but those of the checkout itself is in a release" "$(git ls-files |
    grep -vxE '\.ci/.*|\.gitignore' | while read -r file; do
      [ -e "$tree/release/$file" ] || echo "$file"; done)"
fi
finish
