# What only the host's root can have: nodes, schedulers, ids of its own choice.
# shellcheck shell=bash
# runs as: root
load helpers

setup() {
  setup_test
  requires root
  make_bundle
  config '.linux.namespaces |= map(select(.type != "user"))'
}

@test "linux.devices[]: made with mode and owner, also what the host has no node of" {
  config '.linux.devices = [
    {path: "/dev/mine", type: "c", major: 1, minor: 3, fileMode: 416, uid: 12, gid: 34},
    {path: "/dev/sub/none", type: "b", major: 251, minor: 250, fileMode: 25008},
    {path: "/dev/u", type: "u", major: 1, minor: 5},
    {path: "/dev/pipe", type: "p", fileMode: 384, uid: 5, gid: 6}]'
  sh_container 'stat -c "%n %F %t:%T %a %u:%g" /dev/mine /dev/sub/none /dev/u /dev/pipe; echo x >/dev/mine
    head -c2 /dev/u | wc -c'
  assert_success
  assert_output '/dev/mine character special file 1:3 640 12:34
/dev/sub/none block special file fb:fa 660 0:0
/dev/u character special file 1:5 666 0:0
/dev/pipe fifo 0:0 600 5:6
2'
}

@test "the host's own nodes are nobody's to change" {
  local host name
  host=$(stat -c %d /dev/null)
  config '.linux.maskedPaths = ["/etc/passwd"]'
  # modes as they are: a mend that is lost harms no host
  sh_container 'stat -c "%n %a %u:%g %d" /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty
    echo x >/dev/null && echo x >/etc/passwd && chmod 666 /etc/passwd'
  assert_failure 1
  assert_stderr_has "chmod: /etc/passwd: Read-only file system"
  for name in null zero full random urandom tty; do
    assert_output_has "/dev/$name 666 0:0 "
    ! grep -qx "/dev/$name 666 0:0 $host" <<<"$output" || show "$name"
  done
  # where nodes cannot be made, or would stay in the image
  config '.linux.namespaces += [{type: "user"}]
    | .linux.uidMappings = [{containerID: 0, hostID: 0, size: 1}] | .linux.gidMappings = .linux.uidMappings'
  sh_container 'echo x >/dev/null && [ -w /dev/null ] && chmod 666 /dev/null'
  assert_failure 1
  assert_stderr_has "chmod: /dev/null: Read-only file system"
  config 'del(.linux.uidMappings, .linux.gidMappings)
    | .linux.namespaces |= map(select(.type != "user"))
    | .mounts |= map(select(.destination | startswith("/dev") | not))'
  sh_container 'echo x >/dev/null && chmod 666 /dev/null'
  assert_failure 1
  assert_stderr_has "chmod: /dev/null: Read-only file system"
}

@test "linux.devices[]: a file in the way is an error, the device itself is not" {
  mknod "$BUNDLE/rootfs/dev/here" c 1 3
  echo >"$BUNDLE/rootfs/dev/file"
  config '.mounts |= map(select(.destination | startswith("/dev") | not)) |
    .linux.devices = [{path: "/dev/here", type: "c", major: 1, minor: 3}]'
  run_container /bin/stat -c %t:%T /dev/here
  assert_output 1:3
  config '.linux.devices = [{path: "/dev/file", type: "c", major: 251, minor: 250}]'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "config.json: /linux/devices/0"
}

@test "devices, limits, oom score and ids: as with runc" {
  requires runc
  local ours
  config 'del(.process.oomScoreAdj) | .linux.cgroupsPath = "/\($id)" | .process.oomScoreAdj = 321 |
    .process.user = {uid: 33, gid: 34, additionalGids: [35], umask: 23} |
    .process.rlimits = [{type: "RLIMIT_NOFILE", soft: 100, hard: 200}, {type: "RLIMIT_CORE", soft: 0, hard: 7}] |
    .linux.devices = [{path: "/dev/mine", type: "c", major: 1, minor: 3, fileMode: 416, uid: 33, gid: 34},
      {path: "/dev/b", type: "b", major: 7, minor: 0}]' --arg id "$ID"
  container_command /bin/sh -c 'stat -c "%n %F %t:%T %a %u:%g" /dev/mine /dev/b; id; umask; ulimit -Hn; ulimit -Sn
    ulimit -Hc; cat /proc/self/oom_score_adj; grep -E "^(Cap|Seccomp:|NoNew)" /proc/self/status'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_success
  ours=$output
  runc --root "$TEST_DIR/runc" run --bundle "$BUNDLE" "$ID" >"$TEST_DIR/theirs" 2>/dev/null </dev/null 3>&-
  assert_equal "$ours" "$(<"$TEST_DIR/theirs")"
}

@test "mounts[].options: idmap with the map of the user namespace that is joined" {
  make_source
  chown -Rh 300000:300000 "$BUNDLE/rootfs"
  config '.root.readonly = false | .linux.namespaces += [{type: "user"}] |
    (.linux.uidMappings, .linux.gidMappings) = [{containerID: 0, hostID: 300000, size: 3000}]'
  container_command sleep 100
  run_oci run --detach --bundle "$BUNDLE" other
  assert_success
  config '(.linux.namespaces[] | select(.type == "user")) += {path: "/proc/\($pid)/ns/user"} |
    del(.linux.uidMappings, .linux.gidMappings) |
    .mounts += [{destination: "/m", type: "bind", source: $s, options: ["rbind", "idmap"]}]' \
    --arg pid "$(container_pid other)" --arg s "$TEST_DIR/source"
  sh_container 'stat -c "%n %u:%g" /m/0 /m/5 /m/2000; touch /m/new'
  if [[ $stderr == *"map the ids of"*"Invalid argument"* ]]; then skip "machine: its file system has no id-mapped mounts"; fi
  assert_success
  assert_output $'/m/0 0:0\n/m/5 5:5\n/m/2000 2000:2000'
  assert_equal "$(stat -c %u:%g "$TEST_DIR/source/new")" 0:0
}

@test "linux.namespaces[].path: a user namespace, and a network that is not of it" {
  local network privileges
  chown -Rh 300000:300000 "$BUNDLE/rootfs"
  config '.linux.namespaces += [{type: "user"}] |
    (.linux.uidMappings, .linux.gidMappings) = [{containerID: 0, hostID: 300000, size: 3000}]'
  container_command sleep 100
  run_oci run --detach --bundle "$BUNDLE" other
  assert_success
  unshare --net sleep 100 3>&- &
  until [ "$(readlink "/proc/$!/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
  network=$(readlink "/proc/$!/ns/net")
  # sysfs is of the network that it shows
  config 'del(.linux.uidMappings, .linux.gidMappings, .linux.namespaces[] | select(.type? | IN("user", "network"))) |
    del(.mounts[] | select(.type == "sysfs")) |
    .linux.namespaces += [{type: "user", path: "/proc/\($other)/ns/user"}, {type: "network", path: "/proc/\($net)/ns/net"}]' \
    --arg other "$(container_pid other)" --arg net $!
  for privileges in true false; do
    config ".process.noNewPrivileges = $privileges"
    sh_container "readlink /proc/self/ns/user; readlink /proc/self/ns/net"
    assert_success
    assert_output "$(readlink "/proc/$(container_pid other)/ns/user")
$network"
  done
  kill $!
}

@test "linux.uidMappings: without host id 0, as with runc" {
  requires runc
  local ours
  chown -Rh 300000:300000 "$BUNDLE/rootfs"
  config '.linux.namespaces += [{type: "user"}] | .linux.cgroupsPath = "/\($id)" |
    (.linux.uidMappings, .linux.gidMappings) = [{containerID: 0, hostID: 300000, size: 1000}]' --arg id "$ID"
  container_command /bin/sh -c 'cat /proc/self/uid_map /proc/self/gid_map; id -u; touch /tmp/x; stat -c %u /tmp/x /'
  config '.root.readonly = false'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_success
  ours=$output
  assert_equal "$(stat -c %u "$BUNDLE/rootfs/tmp/x")" 300000
  rm "$BUNDLE/rootfs/tmp/x"
  runc --root "$TEST_DIR/runc" run --bundle "$BUNDLE" "$ID" >"$TEST_DIR/theirs" 2>/dev/null </dev/null 3>&-
  assert_equal "$ours" "$(<"$TEST_DIR/theirs")"
}

@test "process.scheduler: priority, flags, runtime, deadline and period" {
  config '.process.scheduler = {policy: "SCHED_RR", priority: 7, flags: ["SCHED_FLAG_RESET_ON_FORK"]}'
  run_container /bin/sh -c 'exec cut -d" " -f40,41 /proc/self/stat'
  assert_success
  assert_output "7 2"
  config '.process.scheduler = {policy: "SCHED_DEADLINE", runtime: 1000000, deadline: 20000000, period: 40000000}'
  run_container /bin/grep -E '^(policy|dl\.runtime|dl\.deadline|dl\.period)' /proc/self/sched
  if [[ $stderr == *"Operation not permitted"* || $stderr == *"Device or resource busy"* ]]; then
    skip "machine: no deadline scheduling: $stderr"
  fi
  assert_success
  [[ $output =~ policy\ *:\ *6 ]]
}

# The cgroup of the container in a v1 hierarchy; limit_is FILE JSON VALUE: what becomes of a limit.
limit_is() {
  local dir
  dir=$(find /sys/fs/cgroup -maxdepth 4 -path "*/$ID/$1" 2>/dev/null | head -n1)
  [ -n "$dir" ] || { echo "no $1"; return 1; }
  assert_equal "$(grep -o "$3" "$dir" | head -n1)" "$3"
}

@test "linux.resources: limits of cgroup v1 that few ask for" {
  [ -e /sys/fs/cgroup/memory/memory.swappiness ] && [ -e /sys/fs/cgroup/blkio ] || skip "machine: no cgroup v1"
  local device
  device=$(stat -c '%Hr:%Lr' "$(findmnt -no SOURCE /)") && [ "$device" != 0:0 ] || skip "machine: no disk"
  config '.linux.cgroupsPath = "/\($id)" | ($d | split(":") | {major: (.[0] | tonumber), minor: (.[1] | tonumber)}) as $disk |
    .linux.resources = {memory: {kernelTCP: 1048576, swappiness: 7, disableOOMKiller: true, limit: 67108864, checkBeforeUpdate: true},
      blockIO: {throttleReadBpsDevice: [$disk + {rate: 1000001}], throttleWriteBpsDevice: [$disk + {rate: 1000002}],
        throttleReadIOPSDevice: [$disk + {rate: 1003}], throttleWriteIOPSDevice: [$disk + {rate: 1004}]}}' \
    --arg id "$ID" --arg d "$device"
  container_command sleep 100
  run_oci run --bundle "$BUNDLE" --detach "$ID"
  assert_success
  limit_is memory.kmem.tcp.limit_in_bytes 1048576
  limit_is memory.swappiness 7
  limit_is memory.oom_control "oom_kill_disable 1"
  limit_is blkio.throttle.read_bps_device "$device 1000001"
  limit_is blkio.throttle.write_bps_device "$device 1000002"
  limit_is blkio.throttle.read_iops_device "$device 1003"
  limit_is blkio.throttle.write_iops_device "$device 1004"
}

@test "linux.resources: what this host has no controller or file for is refused by name" {
  local pointer value
  while read -r pointer value; do
    config ".linux.resources = {} | .linux.cgroupsPath = \"/$ID\" |
      setpath([\"linux\", \"resources\"] + (\"$pointer\"[1:] | split(\"/\")); $value)"
    run_container /bin/true
    [ "$status" = 1 ] || { show "$pointer"; return 1; }
    assert_one_line_error "config.json: /linux/resources$pointer"
  done < <(
    [ -e /sys/fs/cgroup/net_cls ] || echo '/network {"classID":1}'
    [ -e /sys/fs/cgroup/net_prio ] || echo '/network {"priorities":[{"name":"lo","priority":1}]}'
    [ -e /sys/fs/cgroup/rdma ] || echo '/rdma {"mlx5_1":{"hcaHandles":3,"hcaObjects":4}}'
    [ -e /sys/fs/cgroup/blkio/blkio.leaf_weight ] || echo '/blockIO {"leafWeight":10}'
    find /sys/fs/cgroup/blkio/ -maxdepth 2 -name 'blkio.*weight' | grep -q . || {
      echo '/blockIO {"weight":10}'
      echo '/blockIO {"weightDevice":[{"major":1,"minor":1,"weight":20,"leafWeight":30}]}'; }
    [ -e /sys/fs/cgroup/cpu/cpu.idle ] || echo '/cpu {"idle":1}')
}

@test "linux.resources.cpu: realtimeRuntime, realtimePeriod, burst, idle" {
  [ -e /sys/fs/cgroup/cpu/cpu.rt_runtime_us ] || skip "machine: no real-time groups"
  config '.linux.cgroupsPath = "/\($id)" | .linux.resources.cpu = {realtimeRuntime: 0, realtimePeriod: 500000, quota: 20000, burst: 10000}' --arg id "$ID"
  container_command sleep 100
  run_oci run --bundle "$BUNDLE" --detach "$ID"
  assert_success
  limit_is cpu.rt_period_us 500000
  limit_is cpu.rt_runtime_us 0
  limit_is cpu.cfs_burst_us 10000
  run_oci delete --force "$ID"
  config '.linux.resources.cpu = {idle: 1}'
  run_oci run --bundle "$BUNDLE" --detach "$ID"
  assert_success
  limit_is cpu.idle 1
}

# A folder with files of ids 0, 5 and 2000, and another file system below it.
make_source() {
  mkdir -p "$TEST_DIR/source/sub"
  touch "$TEST_DIR/source/0" "$TEST_DIR/source/5" "$TEST_DIR/source/2000"
  chown 5:5 "$TEST_DIR/source/5"
  chown 2000:2000 "$TEST_DIR/source/2000"
  chmod 755 "$TEST_DIR/source"
}

@test "mounts[].uidMappings and gidMappings: an id-mapped mount" {
  make_source
  chown -Rh 300000:300000 "$BUNDLE/rootfs"
  config '.root.readonly = false | .linux.namespaces += [{type: "user"}] |
    (.linux.uidMappings, .linux.gidMappings) = [{containerID: 0, hostID: 300000, size: 3000}] |
    .mounts += [{destination: "/m", type: "bind", source: $s, options: ["rbind"],
      uidMappings: [{containerID: 0, hostID: 300000, size: 10}, {containerID: 2000, hostID: 300100, size: 1}],
      gidMappings: [{containerID: 0, hostID: 300000, size: 10}, {containerID: 2000, hostID: 300200, size: 1}]}]' \
    --arg s "$TEST_DIR/source"
  sh_container 'stat -c "%n %u:%g" /m /m/0 /m/5 /m/2000; touch /m/new'
  if [[ $stderr == *"map the ids of"*"Invalid argument"* ]]; then skip "machine: its file system has no id-mapped mounts"; fi
  assert_success
  assert_output $'/m 0:0\n/m/0 0:0\n/m/5 5:5\n/m/2000 100:200'
  assert_equal "$(stat -c %u:%g "$TEST_DIR/source/new")" 0:0
}

@test "mounts[].options: idmap with the container's own map, ridmap, read-only, and what cannot be" {
  make_source
  chown -Rh 300000:300000 "$BUNDLE/rootfs"
  config '.root.readonly = false | .linux.namespaces += [{type: "user"}] |
    (.linux.uidMappings, .linux.gidMappings) = [{containerID: 0, hostID: 300000, size: 3000}] |
    .mounts += [{destination: "/m", type: "bind", source: $s, options: ["bind", "idmap", "ro"]},
      {destination: "/n", type: "bind", source: $s, options: ["rbind", "ridmap"]}]' --arg s "$TEST_DIR/source"
  sh_container 'stat -c "%n %u:%g" /m/5 /m/2000 /n/5 /n/sub; touch /n/new; touch /m/other'
  if [[ $stderr == *"map the ids of"*"Invalid argument"* ]]; then skip "machine: its file system has no id-mapped mounts"; fi
  assert_failure 1
  assert_output $'/m/5 5:5\n/m/2000 2000:2000\n/n/5 5:5\n/n/sub 0:0'
  assert_stderr_has "/m/other: Read-only file system"
  [ -e "$TEST_DIR/source/new" ]
  config '.mounts[-1] = {destination: "/t", type: "tmpfs", source: "tmpfs", options: ["idmap"]}'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "only ids of bind mounts can be mapped"
  config 'del(.mounts[-1]) | .linux.namespaces |= map(select(.type != "user")) | del(.linux.uidMappings, .linux.gidMappings)'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "idmap needs mappings"
  # procfs has none
  config '.mounts[-1].source = "/proc/sys" | (.mounts[-1] | (.uidMappings, .gidMappings)) = [{containerID: 0, hostID: 5, size: 1}]'
  run_container /bin/true
  assert_failure 1
  assert_stderr_has "map the ids of /proc/sys: Invalid argument"
}
