#!/usr/bin/env bats
# Cgroups as root, in each of the trees that a machine can show: its own, cgroup v1 alone, cgroup v2
# alone (which has few controllers where v1 has them).
# runs as: root
# shellcheck shell=bash
# takes: 47 s
load helpers

setup() {
  requires root jq
  setup_test
  make_rootfs "$BUNDLE/rootfs"
  "$BWRAP_OCI" spec --bundle "$BUNDLE" 3>&-
  config '.process.terminal = false | .root.readonly = false | del(.linux.resources)'
  config ".linux.cgroupsPath = \"/$ID\""
}

teardown() {
  [ -n "${TEST_DIR:-}" ] || return 0
  [ -z "${other:-}" ] || rmdir "$other"
  teardown_test
}

# in_view v1|v2: from now on bwrap-oci sees this tree.
in_view() {
  local change
  case $1 in
    v1)
      [ "$(stat -fc %T /sys/fs/cgroup)" = tmpfs ] || skip "machine: no cgroup v1"
      change="umount $(findmnt -rno TARGET -t cgroup2 | head -n 1) 2>/dev/null; :" ;;
    v2)
      grep -q cgroup2 /proc/filesystems || skip "machine: no cgroup v2"
      change='mount -t cgroup2 none /sys/fs/cgroup' ;;
  esac
  cat >"$TEST_DIR/bwrap-oci" <<SH
#!/bin/sh
exec unshare -m --propagation private sh -c '$change && exec "\$@"' sh $BWRAP_OCI "\$@"
SH
  chmod +x "$TEST_DIR/bwrap-oci"
  BWRAP_OCI=$TEST_DIR/bwrap-oci
}

# folder_of FILE: the folder of the container's cgroup that has it; file FILE: what is in it.
folder_of() {
  local dir
  dir=$(find /sys/fs/cgroup -maxdepth 4 -path "*/$ID/$1" | head -n 1)
  [ -n "$dir" ] && dirname "$dir"
}
file() { cat "$(folder_of "$1")/$1"; }

# has_controller NAME: in cgroup v1 or v2.
has_controller() { is_controller_of_v2 "$1" || grep -qE "^$1[[:space:]]+[1-9]" /proc/cgroups; }
is_controller_of_v2() {
  local at
  at=$(findmnt -rno TARGET -t cgroup2 | head -n 1)
  [ -n "$at" ] && grep -qw "$1" "$at/cgroup.controllers"
}
controllers() {
  local name
  for name; do has_controller "$name" || skip "machine: no $name controller"; done
}
is_v2_alone() { [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; }

start_container() {
  container_command "$@"
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
}

# --- where --------------------------------------------------------------------

@test "a path from the root: in every hierarchy, made and removed" {
  run_container cat /proc/self/cgroup
  assert_success
  assert_equal "$(cut -d: -f3 <<<"$output" | sort -u)" "/$ID"
  assert_equal "$(find /sys/fs/cgroup -name "$ID" | wc -l)" 0
}

@test "a path of several parts: what was made above goes too, what was there stays" {
  config ".linux.cgroupsPath = \"/$ID/a/../b//c/\""
  run_container cat /proc/self/cgroup
  assert_equal "$(cut -d: -f3 <<<"$output" | sort -u)" "/$ID/b/c"
}

@test "a relative path: below the caller's own" {
  config ".linux.cgroupsPath = \"../../$ID\""
  run_container cat /proc/self/cgroup
  assert_success
  assert_equal "$output" "$(sed "s|\(:[^:]*\):\(.*[^/]\)\?/*\$|\1:\2/$ID|" /proc/self/cgroup)"
}

@test "no path and no limit: where the caller is" {
  config 'del(.linux.cgroupsPath)'
  run_container cat /proc/self/cgroup
  assert_output "$(cat /proc/self/cgroup)"
}

@test "no path and a limit: a child of the caller's own" {
  controllers pids
  config 'del(.linux.cgroupsPath) | .linux.resources.pids.limit = 100'
  run_container cat /proc/self/cgroup
  assert_success
  assert_equal "$(sed -n "s|.*/bwrap-oci-$ID\$|in|p" <<<"$output" | sort -u)" in
}

@test "the manager is disabled: no cgroup, no limit" {
  config '.linux.resources.pids.limit = 1'
  container_command cat /proc/self/cgroup
  run_oci --cgroup-manager disabled run --bundle "$BUNDLE" "$ID"
  assert_output "$(cat /proc/self/cgroup)"
}

@test "the container's cgroup namespace begins at its cgroup" {
  config '.linux.namespaces += [{type: "cgroup"}]'
  run_container cat /proc/self/cgroup
  assert_success
  assert_equal "$(cut -d: -f3 <<<"$output" | sort -u)" /
  config '.process.noNewPrivileges = false'
  run_container cat /proc/self/cgroup
  assert_equal "$(cut -d: -f3 <<<"$output" | sort -u)" /
}

@test "slice:prefix:name is a path for systemd only" {
  config ".linux.cgroupsPath = \"user.slice:test:$ID\""
  run_container true
  assert_failure 1
  assert_one_line_error 'config.json: /linux/cgroupsPath: '
  config ".linux.cgroupsPath = \"/$ID\""
  run_oci --systemd-cgroup run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error 'expected cgroupsPath to be of format "slice:prefix:name"'
}

@test "what a create that fails has made is gone" {
  controllers pids
  config ".linux.cgroupsPath = \"/$ID/deep\" | .linux.resources.pids.limit = 100"
  run_container /no/such/program
  assert_failure 1
  assert_equal "$(find /sys/fs/cgroup -name "$ID" | wc -l)" 0
}

@test "killed at any moment of create: delete --force removes everything" {
  local delay
  container_command sleep 100
  for delay in 0.004 0.006 0.008 0.010 0.012 0.014 0.016 0.020 0.025 0.030; do
    timeout -s KILL "$delay" "$BWRAP_OCI" --root "$STATE" create --bundle "$BUNDLE" "$ID" \
      </dev/null >/dev/null 2>&1 3>&- || true
    run_oci delete --force "$ID"
    assert_success
    assert_equal "$(find /sys/fs/cgroup -name "$ID" | wc -l)" 0
    wait_until no_processes
  done
}

# --- whose --------------------------------------------------------------------

@test "a cgroup that was there before is not ours: not paused, not killed, not removed" {
  is_v2_alone || in_view v2
  other=$(findmnt -rno TARGET -t cgroup2 | head -n 1)/$ID
  mkdir "$other"
  sleep 1000 3>&- &
  echo $! >"$other/cgroup.procs"
  start_container sleep 100
  grep -qx "$(container_pid)" "$other/cgroup.procs"
  run_oci exec "$ID" cat /proc/self/cgroup
  assert_output "$(cat "/proc/$(container_pid)/cgroup")"
  run_oci pause "$ID"
  assert_failure 1
  assert_one_line_error 'cannot pause the container without a cgroup'
  run_oci ps --format json "$ID"
  assert_output "[$(container_pid)]"
  run_oci update --pids-limit 5 "$ID"
  assert_failure 1
  assert_one_line_error 'has no cgroup of its own'
  run_oci delete --force "$ID"
  assert_success
  [ "$(ps -o stat= -p $!)" != "" ]
  kill $!
  wait $! || true
  [ -d "$other" ]
}

@test "a frozen cgroup is refused" {
  is_v2_alone || in_view v2
  other=$(findmnt -rno TARGET -t cgroup2 | head -n 1)/$ID
  mkdir "$other"
  echo 1 >"$other/cgroup.freeze"
  run_container true
  assert_failure 1
  assert_one_line_error "/linux/cgroupsPath: cgroup "
  assert_stderr_has "container's cgroup unexpectedly frozen"
}

# --- limits -------------------------------------------------------------------

@test "memory: set, and kept" {
  controllers memory
  config '.linux.resources.memory = {limit: 33554432, reservation: 16777216}'
  start_container sleep 100
  case $(folder_of memory.max) in
    ?*) assert_equal "$(file memory.max)" 33554432
        assert_equal "$(file memory.low)" 16777216 ;;
    *)  assert_equal "$(file memory.limit_in_bytes)" 33554432
        assert_equal "$(file memory.soft_limit_in_bytes)" 16777216 ;;
  esac
  run_oci delete --force "$ID"
  run_container tail /dev/zero
  assert_failure 137
}

@test "memory and swap together" {
  controllers memory
  [ -e /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes ] || is_v2_alone || skip "machine: swap is not counted"
  config '.linux.resources.memory = {limit: 33554432, swap: 67108864}'
  start_container sleep 100
  case $(folder_of memory.swap.max) in
    ?*) assert_equal "$(file memory.swap.max)" 33554432 ;;
    *)  assert_equal "$(file memory.memsw.limit_in_bytes)" 67108864 ;;
  esac
}

@test "processes: set, and kept; one is enough to start with" {
  controllers pids
  config '.linux.resources.pids.limit = 1'
  sh_container 'echo in; sleep 1 & echo out'
  assert_output in
  assert_stderr_has fork
}

@test "CPU time: set, and kept" {
  local used
  controllers cpu
  config '.linux.resources.cpu = {shares: 512, quota: 20000, period: 100000}'
  start_container sh -c 'while :; do :; done'
  case $(folder_of cpu.max) in
    ?*) assert_equal "$(file cpu.max)" "20000 100000"
        assert_equal "$(file cpu.weight)" 59 ;;
    *)  assert_equal "$(file cpu.cfs_quota_us)" 20000
        assert_equal "$(file cpu.shares)" 512 ;;
  esac
  sleep 2
  used=$(awk '{ print $14 + $15 }' "/proc/$(container_pid)/stat")
  # a fifth of two seconds, in clock ticks, and what it got while it started
  [ "$used" -lt $(($(getconf CLK_TCK) * 2 * 2 / 5)) ] || { echo "used $used ticks"; return 1; }
}

@test "CPUs: set, and kept" {
  controllers cpuset
  config '.linux.resources.cpu = {cpus: "0", mems: "0"}'
  run_container grep Cpus_allowed_list /proc/self/status
  assert_success
  assert_equal "${output##*[[:space:]]}" 0
}

@test "no limit is no limit: 0, -1 and empty words" {
  config '.linux.resources = {memory: {limit: 0, swap: -1}, pids: {limit: -1}, cpu: {cpus: "", quota: -1}}'
  run_container true
  assert_success
  assert_no_stderr
}

@test "huge pages: set on what is used and what is reserved" {
  controllers hugetlb
  config '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 4194304}]'
  start_container sleep 100
  case $(folder_of hugetlb.2MB.max) in
    ?*) assert_equal "$(file hugetlb.2MB.max)" 4194304
        assert_equal "$(file hugetlb.2MB.rsvd.max)" 4194304 ;;
    *)  assert_equal "$(file hugetlb.2MB.limit_in_bytes)" 4194304 ;;
  esac
}

@test "files of cgroup v2 by name" {
  is_v2_alone || in_view v2
  is_controller_of_v2 hugetlb || skip "machine: no hugetlb controller"
  config '.linux.resources.unified = {"hugetlb.2MB.max": "2097152"}'
  start_container sleep 100
  assert_equal "$(file hugetlb.2MB.max)" 2097152
  run_oci delete --force "$ID"
  config '.linux.resources.unified = {"nosuch.max": "1"}'
  run_container true
  assert_failure 1
  assert_one_line_error 'config.json: /linux/resources/unified/nosuch.max: '
}

@test "what the kernel refuses is named, with the file" {
  controllers cpu
  config '.linux.resources.cpu.period = 5'
  run_container true
  assert_failure 1
  assert_one_line_error 'config.json: /linux/resources/cpu/period: write '
  assert_stderr_has ': Invalid argument'
}

@test "what there is no controller for is named" {
  in_view v2
  config '.linux.resources.memory.kernel = 1048576'
  run_container true
  assert_failure 1
  assert_one_line_error 'config.json: /linux/resources/memory/kernel: '
  config '.linux.resources = {network: {classID: 5}}'
  run_container true
  assert_one_line_error 'config.json: /linux/resources/network/classID: '
}

# --- devices ------------------------------------------------------------------

try_devices() {
  config '.linux.resources.devices = [{allow: false, access: "rwm"}, {allow: true, type: "c", major: 1, minor: 11, access: "w"}]
    | .mounts += [{destination: "/nodes", type: "tmpfs", source: "tmpfs", options: ["dev"]}]
    | .process.capabilities |= map_values (. + ["CAP_MKNOD"])'
  # shellcheck disable=SC2016
  sh_container 'cd /nodes; mknod null c 1 3; mknod port c 1 4; mknod kmsg c 1 11
    for i in null port kmsg; do (: <$i) 2>/dev/null && echo read $i; (: >$i) 2>/dev/null && echo write $i; done; :'
  assert_success
  assert_output $'read null\nwrite null\nwrite kmsg'
}

@test "rules on devices: of the tree that there is" { try_devices; }
@test "rules on devices: cgroup v1" { in_view v1; try_devices; }
@test "rules on devices: cgroup v2" { in_view v2; try_devices; }

# --- commands -----------------------------------------------------------------

try_pause() {
  start_container sh -c 'while :; do echo x >>/count; sleep 0.01; done'
  run_oci resume "$ID"
  assert_one_line_error 'container not paused'
  run_oci pause "$ID"
  assert_success
  assert_equal "$(container_status)" paused
  local before
  before=$(stat -c %s "$BUNDLE/rootfs/count")
  sleep 0.2
  assert_equal "$(stat -c %s "$BUNDLE/rootfs/count")" "$before"
  run_oci pause "$ID"
  assert_one_line_error 'container not running'
  run_oci exec "$ID" true
  assert_failure 255
  assert_one_line_error 'cannot exec in a paused container'
  run_oci delete "$ID"
  assert_one_line_error 'that is not stopped: paused'
  run_oci resume "$ID"
  assert_success
  assert_equal "$(container_status)" running
  run_oci pause "$ID"
  run_oci kill "$ID" KILL
  assert_success
  wait_until is_status stopped
  run_oci pause "$ID"
  assert_one_line_error 'container not running'
}

@test "pause and resume: of the tree that there is" { try_pause; }
@test "pause and resume: cgroup v1" { in_view v1; try_pause; }
@test "pause and resume: cgroup v2" { in_view v2; try_pause; }

@test "a created container can be paused, and started when it goes on" {
  container_command sleep 100
  run_oci create --bundle "$BUNDLE" "$ID"
  run_oci pause "$ID"
  assert_equal "$(container_status)" paused
  run_oci start "$ID"
  assert_failure 1
  run_oci resume "$ID"
  assert_equal "$(container_status)" created
  run_oci start "$ID"
  assert_success
}

@test "a paused container is removed by force" {
  start_container sleep 100
  run_oci pause "$ID"
  run_oci delete --force "$ID"
  assert_success
}

try_kill_all() {
  # it shares the host's pid namespace: nothing but the cgroup tells whose they are
  config '.linux.namespaces |= map (select (.type != "pid"))'
  # /bin/sleep: some builds of busybox have another in the shell itself
  start_container sh -c 'setsid sleep 1000 & trap : TERM; while :; do /bin/sleep 0.1; done'
  wait_until ps_has 3
  run_oci kill --all "$ID" TERM
  assert_success
  wait_until ps_has 2
  assert_equal "$(container_status)" running
  run_oci kill --all "$ID" KILL
  assert_success
  wait_until is_status stopped
  wait_until no_processes
  run_oci kill --all "$ID" KILL
  assert_success
}
ps_has() { [ "$("$BWRAP_OCI" --root "$STATE" ps -f json "$ID" 3>&- | jq length)" = "$1" ]; }

@test "a signal to all: of the tree that there is" { try_kill_all; }
@test "a signal to all: cgroup v1" { in_view v1; try_kill_all; }

@test "what outlives the first process ends with the container" {
  config '.linux.namespaces |= map (select (.type != "pid"))'
  start_container sh -c 'setsid sleep 1000 & sleep 0.3'
  wait_until is_status stopped
  ps_has 1
  run_oci delete "$ID"
  assert_success
  wait_until no_processes
}

@test "KILL reaches what outlives the first process" {
  config '.linux.namespaces |= map (select (.type != "pid"))'
  start_container sh -c 'setsid sleep 1000 & sleep 0.3'
  wait_until is_status stopped
  run_oci kill "$ID" TERM
  assert_failure 1
  assert_one_line_error 'container not running'
  run_oci kill "$ID" KILL
  assert_success
  wait_until ps_has 0
  run_oci kill "$ID" KILL
  assert_failure 1
  assert_one_line_error 'container not running'
}

@test "ps: as ps(1), with its options, as JSON" {
  start_container sleep 1234
  run_oci ps "$ID"
  assert_success
  assert_output_matches '^UID +PID .*sleep 1234$'
  assert_equal "$(wc -l <<<"$output")" 2
  run_oci ps "$ID" -o pid,args
  assert_output_matches "PID COMMAND.*$(container_pid) sleep 1234\$"
  run_oci ps --format json "$ID"
  assert_output "[$(container_pid)]"
  run_oci kill "$ID" KILL
  wait_until is_status stopped
  run_oci ps "$ID"
  assert_success
  assert_output_matches '^UID +PID [^0-9]*$'
  run_oci ps --format json "$ID"
  assert_success
  assert_output '[]'
}

@test "exec goes into the cgroup" {
  start_container sleep 100
  run_oci exec "$ID" cat /proc/self/cgroup
  assert_equal "$(cut -d: -f3 <<<"$output" | sort -u)" "/$ID"
}

@test "exec --cgroup leads downwards only" {
  start_container sleep 100
  for path in .. a/../../b; do
    run_oci exec --cgroup "$path" "$ID" true
    assert_failure 255
    assert_one_line_error "--cgroup: $path is not a sub cgroup path"
  done
}

@test "a cgroup apart from the caller's: all its CPUs, whatever the caller is bound to" {
  [ "$(nproc)" -gt 1 ] || skip "machine: one CPU"
  all=$(grep Cpus_allowed_list /proc/self/status)
  taskset -pc "$(nproc --all | awk '{ print $1 - 1 }')" $BASHPID >/dev/null
  bound=$(grep Cpus_allowed_list /proc/self/status)
  [ "$bound" != "$all" ]
  run_container grep Cpus_allowed_list /proc/self/status
  assert_output "$all"
  start_container sleep 100
  run_oci exec "$ID" grep Cpus_allowed_list /proc/self/status
  assert_output "$all"
  run_oci delete --force "$ID"
  config ".linux.cgroupsPath = \"$ID\""
  run_container grep Cpus_allowed_list /proc/self/status
  assert_output "$bound"
  start_container sleep 100
  run_oci exec "$ID" grep Cpus_allowed_list /proc/self/status
  assert_output "$bound"
}

@test "update: by options, by file, by standard input" {
  controllers pids memory
  start_container sleep 100
  run_oci update "$ID" --pids-limit 7 --memory=64M
  assert_success
  assert_no_stderr
  assert_equal "$(file pids.max)" 7
  assert_equal "$(file memory.limit_in_bytes 2>/dev/null || file memory.max)" 67108864
  echo '{"pids":{"limit":8}}' >"$TEST_DIR/limits"
  run_oci update --resources "$TEST_DIR/limits" --pids-limit 99 "$ID"
  assert_success
  assert_equal "$(file pids.max)" 8
  RUN_STDIN=$TEST_DIR/limits run_oci update --resources=- "$ID"
  assert_success
  run_oci update --pids-limit -1 --kernel-memory 5M "$ID"
  assert_success
  assert_equal "$(file pids.max)" max
}

@test "update: each option, where this machine has its file" {
  local option value file expected
  start_container sleep 100
  while read -r option value file expected; do
    [ -n "$(folder_of "$file")" ] || continue
    run_oci update "--$option" "$value" "$ID"
    assert_success
    assert_equal "--$option: $(file "$file")" "--$option: $expected"
  done <<'TABLE'
memory 64M memory.limit_in_bytes 67108864
memory 64M memory.max 67108864
memory 64.5M memory.limit_in_bytes 67633152
memory 64.5M memory.max 67633152
memory-swap 96M memory.memsw.limit_in_bytes 100663296
memory-swap 96M memory.swap.max 33030144
memory-reservation 2M memory.soft_limit_in_bytes 2097152
memory-reservation 2M memory.low 2097152
cpu-share 2048 cpu.shares 2048
cpu-share 2048 cpu.weight 174
cpu-period 50000 cpu.cfs_period_us 50000
cpu-period 50000 cpu.max max 50000
cpu-quota 20000 cpu.cfs_quota_us 20000
cpu-quota 20000 cpu.max 20000 50000
cpu-burst 1000 cpu.cfs_burst_us 1000
cpu-burst 1000 cpu.max.burst 1000
cpu-idle 1 cpu.idle 1
cpu-idle 0 cpu.idle 0
cpu-rt-period 500000 cpu.rt_period_us 500000
cpuset-cpus 0 cpuset.cpus 0
cpuset-mems 0 cpuset.mems 0
pids-limit 9 pids.max 9
blkio-weight 200 blkio.bfq.weight 200
blkio-weight 200 io.bfq.weight 200
TABLE
}

@test "update: who is idle has no weight, who asks for a weight is not idle" {
  local weight=cpu.weight usual=100 wanted=174
  start_container sleep 100
  [ -n "$(folder_of cpu.idle)" ] || skip "machine: no cpu controller that knows of it"
  [ -n "$(folder_of $weight)" ] || weight=cpu.shares usual=1024 wanted=2048
  run_oci update --cpu-idle 1 --cpu-share 2048 "$ID"
  assert_success
  assert_equal "$(file cpu.idle)" 1
  run_oci update --cpu-share 2048 "$ID"
  assert_success
  assert_equal "$(file cpu.idle) $(file $weight)" "0 $wanted"
  run_oci update --cpu-idle 0 "$ID"
  assert_success
  assert_equal "$(file cpu.idle) $(file $weight)" "0 $wanted"
  run_oci update --cpu-idle 1 "$ID"
  assert_success
  run_oci update --cpu-idle 0 "$ID"
  assert_success
  assert_equal "$(file cpu.idle) $(file $weight)" "0 $usual"
}

@test "update: what is wrong is named, and nothing is half done with a wrong document" {
  controllers pids memory
  start_container sleep 100
  local wrong
  for wrong in 12x 1.M -1.5 .5M 8388608T; do
    run_oci update --memory "$wrong" "$ID"
    assert_failure 1
    assert_one_line_error 'memory limit: expected a size'
  done
  echo '{"pids":{"limit":"8"}}' >"$TEST_DIR/limits"
  run_oci update -r "$TEST_DIR/limits" "$ID"
  assert_failure 1
  assert_one_line_error '/pids/limit: expected a number'
  echo '{"memory":{"limit":4096,"checkBeforeUpdate":true}}' >"$TEST_DIR/limits"
  run_oci update -r "$TEST_DIR/limits" "$ID"
  assert_failure 1
  assert_one_line_error '/memory/limit: rejecting memory limit 4096 < usage '
  run_oci update --memory 64M "$ID"
  echo '{"memory":{"limit":134217728},"unified":{"cgroup.nosuch":"1"}}' >"$TEST_DIR/limits"
  run_oci update -r "$TEST_DIR/limits" "$ID"
  assert_failure 1
  assert_one_line_error '/unified/cgroup.nosuch: '
  assert_equal "$(file memory.limit_in_bytes 2>/dev/null || file memory.max)" 67108864
  run_oci update --l3-cache-schema x "$ID"
  assert_failure 1
}

@test "update: memory and swap, up and down" {
  controllers memory
  [ -e /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes ] || is_v2_alone || skip "machine: swap is not counted"
  local size
  config '.linux.resources.memory = {limit: 33554432, swap: 33554432}'
  start_container sleep 100
  for size in 64M 128M 32M -1 48M; do
    run_oci update --memory "$size" --memory-swap "$size" "$ID"
    assert_success
  done
}

# stalled TEXT: how long some had to wait, of a file of pressure.
stalled() { sed -n 's/^some .*total=//p' <<<"$1"; }

@test "events: the statistics, once" {
  local before
  controllers pids memory
  config '.linux.resources = {pids: {limit: 50}, memory: {limit: 67108864}}'
  # shellcheck disable=SC2016
  start_container sh -c 'sleep 1000 & i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; wait'
  sleep 0.5
  [ -z "$(folder_of cpu.pressure)" ] || before=$(file cpu.pressure)
  run_oci events --stats "$ID"
  assert_success
  assert_no_stderr
  assert_equal "$(jq -r '[.type, .id, .data.pids.current, .data.pids.limit, .data.memory.usage.limit] | join (" ")' <<<"$output")" \
    "stats $ID 2 50 67108864"
  jq -e '.data.cpu.usage | .total > 0 and .user > 0' <<<"$output"
  jq -e '.data.memory | .usage.usage > 0 and .raw.pgfault > 0' <<<"$output"
  local json=$output
  run_oci events --stats --format table "$ID"
  assert_success
  assert_no_stderr
  assert_output_matches "^EVENT +CPU +MEMORY +LIMIT +READ +WRITTEN +PIDS"$'\n'"stats +[0-9.]+ s +[0-9.]+ [KM]iB +64.0 MiB .* 2 of 50\$"
  output=$json
  jq -e '.data | has ("blkio") and has ("hugetlb") and has ("intel_rdt") and .network_interfaces == null' <<<"$output"
  if [ -n "$(folder_of cpu.pressure)" ]; then
    # it only grows, and one of the two readings may be before the other's
    jq -e --argjson before "$(stalled "$before")" --argjson after "$(stalled "$(file cpu.pressure)")" \
      '.data.cpu.psi.some | .total >= $before and .total <= $after and (.avg10, .avg60, .avg300) >= 0' <<<"$json"
    jq -e '[.data.cpu, .data.memory, .data.blkio | .psi.full.total >= 0] | all' <<<"$json"
  else
    jq -e '[.data.cpu, .data.memory, .data.blkio | has ("psi")] | any | not' <<<"$json"
  fi
  run_oci kill "$ID" KILL
  wait_until is_status stopped
  run_oci events --stats "$ID"
  assert_failure 1
  assert_one_line_error "container with id $ID is not running"
}

@test "events: as they come, until the end" {
  controllers memory
  config '.linux.resources.memory.limit = 33554432'
  start_container sh -c 'sleep 1; tail /dev/zero; sleep 1.5'
  run_oci events --interval 500ms "$ID"
  assert_success
  assert_output_has '{"type":"oom","id":"'"$ID"'"}'
  [ "$(grep -c '"type":"stats"' <<<"$output")" -ge 4 ] || show "too few statistics"
  run_oci events --interval x "$ID"
  assert_failure 1
  assert_one_line_error '--interval: expected a time'
  run_oci events --format x "$ID"
  assert_failure 1
  assert_one_line_error 'expected table or json'
}

@test "cgroups that the container has made go with it" {
  in_view v2
  config '.linux.namespaces += [{type: "cgroup"}] | .mounts |= map (if .type == "cgroup" then .options -= ["ro"] else . end)'
  sh_container 'mkdir -p /sys/fs/cgroup/a/b/c /sys/fs/cgroup/d && ls -d /sys/fs/cgroup/a/b/c'
  assert_success
  assert_output /sys/fs/cgroup/a/b/c
}

@test "a container with ids of its own owns its cgroup, where it may write to it" {
  in_view v2
  config '.linux.namespaces += [{type: "cgroup"}, {type: "user"}]
    | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
    | .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
    | .mounts |= map (if .type == "cgroup" then .options -= ["ro"] else . end)'
  sh_container 'mkdir /sys/fs/cgroup/in && echo 1 >/sys/fs/cgroup/in/cgroup.procs && cat /proc/self/cgroup'
  assert_success
  assert_output_has '0::/in'
}

@test "without a cgroup namespace a mount of type cgroup shows the container's own, of v1" {
  local name
  in_view v1
  # shellcheck disable=SC2016
  sh_container 'cd /sys/fs/cgroup && for i in */cgroup.procs; do echo "$i $(cat $i)"; done; mkdir pids/x'
  assert_output_has 'memory/cgroup.procs 1'
  assert_stderr_has 'Read-only file system'
  for name in cpu devices freezer pids systemd; do assert_output_has "$name/cgroup.procs 1"; done
  config '(.mounts[] | select(.type == "cgroup")).options -= ["ro"]'
  sh_container 'mkdir /sys/fs/cgroup/pids/x'
  assert_success
}

@test "--dry-run says which cgroup and which limits" {
  controllers pids
  config '.linux.resources.pids.limit = 100'
  container_command true
  run_oci run --dry-run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_output_has "/$ID"
  assert_output_has 'limit: pids.max = 100  (/linux/resources/pids/limit)'
  assert_equal "$(find /sys/fs/cgroup -name "$ID" | wc -l)" 0
}
