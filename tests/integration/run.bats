#!/usr/bin/env bats
# The program in the container: its ids, namespaces, environment, limits and rights.
load helpers

setup() {
  setup_test
  make_bundle
}

add_namespace() { config '.linux.namespaces += [{type: $t}]' --arg t "$1"; }

@test "run shows the output of the program" {
  run_container /bin/echo hello world
  assert_success
  assert_output "hello world"
  assert_no_stderr
}

@test "run passes stdin on" {
  echo "a line" >"$TEST_DIR/in"
  RUN_STDIN=$TEST_DIR/in run_container /bin/cat
  assert_output "a line"
}

# go-runc opens one for reading, and gives it as standard output, too.
@test "standard streams that are /dev/null are the container's, to read and to write" {
  container_command /bin/sh -c 'echo word && echo word >&2 && [ /dev/null -ef /proc/self/fd/0 ]'
  "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" </dev/null 1</dev/null 2</dev/null 3>&-
  "$BWRAP_OCI" --root "$STATE" create --bundle "$BUNDLE" "$ID" </dev/null 1</dev/null 2</dev/null 3>&-
  "$BWRAP_OCI" --root "$STATE" exec "$ID" /bin/echo word </dev/null 1</dev/null 2>"$TEST_DIR/stderr" 3>&-
  assert_equal "$(<"$TEST_DIR/stderr")" ''
  "$BWRAP_OCI" --root "$STATE" delete --force "$ID" 3>&-
}

@test "run returns the program's exit status" {
  sh_container 'exit 42'
  assert_equal "$status" 42
}

@test "run returns 128 and the number of the signal that ended the program" {
  # pid 1 is not killed by a signal it sends itself, so the test's shell does
  container_command /bin/sleep 60
  "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 3>&- &
  wait_until is_status running
  kill -KILL "$(container_pid)"
  status=0
  wait $! || status=$?
  assert_equal "$status" 137
}

@test "run forwards a signal to the program" {
  container_command /bin/sh -c 'trap "exit 7" TERM; echo ready; while :; do sleep 0.1; done'
  "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" </dev/null >"$TEST_DIR/stdout" 3>&- &
  wait_until grep -q ready "$TEST_DIR/stdout"
  kill -TERM $!
  status=0
  wait $! || status=$?
  assert_equal "$status" 7
}

@test "under nohup a hangup is none of the program, which starts as ever" {
  container_command /bin/sh -c 'grep ^SigIgn /proc/self/status; trap "echo hangup" HUP; trap "exit 7" TERM
    echo ready; while :; do sleep 0.1; done'
  (trap '' HUP; exec "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID") \
    </dev/null >"$TEST_DIR/stdout" 3>&- &
  wait_until grep -q ready "$TEST_DIR/stdout"
  kill -HUP $!
  kill -TERM $!
  status=0
  wait $! || status=$?
  assert_equal "$status" 7
  assert_equal "$(<"$TEST_DIR/stdout")" $'SigIgn:\t0000000000000000\nready'
}

@test "the program is pid 1" {
  sh_container 'echo $$'
  assert_output 1
}

# --- ids ----------------------------------------------------------------------

@test "without mappings root is the caller and the other ids are his sub-ids" {
  requires user subids
  run_container /bin/cat /proc/self/uid_map
  assert_success
  assert_equal "$(wc -l <<<"$output")" 2
  assert_equal "$(awk 'NR == 1 { print $1, $2, $3 }' <<<"$output")" "0 $(id -u) 1"
  assert_equal "$(awk 'NR == 2 { print $1 }' <<<"$output")" 1
  run_container /bin/cat /proc/self/gid_map
  assert_equal "$(awk 'NR == 1 { print $1, $2, $3 }' <<<"$output")" "0 $(id -g) 1"
}

@test "a file that root makes inside belongs to the caller outside" {
  config '.root.readonly = false'
  sh_container 'echo text >/made; mkdir /folder'
  assert_success
  assert_equal "$(stat -c %u:%g "$BUNDLE/rootfs/made")" "$(id -u):$(id -g)"
  assert_equal "$(cat "$BUNDLE/rootfs/made")" text
}

@test "a file of another id inside belongs to a sub-id outside" {
  requires user subids
  config '.root.readonly = false
    | .process.capabilities |= map_values(. + ["CAP_CHOWN"])'
  sh_container 'echo text >/made; chown 33:33 /made'
  assert_success
  local first
  first=$(awk -F: -v n="$(id -un)" '$1 == n { print $2; exit }' /etc/subuid)
  assert_equal "$(stat -c %u "$BUNDLE/rootfs/made")" $((first + 32))
}

@test "explicit mappings are used as they are" {
  requires user
  config '.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}]
    | .linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}]
    | .mounts |= map(.options |= if . then map(select(startswith("gid=") | not)) else . end)' \
    --argjson u "$(id -u)" --argjson g "$(id -g)"
  run_container /bin/cat /proc/self/uid_map
  assert_success
  assert_output_matches "^ *0 +$(id -u) +1\$"
}

@test "process.user sets uid, gid, groups and umask" {
  requires subids
  config '.process.user = {uid: 1000, gid: 1001, additionalGids: [5, 1002], umask: 63}'
  sh_container 'echo $(id -u) $(id -g) $(id -G); umask; grep Groups /proc/self/status'
  assert_success
  assert_output_has "1000 1001 1001 5 1002"
  assert_output_has "0077"
}

@test "root has no groups but its own" {
  sh_container 'id -G'
  assert_output 0
}

@test "the umask is 0022 where the configuration has none" {
  (umask 077; sh_container umask; assert_output 0022)
}

# --- namespaces ---------------------------------------------------------------

@test "each namespace of the configuration is new" {
  local ns
  config '.linux.namespaces = [("pid", "network", "ipc", "uts", "mount", "user", "cgroup") | {type: .}]
    | .mounts |= map(select(.destination != "/sys" and .destination != "/sys/fs/cgroup"))'
  sh_container 'for n in pid net ipc uts mnt user cgroup; do readlink /proc/self/ns/$n; done'
  assert_success
  assert_equal "$(wc -l <<<"$output")" 7
  for ns in pid net ipc uts mnt user cgroup; do
    ! grep -qF "$(readlink "/proc/self/ns/$ns")" <<<"$output" || show "the host's $ns namespace"
  done
}

@test "a namespace that the configuration does not name is the caller's" {
  config '.linux.namespaces |= map(select(.type != "network" and .type != "ipc" and .type != "mqueue"))
    | .mounts |= map(select(.type != "mqueue"))'
  sh_container 'readlink /proc/self/ns/net; readlink /proc/self/ns/ipc'
  assert_success
  assert_output "$(readlink /proc/self/ns/net)"$'\n'"$(readlink /proc/self/ns/ipc)"
}

@test "a user namespace is made for a caller without privilege that asks for none" {
  requires user
  config '.linux.namespaces |= map(select(.type != "user"))'
  sh_container 'id -u'
  assert_success
  assert_output 0
}

@test "hostname and domainname" {
  config '.hostname = "box" | .domainname = "example.org"'
  sh_container 'hostname; cat /proc/sys/kernel/domainname'
  assert_success
  assert_output "box"$'\n'"example.org"
}

@test "the loopback device of a new network namespace is up" {
  add_namespace network
  sh_container 'ip addr show lo; ip link | grep -c ^[0-9]'
  assert_success
  assert_output_has "127.0.0.1/8"
  assert_output_matches 'LOOPBACK,UP'
}

@test "sysctl sets what belongs to a namespace" {
  add_namespace network
  config '.linux.sysctl = {"net.ipv4.ip_forward": "1", "kernel.shm_rmid_forced": "1"}'
  sh_container 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shm_rmid_forced'
  assert_success
  assert_output "1"$'\n'"1"
}

@test "a sysctl of the whole machine is refused" {
  config '.linux.sysctl = {"kernel.pid_max": "4000000"}'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "kernel.pid_max"
}

# --- the process --------------------------------------------------------------

@test "the environment is exactly that of the configuration" {
  config '.process.env = ["PATH=/bin", "HOME=/root", "A=b c", "EMPTY="]'
  FROM_OUTSIDE=1 run_container /bin/env
  assert_success
  assert_equal "$(sort <<<"$output")" "$(printf '%s\n' 'A=b c' EMPTY= HOME=/root PATH=/bin)"
}

@test "HOME comes from the image's passwd where the configuration has none" {
  requires subids
  config '.process.env = ["PATH=/bin"] | .process.user = {uid: 1000, gid: 1000}'
  run_container /bin/env
  assert_success
  assert_equal "$(sort <<<"$output")" "$(printf '%s\n' HOME=/home PATH=/bin)"
}

@test "the working folder, and one that is missing" {
  config '.process.cwd = "/tmp"'
  run_container /bin/pwd
  assert_output /tmp
  config '.process.cwd = "/made/here" | .root.readonly = false'
  run_container /bin/pwd
  assert_output /made/here
  # as the peers do: a root that is read-only for the program is not yet so for the runtime
  config '.process.cwd = "/made/./below/a/../link" | .root.readonly = true'
  mkdir "$BUNDLE/rootfs/made/below"
  ln -s /made/else "$BUNDLE/rootfs/made/below/link"
  run_container /bin/sh -c 'pwd; stat -c %a .; mkdir here'
  assert_failure 1
  assert_output $'/made/else\n755'
  assert_stderr_has "Read-only file system"
}

@test "a working folder through an inherited descriptor is refused" {
  config '.process.cwd = "/proc/self/fd/7"'
  exec 7</
  run_container /bin/ls
  exec 7<&-
  assert_failure
}

@test "the program is looked up in the PATH of its environment" {
  run_container echo found
  assert_output found
}

@test "rlimits" {
  config '.process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200},
    {type: "RLIMIT_CORE", soft: 0, hard: 0}]'
  sh_container 'ulimit -Sn; ulimit -Hn; ulimit -Sc'
  assert_success
  assert_output $'100\n200\n0'
}

@test "an rlimit above the caller's is refused by name, before anything exists" {
  requires user
  local hard
  hard=$(ulimit -Hn)
  [ "$hard" != unlimited ] || skip "machine: no limit"
  config '.process.rlimits = [{type: "RLIMIT_CORE", soft: 0, hard: 0},
    {type: "RLIMIT_NOFILE", soft: 100, hard: ($h | tonumber + 1)}]' --arg h "$hard"
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "config.json: /process/rlimits/1: RLIMIT_NOFILE: the hard limit $((hard + 1)) is above that of the caller, $hard"
  # nothing of the state was touched
  [ ! -e "$STATE/$ID" ]
}

@test "oomScoreAdj" {
  config '.process.oomScoreAdj = 500'
  run_container /bin/cat /proc/self/oom_score_adj
  assert_output 500
}

# CAP_KILL is bit 5, CAP_NET_BIND_SERVICE 10, CAP_AUDIT_WRITE 29.
capability_sets() { awk '/^Cap/ { printf "%s%s", sep, $2; sep = " " }' <<<"$output"; }

@test "capabilities of root" {
  run_container /bin/cat /proc/self/status
  assert_equal "$(capability_sets)" \
    "0000000000000000 0000000020000420 0000000020000420 0000000020000420 0000000000000000"
}

@test "no capabilities at all" {
  config '.process.capabilities = {}'
  run_container /bin/cat /proc/self/status
  assert_equal "$(capability_sets)" \
    "0000000000000000 0000000000000000 0000000000000000 0000000000000000 0000000000000000"
}

@test "the five capability sets of another user" {
  requires subids
  config '.process.user = {uid: 1000, gid: 1000} | .process.capabilities =
    {bounding: ["CAP_KILL", "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"],
     permitted: ["CAP_KILL", "CAP_NET_BIND_SERVICE"], effective: ["CAP_NET_BIND_SERVICE"],
     inheritable: ["CAP_NET_BIND_SERVICE"], ambient: ["CAP_NET_BIND_SERVICE"]}'
  run_container /bin/cat /proc/self/status
  assert_equal "$(capability_sets)" \
    "0000000000000400 0000000000000400 0000000000000400 0000000020000420 0000000000000400"
}

@test "an unknown capability is no error" {
  config '.process.capabilities.bounding += ["CAP_OF_THE_FUTURE"]'
  run_container /bin/true
  assert_success
  assert_no_stderr
}

@test "noNewPrivileges" {
  sh_container 'grep NoNewPrivs /proc/self/status'
  assert_equal "$(awk '{ print $2 }' <<<"$output")" 1
}

@test "seccomp gives the errno of the rule" {
  config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
    {names: ["mkdir", "mkdirat", "no_such_call"], action: "SCMP_ACT_ERRNO", errnoRet: 38},
    {names: ["unlink", "unlinkat"], action: "SCMP_ACT_ERRNO"}]}
    | .root.readonly = false'
  sh_container 'mkdir /tmp/x; rm /etc/group; grep Seccomp: /proc/self/status' || true
  sh_container 'mkdir /tmp/x 2>&1; rm /etc/group 2>&1; grep Seccomp: /proc/self/status'
  assert_output_has "Function not implemented"
  assert_output_has "Operation not permitted"
  assert_output_matches 'Seccomp:[[:space:]]*2'
}

@test "a seccomp filter that forbids what the runtime itself needs does not hinder it" {
  config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
    {names: ["mount", "umount2", "pivot_root", "setns", "unshare", "capset", "setresuid",
      "move_mount", "open_tree", "openat2", "close_range"], action: "SCMP_ACT_KILL_PROCESS"}]}'
  run_container /bin/echo fine
  assert_success
  assert_output fine
}

@test "death by seccomp is 128 and SIGSYS" {
  config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
    {names: ["mkdir", "mkdirat"], action: "SCMP_ACT_KILL_PROCESS"}]}'
  run_container /bin/mkdir /tmp/x
  assert_equal "$status" 159
}

@test "the program has a session of its own" {
  sh_container 'awk "{ print \$6 }" /proc/self/stat'
  assert_output 1
}

@test "no descriptor but 0, 1 and 2 reaches the program" {
  container_command /bin/ls /proc/self/fd
  # 3 is the folder that ls reads
  assert_equal "$(for fd in {4..20}; do eval "exec $fd</etc/passwd"; done
    "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" </dev/null)" $'0\n1\n2\n3'
}

@test "nothing of the caller's environment or paths is in the container's process" {
  export SECRET_OF_THE_CALLER=hidden
  sh_container 'tr "\0" "\n" </proc/1/environ; tr "\0" " " </proc/1/cmdline'
  assert_success
  [[ "$output" != *SECRET* && "$output" != *"$TEST_DIR"* ]] || show "something of the host"
}

@test "run works without PATH, HOME and XDG_RUNTIME_DIR, and with SIGPIPE ignored" {
  container_command /bin/grep SigIgn /proc/self/status
  status=0
  output=$(trap '' PIPE; env -i XDG_RUNTIME_DIR= "$BWRAP_OCI" --root "$STATE" \
    run --bundle "$BUNDLE" "$ID" </dev/null 2>&1 3>&-) || status=$?
  assert_success
  assert_equal "$(awk '{ print $2 }' <<<"$output")" 0000000000000000
}

@test "a first process that fails at once still says why" {
  config '.process.noNewPrivileges = false | .linux.namespaces += [{type: "network"}]
    | .linux.sysctl = {"net.ipv4.nosuch": "1"}'
  container_command /bin/true
  for _ in {1..50}; do
    run_oci run --bundle "$BUNDLE" "$ID"
    assert_failure 1
    assert_one_line_error '/linux/sysctl/net.ipv4.nosuch: '
  done
}
