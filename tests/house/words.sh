#!/usr/bin/env bash
# The project speaks of itself alone, and leaves nothing for later.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
cd "$top_srcdir"

# Tracked files, or those of an unpacked release.
files() {
  if git ls-files --error-unmatch configure.ac >/dev/null 2>&1; then git ls-files -z
  else find . -type f -not -path './build*' -print0; fi
}
in_files() { files | xargs -0 grep -nIE "$1" 2>/dev/null | grep -vE '^(\./)?(COPYING|\.ci/run)' || true; }

none "no path of one machine" "$(in_files '(^|[^a-z0-9_.])/(w[o]rk|f[a]rm)/|\.\./sh[a]red')"
none "no number of an issue" "$(in_files '\b[Ii]ssue #?[0-9]')"
none "nothing left for later in the sources" "$(in_files '\b(T[O]DO|F[I]XME|X[X]X)\b' | grep '^src/' || true)"
none "every file ends with a newline" "$(files | xargs -0 sh -c '
  for f; do [ ! -s "$f" ] || [ -L "$f" ] || [ -z "$(tail -c1 "$f" | tr -d "\n\0")" ] || echo "$f"; done' sh |
  grep -E '^(src|tests/(house|lib|unit|integration)|demo)/' || true)"
finish
