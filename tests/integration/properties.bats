# Properties of the configuration that no other suite looks at, each by what a real container shows.
# Which test is whose is in tests/properties.
# shellcheck shell=bash
load helpers

setup() {
  setup_test
  make_bundle
}

# The filter that podman uses, without its rules for personality(2).
engine_filter() {
  jq '.linux.seccomp | .syscalls |= map(select(.names | index("personality") | not))' \
    "$BATS_TEST_DIRNAME/../data/configs/podman-rootless-default.json" >"$TEST_DIR/filter"
  config '.linux.seccomp = $f[0]' --slurpfile f "$TEST_DIR/filter"
}

@test "process.args: words as they are" {
  run_container /bin/busybox printf '<%s>\n' '' 'a  b' "c'd\"" '$HOME' '*' -- $'x\ty'
  assert_success
  assert_output $'<>\n<a  b>\n<c\'d">\n<$HOME>\n<*>\n<-->\n<x\ty>'
}

@test "linux.seccomp.defaultErrnoRet: of what no rule names" {
  engine_filter
  config '.linux.seccomp.defaultErrnoRet = 99'
  run_container /bin/linux32 /bin/true
  assert_failure
  assert_stderr_has "Cannot assign requested address"
}

@test "linux.seccomp.syscalls[].args: index, value, valueTwo, op" {
  local rule
  for rule in '{index: 0, value: 8, op: "SCMP_CMP_EQ"}' '{index: 0, value: 0, op: "SCMP_CMP_NE"}' \
    '{index: 0, value: 7, op: "SCMP_CMP_GT"}' '{index: 0, value: 8, op: "SCMP_CMP_GE"}' \
    '{index: 0, value: 8, valueTwo: 8, op: "SCMP_CMP_MASKED_EQ"}'; do
    config ".linux.seccomp = {defaultAction: \"SCMP_ACT_ALLOW\", architectures: [\"SCMP_ARCH_X86_64\", \"SCMP_ARCH_X86\", \"SCMP_ARCH_AARCH64\"],
      syscalls: [{names: [\"personality\"], action: \"SCMP_ACT_ERRNO\", errnoRet: 33, args: [$rule]}]}"
    run_container /bin/linux32 /bin/echo through
    assert_failure
    assert_stderr_has "Numerical argument out of domain"
    run_container /bin/linux64 /bin/echo through
    assert_output through
  done
}

@test "linux.seccomp.flags: the filter is there, and only known ones" {
  config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", flags: ["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"],
    syscalls: [{names: ["personality"], action: "SCMP_ACT_ERRNO"}]}'
  run_container /bin/grep -E '^Seccomp(_filters)?:' /proc/self/status
  assert_output $'Seccomp:\t2\nSeccomp_filters:\t1'
  config '.linux.seccomp.flags = ["SECCOMP_FILTER_FLAG_NONE_SUCH"]'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "/linux/seccomp/flags/0"
}

@test "linux.seccomp.listenerPath and listenerMetadata: the state, and the descriptor" {
  requires python3
  python3 - "$TEST_DIR/listener" >"$TEST_DIR/heard" 3>&- <<'PY' &
import array, json, socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
for turn in range(2):
    data, extra, flags, address = listener.accept()[0].recvmsg(65536, 64)
    state = json.loads(data)
    print(state.get("metadata"), state["fds"], state["state"]["status"],
          len(array.array("i", extra[0][2])), flush=True)
PY
  wait_until test -S "$TEST_DIR/listener"
  config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", listenerPath: $p, listenerMetadata: "to whom it concerns",
    syscalls: [{names: ["personality"], action: "SCMP_ACT_NOTIFY"}]}' --arg p "$TEST_DIR/listener"
  run_container /bin/echo ran
  assert_success
  assert_output ran
  wait_until test -s "$TEST_DIR/heard"
  assert_equal "$(<"$TEST_DIR/heard")" "to whom it concerns ['seccompFd'] creating 1"
  config 'del(.linux.seccomp.listenerMetadata)'
  run_container /bin/true
  assert_success
  wait $!
  assert_equal "$(tail -n 1 "$TEST_DIR/heard")" "None ['seccompFd'] creating 1"
}

@test "linux.memoryPolicy.flags" {
  config '.linux.memoryPolicy = {mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"]}'
  sh_container 'grep -o "bind.static:0\|bind=static:0" /proc/self/numa_maps | head -n1'
  assert_success
  assert_output bind=static:0
}

# What the machine's modules are, as the kernel tells everybody.
has_apparmor() { cat /proc/self/attr/apparmor/current >/dev/null 2>&1; }
has_selinux() { [ -e /sys/fs/selinux/enforce ] && [ "$(tr -d '\0' </proc/self/attr/current)" != kernel ]; }

@test "process.apparmorProfile, process.selinuxLabel, linux.mountLabel: applied, or refused by name" {
  local refused label
  config '.process.apparmorProfile = "unconfined"'
  run_container /bin/echo ran
  assert_success
  assert_output ran
  config '.process.apparmorProfile = "none-such"'
  run_container /bin/true
  [ "$status" = 1 ] || show "a profile that is not there"
  if has_apparmor; then refused="write /proc/self/attr/apparmor/exec: "
  else refused="apparmor is disabled or not supported"; fi
  assert_one_line_error "config.json: /process/apparmorProfile: " "$refused"
  config 'del (.process.apparmorProfile) | .process.selinuxLabel = "none:none:none:s0"'
  run_container /bin/true
  [ "$status" = 1 ] || show "a label that is not there"
  if has_selinux; then refused="write /proc/self/attr/exec: "
  else refused="selinux is disabled or not supported"; fi
  assert_one_line_error "config.json: /process/selinuxLabel: " "$refused"
  config 'del (.process.selinuxLabel) | .linux.mountLabel = "none:none:none:s0"'
  run_container /bin/true
  [ "$status" = 1 ] || show "a label of file systems that is not there"
  if has_selinux; then refused="mount option: context="; fi
  assert_one_line_error "config.json: /" "$refused"

  config 'del (.linux.mountLabel)'
  container_command /bin/sleep 1000
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
  run_oci exec --apparmor unconfined "$ID" /bin/echo ran
  assert_success
  assert_output ran
  for label in "--apparmor none-such" "--process-label none:none:none:s0"; do
    # shellcheck disable=SC2086  # an option and its value
    run_oci exec $label "$ID" /bin/true
    [ "$status" = 255 ] || show "exec $label"
    assert_stderr_has "bwrap-oci: exec failed: config.json: /process/"
  done
  run_oci delete --force "$ID"
}

@test "what takes a privilege is refused by name" {
  local pointer value
  while read -r pointer value; do
    cp "$BUNDLE/config.json" "$TEST_DIR/usual"
    config "setpath(\"$pointer\"[1:] | split(\"/\"); $value)"
    run_container /bin/true
    [ "$status" = 1 ] || show "$pointer"
    assert_one_line_error "config.json: $pointer: "
    cp "$TEST_DIR/usual" "$BUNDLE/config.json"
  done <<'EOT'
/linux/intelRdt {"closID":"x","schemata":["L3:0=f"],"l3CacheSchema":"L3:0=f","memBwSchema":"MB:0=10","enableMonitoring":true}
EOT
}

@test "linux.netDevices: by the root of a user namespace that has the network as well, and by nobody else" {
  requires subids ip
  config '.linux.namespaces += [{type: "network"}] | .linux.netDevices = {d0: {name: "inner"}}'
  container_command ip addr show dev inner
  cat >"$TEST_DIR/script" <<'EOT'
ip link add d0 type veth peer name end || exit 99
ip addr add 10.1.2.3/24 dev d0
exec "$@"
EOT
  run timeout 60 unshare --user --map-root-user --map-auto --net sh "$TEST_DIR/script" \
    "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" 3>&-
  [ "$status" != 99 ] || skip "machine: no veth devices"
  assert_success
  assert_output_has "inet 10.1.2.3/24"
  assert_output_matches "inner@.*[<,]UP[,>]"
  for own in "" "unshare --user --map-root-user"; do
    # shellcheck disable=SC2086  # words
    run $own "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" 3>&-
    assert_failure 1
    assert_output_has "config.json: /linux/netDevices: network devices are not supported for rootless containers"
    # the same is told beforehand
    # shellcheck disable=SC2086
    run $own "$BWRAP_OCI" --root "$STATE" check "$BUNDLE" 3>&-
    assert_failure 1
    assert_output_has "/linux/netDevices"
  done
}

@test "what is for other systems is ignored" {
  config '.windows = {layerFolders: ["x"]} | .solaris = {milestone: "x"} | .vm = {kernel: {path: "/x"}} | .zos = {} |
    .freebsd = {} | .process.user.username = "x" | .process.commandLine = "x" | .linux.resources.memory.useHierarchy = true |
    .linux.personality = {domain: "LINUX", flags: ["x"]}'
  run_container /bin/echo ran
  assert_success
  assert_output ran
}
