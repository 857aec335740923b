#!/usr/bin/env bats
# What `check` says of a bundle and of this host: all of it at once, each with what mends it, and
# that `run` agrees. Nothing is made by it.
load helpers

setup() {
  setup_test
  make_bundle
  container_command /bin/true
  STATE_BEFORE=$(find "$TEST_DIR" ! -name 'std*' -printf '%p %m %s %T@\n' | sort)
}

check() { run_oci check "$@" "$BUNDLE"; }

# assert_line START [END]: a line that begins and ends so.
assert_line() {
  local line
  while IFS= read -r line; do
    [[ "$line" == "$1"*"${2:-}" ]] && return
  done <<<"$output"
  show "no line: $1 ... ${2:-}"
}

# What `check` says, `run` does.
assert_as_run() {
  local checked=$status
  run_oci run --bundle "$BUNDLE" "$ID"
  [ "$((checked == 0))" = "$((status == 0))" ] || show "check ended with $checked"
}

# around SCRIPT COMMAND...: `check --json` by COMMAND and a shell that does SCRIPT, whose last word
# is "$@".
around() {
  local script=$1
  shift
  status=0
  timeout --kill-after 5 60 "$@" sh -c "$script" sh \
    "$BWRAP_OCI" --root "$STATE" ${BWRAP:+--bwrap "$BWRAP"} check --json "$BUNDLE" \
    </dev/null >"$TEST_DIR/stdout" 2>"$TEST_DIR/stderr" 3>&- || status=$?
  output=$(<"$TEST_DIR/stdout")
  stderr=$(<"$TEST_DIR/stderr")
}
other_files() { around "$1; exec setpriv --inh-caps=-all --ambient-caps=-all \"\$@\"" \
  unshare --user --mount --map-current-user --keep-caps; }

# assert_host SEVERITY WORDS [REMEDY]
assert_host() {
  jq -e --arg s "$1" --arg w "$2" --arg r "${3:-}" '.host | any (.severity == $s
    and (.message | contains ($w)) and (.remedy // "" | contains ($r)))' <<<"$output" >/dev/null ||
    show "nothing of the host: $*"
}

@test "a bundle that runs: each property has its line, and the status is 0" {
  local pointer
  config '.annotations = {a: "b"} | .linux.rootfsPropagation = "rslave"
    | .hooks = {poststop: [{path: "/bin/true"}]}'
  check
  assert_success
  assert_no_stderr
  assert_line "run works"
  for pointer in $(jq -r 'paths (type == "string" or type == "number") as $p
      | select ($p[0] | . != "linux" and . != "annotations") | $p | map (tostring)
      | "/" + join ("/")' "$BUNDLE/config.json"); do
    # of a mount, a hook or a user the whole is told
    grep -qE "^[a-z]+ $(sed -E 's,^(/mounts/[0-9]+|/process/rlimits/[0-9]+|/process/(user|capabilities|env|args)|/hooks/[a-z]+/[0-9]+).*,\1,' <<<"$pointer")[/:]" \
      <<<"$output" || show "nothing of $pointer"
  done
  assert_line "done /linux/rootfsPropagation: "
  assert_line "done /linux/namespaces/0: " ": pid"
  assert_line "done /mounts/0: mount proc on /proc"
  ! grep -qE '^(refused|problem) ' <<<"$output" || show "something is refused"
  assert_as_run
  assert_success
}

@test "nothing is made or changed" {
  config '.mounts += [{destination: "/made/up", type: "tmpfs"}]
    | .hooks = {createRuntime: [{path: "/usr/bin/touch", args: ["touch", $f]}]}' \
    --arg f "$TEST_DIR/hooked"
  STATE_BEFORE=$(find "$TEST_DIR" ! -name 'std*' ! -path "$TEST_DIR" -printf '%p %m %s %T@\n' | sort)
  check
  assert_success
  assert_equal "$(find "$TEST_DIR" ! -name 'std*' ! -path "$STATE*" ! -path "$TEST_DIR" -printf '%p %m %s %T@\n' | sort)" \
    "$(grep -v " $STATE\|^$STATE" <<<"$STATE_BEFORE")"
  assert_equal "$(find "$STATE" -mindepth 1 ! -name '.*')" ""
}

@test "all that is refused is told at once, with its pointer" {
  config '.process.args = ["nosuch"] | .linux.intelRdt = {closID: "x"}
    | .mounts += [{destination: "/a", type: "bind", source: "/no/such"},
        {destination: "/b", type: "nosuchfs"},
        {destination: "/c", type: "tmpfs", options: ["size=1m", "nosuch=\u0001"]}]
    | .linux.netDevices = {lo: {}}
    | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", architectures: ["SCMP_ARCH_X86_64"]}
    | .process.capabilities.bounding += ["CAP_NO_SUCH"] | .solaris = {milestone: "x"}'
  check
  assert_failure 1
  assert_no_stderr
  assert_line "refused /process/args/0: " "executable file not found in \$PATH"
  assert_line "refused /linux/intelRdt: "
  assert_line "refused /mounts/7/source: open /no/such: No such file or directory"
  assert_line "refused /mounts/8/type: "
  assert_line "refused /linux/netDevices: "
  assert_line "ignored /process/capabilities/bounding/"
  assert_line "ignored /solaris: for another platform"
  assert_line "done /linux/seccomp"
  assert_line "run does not work"
  assert_as_run
}

@test "a configuration that is none" {
  echo '{ "ociVersion": "1.0.2", ' >"$BUNDLE/config.json"
  check
  assert_failure 1
  assert_line "refused config.json: parse error at line "
  rm "$BUNDLE/config.json"
  check
  assert_failure 1
  assert_line "refused config.json: JSON specification file config.json not found"
  echo '{"ociVersion": "1.0.2", "root": {"path": "r"}, "mounts": 5}' >"$BUNDLE/config.json"
  check
  assert_failure 1
  assert_line "refused /mounts: "
  run_oci check "$TEST_DIR/nosuch"
  assert_failure 1
  assert_line "refused config.json: chdir $TEST_DIR/nosuch: "
}

@test "a program is looked for as the container will: links stay in the root, mounts may bring it" {
  ln -s /bin/busybox "$BUNDLE/rootfs/bin/own"
  ln -s "$BUNDLE/../../../../../../bin/bash" "$BUNDLE/rootfs/bin/out"
  : >"$BUNDLE/rootfs/bin/plain"
  local program
  for program in own /bin/own ./bin/own; do
    container_command "$program"
    check
    assert_success
  done
  for program in out /bin/out /bin/plain ./own /etc; do
    container_command "$program"
    check
    assert_failure 1
    assert_line "refused /process/args/0: "
    assert_as_run
  done
  container_command /opt/own
  config '.mounts += [{destination: "/opt", type: "bind", source: $s, options: ["rbind"]}]' \
    --arg s "$BUNDLE/rootfs/bin"
  check
  assert_success
}

@test "--json" {
  config '.linux.intelRdt = {closID: "x"}'
  check --json
  assert_failure 1
  assert_no_stderr
  jq -e --arg b "$BUNDLE" '.works == false and .bundle == $b and (.host | type == "array")
    and (.host | all (.severity == "warning" and (.message | type == "string")))
    and ([.properties[] | select (.support == "refused") | .pointer] == ["/linux/intelRdt"])
    and (.properties | length > 20 and all (keys == ["message", "pointer", "support"]))' <<<"$output"
  config 'del (.linux.intelRdt)'
  check --json
  assert_success
  jq -e '.works == true' <<<"$output"
}

@test "without a bundle the host alone is looked at" {
  cd "$TEST_DIR"
  run_oci check
  assert_success
  assert_no_stderr
  assert_line "run works"
  ! grep -q '^done' <<<"$output" || show "a property"
  run_oci check --json
  assert_success
  jq -e '(has ("bundle") | not) and .properties == []' <<<"$output"
  cd "$BUNDLE"
  run_oci check
  assert_success
  assert_line "done /mounts/0: "
}

@test "on a terminal it is aligned and coloured, unless NO_COLOR or a dumb terminal say no" {
  local bold=$'\e['
  config '.linux.intelRdt = {closID: "x"}'
  requires python3
  output=$(on_tty env TERM=xterm "$BWRAP_OCI" --root "$STATE" check "$BUNDLE")
  assert_output_has "${bold}31mrefused${bold}0m     /linux/intelRdt "
  assert_output_has "${bold}32mdone${bold}0m        /root/path "
  output=$(on_tty env TERM=xterm NO_COLOR=1 "$BWRAP_OCI" --root "$STATE" check "$BUNDLE")
  [[ "$output" != *"$bold"* ]] || show "colours"
  assert_output_has "refused     /linux/intelRdt "
  output=$(on_tty env TERM=dumb "$BWRAP_OCI" --root "$STATE" check "$BUNDLE")
  [[ "$output" != *"$bold"* ]] || show "colours"
  check
  assert_line "refused /linux/intelRdt: "
}

@test "a file whose set-user-ID bit has no effect" {
  requires user subids
  # one id is mapped: the file's other one is not
  config '.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}]
    | .linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}]' \
    --argjson u "$(id -u)" --argjson g "$(id -g)"
  rm "$BUNDLE/rootfs/bin/su"
  cp "$BUSYBOX" "$BUNDLE/rootfs/bin/su"
  unshare --user --map-root-user --map-auto sh -c 'chown 5:5 "$1" && chmod 4755 "$1"' sh "$BUNDLE/rootfs/bin/su"
  check
  assert_success
  assert_line "warning host: $BUNDLE/rootfs/bin/su is set-user-ID, but its owner " \
    "(chown $(id -u):$(id -g) $BUNDLE/rootfs/bin/su && chmod 4755 $BUNDLE/rootfs/bin/su)"
}

# --- the host -----------------------------------------------------------------

@test "host: no sub-ids; newuidmap and newgidmap, both at once" {
  requires user newuidmap newgidmap
  cp "$(command -v newgidmap)" "$TEST_DIR/tool"
  other_files "mount --bind /dev/null $(command -v newuidmap)
    mount --bind $TEST_DIR/tool $(command -v newgidmap)"
  assert_success
  assert_no_stderr
  assert_host warning "only one id can be mapped: no sub-ids"
  assert_host warning "newuidmap is not installed" "apt install uidmap"
  assert_host warning "newgidmap has no privilege" "chmod u+s $(command -v newgidmap)"
  : >"$TEST_DIR/subid"
  around "exec \"\$@\"" setpriv --no-new-privs
  assert_host warning "newuidmap has no privilege under no_new_privs" "NoNewPrivileges=no"
}

@test "host: more ids are needed than can be mapped" {
  requires user newuidmap
  config '.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}, {containerID: 1, hostID: 4000000000, size: 9}]
    | .linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}, {containerID: 1, hostID: 4000000000, size: 9}]' \
    --argjson u "$(id -u)" --argjson g "$(id -g)"
  check --json
  assert_failure 1
  jq -e '.properties[] | select (.support == "refused" and .pointer == "/linux/uidMappings")
    | .message | contains ("usermod --add-subuids 4000000000-4000000008")' <<<"$output"
}

@test "host: namespaces that may not be made, all of them" {
  requires user
  around 'echo 0 >/proc/sys/user/max_user_namespaces; echo 0 >/proc/sys/user/max_pid_namespaces; exec "$@"' \
    unshare --user --map-root-user
  assert_failure 1
  assert_host problem "user.max_user_namespaces is 0" "sysctl -w user.max_user_namespaces=65536"
  assert_host problem "user.max_pid_namespaces is 0" "sysctl -w user.max_pid_namespaces=65536"
}

# A /proc/sys/kernel with one parameter more, as other kernels have it.
with_parameter() {
  local file dir=$TEST_DIR/kernel
  mkdir -p "$dir/random"
  for file in overflowuid overflowgid random/boot_id; do
    cat "/proc/sys/kernel/$file" >"$dir/$file"
  done
  echo "$2" >"$dir/$1"
  echo "mount --bind $dir /proc/sys/kernel"
}

@test "host: Debian's switch" {
  requires user
  other_files "$(with_parameter unprivileged_userns_clone 0)"
  assert_failure 1
  assert_host problem "kernel.unprivileged_userns_clone is 0" "sysctl -w kernel.unprivileged_userns_clone=1"
}

# A bubblewrap that knows the real one's options, and then does SCRIPT.
pretend_bwrap() {
  BWRAP=$TEST_DIR/bwrap
  printf '#!/bin/sh\ncase $1 in --help|--version) exec %s "$1" ;; esac\n%s\n' \
    "$(command -v bwrap)" "$1" >"$BWRAP"
  chmod 0755 "$BWRAP"
}

@test "host: AppArmor's restriction" {
  requires user
  pretend_bwrap 'echo "bwrap: setting up uid map: Permission denied" >&2; exit 1'
  other_files "$(with_parameter apparmor_restrict_unprivileged_userns 1)"
  assert_failure 1
  assert_host problem "kernel.apparmor_restrict_unprivileged_userns is 1" "apparmor_parser -r"
}

@test "host: bwrap is missing, too old, set-user-ID" {
  BWRAP=$TEST_DIR/nosuch around 'exec "$@"' env
  assert_failure 1
  assert_host problem "$TEST_DIR/nosuch: No such file or directory" "apt install bubblewrap"
  BWRAP=$TEST_DIR/bwrap
  printf '#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.4.1 || bwrap --help | grep -v -- --perms\n' >"$BWRAP"
  chmod 0755 "$BWRAP"
  around 'exec "$@"' env
  assert_failure 1
  assert_host problem "(bubblewrap 0.4.1): has no --perms" "apt install bubblewrap"
  assert_host warning "bubblewrap 0.4.1 follows links" "apt install bubblewrap"
  cp "$(command -v bwrap)" "$BWRAP"
  chmod u+s "$BWRAP"
  around 'exec "$@"' env
  assert_failure 1
  assert_host problem "$BWRAP: is set-user-ID" "chmod u-s $BWRAP"
}

@test "host: a bubblewrap of today is not spoken of" {
  BWRAP=$TEST_DIR/bwrap
  printf '#!/bin/sh\n[ "$1" = --version ] && { echo bubblewrap 0.12.0; exit; }\nexec %s "$@"\n' \
    "$(command -v bwrap)" >"$BWRAP"
  chmod 0755 "$BWRAP"
  around 'exec "$@"' env
  assert_success
  [[ "$output" != *bubblewrap* ]] || show "something of bubblewrap"
}

@test "host: no place for the state, and a bundle that is refused: both" {
  config '.linux.intelRdt = {closID: "x"}'
  requires user
  status=0
  output=$(env -u XDG_RUNTIME_DIR "$BWRAP_OCI" check "$BUNDLE" 3>&-) || status=$?
  assert_failure 1
  assert_line "problem host: no place for the containers' state: XDG_RUNTIME_DIR is not set (--root DIR names one)"
  assert_line "refused /linux/intelRdt: "
}

@test "host: no cgroup is delegated" {
  requires user
  # the machine's, where nobody has given us one
  [ ! -w "/sys/fs/cgroup$(sed -n 's/^0:://p' /proc/self/cgroup)" ] || skip "machine: a cgroup is delegated"
  check --json
  assert_success
  assert_host warning "so limits are refused"
  assert_host warning "" "systemd-run --user --scope -p Delegate=yes"
}
