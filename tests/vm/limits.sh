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
config() { jq "$1" "$bundle/config.json" >"$bundle/new" && cat "$bundle/new" >"$bundle/config.json"; }
args() { jq '.process.args = $ARGS.positional' "$bundle/config.json" --args -- "$@" >"$bundle/new" && cat "$bundle/new" >"$bundle/config.json"; }

# The file of the running container's cgroup.
pid() { oci state "$1" | jq .pid; }
folder() { echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(pid "$1")/cgroup")"; }
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

# limits WHO: what must be the same for everybody. oci runs the program, $bundle is the bundle.
limits() {
  local who=$1 output before dir
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
  equal "$who: CPU weight" "$(<"$dir/cpu.weight")" 20
  equal "$who: memory" "$(<"$dir/memory.max")" 67108864
  equal "$who: memory that is left to it" "$(<"$dir/memory.low")" 1048576
  equal "$who: processes" "$(<"$dir/pids.max")" 50
  before=$(ticks "$(pid c)")
  [ -n "$before" ] || return 0
  sleep 4
  before=$(($(ticks "$(pid c)") - before))
  # a fifth of four seconds
  if [ "$before" -lt 130 ] && [ "$before" -gt 20 ]; then ok "$who: the quota holds ($before ticks in 4 s)"
  else not_ok "$who: the quota holds" "$before ticks in 4 s"; fi

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
equal "root: nothing is left" "$(find /sys/fs/cgroup -name 'limits-test*')" ""

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

echo "1..$tests"
