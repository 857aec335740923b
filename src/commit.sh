#!/bin/sh
# Writes the commit of a checkout into a C header, unless that has it already.
#
#   src/commit.sh SOURCES HEADER
#
# It is "" outside of a checkout: in a release, also below a repository of somebody else's. Where
# git does not answer, as it may refuse to in a checkout of another user, the header stays.
set -eu

commit=
if [ -e "$1/.git" ]; then
  commit=$(git -C "$1" rev-parse --verify --short=12 HEAD 2>/dev/null) || [ ! -e "$2" ] || exit 0
fi
line="#define GIT_COMMIT \"$commit\""
[ "$line" = "$(cat "$2" 2>/dev/null)" ] || echo "$line" >"$2"
