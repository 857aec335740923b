#!/usr/bin/env bash
# What bash, zsh and fish offer against the program's own help: every command and option, both
# ways; and every option of the sources is among them.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/lib/complete.sh
. "$(dirname "$0")/../lib/complete.sh"
PATH=$top_builddir:$PATH

help_commands() { bwrap-oci --help | sed -n '/^Commands:/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' | sort; }
help_options() {
  bwrap-oci "$@" --help | sed -nE 's/^ +((-[A-Za-z]), )? *(--[a-z0-9-]+).*/\3 \2/p' | tr ' ' '\n' | grep . | sort -u
}
mapfile -t commands < <(help_commands)
# wanted, and lines: what there is to be offered at each command
for command in "${commands[@]}"; do
  lines+=("bwrap-oci $command -")
  wanted+=$(help_options "$command" | sed "s/^/bwrap-oci $command -:/")$'\n'
done

for shell in bash zsh fish; do
  if ! command -v "$shell" >/dev/null; then
    skip "$shell: commands and options" "$shell is not installed"
    continue
  fi
  none "$shell: commands" "$(apart "the help" <(help_commands) "what $shell offers" <(candidates "$shell" 'bwrap-oci '))"
  none "$shell: options before the command" "$(apart "the help" <({ help_options; help_options run; } | sort -u) \
    "what $shell offers" <(candidates "$shell" 'bwrap-oci -'))"
  none "$shell: options of each command" "$(apart "the help" <(grep . <<<"$wanted" | sort) \
    "what $shell offers" <(offered "$shell" "${lines[@]}"))"
done

# A row whose help text is NULL is a silent one: the common --help, which each help adds.
rows=$(cat "$top_srcdir"/src/cmd/*.[ch] | tr "\n\\\\" "  " |
  grep -oE 'OPTION_(FLAG|STRING|STRINGS|UINT) \([^"]*"[a-z0-9-]+"|OPTION_IGNORED \("[a-z0-9-]+"' |
  sed -E 's/.*"([a-z0-9-]+)"/--\1/' | sort -u)
none "every option of the sources is in a help" \
  "$(grep -vxFf <({ help_options; for command in "${commands[@]}"; do help_options "$command"; done; } | sort -u) <<<"$rows" || true)"
finish
