#!/usr/bin/env bats
# A client of Docker's API at podman's service, which runs bwrap-oci: rootless.
# shellcheck shell=bash
load clients

IMAGE=localhost/bwrap-oci-test:1

setup_file() {
  make_client_dir
  own_podman cgroupfs
  make_rootfs "$CLIENT_DIR/rootfs"
  tar --owner=0 --group=0 -C "$CLIENT_DIR/rootfs" -c . | podman import - "$IMAGE" >/dev/null
  podman system service --time 0 "unix://$CLIENT_DIR/sock" >"$CLIENT_DIR/log" 2>&1 3>&- &
  SERVICE=$!
  wait_until answers || { tail "$CLIENT_DIR/log"; return 1; }
}

answers() { [ "$(curl --silent --unix-socket "$CLIENT_DIR/sock" http://d/_ping 3>&-)" = OK ]; }

teardown_file() {
  [ -n "${CLIENT_DIR:-}" ] || return 0
  [ -z "${SERVICE:-}" ] || { kill "$SERVICE"; wait "$SERVICE" || true; }
  podman rm --all --force --time 0 >/dev/null 2>&1 || true
  podman system migrate >/dev/null 2>&1 || true
  podman unshare rm -rf "$CLIENT_DIR/data" || true
  podman system migrate >/dev/null 2>&1 || true
  remove "$CLIENT_DIR"
}

setup() { :; }
teardown() {
  local id left
  api GET '/containers/json?all=true'
  for id in $(jq -r '.[].Id' <<<"$output"); do api DELETE "/containers/$id?force=true"; done
  left=$(find "$XDG_RUNTIME_DIR/bwrap-oci" -mindepth 1 -maxdepth 1 ! -name '.*' 2>/dev/null || true)
  [ -z "$left" ] || { echo "left: $left"; return 1; }
}

# api METHOD PATH [JSON]: output is the answer, code the status of HTTP.
api() {
  client curl --silent --unix-socket "$CLIENT_DIR/sock" --request "$1" --output "$CLIENT_DIR/answer" \
    --write-out '%{http_code}' ${3:+-H 'Content-Type: application/json' --data "$3"} "http://d/v1.41$2"
  code=$output
  output=$(tr -d '\0' <"$CLIENT_DIR/answer")
  rm -f "$CLIENT_DIR/answer"
}
expect_code() { [ "$status" -eq 0 ] && [ "$code" = "$1" ] || show "expected code $1, got $code"; }

# Of a stream of output, where each piece has a head of eight bytes.
pieces() {
  python3 -c 'import sys
data = open (sys.argv[1], "rb").read ()
while len (data) >= 8:
  size = int.from_bytes (data[4:8], "big")
  sys.stdout.write (data[8:8 + size].decode ())
  data = data[8 + size:]' "$CLIENT_DIR/pieces"
}

# make SCRIPT [JQ-EXPRESSION]: a container that was created; BOX is its id.
make() {
  api POST /containers/create "$(jq -cn --arg image "$IMAGE" --arg script "$1" \
    '{Image: $image, Cmd: ["sh", "-c", $script], HostConfig: {NetworkMode: "none"}}' | jq -c "${2:-.}")"
  expect_code 201
  BOX=$(jq -r .Id <<<"$output")
}
start() { api POST "/containers/$BOX/start"; expect_code 204; }

@test "the service names the runtime" {
  api GET /info
  expect_code 200
  assert_equal "$(jq -r .DefaultRuntime <<<"$output")" bwrap-oci
}

@test "create, start, wait, logs, remove" {
  make 'echo hello; id -u; exit 7'
  api GET "/containers/$BOX/json"
  assert_equal "$(jq -r '.HostConfig.Runtime' <<<"$output") $(jq -r '.State.Status' <<<"$output")" "oci created"
  start
  api POST "/containers/$BOX/wait"
  expect_code 200
  assert_equal "$(jq -r .StatusCode <<<"$output")" 7
  curl --silent --unix-socket "$CLIENT_DIR/sock" --output "$CLIENT_DIR/pieces" \
    "http://d/v1.41/containers/$BOX/logs?stdout=true" 3>&-
  assert_equal "$(pieces)" $'hello\n0'
  api DELETE "/containers/$BOX"
  expect_code 204
}

@test "exec: output and exit status" {
  local exec
  make 'sleep 1000'
  start
  api POST "/containers/$BOX/exec" '{"AttachStdout": true, "AttachStderr": true, "Cmd": ["sh", "-c", "echo inside; exit 4"]}'
  expect_code 201
  exec=$(jq -r .Id <<<"$output")
  curl --silent --unix-socket "$CLIENT_DIR/sock" --output "$CLIENT_DIR/pieces" --request POST \
    -H 'Content-Type: application/json' --data '{"Detach": false, "Tty": false}' "http://d/v1.41/exec/$exec/start" 3>&-
  assert_equal "$(pieces)" inside
  api GET "/exec/$exec/json"
  assert_equal "$(jq -r .ExitCode <<<"$output")" 4
}

@test "top, stop, restart, kill" {
  make 'trap "exit 3" TERM; while :; do sleep 0.1; done'
  start
  api GET "/containers/$BOX/top"
  expect_code 200
  jq -e '[.Processes[][]] | any (contains ("trap"))' <<<"$output" || show processes
  api POST "/containers/$BOX/stop?t=10"
  expect_code 204
  api GET "/containers/$BOX/json"
  assert_equal "$(jq -r .State.ExitCode <<<"$output")" 3
  api POST "/containers/$BOX/restart"
  expect_code 204
  api POST "/containers/$BOX/kill?signal=KILL"
  expect_code 204
  api POST "/containers/$BOX/wait"
  assert_equal "$(jq -r .StatusCode <<<"$output")" 137
}

@test "user, binds, capabilities, read-only root, environment" {
  mkdir "$CLIENT_DIR/volume"
  echo data >"$CLIENT_DIR/volume/file"
  make 'id -u; cat /v/file; touch /x 2>/dev/null || echo read-only; grep CapEff /proc/self/status; echo $A' \
    ".User = \"33:44\" | .Env = [\"A=b\"] | .HostConfig += {Binds: [\"$CLIENT_DIR/volume:/v:ro\"],
      CapDrop: [\"ALL\"], ReadonlyRootfs: true}"
  start
  api POST "/containers/$BOX/wait"
  curl --silent --unix-socket "$CLIENT_DIR/sock" --output "$CLIENT_DIR/pieces" \
    "http://d/v1.41/containers/$BOX/logs?stdout=true&stderr=true" 3>&-
  assert_equal "$(pieces)" $'33\ndata\nread-only\nCapEff:\t0000000000000000\nb'
}

@test "a program that is not there is the client's error, and nothing is left" {
  make '' '.Cmd = ["/no/such"]'
  api POST "/containers/$BOX/start"
  [[ $code == [45]* && $output == *'no such file or directory'* ]] || show text
}

needs podman conmon curl jq python3 user subids
