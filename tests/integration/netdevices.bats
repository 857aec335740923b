#!/usr/bin/env bats
# Network devices that are moved into a container by the host's root. The network that they come
# from is one of its own, so that nothing here depends on that of the machine.
# runs as: root
# shellcheck shell=bash
load helpers

setup() {
  requires root jq ip nsenter
  setup_test
  make_bundle
  config '.linux.namespaces |= map(select(.type != "user" and .type != "network")) + [{type: "network"}] |
    (.mounts[] | select(.destination == "/sys")) |= {destination, type: "sysfs", source: "sysfs", options: ["ro"]}'
  : >"$TEST_DIR/net"
  unshare --net="$TEST_DIR/net" true
  # all commands are in there
  printf '#!/bin/sh\nexec nsenter --net=%s %s "$@"\n' "$TEST_DIR/net" "$BWRAP_OCI" >"$TEST_DIR/bwrap-oci"
  chmod +x "$TEST_DIR/bwrap-oci"
  REAL=$BWRAP_OCI BWRAP_OCI=$TEST_DIR/bwrap-oci
}

teardown() {
  local network
  BWRAP_OCI=${REAL:-$BWRAP_OCI}
  for network in "$TEST_DIR/net" "$TEST_DIR/other"; do
    [ ! -e "$network" ] || umount "$network" || true
  done
  teardown_test
}

# here COMMAND...: in the network that devices come from.
here() { nsenter --net="$TEST_DIR/net" "$@"; }

# veth NAME: one that is up, with an end called "end", and addresses of every kind.
veth() {
  here ip link add "$1" type veth peer name end || skip "machine: no veth devices"
  here ip link set "$1" mtu 1400 address 02:00:00:00:00:07 up
  here ip link set end up
  here ip addr add 10.1.2.3/24 dev "$1"
  here ip addr add 10.1.2.4/32 dev "$1" scope link
  here ip addr add 10.1.2.5/32 dev "$1" valid_lft 1000 preferred_lft 1000
  here ip addr add 10.2.2.2 peer 10.2.2.3/32 dev "$1"
  here ip addr add fd00::7/64 dev "$1"
}

# addresses NAME: what a device has here; not those that the kernel makes.
addresses() { here ip -o addr show dev "$1" | grep -v ' fe80:' | grep -oE 'inet6? [^ ]+|brd [^ ]+|scope [a-z]+' | sort; }

ended() { ! here ip link show dev end >/dev/null 2>&1; }

@test "linux.netDevices: with its MTU, hardware address and lasting addresses, and up" {
  veth d0
  config '.linux.netDevices = {d0: {}}'
  sh_container 'cat /sys/class/net/d0/mtu /sys/class/net/d0/address
    ip -o link show dev d0 | grep -o "[<,]UP[,>]"; ip -o addr show dev d0 | grep -v fe80: | grep -oE "inet6? [^ ]+( peer [^ ]+)?"'
  assert_success
  assert_no_stderr
  assert_output $'1400\n02:00:00:00:00:07\n,UP,\ninet 10.1.2.3/24\ninet 10.2.2.2 peer 10.2.2.3/32\ninet6 fd00::7/64'
  # a virtual device ends with its network, which the kernel takes down in its own time
  run ! here ip link show dev d0
  wait_until ended
}

@test "linux.netDevices: create, start, and the network it talks to" {
  veth d0
  here ip addr add 10.1.2.1/24 dev end
  config '.linux.netDevices = {d0: {}}'
  container_command sleep 100
  run_oci create --bundle "$BUNDLE" "$ID"
  assert_success
  run ! here ip link show dev d0
  run_oci start "$ID"
  assert_success
  run_oci exec --cap CAP_NET_RAW "$ID" ping -c1 -w5 10.1.2.1
  assert_success
  run_oci delete --force "$ID"
  assert_success
}

@test "linux.netDevices{}.name: another name, or the first number that is free" {
  veth d0
  here ip link add d1 type veth peer name eth0
  here ip link add d2 type veth peer name eth1
  config '.linux.netDevices = {d0: {name: "inner"}, d1: {name: "eth%d"}, d2: {name: "eth%d"}}'
  run_oci check "$BUNDLE"
  assert_output_has "done /linux/netDevices: wait for network devices: d0 as inner, d1 as eth%d, d2 as eth%d"
  sh_container 'cd /sys/class/net && echo *'
  assert_success
  assert_output "eth0 eth1 inner lo"
}

@test "linux.netDevices: of each type that there is" {
  local type
  config '.linux.netDevices = {d0: {name: "d1"}}'
  for type in veth ifb tun tap; do
    case $type in
      t*) here ip tuntap add d0 mode "$type" ;;
      *) here ip link add d0 type "$type" ;;
    esac 2>/dev/null || { echo "# no $type" >&3; continue; }
    run_container /bin/cat /sys/class/net/d1/flags
    assert_success
    # IFF_UP
    [ $((output & 1)) = 1 ] || show "$type is not up"
  done
}

@test "linux.netDevices: there before hooks and kernel parameters that name it" {
  veth d0
  config '.linux.netDevices = {d0: {name: "inner"}} | .linux.sysctl = {"net.ipv4.conf.inner.forwarding": "1"} |
    .hooks = {createContainer: [{path: "/bin/sh", args: ["sh", "-c", $script], env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}]}' \
    --arg script "ip addr show dev inner >$TEST_DIR/hook"
  run_container /bin/cat /proc/sys/net/ipv4/conf/inner/forwarding
  assert_success
  assert_output 1
  grep -q 10.1.2.3/24 "$TEST_DIR/hook"
}

@test "linux.netDevices: into a network that is joined, where it stays" {
  veth d0
  : >"$TEST_DIR/other"
  unshare --net="$TEST_DIR/other" true
  config '(.linux.namespaces[] | select(.type == "network")).path = $path | .linux.netDevices = {d0: {}}' \
    --arg path "$TEST_DIR/other"
  run_container /bin/cat /sys/class/net/d0/mtu
  assert_success
  assert_output 1400
  nsenter --net="$TEST_DIR/other" ip addr show dev d0 | grep -q 'fd00::7/64'
  # what is there is not replaced
  here ip link add d0 type veth peer name other
  run_container /bin/true
  assert_failure 1
  assert_one_line_error 'config.json: /linux/netDevices/d0: fail to move network device: the container has a device "d0" already'
  here ip link show dev d0 | grep -q 'd0@other'
}

@test "linux.netDevices: into a container with a user namespace of its own" {
  veth d0
  config '.linux.namespaces += [{type: "user"}] | .linux.netDevices = {d0: {}} |
    (.linux.uidMappings, .linux.gidMappings) = [{containerID: 0, hostID: 300000, size: 1000}]'
  chown -Rh 300000:300000 "$BUNDLE/rootfs"
  run_container /bin/cat /sys/class/net/d0/mtu
  assert_success
  assert_output 1400
}

@test "linux.netDevices: what cannot be is refused by name, and nothing has happened" {
  local before
  veth d0
  here ip link set dev lo up
  before=$(addresses d0)
  config '.linux.netDevices = {none: {}}'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "config.json: /linux/netDevices/none: link not found for interface none on runtime namespace"
  config '.linux.netDevices = {lo: {name: "outer"}}'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "config.json: /linux/netDevices/lo: fail to move network device: "
  config '.linux.netDevices = {d0: {name: "lo"}}'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error 'config.json: /linux/netDevices/d0: fail to move network device: the container has a device "lo" already'
  config '.linux.netDevices = {d0: {name: "a/b"}}'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error 'config.json: /linux/netDevices/d0/name: invalid network device name "a/b"'
  config '.linux.netDevices = {d0: {name: "x"}, end: {name: "x"}}'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error 'config.json: /linux/netDevices/end: d0 is to have the name "x" as well'
  config '.linux.netDevices = {d0: {}} | (.linux.namespaces[] | select(.type == "network")).path = "/proc/self/ns/net"'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "config.json: /linux/netDevices: unable to move network devices without a NET namespace"
  config 'del(.linux.namespaces[] | select(.type == "network"))'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "config.json: /linux/netDevices: unable to move network devices without a NET namespace"
  assert_equal "$(addresses d0)" "$before"
}

@test "linux.netDevices: a container that does not come about gives them back" {
  local before
  veth d0
  here ip link add d1 type veth peer name end1
  before=$(addresses d0)
  # the other one cannot be moved
  config '.linux.netDevices = {d0: {name: "inner"}, d1: {}, lo: {name: "x"}}'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "config.json: /linux/netDevices/lo: "
  assert_equal "$(addresses d0)" "$before"
  # a hook fails
  config '.linux.netDevices = {d0: {name: "inner"}, d1: {}} | .hooks = {createRuntime: [{path: "/bin/false"}]}'
  run_oci create --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "createRuntime hook"
  assert_equal "$(addresses d0)" "$before"
  here ip -o link show dev d0 | grep -q '[<,]UP[,>].* mtu 1400 '
  here ip -o link show dev end | grep -q '[<,]UP[,>]'
  run ! grep -q '[<,]UP[,>]' <(here ip -o link show dev d1)
  # what has come in its place in there is not it
  config '.hooks = {createContainer: [{path: "/bin/sh", args: ["sh", "-c", $script], env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}]}' \
    --arg script "ip link del inner && ip link add d0 type veth peer name x && touch $TEST_DIR/replaced; false"
  run_oci create --bundle "$BUNDLE" "$ID"
  assert_failure 1
  test -e "$TEST_DIR/replaced"
  run ! here ip link show dev d0
  here ip link show dev d1
  here ip link del d1
  veth d0
  here ip link add d1 type veth peer name end1
  # it is given up while a hook runs
  config '.hooks = {createRuntime: [{path: "/bin/sh", args: ["sh", "-c", $script]}]}' --arg script "touch $TEST_DIR/waiting; sleep 100"
  "$BWRAP_OCI" --root "$STATE" create --bundle "$BUNDLE" "$ID" 2>"$TEST_DIR/stderr" 3>&- &
  wait_until test -e "$TEST_DIR/waiting"
  kill $!
  status=0
  wait $! || status=$?
  assert_failure 1
  assert_equal "$(addresses d0)" "$before"
  # there is no such program, or it is none
  config 'del(.hooks)'
  run_container /bin/none
  assert_failure 1
  assert_equal "$(addresses d0)" "$before"
  head -c 100 /dev/zero >"$BUNDLE/rootfs/bin/none"
  chmod +x "$BUNDLE/rootfs/bin/none"
  run_container /bin/none
  assert_failure
  assert_equal "$(addresses d0)" "$before"
}

@test "linux.netDevices: in the plain mode as well" {
  veth d0
  config '.linux.netDevices = {d0: {}} | .linux.namespaces += [{type: "user"}] | del(.process.capabilities, .linux.resources) |
    (.linux.uidMappings, .linux.gidMappings) = [{containerID: 0, hostID: 0, size: 1}] |
    .linux.readonlyPaths = [] | .linux.maskedPaths = [] | .mounts = [{destination: "/proc", type: "proc", source: "proc"},
      {destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"]}]'
  container_command ip -o link show dev d0
  run_oci run --mode=plain --bundle "$BUNDLE" "$ID"
  assert_success
  assert_output_has " mtu 1400 "
  run_oci run --dry-run --plain --bundle "$BUNDLE" "$ID"
  assert_stderr_has "/linux/netDevices: no device is moved"
}
