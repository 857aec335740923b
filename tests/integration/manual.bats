#!/usr/bin/env bats
# The examples of the manual page, as they stand there.
# shellcheck shell=bash
load helpers

MANUAL=$BATS_TEST_DIRNAME/../../bwrap-oci.1

# examples: what stands between .nf and .fi below EXAMPLES, as a person would type it.
examples() {
  sed -n '/^\.SH EXAMPLES/,/^\.SH SEE/p' "$MANUAL" | sed -n '/^\.nf/,/^\.fi/p' |
    grep -v '^\.\(nf\|fi\)$' | sed 's/\\-/-/g; s/\\e/\\/g'
}

@test "the examples of the manual run as they are" {
  requires jq python3 subids /bin/busybox
  local typed='id -u; exit'$'\n'
  cd "$TEST_DIR"
  { echo "set -eux"; examples; } >examples.sh
  [ "$(wc -l <examples.sh)" -gt 20 ] || show "the examples were not found"
  grep -q 'run --bundle hello$' examples.sh
  # a program in PATH, containers where a login keeps them
  mkdir -m 0700 run
  RUN_TIMEOUT=60
  status=0
  output=$(PATH=$(dirname "$BWRAP_OCI"):$PATH XDG_RUNTIME_DIR=$TEST_DIR/run timeout 60 \
    python3 "$BATS_TEST_DIRNAME/../compat/on_pty.py" "$typed" sh examples.sh 2>"$TEST_DIR/stderr" </dev/null 3>&-) || status=$?
  stderr=$(<"$TEST_DIR/stderr")
  assert_success
  output=${output//$'\r'/}
  # of the shell, of the list, of exec, of state
  assert_output_has $'\n0\n'
  assert_output_matches 'web +[0-9]+ +running'
  assert_output_has '"status": "created"'
  assert_output_matches ' 1 +[0-9]+ +65536'
}
