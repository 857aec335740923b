#!/usr/bin/env bash
# Functions of at most 60 lines and 5 parameters, files of at most 600 lines, lines of 100 columns.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
cd "$top_srcdir"
export LC_ALL=C.UTF-8

mapfile -t files < <(sources src tests)
mapfile -t code < <(sources src)

none "files of at most 600 lines" "$(awk 'FNR == 601 { print FILENAME }' "${code[@]}")"
none "functions of at most 60 lines" "$(awk '
  FNR == 1 { start = 0 }
  /^[a-z_0-9]+ \(/ { name = $1 }
  /^{/ { start = FNR }
  /^}/ { if (start && FNR - start > 61) print FILENAME ":" start ": " name ", " FNR - start - 1 " lines"
         start = 0 }' "${code[@]}")"
# A definition begins at the margin with its name; "..." is no parameter.
none "functions of at most 5 parameters" "$(awk '
  FNR == 1 { head = "" }
  head == "" && /^[a-z_0-9]+ \(/ { head = $0; line = FNR; name = $1; next }
  head != "" && /^{/ {
    sub (/^[^(]*\(/, "", head); sub (/, *\.\.\.\)/, ")", head)
    while (gsub (/\([^()]*\)/, "", head)) ;
    n = gsub (/,/, "", head) + 1
    if (n > 5) print FILENAME ":" line ": " name ", " n
    head = ""; next
  }
  head != "" && (/^$/ || /;/ || /^[#\/]/) { head = "" }
  head != "" { head = head $0 }' "${code[@]}")"
none "lines of at most 100 columns" "$(grep -nE '^.{101,}' "${files[@]}" | cut -c1-120 || true)"
none "no tab, no space at the end of a line" "$(grep -nE $'\t| +$' "${code[@]}" || true)"
none "every file opens with what it is" "$(awk 'FNR == 1 && !/^\/\*/ { print FILENAME }' "${files[@]}")"
finish
