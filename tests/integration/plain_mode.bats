#!/usr/bin/env bats
# --mode=plain: hosts where bubblewrap works, but what it starts may use no capability. Here it is a
# bubblewrap whose --cap-add is dropped. Without the option such a host is told of; with it the whole
# life of a container goes by, and what cannot be exact is refused by name.
load helpers

setup() {
  setup_test
  make_bundle
  requires python3
  BWRAP=$TEST_DIR/bwrap
  without_words --cap-add ALL
  # what bubblewrap can do exactly
  config 'del (.process.capabilities) | .linux.readonlyPaths = ["/proc/sys", "/etc"]
    | .linux.maskedPaths = ["/proc/timer_list", "/sys/firmware", "/var/tmp", "/no/such"]
    | .mounts = [{destination: "/proc", type: "proc", source: "proc"},
        {destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"]},
        {destination: "/dev/pts", type: "devpts", source: "devpts", options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
        {destination: "/dev/shm", type: "tmpfs", source: "shm", options: ["nosuid", "nodev", "mode=1777", "size=1m"]},
        {destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"]}]'
}

# A bubblewrap that does not get these words, one behind the other.
without_words() {
  {
    printf '#!%s\nREAL, WORDS = "%s", %s\n' "$(command -v python3)" "$(command -v bwrap)" \
      "$(jq -nc '$ARGS.positional' --args -- "$@")"
    cat <<'PY'
import os, signal, sys
if sys.argv[1] == "--args":
    number = int(sys.argv[2])
    words = os.fdopen(os.dup(number), "rb").read().split(b"\0")
    lost = [word.encode() for word in WORDS]
    at = next((i for i in range(len(words)) if words[i:i + len(lost)] == lost), None)
    if at is not None:
        del words[at:at + len(lost)]
    new = os.memfd_create("args", 0)
    os.write(new, b"\0".join(words))
    os.lseek(new, 0, 0)
    os.dup2(new, number)
    os.close(new)
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
os.execve(REAL, ["bwrap"] + sys.argv[1:], {})
PY
  } >"$BWRAP"
  chmod 0755 "$BWRAP"
}

restricted() { run_oci --bwrap "$BWRAP" "$@"; }
plain() {
  container_command "$@"
  restricted run --mode=plain --bundle "$BUNDLE" "$ID"
}
sh_plain() { plain /bin/sh -c "$1"; }

# refused POINTER EXPRESSION [JQ-OPTION...]: the configuration with that is, at that.
refused() {
  cp "$BUNDLE/config.json" "$TEST_DIR/kept.json"
  config "${@:2}"
  restricted run --mode=plain --bundle "$BUNDLE" "$ID"
  mv "$TEST_DIR/kept.json" "$BUNDLE/config.json"
  assert_failure 1
  assert_one_line_error "config.json: $1: "
  assert_stderr_has "plain mode"
}

# --- such a host --------------------------------------------------------------

@test "without the option such a host is told of, with what allows it, and nothing is left" {
  local command
  requires user
  container_command /bin/true
  for command in run create; do
    restricted "$command" --bundle "$BUNDLE" "$ID"
    assert_failure 1
    assert_one_line_error "bwrap's program cannot use its capabilities"
    assert_stderr_has "apparmor_parser -r contrib/apparmor/bwrap-oci"
    assert_stderr_has "--mode=plain"
    run_oci list -q
    assert_output ""
  done
  restricted check "$BUNDLE"
  assert_failure 1
  assert_output_has "problem host: bwrap's program cannot use its capabilities"
  assert_output_has "--mode=plain"
  restricted check --mode=plain "$BUNDLE"
  assert_success
  assert_output_has "run works"
}

@test "a bundle whose user is not root inside is told of as well" {
  requires user subids newuidmap
  config '.process.user = {uid: 1000, gid: 1000}'
  container_command /bin/true
  restricted run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "cannot use its capabilities"
}

@test "what joins instead of being started by bwrap keeps its capabilities: no plain mode is needed" {
  requires user
  config '.process.noNewPrivileges = false'
  container_command /bin/true
  restricted run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_no_stderr
}

@test "a bwrap with the set-user-ID bit is no way out" {
  cp "$(command -v bwrap)" "$BWRAP"
  chmod u+s "$BWRAP"
  plain /bin/true
  assert_failure 1
  assert_one_line_error "$BWRAP: is set-user-ID"
}

# --- the container ------------------------------------------------------------

@test "what the program sees" {
  config '.process.cwd = "/etc" | .process.env += ["A=b c"] | .hostname = "plain"
    | .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 99, hard: 100}]
    | .process.user.umask = 63 | .process.oomScoreAdj = 500'
  sh_plain 'id -u; id -g; hostname; pwd; echo "$A"; ulimit -n; ulimit -Hn; umask; echo $$
    cat /proc/self/oom_score_adj; grep -E "^(Cap|NoNewPrivs|Seccomp:)" /proc/self/status | tr -d "\t"
    wc -c </proc/timer_list; ls /var/tmp | wc -l; stat -c %a /dev/shm; cut -d" " -f6 /proc/self/stat'
  assert_success
  assert_no_stderr
  assert_output "0
0
plain
/etc
b c
99
100
0077
1
500
CapInh:0000000000000000
CapPrm:0000000000000000
CapEff:0000000000000000
CapBnd:0000000000000000
CapAmb:0000000000000000
NoNewPrivs:1
Seccomp:0
0
0
1777
1"
  sh_plain 'for f in /new /etc/new /var/tmp/new /proc/sys/kernel/hostname; do
    (echo x >$f) 2>/dev/null && echo "written $f"; done; echo x >/dev/shm/f && echo x >/dev/null && echo fine'
  assert_output fine
}

@test "a filter, by the init" {
  config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdirat", "mkdir"], action: "SCMP_ACT_ERRNO", errnoRet: 42}]}'
  sh_plain 'grep Seccomp: /proc/self/status | tr -d "\t"; mkdir /dev/shm/x'
  assert_failure 1
  assert_output "Seccomp:2"
  assert_stderr_has "No message of desired type"
}

@test "binds: a folder, a file, read-only, and missing places for them" {
  mkdir "$TEST_DIR/data"
  echo in >"$TEST_DIR/data/file"
  config '.root.readonly = false
    | .mounts += [{destination: "/made/up/d", type: "bind", source: $d, options: ["rbind", "rw"]},
      {destination: "/made/file", type: "bind", source: ($d + "/file"), options: ["rbind", "ro"]},
      {destination: "/made/up/d/t", type: "tmpfs", options: ["mode=700"]}]' --arg d "$TEST_DIR/data"
  sh_plain 'cat /made/file; echo out >/made/up/d/new; stat -c %a /made/up/d/t /made; (echo x >/made/file) 2>/dev/null || echo ro'
  assert_success
  assert_no_stderr
  assert_output $'in\n700\n755\nro'
  assert_equal "$(cat "$TEST_DIR/data/new")" out
}

@test "nothing but the standard descriptors, nothing of the host, and no terminal of it" {
  container_command /bin/sh -c 'ls /proc/self/fd | xargs; ls -d /dev/console; cut -d" " -f4,5 /proc/self/mountinfo
    env | sort | cut -d= -f1 | xargs'
  output=$(on_tty "$BWRAP_OCI" --bwrap "$BWRAP" --root "$STATE" run --mode=plain --bundle "$BUNDLE" "$ID" 5<"$TEST_DIR")
  assert_output_has "0 1 2 3"
  assert_output_has "/dev/console: No such file"
  assert_output_has "HOME PATH PWD SHLVL TERM"
  [[ "$output" != *oldroot* ]] || show "the host"
}

@test "a terminal: the container's own, and /dev/console leads to it" {
  config '.process.terminal = true'
  container_command /bin/sh -c 'tty; echo console >/dev/console; readlink /dev/console'
  on_terminal <<PY
equal(oci("--bwrap", "$BWRAP", "run", "--mode=plain", "--bundle", BUNDLE, ID).wait(), 0, "status")
equal(shown(), "/dev/pts/0\r\nconsole\r\npts/0\r\n", "the screen")
PY
}

@test "its whole life: created, exec, started, killed, deleted" {
  container_command /bin/sh -c 'echo started; exec sleep 1000'
  restricted create --mode=plain --bundle "$BUNDLE" --pid-file "$TEST_DIR/pid" "$ID"
  assert_success
  assert_no_stderr
  is_status created
  assert_equal "$(container_pid)" "$(cat "$TEST_DIR/pid")"
  run_oci exec "$ID" /bin/sh -c 'grep -E "^(CapEff|CapBnd|NoNewPrivs)" /proc/self/status | tr -d "\t"; hostname'
  assert_success
  assert_output "CapEff:0000000000000000
CapBnd:0000000000000000
NoNewPrivs:1
bwrap-oci"
  run_oci start "$ID"
  assert_success
  wait_until is_status running
  run_oci exec "$ID" /bin/sh -c 'exit 7'
  assert_failure 7
  run_oci exec "$ID" /no/such
  assert_failure 255
  run_oci ps --format json "$ID"
  assert_output "[$(cat "$TEST_DIR/pid")]"
  run_oci kill "$ID" KILL
  assert_success
  wait_until is_status stopped
  run_oci delete "$ID"
  assert_success
  run_oci list -q
  assert_output ""
}

@test "exit status, signals, programs that are not there" {
  sh_plain 'exit 7'
  assert_failure 7
  sh_plain 'kill -KILL $$; sleep 1; kill -TERM 1; exit 3'
  assert_failure
  plain nosuch
  assert_failure 1
  assert_one_line_error 'exec: "nosuch": executable file not found in $PATH'
  plain /etc/passwd
  assert_failure 1
  assert_one_line_error 'exec: "/etc/passwd": permission denied'
}

@test "hooks: those of the runtime and startContainer" {
  local hook=$TEST_DIR/hook kind
  printf '#!/bin/sh\necho "$1 $(jq -r .status) " >>"$2"\n' >"$hook"
  chmod 0755 "$hook"
  for kind in prestart createRuntime poststart poststop; do
    config '.hooks[$k] = [{path: $h, args: ["hook", $k, $o], env: ["PATH=/usr/bin:/bin"]}]' \
      --arg k "$kind" --arg h "$hook" --arg o "$TEST_DIR/order"
  done
  config '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "id -u >/dev/shm/hook"]}]'
  sh_plain 'cat /dev/shm/hook; echo program'
  assert_success
  assert_output $'0\nprogram'
  assert_equal "$(xargs <"$TEST_DIR/order")" \
    "prestart creating createRuntime creating poststart running poststop stopped"
}

# --- what is refused ----------------------------------------------------------

@test "what bubblewrap cannot do exactly is refused by name" {
  local source=$TEST_DIR/source
  mkdir "$source"
  container_command /bin/true
  refused /process/noNewPrivileges '.process.noNewPrivileges = false'
  refused /process/user/uid '.process.user.uid = 7'
  refused /process/user/gid '.process.user.gid = 7'
  refused /process/user/additionalGids '.process.user.additionalGids = [0]'
  refused /domainname '.domainname = "d"'
  refused /linux/sysctl '.linux.sysctl = {"kernel.msgmax": "8192"}'
  refused /linux/rootfsPropagation '.linux.rootfsPropagation = "rslave"'
  refused /hooks/createContainer '.hooks.createContainer = [{path: "/bin/true"}]'
  refused /linux/namespaces/0 '.linux.namespaces = [{type: "network", path: "/proc/self/ns/net"}] + .linux.namespaces'
  refused /linux/namespaces/0 '.linux.namespaces = [{type: "time"}] + .linux.namespaces'
  refused /mounts 'del (.mounts[0])'
  refused /mounts '.mounts |= map (select (.destination | startswith ("/dev") | not))'
  refused /mounts/0 '.mounts[0].options = ["hidepid=2"]'
  refused /mounts/1 '.mounts[1].options += ["size=1m"]'
  refused /mounts/3 '.mounts[3].options += ["noexec"]'
  refused /mounts/5 '.mounts += [{destination: "/c", type: "cgroup2", options: ["ro"]}] | .linux.namespaces += [{type: "cgroup"}]'
  refused /mounts/5 '.mounts += [{destination: "/sys", type: "sysfs", options: ["ro"]}] | .linux.namespaces += [{type: "network"}]'
  refused /mounts/5 '.mounts += [{destination: "/o", type: "overlay", options: ["lowerdir=/tmp:/usr"]}]'
  refused /mounts/5 '.mounts += [{destination: "/o", type: "tmpfs", options: ["tmpcopyup"]}]'
  refused /mounts/5 '.mounts += [{destination: "/b", type: "bind", source: $s, options: ["bind"]}]' --arg s "$source"
  refused /mounts/5 '.mounts += [{destination: "/b", type: "bind", source: $s, options: ["rbind", "noexec"]}]' --arg s "$source"
  refused /mounts/5 '.mounts += [{destination: "/b", type: "bind", source: $s, options: ["rbind", "rshared"]}]' --arg s "$source"
  refused /mounts/5 '.mounts += [{destination: "/oldroot/x", type: "tmpfs"}]'
  refused /linux/devices/0 '.linux.devices = [{path: "/dev/p", type: "p"}]'
}

@test "all that is refused, at once, by check" {
  config '.process.user.uid = 7 | .domainname = "d" | .mounts[3].options += ["noexec"]'
  container_command /bin/true
  restricted check --mode=plain --json "$BUNDLE"
  assert_failure 1
  assert_equal "$(jq -r '.mode, (.properties[] | select (.support == "refused") | .pointer)' <<<"$output" | sort | xargs)" \
    "/domainname /mounts/3 /process/user/uid plain"
}

@test "a link in a destination is refused, and nothing is made through it" {
  local name
  mkdir "$TEST_DIR/victim"
  ln -s "$TEST_DIR/victim" "$BUNDLE/rootfs/out"
  ln -s "/oldroot$TEST_DIR/victim" "$BUNDLE/rootfs/up"
  ln -s ../../../../../../../../../oldroot/"$TEST_DIR/victim" "$BUNDLE/rootfs/etc/far"
  ln -s /no/such "$BUNDLE/rootfs/dangling"
  mkdir "$TEST_DIR/data"
  ln -s "/oldroot$TEST_DIR/victim" "$TEST_DIR/data/link"
  container_command /bin/true
  for name in /out /out/a /up /up/b/c /etc/far/d /dangling/e; do
    refused /mounts/5 '.mounts += [{destination: $n, type: "tmpfs"}]' --arg n "$name"
  done
  refused /mounts/6 '.mounts += [{destination: "/data", type: "bind", source: $d, options: ["rbind"]},
    {destination: "/data/link/f", type: "tmpfs"}]' --arg d "$TEST_DIR/data"
  refused /linux/maskedPaths/0 '.linux.maskedPaths = ["/up/x"]'
  refused /linux/readonlyPaths/0 '.linux.readonlyPaths = ["/out"]'
  assert_equal "$(find "$TEST_DIR/victim" -mindepth 1)" ""
}

@test "a root that somebody else could change meanwhile is refused" {
  container_command /bin/sleep 1000
  config '.mounts += [{destination: "/srv/deep/x", type: "tmpfs"}]'
  mkdir "$BUNDLE/rootfs/srv"
  chmod 0775 "$BUNDLE/rootfs/srv"
  refused /mounts/5 .
  chmod 1777 "$BUNDLE/rootfs/srv"
  restricted create --mode=plain --bundle "$BUNDLE" "$ID"
  assert_success
  # what is in a container of the same root could
  restricted run --mode=plain --bundle "$BUNDLE" "$ID-2"
  assert_failure 1
  assert_one_line_error "/root/path: $BUNDLE/rootfs: container $ID has it too"
  run_oci delete --force "$ID"
  assert_success
}

@test "what bubblewrap has not mounted after all is found out" {
  container_command /bin/true
  without_words --perms 1777 --size 1048576 --tmpfs /dev/shm
  restricted run --mode=plain --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "config.json: /mounts/3: "
  assert_stderr_has "bwrap has mounted something else: /dev/shm"
  without_words --remount-ro /
  restricted run --mode=plain --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "config.json: /root/path: "
  assert_stderr_has "bwrap has not mounted it read-only: /"
}

# --- it is named --------------------------------------------------------------

@test "--dry-run, features and the manual name the mode; a wrong one is none" {
  local before
  config '.mounts += [{destination: "/made/up", type: "tmpfs"}]'
  container_command /bin/true
  restricted run --mode=plain --dry-run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_output_has $'\nmode: plain\n'
  [ ! -e "$BUNDLE/rootfs/made" ] || show "something was made"
  restricted run --mode=plain --dry-run --json --bundle "$BUNDLE" "$ID"
  jq -e '.mode == "plain" and (.bwrap | index ("--cap-add") == null)' <<<"$output"
  run_oci features
  jq -e '.annotations["org.bwrap-oci.modes"] | split (" ") | index ("plain")' <<<"$output"
  restricted run --mode=fancy --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error 'invalid mode "fancy": expected normal or plain'
}

@test "it works as well where nothing is restricted" {
  BWRAP=$(command -v bwrap)
  plain /bin/echo fine
  assert_success
  assert_no_stderr
  assert_output fine
}
