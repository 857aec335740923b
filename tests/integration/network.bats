#!/usr/bin/env bats
# contrib/hooks/network: a network for plain runs, by pasta and by slirp4netns.
# shellcheck shell=bash
load helpers

HOOK=$BATS_TEST_DIRNAME/../../contrib/hooks/network

setup() {
  requires jq python3 user subids
  setup_test
  make_bundle
  mkdir -m 0700 "$TEST_DIR/run"
  # the helpers run as the caller, in his own network
  export XDG_RUNTIME_DIR=$TEST_DIR/run
  PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind (("127.0.0.1", 0)); print (s.getsockname ()[1])')
}

teardown() {
  local file
  if [ -n "${SERVER:-}" ]; then kill "$SERVER"; fi
  teardown_test || return 1
  # poststop has ended the helper and removed its file
  for file in "$TEST_DIR"/run/bwrap-oci-network-*; do
    [ ! -e "$file" ] || { echo "left: $file"; return 1; }
  done
}

# network ARGUMENT...: the container gets one, by the hooks with these arguments.
network() {
  config '.linux.namespaces += [{type: "network"}]
    | .hooks = {createRuntime: [{path: $hook, args: $ARGS.positional, env: $env}],
                poststop: [{path: $hook, args: $ARGS.positional, env: $env}]}' --arg hook "$HOOK" \
    --argjson env "[\"XDG_RUNTIME_DIR=$XDG_RUNTIME_DIR\"]" --args -- network "$@"
}

# serve ADDRESS: a server on PORT that says hello.
serve() {
  python3 -c 'import socket, sys
s = socket.create_server ((sys.argv[1], int (sys.argv[2])))
while True:
  c, _ = s.accept ()
  c.sendall (b"hello from outside\n")
  c.close ()' "$1" "$PORT" 3>&- & SERVER=$!
  wait_until answers "$1"
}
answers() { bash -c "read -r line <>/dev/tcp/$1/$PORT" 2>/dev/null; }

# Before the container's program runs its interface is up, with an address and a way out.
INTERFACE='ip -o -4 addr show scope global | grep -c inet; ip route | grep -c ^default'

has_route() { [ -n "$(ip route show default)" ]; }

@test "pasta: an interface, a route, and what ports are asked for" {
  requires pasta ip
  has_route || skip "machine: no route to take over"
  network -T "$PORT"
  serve 127.0.0.1
  sh_container "$INTERFACE; nc 127.0.0.1 $PORT"
  assert_success
  assert_output $'1\n1\nhello from outside'
}

@test "pasta: a port of the host is one inside" {
  requires pasta ip
  has_route || skip "machine: no route to take over"
  network -t "$PORT:8080"
  container_command /bin/sh -c 'nc -l -p 8080 -e echo hello from inside'
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
  answer() { output=$(timeout 2 bash -c "cat <>/dev/tcp/127.0.0.1/$PORT" 2>/dev/null) && [ -n "$output" ] || [ -n "$output" ]; }
  wait_until answer
  assert_output 'hello from inside'
}

@test "slirp4netns: an interface, a route, the host only where it is asked for" {
  requires slirp4netns ip
  [ -c /dev/net/tun ] || skip "machine: no /dev/net/tun"
  network SLIRP4NETNS
  serve 127.0.0.1
  sh_container "$INTERFACE; nc -w 2 10.0.2.2 $PORT || echo unreachable"
  assert_success
  assert_output $'1\n1\nunreachable'
}

@test "the helper of a container that is killed ends with delete" {
  requires slirp4netns
  [ -c /dev/net/tun ] || skip "machine: no /dev/net/tun"
  network SLIRP4NETNS
  container_command /bin/sleep 1000
  run_oci create --bundle "$BUNDLE" "$ID"
  assert_success
  local helper
  helper=$(<"$XDG_RUNTIME_DIR/bwrap-oci-network-$ID.pid")
  kill -0 "$helper"
  run_oci delete --force "$ID"
  assert_success
  ended() { ! grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$helper/status"; }
  wait_until ended
}

@test "without a namespace of its own, or without a helper, create fails and nothing is left" {
  config '.hooks = {createRuntime: [{path: $hook, args: ["network"]}]}' --arg hook "$HOOK"
  run_container /bin/true
  assert_failure
  assert_one_line_error "the container has no network namespace of its own"
  network --no-such-option
  run_container /bin/true
  assert_failure
  assert_one_line_error "error running createRuntime hook #0: "
}
