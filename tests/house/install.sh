#!/usr/bin/env bash
# `make install` puts each file where it belongs, and nothing else anywhere.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
# not as part of a make that runs this test
unset MAKEFLAGS MFLAGS MAKELEVEL
make -C "$top_builddir" -s install DESTDIR="$tree" prefix=/p libexecdir=/p/libexec \
  datarootdir=/p/share docdir=/p/share/doc >/dev/null 2>&1

found=$(cd "$tree/p" && find . -type f -perm -u+x -o -type f -name '*.1' | sort | xargs)
wanted="./bin/bwrap-oci ./libexec/bwrap-oci/bwrap-oci-gio ./libexec/bwrap-oci/bwrap-oci-init"
wanted+=" ./share/man/man1/bwrap-oci.1"
if [ "$found" = "$wanted" ]; then ok "programs and manual"; else not_ok "programs and manual" "$found"; fi
for file in bash-completion/completions/bwrap-oci zsh/site-functions/_bwrap-oci \
  fish/vendor_completions.d/bwrap-oci.fish; do
  check "$file is there" test -s "$tree/p/share/$file"
done
none "nothing is set-user-ID" "$(find "$tree" -perm /6000)"
check "the license is there" test -s "$tree/p/share/doc/COPYING"

if cd "$top_srcdir" && git ls-files --error-unmatch configure.ac >/dev/null 2>&1; then
  make -C "$top_builddir" -s distdir distdir="$tree/release" >/dev/null 2>&1
  none "every file but those of the checkout itself is in a release" "$(git ls-files |
    grep -vxE '\.ci/.*|\.gitignore' | while read -r file; do
      [ -e "$tree/release/$file" ] || echo "$file"; done)"
fi
finish
