#!/usr/bin/env bash
# A whole system with systemd as pid 1 on a machine that has limits to hand down: its own units
# have some, and so has the container. Surroundings as limits.sh; system.tar is the root of a system.
# shellcheck disable=SC2016,SC2031  # scripts for the container
set -uo pipefail

bin=/usr/libexec/system-test
if [ "$(id -u)" = 0 ]; then
  mkdir -p "$bin"
  cp bwrap-oci bwrap-oci-gio bwrap-oci-init system.tar system.sh "$bin/"
  # a service of alice's, in a cgroup that was delegated to her
  exec runuser -u alice -- env XDG_RUNTIME_DIR=/run/user/1000 HOME=/home/alice systemd-run --user --quiet \
    --pipe --wait --collect -p Delegate=yes bash "$bin/system.sh"
fi

work=$(mktemp -d /var/tmp/system.XXXXXX)
chmod 711 "$work"
cd "$work" || exit
tests=0
ok() { tests=$((tests + 1)); echo "ok $tests - system: $1"; }
not_ok() { tests=$((tests + 1)); echo "not ok $tests - system: $1"; shift; printf '# %s\n' "$@"; }
# equal NAME GOT EXPECTED
equal() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got: $2" "expected: $3"; fi; }
has() { if [[ "$2" == *"$3"* ]]; then ok "$1"; else not_ok "$1" "got: $2" "expected in it: $3"; fi; }
oci() { "$bin/bwrap-oci" "$@"; }
inside() { oci exec box "$@" </dev/null; }

mkdir rootfs
# without what nobody looks at here: each file costs time in this machine
oci unshare tar --exclude='./dev/*' --exclude='./usr/share/doc/*' --exclude='./usr/share/locale/*' \
  --exclude='./usr/share/man/*' --exclude='./usr/share/zoneinfo/*' --exclude='./var/lib/dpkg/info/*' \
  --exclude='./usr/share/perl/*' --exclude='./usr/lib/x86_64-linux-gnu/gconv/*' -xpf "$bin/system.tar" -C rootfs
equal "the root is unpacked" $? 0
oci spec --rootless
jq '.process.terminal = false | .process.args = ["/sbin/init"] | .root.readonly = false
  | .mounts |= map (select (.type != "cgroup")) | .linux.namespaces += [{type: "network"}]
  | del (.linux.uidMappings, .linux.gidMappings, .process.rlimits)
  | .process.capabilities |= map_values (["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
    "CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT"])
  | del (.process.capabilities.ambient)' config.json >new && mv new config.json

# comes_up: starts it, and waits until it is up.
comes_up() {
  local i state=
  oci run box </dev/null >out 2>&1 &
  runtime=$!
  for ((i = 0; i < 600; i++)); do
    state=$(inside systemctl is-system-running 2>/dev/null)
    [[ $state =~ running|degraded ]] && break
    sleep 0.2
  done
  equal "$1: it is up" "$state" running
  equal "$1: no unit has failed" "$(inside systemctl --failed --plain --no-legend)" ""
}

# halts NAME
halts() {
  oci kill box RTMIN+3
  wait "$runtime"
  equal "$1: a halt ends it with 0" $? 0
  equal "$1: without a word" "$(<out)" ""
  equal "$1: nothing is left" "$(oci list -q; find /sys/fs/cgroup -name 'bwrap-oci-box*' 2>/dev/null)" ""
}

# limits NAME: what its units can have.
limits() {
  local controllers
  controllers=$(inside cat /sys/fs/cgroup/cgroup.controllers)
  for controller in cpu memory pids; do has "$1: there is the $controller controller" "$controllers" "$controller"; done
  equal "$1: a unit of another user with a limit of memory" \
    "$(inside systemd-run --quiet --pipe --wait -p User=www-data -p MemoryMax=20M -p TasksMax=7 sh -c \
      'id -un; cd /sys/fs/cgroup/$(cut -d: -f3 /proc/self/cgroup); cat memory.max pids.max')" $'www-data\n20971520\n7'
  inside systemd-run --quiet --wait --unit=greedy -p MemoryMax=20M -p MemorySwapMax=0 tail /dev/zero 2>/dev/null
  equal "$1: at its limit a unit is killed" "$(inside systemctl show --property Result --value greedy)" oom-kill
  inside systemctl reset-failed
  equal "$1: exec, while units have controllers" "$(inside echo here)" here
}

comes_up plain
limits plain
equal "nginx answers" "$(inside curl --silent http://localhost/ | grep -o '<h1>.*</h1>')" "<h1>Welcome to nginx!</h1>"
halts plain

# the container's own limit, and what is inside of it; by joining what bwrap holds
jq '.linux.resources = {memory: {limit: 402653184}, pids: {limit: 300}} | del (.process.noNewPrivileges)' \
  config.json >new && mv new config.json
comes_up limited
limits limited
at=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(oci state box | jq .pid)/cgroup")
equal "limited: the container's own limits" "$(cat "${at%/init.scope}"/{memory,pids}.max)" $'402653184\n300'
oci update --memory 256M box
equal "limited: update" "$(<"${at%/init.scope}/memory.max")" 268435456
halts limited

cd / && "$bin/bwrap-oci" unshare rm -rf "$work"
equal "its files are removed" $? 0
echo "1..$tests"
