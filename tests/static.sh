#!/usr/bin/env bash
# Static analysis of the sources: nothing is found, but where the place says why that is wrong.
# Each tool first has to find what is planted for it.
#
#   tests/static.sh [TOOL...]     (default: all of them)
#
#   cppcheck     the programs of the tests too
#   gcc          -fanalyzer
#   clang-tidy   the checks of .clang-tidy, without those of the next
#   clang        the analyser that scan-build runs, by way of clang-tidy; some minutes
#
# BWRAP_OCI_TEST_BUILD=DIR     a folder that has been configured (default: build/ in the checkout)
set -euo pipefail
top_srcdir=$(cd "$(dirname "$0")/.." && pwd)
top_builddir=${BWRAP_OCI_TEST_BUILD:-$top_srcdir/build}
# shellcheck source=tests/lib/tap.sh
. "$top_srcdir/tests/lib/tap.sh"
cd "$top_srcdir"
declare -A programs=([cppcheck]=cppcheck [gcc]=gcc [clang-tidy]=clang-tidy [clang]=clang-tidy)

# The init's files are read with the same C library as the others.
make -s -C "$top_builddir" Makefile config.h commit.h >/dev/null
mapfile -t flags < <(make -s -C "$top_builddir" --no-print-directory print-flags)
flags+=(-std=gnu11 -D_GNU_SOURCE "-I$top_srcdir/src" "-I$top_builddir")

# each COMMAND...: runs it for each file that standard input names, and shows what it finds: {}
# stands for the file.
each() {
  xargs -d '\n' -P "$(nproc)" -I '{}' "$@" 2>&1 | grep -E '(warning|error): ' | sort -u || true
}

# cppcheck knows nothing of autofd and g_autofree; gcc does.
run_cppcheck() {
  cppcheck --quiet --file-list=- -j "$(nproc)" --enable=warning,performance --inline-suppr \
    --library=gtk,posix,gnu --suppress=resourceLeak --suppress=memleak -Isrc "-I$top_builddir" \
    -DHAVE_CONFIG_H '-DPKGLIBEXECDIR="/"' -D_GNU_SOURCE '-DG_GNUC_PRINTF(a,b)=' \
    '-D_Noreturn=__attribute__((noreturn))' --template='{file}:{line}: {message} [{id}]' 2>&1
}
# Optimised, it takes variables for uninitialised whose first value was found to be of no use.
run_gcc() { each gcc "${flags[@]}" -O0 -fanalyzer -c -o /dev/null '{}'; }
tidy() { each clang-tidy --quiet --config-file=.clang-tidy --checks="$1" '{}' -- "${flags[@]}"; }
run_clang-tidy() { tidy '-clang-analyzer-*'; }
run_clang() { tidy '-bugprone-*,-cert-*,-concurrency-*,-misc-*,-performance-*,-portability-*'; }

files() {
  find src -name '*.c' | sort
  [ "$1" != cppcheck ] || find tests -name '*.c' | sort
}

planted=$(mktemp --suffix=.c)
trap 'rm -f "$planted"' EXIT
cat >"$planted" <<'END'
#include <string.h>
char planted (char *text);
char
planted (char *text)
{
  char *p = NULL;

  memset (text, sizeof (*text), 0);
  if (*text == 0)
    p = text;
  return *p;
}
END

[ $# != 0 ] || set -- cppcheck gcc clang-tidy clang
for tool; do
  program=${programs[$tool]:?no such tool: $tool}
  if ! command -v "$program" >/dev/null; then
    skip "$tool" "$program is not installed"
    continue
  fi
  check "$tool finds what is planted" grep -q . <("run_$tool" <<<"$planted")
  found=$(files "$tool" | "run_$tool")
  none "$tool finds nothing in $(files "$tool" | wc -l) files" "$found"
done
finish
