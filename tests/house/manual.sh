#!/usr/bin/env bash
# The manual page against the programs' own help: every command and option, both ways.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
program=$top_builddir/bwrap-oci
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
manual=$(sed 's/\\-/-/g; s/\\f[BIRP]//g' "$top_srcdir/bwrap-oci.1")

# A command is a word at two spaces below the line "Commands:".
commands() {
  "$program" --help | awk '/^Commands/ { on = 1; next } on && /^[^ ]/ { on = 0 } on && /^  [a-z]/ { print $1 }'
}
# The options that a help text lists, one word a line, and those of a manual's tagged lines.
help_options() {
  sed -nE 's/^ +(-[A-Za-z]), +(--[a-z-]+).*/\1\n\2/p; s/^ +(--[a-z-]+).*/\1/p' | sort -u
}
manual_options() {
  grep -A1 '^\.TP' | grep -oE -- '(^| )--?[A-Za-z][a-z-]*' | tr -d ' ' | sort -u || true
}
# The first block of options, of a text that may have more.
first_block() { sed '/^Options of run/,$d'; }

# The manual's section of a command: from ".SS NAME" to the next heading.
section() {
  awk -v name="$1" '/^\.S[HS]/ { on = ($2 == name) } on' <<<"$manual"
}

documented=$(sed -n 's/^\.SS \([a-z][a-z]*\).*/\1/p' <<<"$manual" | sort)
none "commands: help and manual" "$(apart "the help" <(commands | sort) "the manual" <(echo "$documented"))"
none "global options: help and manual" \
  "$(apart "the help" <("$program" --help | first_block | help_options) \
    "the manual" <(section OPTIONS | manual_options))"
# fits PAGE: a help of at most 40 lines of at most 80 columns
fits() { awk -v page="$1" 'length > 80 { print page ": too wide: " $0 } END { if (NR > 40) print page ": " NR " lines" }'; }
none "each help fits a screen" "$("$program" --help | fits "--help"
  for command in $(commands); do "$program" "$command" --help | fits "$command"; done)"
for command in $(commands); do
  none "options of $command: help and manual" \
    "$(apart "the help" <("$program" "$command" --help | help_options | grep -vxE -e '-h|--help' || true) \
      "the manual" <(section "$command" | manual_options))"
done
# What is supported is told by the field tables; BLESS=1 writes it to the manual.
if [ -x "$top_builddir/tests/unit/field-rows" ]; then
  "$top_builddir/tests/unit/field-rows" | awk -f "$top_srcdir/tests/lib/support.awk" >"$scratch/support"
  awk -v rows="$scratch/support" '
    /^\.\\" support: end/ { while ((getline row <rows) > 0) print row; on = 0 }
    !on
    /^\.\\" support: begin/ { on = 1 }' "$top_srcdir/bwrap-oci.1" >"$scratch/manual"
  if [ -n "${BLESS:-}" ]; then cat "$scratch/manual" >"$top_srcdir/bwrap-oci.1"; fi
  none "the table of what is supported (BLESS=1 make check TESTS=tests/house/manual.sh writes it)" \
    "$(diff "$top_srcdir/bwrap-oci.1" "$scratch/manual" || true)"
else
  skip "the table of what is supported" "machine: field-rows has not been built"
fi
# A word of capitals that the sources ask the environment for.
variables=$(sed -n 's/.* get ("\([A-Z_]*\)").*/\1/p' "$top_srcdir/src/base/env.c")
none "environment variables that the manual does not have" \
  "$(for variable in $variables; do section ENVIRONMENT | grep -qE "^\.BR? .*\b$variable\b" || echo "$variable"; done)"
annotations=$(grep -rhoE '"run\.oci\.[a-z_.-]+[a-z]"' "$top_srcdir/src" | tr -d '"' | sort -u)
none "annotations that the manual does not have" \
  "$(for name in $annotations; do grep -qF "$name" <<<"$manual" || echo "$name"; done)"
# The members of the plan for machines: a bold word each in the manual, a string in the sources.
if command -v jq >/dev/null; then
  members=$(jq -rn '[inputs | paths | map (strings) | last | strings] | unique[]' \
    "$top_srcdir"/tests/plan/*/expected.json)
  written=$(section THE | sed -n 's/^\.BR* //p' | grep -oE '[A-Za-z]+(\[\])?' | tr -d '[]' | sort -u)
  none "members of the plan that the manual does not have" \
    "$(grep -vxFf <(echo "$written") <<<"$members" || true)"
  emitted=$(sed -nE 's/.*(json_emit_[a-z]+|emit_map) \(&?emit, "([A-Za-z]+)".*/\2/p' \
    "$top_srcdir"/src/plan/print*.c | sort -u)
  none "members of the plan: sources and manual" \
    "$(grep -vxFf <(echo "$written") <<<"$emitted" || true)"
else
  skip "members of the plan: sources and manual" "jq is not installed"
fi
for page in bwrap-oci.1 bwrap-oci-gio.8 bwrap-oci-init.8; do
  check "$page has no error" bash -c "! LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -E UTF-8 -l -Tutf8 -Z \
    '$top_srcdir/$page' 2>&1 >/dev/null | grep ."
done
finish
