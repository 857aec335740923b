#!/usr/bin/env bats
# The command line: help, version, old forms, errors and their one line, dry run.
load helpers

setup() {
  setup_test
  make_bundle
}

@test "--version and --help" {
  run_oci --version
  assert_success
  assert_output_matches '^bwrap-oci version [0-9]'
  assert_output_has "spec: 1."
  run_oci --help
  assert_success
  assert_output_has --systemd-cgroup
  assert_output_has --pid-file
  run_oci run --help
  assert_success
  assert_output_has --pid-file
}

@test "every command has help on stdout" {
  local command
  for command in run state list kill delete spec; do
    run_oci $command --help
    assert_success
    assert_no_stderr
    assert_output_has "$command"
  done
}

@test "an unknown command and an unknown option" {
  run_oci no-such-command
  assert_failure
  assert_one_line_error "bwrap-oci --help"
  run_oci state --no-such-option "$ID"
  assert_failure
  assert_one_line_error "no-such-option"
}

@test "spec --rootless is as runc's" {
  mkdir "$TEST_DIR/new"
  run_oci spec --rootless --bundle "$TEST_DIR/new"
  assert_success
  local file=$TEST_DIR/new/config.json
  assert_equal "$(jq -c .linux.uidMappings "$file")" "[{\"containerID\":0,\"hostID\":$(id -u),\"size\":1}]"
  assert_equal "$(jq -c .process.args "$file")" '["sh"]'
  assert_equal "$(jq -c .process.terminal "$file")" true
  assert_equal "$(jq '[.linux.namespaces[].type | select(. == "network")] | length' "$file")" 0
  assert_equal "$(jq -r '.mounts[] | select(.destination == "/sys") | .type' "$file")" none
}

@test "spec does not overwrite" {
  run_oci spec --bundle "$BUNDLE"
  assert_failure 1
  assert_one_line_error "config.json exists"
}

@test "the default command is run, and its id the bundle's name" {
  container_command /bin/echo default
  cd "$BUNDLE"
  run_oci
  assert_success
  assert_output default
  run_oci run
  assert_output default
}

@test "a bundle that is named as the container is an error that says how it is meant" {
  cd "$TEST_DIR"
  run_oci run bundle
  assert_failure 1
  assert_one_line_error "JSON specification file config.json not found (bundle is a bundle: --bundle bundle)"
  run_oci run other
  assert_failure 1
  assert_one_line_error "JSON specification file config.json not found"
}

@test "old forms: options of run before the command" {
  container_command /bin/sleep 60
  cd "$BUNDLE"
  run_oci --pid-file="$TEST_DIR/pid" --detach run "$ID"
  assert_success
  assert_equal "$(cat "$TEST_DIR/pid")" "$(container_pid)"
}

@test "a configuration elsewhere" {
  mv "$BUNDLE/config.json" "$TEST_DIR/other.json"
  jq '.process.args = ["/bin/echo", "other"]' "$TEST_DIR/other.json" >"$TEST_DIR/third.json"
  run_oci run --bundle "$BUNDLE" --config "$TEST_DIR/third.json" "$ID"
  assert_success
  assert_output other
}

@test "no configuration, no bundle" {
  rm "$BUNDLE/config.json"
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "config.json"
  run_oci run --bundle "$TEST_DIR/missing" "$ID"
  assert_failure 1
  assert_one_line_error "$TEST_DIR/missing"
}

@test "an invalid value is named by its JSON pointer" {
  config '.process.args = ["/bin/true", 1]'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "/process/args/1"
}

@test "what is not JSON is refused with its place" {
  echo '{ "ociVersion": "1.0.0", }' >"$BUNDLE/config.json"
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "config.json"
}

@test "unknown properties are ignored, of any minor version" {
  config '.ociVersion = "1.99.0" | .future = {a: 1} | .linux.future = true'
  run_container /bin/echo fine
  assert_output fine
  assert_no_stderr
}

@test "a limit is refused by name rather than dropped" {
  config '.linux.resources = {memory: {limit: 100000000}}'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "/linux/resources/memory"
}

@test "the peers' words for a program that is missing or cannot be run" {
  run_container /bin/nosuch
  assert_failure 1
  assert_one_line_error 'exec: "/bin/nosuch": stat /bin/nosuch: no such file or directory'
  run_container nosuch
  assert_failure 1
  # shellcheck disable=SC2016  # the words of the message
  assert_one_line_error 'exec: "nosuch": executable file not found in $PATH'
  run_container /etc/passwd
  assert_failure 1
  assert_one_line_error "permission denied"
}

@test "a JSON log has exactly one object for an error, and none for success" {
  run_container /bin/nosuch
  run_oci --log "$TEST_DIR/log" --log-format json run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_equal "$(jq -s length "$TEST_DIR/log")" 1
  assert_equal "$(jq -r .level "$TEST_DIR/log")" error
  [[ "$(jq -r .msg "$TEST_DIR/log")" == *"/bin/nosuch"* ]]
  rm "$TEST_DIR/log"
  container_command /bin/true
  run_oci --log "$TEST_DIR/log" --log-format json run --bundle "$BUNDLE" "$ID"
  assert_success
  [ ! -s "$TEST_DIR/log" ]
}

@test "a bad log format" {
  run_oci --log-format xml list
  assert_failure 1
  assert_one_line_error "log-format"
}

@test "--dry-run shows what would be done and does nothing" {
  container_command /bin/touch /made
  config '.root.readonly = false'
  run_oci --dry-run run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_output_has --unshare-user
  assert_output_has --unshare-pid
  [ ! -e "$BUNDLE/rootfs/made" ]
}

@test "a bwrap that is missing is named" {
  container_command /bin/true
  run_oci --bwrap "$TEST_DIR/nosuch" run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "$TEST_DIR/nosuch"
}

@test "a relative --root is made absolute" {
  container_command /bin/sleep 60
  cd "$TEST_DIR"
  "$BWRAP_OCI" --root state run -d --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&-
  assert_equal "$(container_status)" running
}

@test "a root that others may write to is refused" {
  chmod 0777 "$STATE"
  container_command /bin/true
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "$STATE"
  chmod 0700 "$STATE"
}

@test "without XDG_RUNTIME_DIR the message names --root" {
  requires user
  container_command /bin/true
  status=0
  stderr=$(env -i "$BWRAP_OCI" run --bundle "$BUNDLE" "$ID" 2>&1 </dev/null 3>&-) || status=$?
  assert_failure 1
  assert_one_line_error --root
}

@test "it refuses to run with rights that its file gives, as does its companion" {
  requires subids unshare
  # a user who is not the file's owner, in a namespace where there are two of them; what looks for
  # leaks in a build with sanitizers may not do so there, and says it in lines of its own
  # shellcheck disable=SC2016  # for the shell inside
  raised() {
    status=0
    unshare --user --map-root-user --map-auto --mount sh -c '
      chown "$2:$2" "$1" && chmod "$3" "$1" && shift 3 && exec "$@"' sh "$TEST_DIR/raised" "$@" \
      >"$TEST_DIR/stdout" 2>"$TEST_DIR/stderr" 3>&- || status=$?
    output=$(<"$TEST_DIR/stdout") stderr=$(sed '/^==[0-9]*==/d' "$TEST_DIR/stderr")
  }
  for program in "$BWRAP_OCI" "${BWRAP_OCI%/*}/bwrap-oci-gio"; do
    cp "$program" "$TEST_DIR/raised"
    raised 1 0755 "$TEST_DIR/raised" --version
    if [ "$program" = "$BWRAP_OCI" ]; then assert_success
    else assert_one_line_error "bwrap-oci starts this program"; fi
    for mode in 4755 2755; do
      raised 1 "$mode" "$TEST_DIR/raised" --version
      assert_failure 1
      assert_output ""
      assert_one_line_error "refusing to run with raised privileges"
    done
    remove "$TEST_DIR/raised"
  done
}
