#!/usr/bin/env bats
# dockerd drives bwrap-oci unmodified, through containerd. Both are the test's own; where there is no
# dockerd Debian's package is unpacked here, since installing it would start one for the machine.
# runs as: root
# shellcheck shell=bash
# takes: 38 s
load clients

setup_file() {
  make_client_dir
  find_docker || return 0
  # cgroups are named after it: the host has but one tree of them
  export PARENT=/bwrap-oci-${CLIENT_DIR##*.} DOCKER_HOST=unix://$CLIENT_DIR/docker.sock
  export DOCKER_CONFIG=$CLIENT_DIR/client
  start_containerd
  # what an administrator adds, with the program that is tested
  sed "s|/usr/bin/bwrap-oci|$BWRAP_OCI|" "$BATS_TEST_DIRNAME/../../contrib/engines/docker.json" \
    >"$CLIENT_DIR/daemon.json"
  jq -e --arg path "$BWRAP_OCI" '.runtimes["bwrap-oci"].path == $path' "$CLIENT_DIR/daemon.json"
  start_dockerd --config-file "$CLIENT_DIR/daemon.json"
  wait_until answers || without "machine: dockerd does not come up: $(tail -n 1 "$CLIENT_DIR/dockerd.log")" || return 0
  make_rootfs "$CLIENT_DIR/rootfs"
  tar --owner=0 --group=0 -C "$CLIENT_DIR/rootfs" -cf "$CLIENT_DIR/root.tar" .
  d import "$CLIENT_DIR/root.tar" base:1
  expect 0
}

# start_dockerd OPTION...
start_dockerd() {
  dockerd --containerd "$CLIENT_DIR/containerd.sock" --data-root "$CLIENT_DIR/data" \
    --exec-root "$CLIENT_DIR/exec" --pidfile "$CLIENT_DIR/dockerd.pid" --host "$DOCKER_HOST" \
    --exec-opt native.cgroupdriver=cgroupfs --bridge=none --iptables=false --ip6tables=false \
    --cgroup-parent "$PARENT" --default-runtime bwrap-oci "$@" \
    </dev/null >"$CLIENT_DIR/dockerd.log" 2>&1 3>&- &
}
stop_dockerd() {
  local pid
  [ -e "$CLIENT_DIR/dockerd.pid" ] || return 0
  pid=$(<"$CLIENT_DIR/dockerd.pid")
  kill "$pid"
  wait_until is_gone "$pid"
}
is_gone() { ! grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$1/status"; }

# without REASON: no test is run. Returns 1.
without() { export WITHOUT=$1; return 1; }

find_docker() {
  ! command -v dockerd >/dev/null || return 0
  [ "${BWRAP_OCI_TEST_REQUIRE:-}" = all ] || without "dockerd is not installed" || return
  # the client has to be of the same version
  (cd "$CLIENT_DIR" && apt-get download docker.io >apt.log 2>&1 && dpkg -x docker.io_*.deb package) ||
    without "machine: no dockerd, nor can Debian's be fetched: $(tail -n 1 "$CLIENT_DIR/apt.log")" || return
  export PATH=$CLIENT_DIR/package/usr/sbin:$CLIENT_DIR/package/usr/bin:$PATH
}

start_containerd() {
  cat >"$CLIENT_DIR/containerd.toml" <<CONF
version = 2
root = "$CLIENT_DIR/containerd"
state = "$CLIENT_DIR/run"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "$CLIENT_DIR/containerd.sock"
CONF
  containerd --config "$CLIENT_DIR/containerd.toml" >"$CLIENT_DIR/containerd.log" 2>&1 3>&- &
  CONTAINERD=$!
  wait_until test -S "$CLIENT_DIR/containerd.sock"
}

answers() { docker version >/dev/null 2>&1 3>&-; }

teardown_file() {
  [ -n "${CLIENT_DIR:-}" ] || return 0
  stop_dockerd
  [ -z "${CONTAINERD:-}" ] || { kill "$CONTAINERD"; wait "$CONTAINERD" || true; }
  findmnt -rno TARGET | grep -F "$CLIENT_DIR/" | sort -r | xargs -r umount || true
  [ -z "${PARENT:-}" ] || remove_cgroups_of "$PARENT"
  rm -rf "$CLIENT_DIR"
}

setup() { [ -z "${WITHOUT:-}" ] || skip "$WITHOUT"; }

teardown() {
  local left
  [ -z "${WITHOUT:-}" ] || return 0
  docker ps --all --quiet 3>&- | xargs -r docker rm --force >/dev/null 2>&1 3>&-
  left=$(find "$CLIENT_DIR/exec/runtime-bwrap-oci" -mindepth 2 -maxdepth 2 ! -name '.*' 2>/dev/null || true)
  [ -z "$left" ] || { echo "left: $left"; return 1; }
  # what builds keeps its own parent
  rmdir /sys/fs/cgroup{,/*}"$PARENT/buildkit" 2>/dev/null || true
  left=$(cgroups_of "$PARENT/")
  [ -z "$left" ] || { echo "left cgroup: $left"; return 1; }
}

d() { client docker "$@"; }
d_run() { d run --network none "$@"; }

sleeper() {
  d_run --detach --name cc "$@" base:1 sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done'
  expect 0
}

@test "dockerd knows the runtime" {
  d info --format '{{.DefaultRuntime}}'
  expect 0 bwrap-oci
}

@test "run: output and exit status" {
  d_run --rm base:1 sh -c 'echo hello; exit 7'
  expect 7 hello
}

@test "run: a missing program is 127, one that cannot be executed 126" {
  d_run --rm base:1 /no/such
  expect 127
  d_run --rm base:1 /etc
  expect 126
}

@test "run -it, exec -it: terminals" {
  on_pty docker run --network none --rm -it base:1 sh -c 'tty; sleep 0.5; exit 5'
  expect 5 /dev/pts/0
  sleeper
  on_pty docker exec -it cc sh -c 'tty; sleep 0.5; exit 6'
  expect 6 /dev/pts/0
}

@test "run --interactive: standard input" {
  output=$(echo typed | timeout 60 docker run --network none --rm --interactive base:1 cat 3>&-)
  assert_equal "$output" typed
}

@test "exec, top, logs, stop, start, restart, kill, rm" {
  sleeper
  d exec cc sh -c 'echo inside; exit 4'
  expect 4 inside
  d exec cc /no/such
  # 127 by newer clients
  [ "$status" -eq 126 ] || expect 127
  d exec --detach cc sleep 1000
  expect 0
  d top cc
  expect 0
  [[ $output == *'sleep 1000'* ]] || show processes
  d stop cc
  expect 0
  d inspect --format '{{.State.ExitCode}} {{.State.Status}}' cc
  expect 0 '3 exited'
  d start cc
  expect 0
  d restart --time 1 cc
  expect 0
  d kill cc
  expect 0
  d wait cc
  expect 0 137
  d rm cc
  expect 0
}

@test "pause and unpause" {
  sleeper
  d pause cc
  expect 0
  d inspect --format '{{.State.Status}}' cc
  expect 0 paused
  d unpause cc
  expect 0
  d exec cc echo goes on
  expect 0 'goes on'
}

@test "memory, and update" {
  local files
  sleeper --memory 64m --memory-swap 64m
  files=$(find /sys/fs/cgroup -path "*$PARENT/*/memory.limit_in_bytes" -o -path "*$PARENT/*/memory.max")
  [ -n "$files" ] || skip "machine: no memory controller"
  # shellcheck disable=SC2086  # one or more files
  assert_equal "$(cat $files)" 67108864
  d update --memory 128m --memory-swap 128m cc
  expect 0
  # shellcheck disable=SC2086
  assert_equal "$(cat $files)" 134217728
  d stats --no-stream --format '{{.MemUsage}}' cc
  [[ $output == *'128MiB' ]] || show stats
}

@test "user, root, tmpfs, volume, environment, capabilities, limits, device, host name" {
  mkdir "$CLIENT_DIR/volume"
  echo data >"$CLIENT_DIR/volume/file"
  d_run --rm --user 33:44 --read-only --tmpfs /t --volume "$CLIENT_DIR/volume:/v:ro" --env A=b \
    --workdir /tmp --cap-drop all --security-opt no-new-privileges --ulimit nofile=100:100 \
    --device /dev/zero:/dev/nothing --hostname box base:1 sh -c '
      id -u; id -g; touch /x 2>/dev/null || echo read-only; touch /t/x && echo tmpfs; cat /v/file
      echo $A; pwd; grep -E "CapEff|NoNew|Seccomp:" /proc/self/status; ulimit -n
      head -c1 /dev/nothing | wc -c; hostname'
  expect 0 $'33\n44\nread-only\ntmpfs\ndata\nb\n/tmp\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n100\n1\nbox'
}

@test "--init" {
  command -v tini >/dev/null || skip "machine: docker's init is in another package"
  d_run --rm --init base:1 cat /proc/1/comm
  expect 0 docker-init
}

@test "--privileged, --pid, --ipc and --network of others" {
  local show='for name in net ipc pid; do readlink /proc/self/ns/$name; done'
  d_run --rm --privileged base:1 sh -c 'mkdir /m && mount -t tmpfs none /m && echo mounted'
  expect 0 mounted
  sleeper --ipc shareable
  d exec cc sh -c "$show"
  local namespaces=$output
  d run --rm --network container:cc --ipc container:cc --pid container:cc base:1 sh -c "$show"
  expect 0 "$namespaces"
  d run --rm --network host --ipc host --pid host base:1 sh -c "$show"
  expect 0 "$(sh -c "$show")"
}

@test "build with RUN" {
  mkdir -p "$CLIENT_DIR/context"
  printf 'FROM base:1\nRUN echo built >/built && id -u\n' >"$CLIENT_DIR/context/Dockerfile"
  d build --network none --tag built "$CLIENT_DIR/context"
  expect 0
  d_run --rm built cat /built
  expect 0 built
}

# The last one, since it ends the daemon of the others, which daemon.json has told of the runtime.
@test "dockerd --add-runtime" {
  stop_dockerd
  echo '{}' >"$CLIENT_DIR/empty.json"
  start_dockerd --config-file "$CLIENT_DIR/empty.json" --add-runtime "bwrap-oci=$BWRAP_OCI" \
    --add-runtime "other=$BWRAP_OCI"
  wait_until answers
  d_run --rm --runtime other base:1 sh -c 'echo other; exit 3'
  expect 3 other
  d info --format '{{range $name, $_ := .Runtimes}}{{println $name}}{{end}}'
  grep -qx bwrap-oci <<<"$output"
}

needs root containerd jq python3
