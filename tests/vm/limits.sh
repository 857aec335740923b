#!/usr/bin/env bash
# Limits on a machine with systemd and nothing but cgroup v2: as root, and as a user below his own
# systemd. To be run as root in such a (virtual) machine, in a folder with the three programs;
# alice is a user who lingers. Speaks TAP.
# shellcheck disable=SC2016,SC2218  # scripts for the container; oci is another one for each user
set -uo pipefail

bin=$PWD
work=$(mktemp -d /var/tmp/limits.XXXXXX)
chmod 755 "$work"
tests=0
say() { printf '# %s\n' "$@"; }
ok() { tests=$((tests + 1)); echo "ok $tests - $1"; }
skip() { tests=$((tests + 1)); echo "ok $tests - $1 # SKIP machine: $2"; }
not_ok() { tests=$((tests + 1)); echo "not ok $tests - $1"; shift; [ $# = 0 ] || say "$@"; }

# equal NAME GOT EXPECTED
equal() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got: $2" "expected: $3"; fi; }
# has NAME GOT PART
has() { if [[ "$2" == *"$3"* ]]; then ok "$1"; else not_ok "$1" "got: $2" "expected in it: $3"; fi; }

make_bundle() {
  local applet
  mkdir -p "$1"/rootfs/{bin,proc,sys,dev,tmp,etc}
  cp /bin/busybox "$1/rootfs/bin/"
  for applet in sh sleep cat tail head mkdir mknod grep true seq; do ln -s busybox "$1/rootfs/bin/$applet"; done
  chmod -R a+rX "$1"
}

# config EXPRESSION: edits the bundle's configuration.
config() { jq "$@" "$bundle/config.json" >"$bundle/new" && cat "$bundle/new" >"$bundle/config.json"; }
args() { jq '.process.args = $ARGS.positional' "$bundle/config.json" --args -- "$@" >"$bundle/new" && cat "$bundle/new" >"$bundle/config.json"; }

# The file of the running container's cgroup.
pid() { oci state "$1" | jq .pid; }
folder() { echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(pid "$1")/cgroup")"; }
hundredths() { awk '{ sub(/\./, "", $1); print $1 }' /proc/uptime; }
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# limits WHO: what must be the same for everybody. oci runs the program, $bundle is the bundle.
limits() {
  local who=$1 output before since dir
  config '.linux.resources.memory = {limit: 33554432, swap: 33554432}'
  args tail /dev/zero
  oci run --bundle "$bundle" m
  equal "$who: at its limit of memory a program is killed" $? 137

  args sh -c 'sleep 3; tail /dev/zero; sleep 3'
  oci run --detach --bundle "$bundle" e
  output=$(oci events --interval 1s e)
  has "$who: events, out of memory" "$output" '{"type":"oom","id":"e"}'
  if [ "$(head -n 1 <<<"$output" | jq '.data | .cpu.usage.total > 0 and .memory.usage.usage > 0 and .memory.usage.limit == 33554432 and .pids.current > 0')" = true ]
  then ok "$who: events, the statistics"; else not_ok "$who: events, the statistics" "$output"; fi
  oci delete e

  config '.linux.resources = {pids: {limit: 5}}'
  args sh -c 'for i in 1 2 3 4 5 6 7; do sleep 1 & done; :'
  output=$(oci run --bundle "$bundle" p 2>&1)
  has "$who: at its limit of processes none can be started" "$output" "can't fork: Resource temporarily unavailable"

  config '.linux.resources = {cpu: {quota: 20000, period: 100000, shares: 512}, memory: {limit: 67108864, reservation: 1048576}, pids: {limit: 50}}'
  args sh -c 'while :; do :; done'
  oci run --detach --bundle "$bundle" c
  dir=$(folder c)
  equal "$who: CPU quota" "$(<"$dir/cpu.max")" "20000 100000"
  equal "$who: CPU weight" "$(<"$dir/cpu.weight")" 59
  equal "$who: memory" "$(<"$dir/memory.max")" 67108864
  equal "$who: memory that is left to it" "$(<"$dir/memory.low")" 1048576
  equal "$who: processes" "$(<"$dir/pids.max")" 50
  before=$(ticks "$(pid c)") since=$(hundredths)
  [ -n "$before" ] || return 0
  sleep 2
  before=$(($(ticks "$(pid c)") - before)) since=$(($(hundredths) - since))
  # a fifth of the time, whatever that was
  if [ $((before * 3)) -lt "$since" ] && [ $((before * 20)) -gt "$since" ]; then ok "$who: the quota holds ($before ticks in $since)"
  else not_ok "$who: the quota holds" "$before ticks in $since"; fi

  oci pause c
  equal "$who: paused" "$(oci state c | jq -r .status)" paused
  before=$(ticks "$(pid c)")
  sleep 1
  equal "$who: a paused container gets no time" "$(ticks "$(pid c)")" "$before"
  oci exec c true 2>/dev/null
  equal "$who: no exec in a paused container" $? 255
  oci resume c
  equal "$who: running again" "$(oci state c | jq -r .status)" running

  oci update --memory 128M --pids-limit 60 --cpu-quota 50000 c
  equal "$who: update succeeds" $? 0
  equal "$who: update of the memory" "$(<"$dir/memory.max")" 134217728
  equal "$who: update of the processes" "$(<"$dir/pids.max")" 60
  equal "$who: update of the quota keeps the period" "$(<"$dir/cpu.max")" "50000 100000"
  oci update --memory-reservation 2M --cpu-period 40000 --cpu-burst 1000 --cpu-share 2048 c
  equal "$who: update of the others" \
    "$(<"$dir/memory.low") $(<"$dir/cpu.max") $(<"$dir/cpu.max.burst") $(<"$dir/cpu.weight")" "2097152 50000 40000 1000 174"
  has "$who: update of what cgroup v2 does not have" "$(oci update --cpu-rt-runtime 1000 c 2>&1)" \
    "bwrap-oci: options: /cpu/realtimeRuntime: only cgroup v1 has such a limit"
  echo '{"memory":{"limit":1048576,"swap":1048576,"checkBeforeUpdate":false},"pids":{"limit":-1}}' |
    oci update --resources - c
  equal "$who: update by a document" "$(<"$dir/pids.max")" max

  equal "$who: ps" "$(oci ps --format json c)" "[$(pid c)]"
  oci exec --detach --pid-file "$bundle/pid" c sleep 100
  equal "$who: exec is in the container's cgroup" \
    "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(<"$bundle/pid")/cgroup")" "$dir"
  oci kill --all c KILL
  sleep 1
  equal "$who: killed" "$(oci state c | jq -r .status)" stopped
  oci delete c
  if [ -e "$dir" ]; then not_ok "$who: the cgroup is gone"; else ok "$who: the cgroup is gone"; fi
}

# both FILE: what is in it, in the container's cgroup and in that of its scope.
both() { echo "$(<"$dir/$1") $(<"$dir/../$1")"; }

# scopes WHO: the same where systemd makes a scope; manager is the systemctl that is asked.
scopes() {
  local who="$1, in a scope" dir
  config '.linux.cgroupsPath = ":limits:box" | .linux.namespaces |= map (select (.type != "cgroup")) + [{type: "cgroup"}]
    | .mounts += [{destination: "/cgroup", type: "cgroup2", source: "cgroup2", options: []}]
    | .linux.resources = {memory: {limit: 67108864, swap: 67108864, reservation: 1048576},
        cpu: {shares: 512, quota: 20500, period: 50000}, pids: {limit: 5}}'
  args sleep 1000
  oci --systemd-cgroup run --detach --bundle "$bundle" s
  equal "$who: create" $? 0
  dir=$(folder s)
  equal "$who: where" "${dir##*/limits-}" box.scope/container
  equal "$who: memory" "$(both memory.max)" "67108864 67108864"
  equal "$who: swap" "$(both memory.swap.max)" "0 0"
  equal "$who: memory that is left to it" "$(both memory.low)" "1048576 1048576"
  equal "$who: CPU weight" "$(both cpu.weight)" "59 59"
  equal "$who: CPU quota" "$(both cpu.max)" "20500 50000 20500 50000"
  equal "$who: processes" "$(both pids.max)" "5 5"
  # of the quota systemd knows hundredths
  equal "$who: what systemd knows" \
    "$(manager show --value -p MemoryMax -p MemorySwapMax -p MemoryLow -p CPUWeight -p CPUQuotaPerSecUSec -p TasksMax limits-box.scope | sort | xargs)" \
    "0 1048576 410ms 5 59 67108864"
  equal "$who: from inside" "$(oci exec s sh -c 'cat /cgroup/memory.max /cgroup/pids.max; grep ^0: /proc/self/cgroup')" \
    $'67108864\n5\n0::/'
  has "$who: at its limit of processes" "$(oci exec s sh -c 'for i in 1 2 3 4 5 6 7; do sleep 1 & done; :' 2>&1)" \
    "can't fork: Resource temporarily unavailable"
  oci update --memory 32M --memory-swap 32M --pids-limit 40 --cpu-quota 30000 --cpu-share 1024 s
  equal "$who: update" $? 0
  manager daemon-reload
  equal "$who: update, after a reload" \
    "$(both memory.max) $(both pids.max) $(both cpu.max) $(both cpu.weight) $(manager show --value -p MemoryMax limits-box.scope)" \
    "33554432 33554432 40 40 30000 50000 30000 50000 100 100 33554432"
  equal "$who: state, nobody was killed" "$(oci state s | jq .oomKilled)" null
  oci exec s tail /dev/zero
  equal "$who: at its limit of memory a program is killed" $? 137
  equal "$who: state, somebody was killed" "$(oci state s | jq .oomKilled)" true
  has "$who: events --stats" "$(oci events --stats s)" '"limit":33554432'
  oci delete --force s
  equal "$who: the scope is gone" "$(manager show --value -p LoadState limits-box.scope) $(ls -d "$dir/.." 2>/dev/null)" "not-found "
  config '.process.noNewPrivileges = false | .linux.resources = {pids: {limit: 7}, unified: {"memory.high": "50000000", "pids.max": "50"}}'
  oci --systemd-cgroup run --detach --bundle "$bundle" j
  dir=$(folder j)
  equal "$who: who joins, by the names of the files" "${dir##*/limits-} $(both memory.high) $(both pids.max)" \
    "box.scope/container 49999872 49999872 50 50"
  oci delete --force j
  config '.linux.resources = {cpu: {shares: 512, idle: 1}}'
  oci --systemd-cgroup run --detach --bundle "$bundle" i
  dir=$(folder i)
  equal "$who: idle" "$(both cpu.idle) $(manager show --value -p CPUWeight limits-box.scope)" "1 1 idle"
  oci update --cpu-share 512 i
  manager daemon-reload
  equal "$who: idle no longer" "$(both cpu.idle) $(both cpu.weight)" "0 0 59 59"
  oci update --cpu-idle 1 --cpu-share 512 i
  oci update --cpu-idle 0 i
  manager daemon-reload
  equal "$who: idle for a while" "$(both cpu.idle) $(both cpu.weight)" "0 0 100 100"
  oci delete --force i
  config '.annotations = {"run.oci.systemd.subgroup": ""}'
  oci --systemd-cgroup run --detach --bundle "$bundle" n
  equal "$who: exec, without a cgroup below it" "$(oci exec n grep ^0: /proc/self/cgroup) $(basename "$(folder n)")" "0::/ limits-box.scope"
  oci delete --force n
}

# others DRIVER: root's limits of controllers that not every machine has, by either driver.
others() {
  local who="root, $1" dir device option=()
  [ "$1" != scope ] || option=(--systemd-cgroup)
  config '.linux.resources = {} | .linux.cgroupsPath = $path' --arg path "$(if [ "$1" = scope ]; then echo :limits:more; else echo /limits-test/more; fi)"
  args sleep 1000
  device=$(awk '$1 ~ /^[0-9]/ { print $1, $2; exit }' /proc/partitions)
  if has_controller cpuset; then config '.linux.resources.cpu = {cpus: "0", mems: "0"}'; fi
  if has_controller hugetlb; then config '.linux.resources.hugepageLimits = [{pageSize: "2MB", limit: 4194304}]'; fi
  if has_controller io && [ -n "$device" ]; then
    config ".linux.resources.blockIO.throttleReadBpsDevice = [{major: ${device% *}, minor: ${device#* }, rate: 1048576}]"
  fi
  oci "${option[@]}" run --detach --bundle "$bundle" o
  equal "$who: create" $? 0
  dir=$(folder o)
  if has_controller cpuset; then equal "$who: cpuset" "$(<"$dir/cpuset.cpus") $(<"$dir/cpuset.mems")" "0 0"
  else skip "$who: cpuset" "no cpuset controller"; fi
  if has_controller hugetlb; then equal "$who: huge pages" "$(<"$dir/hugetlb.2MB.max")" 4194304
  else skip "$who: huge pages" "no hugetlb controller"; fi
  if has_controller io && [ -n "$device" ]; then has "$who: I/O" "$(<"$dir/io.max")" "${device/ /:} rbps=1048576"
  else skip "$who: I/O" "no io controller, or no disk"; fi
  oci delete --force o
  config '.linux.resources = {rdma: {nosuch0: {hcaHandles: 3}}}'
  has "$who: what cannot be enforced is named" "$(oci "${option[@]}" run --bundle "$bundle" r 2>&1)" \
    "bwrap-oci: config.json: /linux/resources/rdma/nosuch0: "
}
has_controller() { grep -qw "$1" /sys/fs/cgroup/cgroup.controllers; }

# --- root ---------------------------------------------------------------------

bundle=$work/root
mkdir "$bundle"
make_bundle "$bundle"
oci() { "$bin/bwrap-oci" --root "$work/state" "$@"; }
oci spec --bundle "$bundle"
config '.process.terminal = false | .root.readonly = false | .linux.cgroupsPath = "/limits-test/box"'
cp "$bundle/config.json" "$bundle/config.json.orig"
limits root
cp "$bundle/config.json.orig" "$bundle/config.json"

config '.process.capabilities |= map_values (. + ["CAP_MKNOD"])
  | .mounts += [{destination: "/nodes", type: "tmpfs", source: "tmpfs", options: ["dev"]}]
  | .linux.resources.devices += [{allow: true, type: "c", major: 1, minor: 11, access: "w"}]'
args sh -c 'cd /nodes; mknod null c 1 3; mknod port c 1 4; mknod kmsg c 1 11
  for i in null port kmsg; do (: <$i) 2>/dev/null && echo read $i; (: >$i) 2>/dev/null && echo write $i; done; :'
equal "root: rules on devices" "$(oci run --bundle "$bundle" d 2>&1)" $'read null\nwrite null\nwrite kmsg'
cp "$bundle/config.json.orig" "$bundle/config.json"
config '.linux.resources = {unified: {"memory.high": "50000000"}, memory: {swappiness: 5}}'
args true
output=$(oci run --bundle "$bundle" u 2>&1)
equal "root: what cgroup v2 does not have is named" "$output" \
  "bwrap-oci: config.json: /linux/resources/memory/swappiness: only cgroup v1 has such a limit"
cp "$bundle/config.json.orig" "$bundle/config.json"
manager() { systemctl "$@"; }
scopes root
cp "$bundle/config.json.orig" "$bundle/config.json"
config '.process.capabilities |= map_values (. + ["CAP_MKNOD"]) | .linux.cgroupsPath = "" 
  | .mounts += [{destination: "/nodes", type: "tmpfs", source: "tmpfs", options: ["dev"]}]'
args sh -c 'cd /nodes; mknod null c 1 3; mknod port c 1 4
  for i in null port; do (: <$i) 2>/dev/null && echo read $i; done; :'
equal "root, in a scope: rules on devices" "$(oci --systemd-cgroup run --bundle "$bundle" d 2>&1)" "read null"
cp "$bundle/config.json.orig" "$bundle/config.json"
others cgroupfs
others scope
equal "root: nothing is left" "$(find /sys/fs/cgroup -name 'limits-*')" ""

# --- alice --------------------------------------------------------------------

bundle=$work/alice
install -d -o alice "$bundle" "$work/run"
make_bundle "$bundle"
chown -R alice: "$bundle"
mkdir -p /usr/libexec/limits-test
cp "$bin"/bwrap-oci* /usr/libexec/limits-test/
as_alice() { runuser -u alice -- env XDG_RUNTIME_DIR=/run/user/1000 HOME=/home/alice "$@"; }
# A service of alice's in which all her commands are run: what is delegated to her.
as_alice systemd-run --user --quiet --unit box -p Delegate=yes sleep infinity
sleep 1
base=$(as_alice systemctl --user show --property ControlGroup --value box)
as_alice /usr/libexec/limits-test/bwrap-oci spec --rootless --bundle "$bundle"
config '.process.terminal = false | .root.readonly = false | del(.linux.uidMappings, .linux.gidMappings)'
cp "$bundle/config.json" "$bundle/config.json.orig"
# the runuser of a root shell is outside what alice may move from: so root puts her in
oci() {
  sh -c 'echo $$ >"$0/cgroup.procs" 2>/dev/null || echo $$ >"$0/bwrap-oci-supervisor/cgroup.procs" || exit 125
    exec runuser -u alice -- env XDG_RUNTIME_DIR=/run/user/1000 HOME=/home/alice "$@"' \
    "/sys/fs/cgroup$base" /usr/libexec/limits-test/bwrap-oci --root "$work/run/state" "$@"
}
limits alice
cp "$bundle/config.json.orig" "$bundle/config.json"
config ".linux.cgroupsPath = \"$base/path\" | .linux.resources.memory.limit = 33554432"
args tail /dev/zero
oci run --bundle "$bundle" a
equal "alice: by an absolute path" $? 137
config '.linux.cgroupsPath = "/nowhere/path"'
output=$(oci run --bundle "$bundle" n 2>&1)
has "alice: a limit where she may make no cgroup" "$output" \
  "bwrap-oci: config.json: /linux/resources/memory/limit: cgroup /sys/fs/cgroup/nowhere/path: Permission denied"
cp "$bundle/config.json.orig" "$bundle/config.json"
config '.linux.resources.blockIO.weight = 100'
output=$(oci run --bundle "$bundle" i 2>&1)
has "alice: a controller that she was not given" "$output" \
  "bwrap-oci: config.json: /linux/resources/blockIO/weight: there is no io controller"
config '.linux.resources = {pids: {limit: 10}} | .linux.namespaces |= map (select (.type != "cgroup")) + [{type: "cgroup"}]
  | .mounts += [{destination: "/cgroup", type: "cgroup2", source: "cgroup2", options: []}]'
args sh -c 'mkdir /cgroup/a && echo 1 >/cgroup/a/cgroup.procs && echo +memory >/cgroup/cgroup.subtree_control &&
  echo 1000000 >/cgroup/a/memory.max && cat /cgroup/a/memory.max'
equal "alice: limits inside, in a cgroup namespace" "$(oci run --bundle "$bundle" s 2>&1)" 999424

cp "$bundle/config.json.orig" "$bundle/config.json"
# from outside of what her systemd rules over, which has to bring in whoever enters
oci() { as_alice /usr/libexec/limits-test/bwrap-oci --root "$work/run/state" "$@"; }
manager() { as_alice systemctl --user "$@"; }
scopes alice
cp "$bundle/config.json.orig" "$bundle/config.json"
config '.linux.resources.cpu.cpus = "0"'
has "alice, in a scope: a controller that she was not given" "$(oci --systemd-cgroup run --bundle "$bundle" i 2>&1)" \
  "bwrap-oci: config.json: /linux/resources/cpu/cpus: "
equal "alice: nothing is left" "$(find /sys/fs/cgroup -name 'limits-*' -o -name 'bwrap-oci-*.scope')" ""

echo "1..$tests"
