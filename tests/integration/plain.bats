#!/usr/bin/env bats
# `run --dry-run --plain`: the printed command, run by hand, gives what `run` gives, as far as bwrap
# can; the rest is told. With configurations as clients wrote them.
load helpers

CONFIGS=$BATS_TEST_DIRNAME/../data/configs

# What is to be seen of a container, by name.
PROBE='
  echo "cwd $(pwd)"
  echo "hostname $(hostname)"
  echo "ids $(id -u) $(id -g)"
  echo "pid $$"
  env | grep -vE "^(PWD|SHLVL|OLDPWD)=" | sort | sed "s/^/env /"
  grep -E "^(CapEff|NoNewPrivs):" /proc/self/status | tr -s "\t" " " | sed "s/^/status /"
  echo "map $(echo $(cat /proc/self/uid_map))"
  echo "session $(cut -d" " -f6 /proc/self/stat)"
  cut -d" " -f5 /proc/self/mountinfo | sort -u | sed "s/^/mount /"
  [ ! -e /proc/timer_list ] || echo "file /proc/timer_list $(head -c 1 /proc/timer_list 2>&1 | wc -c)"
  for path in /proc/sys/kernel/hostname /proc/sys/fs/file-max; do
    (echo x >$path) 2>/dev/null && echo "writable $path"
  done
  (: >/new) 2>/dev/null && { echo "writable /"; rm /new; }
  true
'

setup() {
  setup_test
  make_bundle
}

# recorded NAME: a recorded configuration as this bundle's, with the probe as its program.
recorded() {
  local volume=$TEST_DIR/volume
  mkdir -p "$volume" "$BUNDLE/shm" "$BUNDLE/run" "$TEST_DIR/run/hello-world"
  chmod 0777 "$BUNDLE/shm"
  for file in hosts hostname resolv.conf .containerenv run/.containerenv; do
    echo "$file" >"$BUNDLE/$file"
    [ ! -d "$TEST_DIR/run/$(dirname "$file")" ] || echo "$file" >"$TEST_DIR/run/$file"
  done
  jq --arg rootfs "$BUNDLE/rootfs" --arg bundle "$BUNDLE" --arg run "$TEST_DIR/run" \
    --arg volume "$volume" --arg probe "$PROBE" --argjson id "$(id -u)" '
    walk (if type == "string" then
        gsub ("@ROOTFS@"; $rootfs) | gsub ("@BUNDLE@"; $bundle)
        | gsub ("@(RUNROOT|XDG_RUNTIME_DIR)@"; $run)
        | gsub ("@(VOLUME|NAMEDVOL)@"; $volume) | gsub ("@(ID|SHORTID|SANDBOXID|HOSTNAME)@"; "c1")
      else . end)
    | .root.path = $rootfs | .process.args = ["/bin/sh", "-c", $probe] | .process.terminal = false
    | del (.hooks, .linux.resources, .linux.cgroupsPath, .process.apparmorProfile,
        .process.selinuxLabel, .linux.mountLabel, .process.oomScoreAdj)
    | (.linux.namespaces[] | select (.path != null)) |= del (.path)
    | if .linux.uidMappings[1] then del (.linux.uidMappings, .linux.gidMappings) else . end
    | (.linux | .uidMappings, .gidMappings | select (.)[0].hostID) |= $id
    ' "$CONFIGS/$1.json" >"$BUNDLE/config.json"
}

plain() { run_oci run --dry-run --plain --bundle "$BUNDLE" "$ID"; }

# Runs the printed command as somebody would by hand.
by_hand() {
  plain
  assert_success
  losses=$stderr
  command=$output
  status=0
  output=$(timeout 60 env -i PATH=/usr/bin:/bin bash -c "$command" 3>&- 2>"$TEST_DIR/stderr" </dev/null) ||
    status=$?
  stderr=$(<"$TEST_DIR/stderr")
}

# What the two need not have in common: the map has one line, and a view of the host's /sys and
# cgroups is no mount by mount copy.
common() {
  grep -vE '^(map|mount /sys/(fs|dev|kernel)/|mount /dev/(core|console)$|status NoNewPrivs)' <<<"$1" |
    if lost HOME; then grep -v '^env HOME='; else cat; fi |
    if lost /process/cwd; then grep -v '^cwd '; else cat; fi |
    if lost /process/capabilities/effective; then grep -v '^status CapEff'; else cat; fi
}

lost() { [[ "$losses" == *"$1"* ]]; }

assert_same_container() {
  recorded "$1"
  by_hand
  assert_success
  local hand=$output
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_no_stderr
  diff <(common "$output") <(common "$hand") || show "not the same container"
  # one id, the caller's
  assert_equal "$(sed -n 's/^map //p' <<<"$hand" | wc -w)" 3
  assert_equal "$(sed -n 's/^status NoNewPrivs: //p' <<<"$hand")" 1
}

@test "podman, rootless" { assert_same_container podman-rootless-default; }
@test "podman, rootless, with volumes" { assert_same_container podman-rootless-volumes; }
@test "podman, rootless, with a tmpfs" { assert_same_container podman-rootless-tmpfs; }
@test "podman, rootless, with masked paths" { assert_same_container podman-rootless-mask; }
@test "podman, rootless, read-only" { assert_same_container podman-rootless-read-only; }
@test "podman, rootless, as user 33" { assert_same_container podman-rootless-user33; }
@test "podman, rootless, in the host's network" { assert_same_container podman-rootless-net-host; }
@test "buildah, rootless" { assert_same_container buildah-rootless; }
@test "containerd" { assert_same_container ctr-default; }
@test "crun spec" { assert_same_container crun-spec; }
@test "crun spec --rootless" { assert_same_container crun-spec-rootless; }
@test "runc spec" { assert_same_container runc-spec; }
@test "runc spec --rootless" { assert_same_container runc-spec-rootless; }
@test "atomic" { assert_same_container atomic-user-hello-world; }

@test "the id map's one line, without newuidmap" {
  recorded podman-rootless-default
  by_hand
  assert_output_has "map 0 $(id -u) 1"
  lost "/linux/uidMappings: one id is mapped"
}

@test "what is lost is told, a line each with its JSON pointer" {
  requires user
  config '.process.terminal = true | .process.noNewPrivileges = false | .process.user.uid = 7
    | .process.user.additionalGids = [5] | .process.user.umask = 63 | .process.oomScoreAdj = 10
    | .domainname = "d" | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW"}
    | .linux.sysctl = {"kernel.msgmax": "8192"} | .linux.cgroupsPath = "/c"
    | .process.scheduler = {policy: "SCHED_BATCH"} | .process.ioPriority = {class: "IOPRIO_CLASS_IDLE"}
    | .linux.personality = {domain: "LINUX"} | .linux.memoryPolicy = {mode: "MPOL_DEFAULT"}
    | .linux.resources = {pids: {limit: 5}} | .hooks = {poststop: [{path: "/bin/true"}]}
    | .linux.devices = [{path: "/dev/pipe", type: "p"}]
    | .mounts += [{destination: "/mnt/o", type: "overlay", options: ["lowerdir=/x"]},
        {destination: "/mnt/t", type: "tmpfs", options: ["noexec", "tmpcopyup", "nr_inodes=5"]}]'
  plain
  assert_success
  local pointer
  for pointer in /process/terminal /process/noNewPrivileges /linux/uidMappings \
    /process/user/additionalGids /process/user/umask /process/oomScoreAdj /domainname \
    /process/scheduler /process/ioPriority /linux/personality /linux/memoryPolicy \
    /linux/seccomp /linux/sysctl/kernel.msgmax /linux/cgroupsPath /linux/resources /hooks \
    /linux/devices/0 /mounts/7 /mounts/8; do
    grep -q "^plain: $pointer: ." <<<"$stderr" || show "nothing of $pointer"
  done
  grep -q "^plain: /mounts/8: /mnt/t: without noexec, nr_inodes=5\$" <<<"$stderr" || show "options"
  ! grep -v '^plain: /' <<<"$stderr" || show "another line"
}

@test "a configuration that bwrap can do loses nothing" {
  requires user
  config '.mounts |= map (select (.destination == "/proc")) | .linux.maskedPaths = []
    | .linux.readonlyPaths = [] | .process.env += ["HOME=/root"] | .process.rlimits = []
    | .linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}]
    | .linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}]
    | .mounts += [{destination: "/dev", type: "tmpfs", options: ["nosuid", "mode=755"]},
        {destination: "/tmp", type: "tmpfs", options: ["size=1m", "mode=1770"]}]
    | .process.capabilities = ({} | .bounding = ["CAP_KILL"] | .effective = .bounding
        | .permitted = .bounding | .inheritable = .bounding | .ambient = .bounding)' \
    --argjson u "$(id -u)" --argjson g "$(id -g)"
  container_command /bin/sh -c 'stat -c %a /tmp; grep " /tmp " /proc/self/mounts'
  by_hand
  assert_success
  assert_equal "$losses" ""
  assert_output_matches $'^1770\n.*size=1024k'
}

@test "every word is quoted: nothing of the configuration is a command" {
  config '.process.env += ["A=$(touch \u0027x)\n`id`", "B=\u001b[31m\u007f\u00e9", "C=--bind", "D= \\ \"", "E="]'
  container_command /bin/sh -c 'printf "<%s>" "$A" "$B" "$C" "$D" "$E" "$1"' '*' '$HOME "; #'
  by_hand
  assert_success
  assert_output "<$(printf '$(touch %sx)\n`id`' "'")><"$'\e[31m\177\303\251'"><--bind>< \\ \"><><\$HOME \"; #>"
  plain
  ! LC_ALL=C grep -q $'[\001-\011\013-\037\177]' <<<"$output" || show "a control character"
}

@test "a destination with a link in it is left out, and nothing is made through it" {
  mkdir "$TEST_DIR/victim"
  ln -s "$TEST_DIR/victim" "$BUNDLE/rootfs/out"
  ln -s /oldroot"$TEST_DIR/victim" "$BUNDLE/rootfs/up"
  ln -s /run "$BUNDLE/rootfs/var/run"
  mkdir "$TEST_DIR/data" && ln -s /oldroot"$TEST_DIR/victim" "$TEST_DIR/data/link"
  config '.root.readonly = false | .process.env += ["HOME=/"]
    | .mounts += [{destination: "/out/a", type: "tmpfs"}, {destination: "/up", type: "tmpfs"},
        {destination: "/var/run/b", type: "tmpfs"}, {destination: "/oldroot/c", type: "tmpfs"},
        {destination: "/data", type: "bind", source: $data, options: ["rbind"]},
        {destination: "/data/link/d", type: "bind", source: $data, options: ["rbind"]},
        {destination: "/dev/fd/e", type: "tmpfs"}, {destination: "/fine/f", type: "tmpfs"}]
    | .linux.maskedPaths = ["/up/x", "/etc/passwd"] | .linux.readonlyPaths = ["/out", "/etc"]
    | .process.cwd = "/up"' --arg data "$TEST_DIR/data"
  container_command /bin/sh -c 'cut -d" " -f5 /proc/self/mountinfo; wc -c </etc/passwd; : >/etc/x'
  by_hand
  assert_failure 1
  assert_stderr_has "/etc/x: Read-only file system"
  assert_output_has "/fine/f"
  assert_output_has "/data"
  assert_output_matches $'\n0$'
  local name
  for name in /out /up /var/run /oldroot /dev/fd /data/link; do
    [[ "$output" != *$'\n'"$name"* ]] || show "a mount on $name"
  done
  for name in /mounts/7 /mounts/8 /mounts/9 /mounts/10 /mounts/12 /mounts/13 /linux/maskedPaths/0 \
    /linux/readonlyPaths/0 /process/cwd; do
    grep -q "^plain: $name: " <<<"$losses" || show "nothing of $name: $losses"
  done
  assert_equal "$(find "$TEST_DIR/victim" -mindepth 1)" ""
}

@test "printing the command changes nothing" {
  local before after
  config '.mounts += [{destination: "/made/up", type: "tmpfs"}]'
  before=$(find "$TEST_DIR" -path "$STATE" -prune -o -printf '%p %m %u %T@\n' | grep -v /std | sort)
  plain
  assert_success
  after=$(find "$TEST_DIR" -path "$STATE" -prune -o -printf '%p %m %u %T@\n' | grep -v /std | sort)
  assert_equal "$(grep -v "^$TEST_DIR " <<<"$after")" "$(grep -v "^$TEST_DIR " <<<"$before")"
}

@test "the working directory: one that is there, a mount point, one that is missing" {
  config '.process.cwd = "/etc" | .process.env += ["HOME=/"]'
  container_command /bin/pwd
  by_hand
  assert_output /etc
  ! lost /process/cwd || show "lost"
  config '.process.cwd = "/mnt/t" | .root.readonly = false
    | .mounts += [{destination: "/mnt/t/below", type: "tmpfs"}]'
  by_hand
  assert_output /mnt/t
  config '.process.cwd = "/no/such"'
  by_hand
  assert_output /
  lost /process/cwd
}

@test "a bind of a file, read-only, and of a device" {
  echo outside >"$TEST_DIR/file"
  config '.root.readonly = false
    | .mounts += [{destination: "/etc/deep/file", type: "bind", source: $f, options: ["ro"]}]
    | .linux.devices = [{path: "/dev/other", type: "c", major: 1, minor: 5}]' \
    --arg f "$TEST_DIR/file"
  container_command /bin/sh -c 'cat /etc/deep/file; head -c2 /dev/other | wc -c; echo x >/etc/deep/file'
  by_hand
  assert_failure 1
  assert_stderr_has "Read-only file system"
  assert_output $'outside\n2'
  # the host's node of the same number stands in, whatever its name
  ! lost /linux/devices/0
}

@test "--plain goes with --dry-run, and says what cannot be done at all" {
  run_oci run --plain --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error --dry-run
  config '.mounts += [{destination: "/m", type: "bind", source: "/no/such"}]'
  plain
  assert_failure 1
  assert_one_line_error "/mounts/$(jq '.mounts | length - 1' "$BUNDLE/config.json")/source"
}

@test "--dry-run --json is one object, whose members stay" {
  run_oci run --dry-run --json --bundle "$BUNDLE" "$ID"
  assert_success
  assert_no_stderr
  jq -es 'length == 1 and (.[0]
    | (.bwrap | length > 10 and all (type == "string")) and .userNamespace == "bwrap"
    and (.maps | type == "string") and (.setgroupsDeny | type == "boolean")
    and .hold == false and .noNewPrivileges == true
    and (.uidMap + .gidMap | length > 1 and all (keys == ["containerID", "hostID", "size"]))
    and .joined == [] and (.notes | type == "array")
    and ([.init[].op] | index ("root") < index ("pivot") and .[-1] == "exec")
    and (.init | all ((.pointer, .what | type == "string")
      and (.flags, .numbers, .strings | type == "array"))))' <<<"$output"
}
