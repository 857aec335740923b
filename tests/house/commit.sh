#!/usr/bin/env bash
# --version names the commit that was built: src/commit.sh, which each make runs.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

if ! command -v git >/dev/null; then
  skip "the commit of a checkout" "git is not installed"
  finish
  exit
fi
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
unset "${!GIT_@}"
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null

commit() { git -C "$1" -c user.name=x -c user.email=x commit -q --allow-empty -m "$RANDOM$RANDOM"; }
# written SOURCES [COMMIT]: whether the header has this
written() {
  sh "$top_srcdir/src/commit.sh" "$1" header || return 1
  [ "$(cat header)" = "#define GIT_COMMIT \"${2:-}\"" ] || { cat header; return 1; }
}
head_of() { git -C "$1" rev-parse HEAD | cut -c1-12; }

mkdir -p release checkout/below
check "in a release there is none" written release
git init -q checkout
check "nor where nothing was committed" written checkout
commit checkout
check "it is HEAD" written checkout "$(head_of checkout)"
touch -d 2001-01-01 header
check "it is looked up again" written checkout "$(head_of checkout)"
check "and stays as it is where it is the same" test ! header -nt release
commit checkout
check "it follows HEAD" written checkout "$(head_of checkout)"
git -C checkout pack-refs --all
git -C checkout worktree add -q ../worktree HEAD~1 2>/dev/null
check "that of a worktree is its own" written worktree "$(head_of worktree)"
check "below a repository of somebody else's there is none" written checkout/below
last=$(head_of checkout)
written checkout "$last" >/dev/null
commit checkout
mkdir refuses
printf '#!/bin/sh\nexit 128\n' >refuses/git
chmod 0755 refuses/git
PATH=$folder/refuses:$PATH check "where git does not answer it stays" written checkout "$last"
rm header
PATH=$folder/refuses:$PATH check "or is none" written checkout

in_header() { sed -n 's/.*"\(.*\)"/\1/p' "$top_builddir/commit.h"; }
said=$("$top_builddir/bwrap-oci" --version | sed -n 's/^commit: //p')
check "--version says it" test "$said" = "$(in_header)"
if [ -e "$top_srcdir/.git" ] && here=$(head_of "$top_srcdir" 2>/dev/null); then
  # not as part of a make that runs this test
  unset MAKEFLAGS MFLAGS MAKELEVEL
  make -s -C "$top_builddir" commit.h
  check "make looks it up" test "$(in_header)" = "$here"
fi
finish
