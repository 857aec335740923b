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

oci run box </dev/null >out 2>&1 &
runtime=$!
for ((i = 0; i < 600; i++)); do
  state=$(inside systemctl is-system-running 2>/dev/null)
  [[ $state =~ running|degraded ]] && break
  sleep 0.2
done
equal "it is up" "$state" running
equal "no unit has failed" "$(inside systemctl --failed --plain --no-legend)" ""
equal "nginx answers" "$(inside curl --silent http://localhost/ | grep -o '<h1>.*</h1>')" "<h1>Welcome to nginx!</h1>"

# no limit was asked for, and still its units can have some
controllers=$(inside cat /sys/fs/cgroup/cgroup.controllers)
for controller in cpu memory pids; do has "there is the $controller controller" "$controllers" "$controller"; done
equal "a unit of another user with limits" \
  "$(inside systemd-run --quiet --pipe --wait -p User=www-data -p MemoryMax=20M -p TasksMax=7 sh -c \
    'id -un; cd /sys/fs/cgroup/$(cut -d: -f3 /proc/self/cgroup); cat memory.max pids.max')" $'www-data\n20971520\n7'
inside systemd-run --quiet --wait --unit=greedy -p MemoryMax=20M -p MemorySwapMax=0 tail /dev/zero 2>/dev/null
equal "at its limit a unit is killed" "$(inside systemctl show --property Result --value greedy)" oom-kill
equal "exec, while units have controllers" "$(inside echo here)" here

# those of the container as a whole
at=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(oci state box | jq .pid)/cgroup")
at=${at%/init.scope}
oci update --memory 256M --pids-limit 300 box
equal "limits around it" "$(cat "$at"/{memory,pids}.max)" $'268435456\n300'

oci kill box RTMIN+3
wait "$runtime"
equal "a halt ends it with 0" $? 0
equal "without a word" "$(<out)" ""
equal "nothing is left" "$(oci list -q; ls -d "$at" 2>/dev/null)" ""
cd / && "$bin/bwrap-oci" unshare rm -rf "$work"
equal "its files are removed" $? 0
echo "1..$tests"
