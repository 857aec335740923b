#!/usr/bin/env bash
# A file includes only its own layer and earlier ones.
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"

layers=(base json spec plan host cgroup run cmd)

# allowed FOLDER: the folders it may include from.
allowed() {
  local layer
  case $1 in
    companion) echo companion base json spec run; return ;;
    init) echo init; return ;;
    src) echo "${layers[@]}"; return ;;
  esac
  for layer in "${layers[@]}"; do
    printf '%s ' "$layer"
    [ "$layer" != "$1" ] || return 0
  done
  echo "($1 is no layer)"
}

for folder in "$top_srcdir"/src/*/ "$top_srcdir"/src; do
  folder=$(basename "$folder")
  if [ "$folder" = src ]; then files=$(cd "$top_srcdir" && ls src/*.[ch] 2>/dev/null || true)
  else files=$(sources "src/$folder"); fi
  [ -n "$files" ] || continue
  pattern="^((config|commit)\.h|($(allowed "$folder" | xargs | tr ' ' '|'))/.*)$"
  # the init's files name their own by the bare name: they are compiled without the rest
  [ "$folder" != init ] || pattern="^[a-z]+\.h$"
  # who writes the init's instructions and who talks with it know their form
  case $folder in plan | run) pattern="^init/ops\.h$|$pattern" ;; esac
  found=$(cd "$top_srcdir" && pattern=$pattern awk '
    match ($0, /^ *# *include +"[^"]+"/) {
      name = $0; sub (/^[^"]*"/, "", name); sub (/".*/, "", name)
      if (name !~ ENVIRON["pattern"]) print FILENAME ":" FNR ": " name
    }' $files)
  none "$folder includes its own layer and earlier ones" "$found"
done

found=$(cd "$top_srcdir" && grep -nE '^ *# *include +<(gio|json-glib)/' -r src | grep -v '^src/companion/' || true)
none "only the companion uses GIO and json-glib" "$found"
found=$(cd "$top_srcdir" && grep -nE '^ *# *include +<(glib|gio|seccomp)' -r src/init || true)
none "the init uses no library" "$found"
finish
