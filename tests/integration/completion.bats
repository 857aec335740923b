#!/usr/bin/env bats
# What bash, zsh and fish offer for values: containers by state, signals, bundles, words.
# runs with: the plain build, since it is about shells
# shellcheck shell=bash
load helpers
# shellcheck source=tests/lib/complete.sh
. "$BATS_TEST_DIRNAME/../lib/complete.sh"

setup() {
  requires zsh fish
  setup_test
  completions=$BATS_TEST_DIRNAME/../../completions
  PATH=$(dirname "$BWRAP_OCI"):$PATH
  cd "$TEST_DIR"
}

# offers LINE WORD...: every shell offers exactly these words, in any order.
offers() {
  local shell wanted
  wanted=$(printf '%s\n' "${@:2}" | sort)
  for shell in bash zsh fish; do
    output=$(candidates "$shell" "$1" 3>&-)
    [ "$output" = "$wanted" ] || show "$shell, $1: expected $wanted" || return 1
  done
}
# offers_nothing LINE
offers_nothing() { offers "$1" ""; }

# slashless SHELL LINE: the candidates, folders without a slash at the end.
slashless() { candidates "$1" "$2" | sed 's,/$,,'; }

# offers_among LINE WORD...: these words and others.
offers_among() {
  local shell word
  for shell in bash zsh fish; do
    output=$(candidates "$shell" "$1" 3>&-)
    for word in "${@:2}"; do
      grep -qxF -e "$word" <<<"$output" || show "$shell, $1: expected $word" || return 1
    done
  done
}

@test "containers, by the states that a command can act on" {
  make_bundle
  container_command /bin/sleep 1000
  local id
  for id in made up down; do
    run_oci create --bundle "$BUNDLE" $id
    assert_success
  done
  for id in up down; do run_oci start $id; done
  run_oci kill down KILL
  wait_until is_status stopped down
  offers "bwrap-oci --root=$STATE start " made
  offers "bwrap-oci --root $STATE exec " made up
  offers "bwrap-oci --root=$STATE kill u" up
  offers "bwrap-oci --root=$STATE kill --all " made up
  offers "bwrap-oci --root=$STATE delete " down made
  offers "bwrap-oci --root=$STATE delete --force " down made up
  offers "bwrap-oci --root=$STATE state " down made up
  offers_nothing "bwrap-oci --root=$STATE resume "
  offers_nothing "bwrap-oci --root=$STATE run "
}

@test "signals, capabilities, words of an option" {
  offers_among "bwrap-oci kill some " TERM KILL USR1
  offers "bwrap-oci kill some SIGTE" SIGTERM
  offers "bwrap-oci exec --cap CAP_SYS_PTR" CAP_SYS_PTRACE
  offers "bwrap-oci list --format " json table
  offers_among "bwrap-oci --cgroup-manager " cgroupfs systemd disabled
}

@test "containers and bundles" {
  make_bundle
  mkdir -p other
  run_oci create --bundle "$BUNDLE" kept
  local shell
  for shell in bash zsh fish; do
    assert_equal "$shell $(slashless "$shell" "bwrap-oci --root $STATE unit " | sort | xargs)" "$shell bundle kept"
    assert_equal "$shell $(slashless "$shell" "bwrap-oci --root $STATE unit k")" "$shell kept"
  done
}

@test "bundles before other folders, files, folders" {
  mkdir -p some/one some/two some/other
  touch some/one/config.json some/two/config.json some/file
  local shell
  for shell in bash zsh fish; do
    output=$(slashless "$shell" "bwrap-oci run --bundle some/" | sed 's,.*/,,' | xargs)
    assert_equal "$shell $output" "$shell one two"
    output=$(slashless "$shell" "bwrap-oci create --bundle some/ot" | sed 's,.*/,,' | xargs)
    assert_equal "$shell $output" "$shell other"
    output=$(slashless "$shell" "bwrap-oci spec --bundle some/o" | sed 's,.*/,,' | xargs)
    assert_equal "$shell $output" "$shell one other"
    output=$(slashless "$shell" "bwrap-oci check some/" | sed 's,.*/,,' | xargs)
    assert_equal "$shell $output" "$shell one two"
    output=$(slashless "$shell" "bwrap-oci run --pid-file some/f" | sed 's,.*/,,' | xargs)
    assert_equal "$shell $output" "$shell file"
  done
}
