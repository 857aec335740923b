#!/usr/bin/env bash
# Builds the fuzz targets with clang and runs each for some seconds; a TAP line for each.
#
#   tests/fuzz/run.sh SECONDS [TARGET...]
#   tests/fuzz/run.sh build
#
# Seeds are those below tests/fuzz/seeds, and for configurations those of the other tests. What is
# new is kept in FUZZ_BUILD/corpus, and is where the next run begins; an input that breaks something
# is kept in FUZZ_BUILD/found, and belongs below tests/fuzz/seeds once it is mended.
#
#   FUZZ_BUILD=DIR   where to build (default: build/fuzz in the checkout)
set -euo pipefail
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
seconds=${1:?usage: tests/fuzz/run.sh SECONDS [TARGET...], or build}
shift
build=${FUZZ_BUILD:-$top_srcdir/build/fuzz}
program=$build/tests/fuzz/fuzz
# trees are made and removed by the thousand
scratch=$(mktemp -d /dev/shm/fuzz.XXXXXXXX 2>/dev/null || mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export G_TEST_SRCDIR=$top_srcdir TMPDIR=$scratch

build_targets() {
  mkdir -p "$build"
  [ "$top_srcdir/configure" -nt "$top_srcdir/configure.ac" ] || "$top_srcdir/autogen.sh"
  [ -f "$build/Makefile" ] ||
    (cd "$build" && CC=clang "$top_srcdir/configure" --enable-werror --enable-sanitizers=fuzzer)
  make -C "$build" -j"$(nproc)" --no-print-directory tests/fuzz/fuzz tests/unit/field-rows
}

# The names of properties and their values, as libFuzzer takes words.
dictionary() {
  "$build/tests/unit/field-rows" | awk -F'\t' '
    { n = split ($1, path, "/"); word[path[n]]; n = split ($5, values, ","); for (i = 1; i <= n; i++) word[values[i]] }
    END { for (w in word) if (w ~ /^[A-Za-z0-9_-]+$/) printf "\"\\\"%s\\\"\"\n", w }'
}

# collect TARGET DIR: what else there is to begin with. Large ones would be cut.
collect() {
  local file n=0
  case $1 in
    config) set -- "$2" "$top_srcdir"/tests/plan/*/config.json "$top_srcdir"/tests/data/configs/*.json \
      "$scratch"/bad/*.json ;;
    process) set -- "$2" "$top_srcdir"/tests/data/configs/process-*.json ;;
    filter) set -- "$2" "$scratch"/filters/*.json ;;
    *) return 0 ;;
  esac
  for file in "${@:2}"; do
    [ "$(stat -c %s "$file")" -gt 12000 ] || cp "$file" "$1/$((++n))"
  done
}

# The longest input of TARGET: where each byte costs much, or few can matter.
longest() {
  case $1 in
    walk) echo 160 ;;
    words) echo 64 ;;
    options) echo 1000 ;;
    *) echo 12000 ;;
  esac
}

# fuzz TARGET
fuzz() {
  local name=$1 corpus=$build/corpus/$1 extra=$scratch/extra-$1 log=$build/fuzz-$1.log status=0 found
  mkdir -p "$corpus" "$build/found" "$extra"
  collect "$name" "$extra"
  # the messages of the checks go to standard output
  "$program" "--target=$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
    -max_len="$(longest "$name")" -artifact_prefix="$build/found/$name-" -print_final_stats=1 -dict="$scratch/words" \
    "$corpus" "$top_srcdir/tests/fuzz/seeds/$name" "$extra" >/dev/null 2>"$log" || status=$?
  found=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  if [ "$status" = 0 ]; then ok "$name: ${found:-0} inputs in $seconds s"
  else not_ok "$name: $(grep -m1 -oE 'Test unit written to .*' "$log")" "$(tail -n 40 "$log")"; fi
}

for tool in clang jq python3; do
  command -v "$tool" >/dev/null || { skip "fuzzing" "$tool is not installed"; finish; exit; }
done
if [ "$seconds" = build ]; then build_targets; exit; fi
build_targets >"$scratch/build.log" 2>&1 || { not_ok "build" "$(tail -n 40 "$scratch/build.log")"; finish; exit 1; }
dictionary >"$scratch/words"
mkdir "$scratch/bad" "$scratch/filters"
for file in "$top_srcdir"/tests/data/configs/*.json; do
  jq -c '.linux.seccomp // {}' "$file" >"$scratch/filters/${file##*/}"
done
python3 "$top_srcdir/tests/data/badconfigs/gen.py" "$scratch/bad" 1000 1000 100000 100000 65536 >/dev/null
[ $# != 0 ] || mapfile -t targets < <(sed -n 's/^  { "\([a-z]*\)", fuzz_.*/\1/p' "$top_srcdir/tests/fuzz/targets.c")
[ $# = 0 ] || targets=("$@")
for target in "${targets[@]}"; do
  fuzz "$target" >"$scratch/$target.tap" &
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n || true; done
done
wait
for target in "${targets[@]}"; do
  if grep -q '^ok' "$scratch/$target.tap"; then ok "$(sed -n 's/^ok [0-9]* - //p' "$scratch/$target.tap")"
  else not_ok "$(sed -n 's/^not ok [0-9]* - //p' "$scratch/$target.tap")" "$(grep '^#' "$scratch/$target.tap" || true)"; fi
done
finish
