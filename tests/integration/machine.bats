#!/usr/bin/env bats
# What a machine may lack or forbid: each is said in one line, with what mends it, and leaves
# nothing. Provoked in user and mount namespaces of the test's own, and with a bubblewrap that only
# pretends.
load helpers

setup() {
  setup_test
  make_bundle
  container_command /bin/true
}

# Two lines of a map, which only newuidmap may write.
two_ids() {
  config '.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}, {containerID: 1, hostID: $s, size: 9}]
    | .linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}, {containerID: 1, hostID: $s, size: 9}]' \
    --argjson u "$(id -u)" --argjson g "$(id -g)" --argjson s "${1:-100000}"
}

# run_around SCRIPT COMMAND...: what run_oci does, by COMMAND and a shell that does SCRIPT, whose
# last word is "$@": the program and its arguments.
run_around() {
  local script=$1
  shift
  status=0
  timeout --kill-after 5 "${RUN_TIMEOUT:-60}" "$@" sh -c "$script" sh \
    "$BWRAP_OCI" --root "$STATE" ${BWRAP:+--bwrap "$BWRAP"} run --bundle "$BUNDLE" "$ID" \
    </dev/null >"$TEST_DIR/stdout" 2>"$TEST_DIR/stderr" 3>&- || status=$?
  output=$(<"$TEST_DIR/stdout")
  stderr=$(<"$TEST_DIR/stderr")
}

# With other files in some places, but no more rights than before.
other_files() { run_around "$1; exec setpriv --inh-caps=-all --ambient-caps=-all \"\$@\"" \
  unshare --user --mount --map-current-user --keep-caps; }

# With limits of a user namespace of its own, as its root, who maps ID (0: himself) as root.
other_limits() {
  config '.linux.uidMappings = [{containerID: 0, hostID: $i, size: 1}]
    | .linux.gidMappings = .linux.uidMappings' --argjson i "${2:-0}"
  run_around "$1" unshare --user --mount --map-root-user ${2:+--map-auto}
}

# A bubblewrap that knows the real one's options, and then does SCRIPT.
pretend_bwrap() {
  BWRAP=$TEST_DIR/bwrap
  printf '#!/bin/sh\ncase $1 in --help|--version) exec %s "$1" ;; esac\n%s\n' \
    "$(command -v bwrap)" "$1" >"$BWRAP"
  chmod 0755 "$BWRAP"
}

assert_said() {
  local words
  assert_failure 1
  for words in "$@"; do assert_one_line_error "$words"; done
}

# --- ids ----------------------------------------------------------------------

@test "a range that is not the user's" {
  requires user newuidmap
  two_ids 70000
  run_container /bin/true
  assert_said "/linux/uidMappings: user $(id -un) may not map 9 user ids from 70000"
}

@test "no sub-ids, where more than one id is needed" {
  requires user newuidmap
  two_ids 4000000000
  run_container /bin/true
  assert_said "(usermod --add-subuids 4000000000-4000000008 $(id -un))"
  config 'del (.linux.uidMappings, .linux.gidMappings) | .process.user.additionalGids = [5]'
  # sub-ids do not exist in there
  other_files true
  assert_said "/process/user/additionalGids/0: group id 5 is not mapped, only one id is" "no sub-ids"
}

@test "no sub-ids, where one id is enough" {
  requires user
  config '.process.args = ["/bin/cat", "/proc/self/uid_map"]
    | .mounts |= map (.options |= if . then map (select (startswith ("gid=") | not)) else . end)'
  other_files true
  assert_success
  assert_no_stderr
  assert_output_matches "^ *0 +$(id -u) +1\$"
}

@test "newuidmap is missing" {
  requires user newuidmap
  two_ids
  other_files "mount --bind /dev/null $(command -v newuidmap)"
  assert_said "more than one id is mapped, but newuidmap is not installed" "(apt install uidmap)"
}

@test "newgidmap has no privilege" {
  requires user newgidmap
  local tool
  tool=$(command -v newgidmap)
  cp "$tool" "$TEST_DIR/tool"
  two_ids
  other_files "mount --bind $TEST_DIR/tool $tool"
  assert_said "$tool has no privilege" "(chmod u+s $tool)"
}

@test "newuidmap under no_new_privs" {
  requires user newuidmap
  two_ids
  run_around 'exec "$@"' setpriv --no-new-privs
  assert_said "has no privilege under no_new_privs" "NoNewPrivileges=no"
}

# --- user namespaces ----------------------------------------------------------

@test "user namespaces are switched off" {
  requires user
  other_limits 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"'
  assert_said "no user namespace can be made: user.max_user_namespaces is 0" \
    "(sysctl -w user.max_user_namespaces="
}

@test "another kind of namespace is switched off" {
  requires user
  config '.linux.namespaces += [{type: "network"}]'
  other_limits 'echo 0 >/proc/sys/user/max_net_namespaces; exec "$@"'
  assert_said "no network namespace can be made" "(sysctl -w user.max_net_namespaces="
}

@test "user namespaces are used up" {
  requires user
  other_limits 'echo 1 >/proc/sys/user/max_user_namespaces
    unshare --user sleep 60 & i=0
    until [ "$(readlink /proc/$!/ns/user)" != "$(readlink /proc/self/ns/user)" ] || [ $i = 100 ]; do
      sleep 0.05; i=$((i + 1)); done
    "$@"; status=$?; kill $!; wait; exit $status'
  assert_said "no further user namespace can be made: all 1 that user.max_user_namespaces allows" \
    "(sysctl -w user.max_user_namespaces=2)"
}

@test "the same where the container first joins what bwrap holds" {
  requires user
  config '.process.noNewPrivileges = false'
  other_limits 'echo 0 >/proc/sys/user/max_pid_namespaces; exec "$@"'
  assert_said "no pid namespace can be made: user.max_pid_namespaces is 0"
}

@test "the same where the runtime makes the user namespace" {
  requires user subids
  other_limits 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"' 1
  assert_said "no user namespace can be made: user.max_user_namespaces is 0"
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

@test "users may not make user namespaces (Debian's switch)" {
  requires user
  pretend_bwrap 'echo "bwrap: No permissions to creating new namespace, likely because the kernel does
 not allow non-privileged user namespaces." >&2; exit 1'
  other_files "$(with_parameter unprivileged_userns_clone 0)"
  assert_said "kernel.unprivileged_userns_clone is 0" "(sysctl -w kernel.unprivileged_userns_clone=1)"
}

@test "AppArmor's restriction" {
  requires user
  pretend_bwrap 'echo "bwrap: setting up uid map: Permission denied" >&2; exit 1'
  other_files "$(with_parameter apparmor_restrict_unprivileged_userns 1)"
  assert_said "bwrap: setting up uid map: Permission denied" \
    "kernel.apparmor_restrict_unprivileged_userns is 1" "apparmor_parser -r"
  other_files "$(with_parameter apparmor_restrict_unprivileged_userns 0)"
  assert_said "bwrap: setting up uid map: Permission denied"
  [[ "$stderr" != *apparmor* ]] || show "a reason that is none"
}

# --- bubblewrap ---------------------------------------------------------------

@test "bwrap is missing, no program, or no bwrap" {
  local words
  BWRAP=$TEST_DIR/nosuch run_around 'exec "$@"' env
  assert_said "$TEST_DIR/nosuch: No such file or directory" "(apt install bubblewrap)"
  BWRAP=$TEST_DIR run_around 'exec "$@"' env
  assert_said "$TEST_DIR: is not a program" "(apt install bubblewrap)"
  BWRAP=/bin/true run_around 'exec "$@"' env
  assert_said "/bin/true: --help lists none of its options" "(apt install bubblewrap)"
}

@test "what the caller may have no more of is no fault of bwrap" {
  run_around 'ulimit -S -n 8 && exec "$@"' env
  assert_said "Too many open files"
  [[ "$stderr" != *bubblewrap* ]] || show "expected nothing about versions"
  # what it says goes to a file, too: it has no way to, and does not die of that
  run_around 'ulimit -f 0 && exec "$@"' env
  assert_failure 1
  assert_equal "$(find "$STATE" -mindepth 1)" ""
}

@test "bwrap is too old" {
  BWRAP=$TEST_DIR/bwrap
  printf '#!/bin/sh\n[ "$1" = --version ] && echo bubblewrap 0.4.1 || bwrap --help | grep -v -- --perms\n' \
    >"$BWRAP"
  chmod 0755 "$BWRAP"
  run_around 'exec "$@"' env
  assert_said "$BWRAP (bubblewrap 0.4.1): has no --perms" "bubblewrap 0.5.0 or newer is needed"
}

@test "bwrap is set-user-ID" {
  BWRAP=$TEST_DIR/bwrap
  cp "$(command -v bwrap)" "$BWRAP"
  chmod u+s "$BWRAP"
  run_around 'exec "$@"' env
  assert_said "$BWRAP: is set-user-ID" "(chmod u-s $BWRAP)"
}

@test "bwrap ends at once, dies, or says something else" {
  pretend_bwrap 'exit 0'
  run_around 'exec "$@"' env
  assert_said "bwrap: exited with 0"
  pretend_bwrap 'kill -KILL $$'
  run_around 'exec "$@"' env
  assert_said "bwrap: killed by signal 9"
  pretend_bwrap 'printf "bwrap: a\033[31m word\nand another\n" >&2; exit 1'
  run_around 'exec "$@"' env
  assert_said "bwrap: a\\x1b[31m word"
}

# --info-fd is among the options, which are in the file behind --args.
pretend_info='info=$(tr "\0" "\n" <"/proc/self/fd/$2" | grep -x -A1 -e --info-fd | tail -n 1)'

@test "bwrap tells rubbish of its child, too much, another's number, or nothing" {
  local words
  for words in 'echo rubbish }' 'echo "{\"child-pid\": -1}"' 'echo "{\"child-pid\": \"x\"}"' \
    'exec head -c 1073741824 /dev/zero' 'exec yes "{" '; do
    pretend_bwrap "$pretend_info; $words >/proc/self/fd/\$info 2>/dev/null; exec sleep 1000"
    run_around 'exec "$@"' env
    assert_said "bwrap: --info-fd: no child-pid"
  done
  for words in 1 '$$'; do
    pretend_bwrap "$pretend_info; echo \"{\\\"child-pid\\\": $words}\" >/proc/self/fd/\$info; exec sleep 1000"
    run_around 'exec "$@"' env
    assert_said "bwrap: --info-fd: process" "is not its child"
  done
  # what such a bwrap has become is ended with it
  run ps -o comm= -s "$(cut -d' ' -f6 /proc/$$/stat)"
  [[ ! $output =~ (head|yes|sleep) ]]
  # its end is told
  pretend_bwrap "$pretend_info; echo '{' >/proc/self/fd/\$info; echo 'bwrap: no more' >&2; exit 3"
  run_around 'exec "$@"' env
  assert_said "bwrap: no more"
}

@test "bwrap does not answer" {
  [ -n "${BWRAP_OCI_TEST_LONG:-}" ] || skip "machine: takes a minute (BWRAP_OCI_TEST_LONG=1)"
  pretend_bwrap 'exec sleep 1000'
  RUN_TIMEOUT=120 run_around 'exec "$@"' env
  assert_said "bwrap: no answer after 60 s"
}

@test "a receiver of the terminal whose queue is full" {
  local receiver
  [ -n "${BWRAP_OCI_TEST_LONG:-}" ] || skip "machine: takes ten seconds (BWRAP_OCI_TEST_LONG=1)"
  config '.process.terminal = true'
  python3 -c '
import socket, sys, time
full = socket.socket(socket.AF_UNIX)
full.bind(sys.argv[1])
full.listen(0)
first = socket.socket(socket.AF_UNIX)
first.connect(sys.argv[1])
open(sys.argv[1] + ".full", "w")
time.sleep(60)' "$TEST_DIR/console" 3>&- &
  receiver=$!
  wait_until test -e "$TEST_DIR/console.full"
  run_oci create --bundle "$BUNDLE" --console-socket "$TEST_DIR/console" "$ID"
  kill $receiver
  assert_said "connect to $TEST_DIR/console: Connection timed out"
}

# --- directories --------------------------------------------------------------

@test "a root or a source below a directory that the container's root may not search" {
  requires user subids newuidmap
  local first
  first=$(awk -F: -v n="$(id -un)" '$1 == n { print $2; exit }' /etc/subuid)
  config '.linux.uidMappings = [{containerID: 0, hostID: $s, size: 9}]
    | .linux.gidMappings = [{containerID: 0, hostID: $t, size: 9}]' --argjson s "$first" \
    --argjson t "$(awk -F: -v n="$(id -un)" '$1 == n { print $2; exit }' /etc/subgid)"
  chmod 0700 "$BUNDLE"
  run_container /bin/true
  assert_said "/root/path: the container's root is not the caller and may not search $BUNDLE" \
    "(chmod o+x $BUNDLE)"
  chmod 0711 "$BUNDLE"
  mkdir -p "$TEST_DIR/closed/data"
  chmod 0700 "$TEST_DIR/closed"
  config '.mounts += [{destination: "/mnt", type: "bind", source: $d, options: ["rbind"]}]' \
    --arg d "$TEST_DIR/closed/data"
  run_container /bin/true
  assert_said "/source: the container's root is not the caller and may not search" \
    "(chmod o+x $TEST_DIR/closed)"
}

# As an engine does for a user, in her namespaces, with containers of other ids than hers.
@test "a source below a directory that the container's root may not search: who may hands it in" {
  requires user subids newuidmap
  local data=$TEST_DIR/closed/data
  mkdir -p "$data/below" "$BUNDLE"/rootfs/{tree,one,many}
  touch "$BUNDLE/rootfs/file" "$BUNDLE"/rootfs/many/{0..39}
  echo content >"$data/file"
  chmod 0700 "$TEST_DIR/closed"
  config '.linux.uidMappings = [{containerID: 0, hostID: 1, size: 9}] | .linux.gidMappings = .linux.uidMappings
    | .mounts += [{destination: "/tree", type: "bind", source: $d, options: ["rbind", "ro"]},
        {destination: "/one", type: "bind", source: $d, options: ["bind", "rslave"]},
        {destination: "/file", type: "bind", source: ($d + "/file"), options: ["rbind"]}]' --arg d "$data"
  container_command /bin/sh -c 'cat /file /tree/file /tree/below/mounted; ls /one/below; cat /proc/self/uid_map
    touch /tree/new 2>/dev/null || grep -c " /tree [^ ]* ro" /proc/mounts'
  # engine WORDS: as its unprivileged root
  engine() {
    status=0
    timeout 60 "$BWRAP_OCI" unshare "$@" >"$TEST_DIR/stdout" 2>"$TEST_DIR/stderr" 3>&- </dev/null || status=$?
    output=$(xargs <"$TEST_DIR/stdout") stderr=$(<"$TEST_DIR/stderr")
  }
  local run='mount -t tmpfs none "$0/below" && echo more >"$0/below/mounted" && exec "$@"'
  engine --mount sh -c "$run" "$data" "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_output 'content content more 0 1 9 1'
  assert_no_stderr
  # of many sources no descriptors are kept; and without no_new_privs somebody else is the first process
  config '.process.noNewPrivileges = false | .mounts += [range (40) | {destination: "/many/\(.)", type: "bind",
    source: ($d + "/file"), options: ["rbind"]}]' --arg d "$data"
  engine --mount sh -c "$run" "$data" "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_output 'content content more 0 1 9 1'
  # a mount namespace of somebody else cannot be looked into
  engine "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "open_tree $data: Operation not permitted (the caller's mount namespace is not its own"
}
