#!/usr/bin/env bash
# The three programs as they were linked: hardening, libraries, the init's size.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
cd "$top_builddir"
main=(bwrap-oci bwrap-oci-gio)

sanitized() { grep -q 'define WITH_SANITIZERS' config.h; }
has() { grep -qE "$3" <<<"$(readelf -W "$1" "$2")"; }
marks_branches() { [ "$(objdump -d "$1" | grep -c endbr64)" -gt 20 ]; }
lacks() { ! has "$@"; }

for program in "${main[@]}" bwrap-oci-init; do
  check "$program is position independent" has -h "$program" 'Type: +DYN'
  check "$program has relocations made read-only" has -l "$program" GNU_RELRO
  check "$program binds at start" has -d "$program" 'BIND_NOW|FLAGS.*NOW'
  check "$program has no executable stack" has -l "$program" 'GNU_STACK +[^E]* RW +0x'
  check "$program has no segment both writable and executable" lacks -l "$program" ' RWE '
  check "$program has no library path" lacks -d "$program" 'RPATH|RUNPATH'
done
for program in "${main[@]}"; do
  # what the C library brings along has these names too: asked is what goes into the program
  objects=libbwrapoci.a
  [ "$program" = bwrap-oci ] || objects=$program
  check "$program has stack protection" has -s "$objects" 'UND __stack_chk_fail'
  if sanitized; then
    skip "$program uses checked string functions" "machine: a build with sanitizers has none"
  else
    check "$program uses checked string functions" has -s "$objects" 'UND __[a-z]*_chk'
  fi
  case $(uname -m) in
    # the mark of the whole program depends on the C library's start files as well
    x86_64) check "$program marks targets of indirect branches" marks_branches "$program" ;;
  esac
done

# What leaves no trace in a program: what a compiler takes is what it was told.
setting() { sed -n "s/^$1 = *//p" Makefile; }
flags=(-fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
  -ftrivial-auto-var-init=zero -Wall -Wextra -Wformat=2 -Werror=format-security
  -Wconversion)
# told COMPILER-VARIABLE FLAGS-VARIABLE...: the flags among these that are missing
told() {
  local compiler flag given
  compiler=$(setting "$1")
  given=" $(for variable in "${@:2}"; do setting "$variable"; done | xargs) "
  for flag in "${flags[@]}"; do
    # shellcheck disable=SC2086  # words
    if [[ $given != *" $flag "* ]] &&
      $compiler -Werror -Wall $flag -x c -c -o /dev/null /dev/null 2>/dev/null; then
      echo "$compiler takes $flag"
    fi
  done
}
none "every flag that the compiler takes is given" "$(told CC WARN_CFLAGS HARDENING_CFLAGS)"
none "every flag that the init's compiler takes is given" "$(told INIT_CC INIT_CFLAGS)"
check "the check sees what is missing" test -n "$(told CC no_such_variable)"

needed() { readelf -dW "$1" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | xargs; }
libraries=$(needed bwrap-oci | sed 's/ *ld-linux[^ ]*//')
shared="libc.so.6 libglib-2.0.so.0 libseccomp.so.2"
if sanitized; then
  skip "bwrap-oci links GLib, libseccomp and libc only" "machine: a build with sanitizers has more"
elif [[ $(setting STATIC_LDFLAGS) == *-static-pie* ]]; then
  check "bwrap-oci has GLib, libseccomp and libc in it" test -z "$libraries"
  check "bwrap-oci has no interpreter" lacks -l bwrap-oci INTERP
elif [ -n "$(setting STATIC_LIBS)" ]; then
  check "bwrap-oci has GLib and libseccomp in it, and finds libc only" test "$libraries" = libc.so.6
else
  check "bwrap-oci links GLib, libseccomp and libc only" test "$libraries" = "$shared"
fi
# GIO brings GLib, and two of them in one program would not know of each other
check "the companion has the GLib that GIO has" grep -qw libglib-2.0.so.0 <<<"$(needed bwrap-oci-gio)"

# The init's exceptions: musl has no checked string functions, its start files carry no mark
# for indirect branches, and there is no libc to link.
check "the init has no interpreter" lacks -l bwrap-oci-init INTERP
check "the init links nothing" test -z "$(needed bwrap-oci-init)"
stripped=$(mktemp)
trap 'rm -f "$stripped"' EXIT
strip -o "$stripped" bwrap-oci-init
size=$(stat -c %s "$stripped")
if grep -q '^INIT_LIBC = musl' Makefile; then
  check "the init has at most 100 KB ($size bytes)" test "$size" -le 102400
else
  skip "the init has at most 100 KB ($size bytes)" "musl-tools is not installed"
fi
finish
