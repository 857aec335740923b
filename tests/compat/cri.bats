#!/usr/bin/env bats
# Kubernetes' way: containerd's CRI plugin runs pods by a handler named bwrap-oci, which is what a
# RuntimeClass names. The client is cri.py.
# runs as: root
# shellcheck shell=bash
# takes: 66 s
load clients

PAUSE=localhost/pause:1
IMAGE=localhost/base:1

setup_file() {
  make_client_dir
  # cgroups are named after it: the host has but one tree of them
  export PARENT=/bwrap-oci-${CLIENT_DIR##*.} SOCKET=$CLIENT_DIR/sock PYTHONPATH=$CLIENT_DIR
  export PYTHONDONTWRITEBYTECODE=1
  protoc --proto_path "$BATS_TEST_DIRNAME" --python_out "$CLIENT_DIR" cri.proto
  start_containerd
  cri Version
  expect 0
  make_rootfs "$CLIENT_DIR/rootfs"
  IMAGE_COMMAND='["sleep", "100000"]' make_image "$CLIENT_DIR/rootfs" "$CLIENT_DIR/pause.tar" "$PAUSE"
  make_image "$CLIENT_DIR/rootfs" "$CLIENT_DIR/base.tar" "$IMAGE"
  for image in pause base; do
    client ctr -a "$SOCKET" -n k8s.io images import "$CLIENT_DIR/$image.tar"
    expect 0
  done
  # the plugin hears of them by an event
  wait_until images_are_known
}

images_are_known() { cri ListImages && [ "$(jq '[.images[].repo_tags[]] | length' <<<"$output")" = 2 ]; }

start_containerd() {
  mkdir -p "$CLIENT_DIR/net.d"
  cat >"$CLIENT_DIR/net.d/10-test.conflist" <<CONF
{ "cniVersion": "0.4.0", "name": "${CLIENT_DIR##*.}", "plugins": [ { "type": "ptp", "ipMasq": false,
  "ipam": { "type": "host-local", "subnet": "198.18.$((RANDOM % 256)).0/24", "dataDir": "$CLIENT_DIR/ipam" } } ] }
CONF
  # what an administrator adds, with the program that is tested
  sed "s|/usr/bin/bwrap-oci|$BWRAP_OCI|" "$BATS_TEST_DIRNAME/../../contrib/engines/containerd.toml" \
    >"$CLIENT_DIR/added.toml"
  grep -qx "BinaryName = \"$BWRAP_OCI\"" "$CLIENT_DIR/added.toml"
  echo "Root = \"$CLIENT_DIR/state\"" >>"$CLIENT_DIR/added.toml"
  cat - "$CLIENT_DIR/added.toml" >"$CLIENT_DIR/config.toml" <<CONF
version = 2
root = "$CLIENT_DIR/root"
state = "$CLIENT_DIR/run"
[grpc]
address = "$SOCKET"
[plugins."io.containerd.internal.v1.opt"]
path = "$CLIENT_DIR/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "$PAUSE"
restrict_oom_score_adj = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "$CLIENT_DIR/net.d"
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "bwrap-oci"
CONF
  containerd --config "$CLIENT_DIR/config.toml" >"$CLIENT_DIR/log" 2>&1 3>&- &
  CONTAINERD=$!
  wait_until answers || { grep -E "level=(warn|err)" "$CLIENT_DIR/log"; return 1; }
}
answers() { python3 "$BATS_TEST_DIRNAME/cri.py" "$SOCKET" Version >/dev/null 2>&1 3>&-; }

teardown_file() {
  [ -n "${CLIENT_DIR:-}" ] || return 0
  [ -z "${CONTAINERD:-}" ] || { kill "$CONTAINERD"; wait "$CONTAINERD" || true; }
  findmnt -rno TARGET | grep -F "$CLIENT_DIR/" | sort -r | xargs -r umount || true
  [ -z "${PARENT:-}" ] || remove_cgroups_of "$PARENT"
  rm -rf "$CLIENT_DIR"
}

setup() { :; }

teardown() {
  local left
  cri remove
  expect 0
  left=$(find "$CLIENT_DIR/state" -mindepth 2 -maxdepth 2 ! -name '.*' 2>/dev/null || true)
  [ -z "$left" ] || { echo "left: $left"; return 1; }
  left=$(cgroups_of "$PARENT/")
  [ -z "$left" ] || { echo "left cgroup: $left"; return 1; }
}

# cri METHOD [JSON]
cri() { client python3 "$BATS_TEST_DIRNAME/cri.py" "$SOCKET" "$@"; }

# pod [JQ-EXPRESSION]: a pod by our handler; POD is its id, pod_config what it was asked to be.
pod() {
  pod_config=$(jq -cn --arg parent "$PARENT" --arg logs "$(logs)" '{metadata: {name: "pod", uid: "u1",
    namespace: "default", attempt: 0}, hostname: "podhost", log_directory: $logs, linux: {cgroup_parent: $parent}}' |
    jq -c "${1:-.}")
  cri RunPodSandbox "$(jq -cn --argjson config "$pod_config" '{config: $config, runtime_handler: "bwrap-oci"}')"
  expect 0
  POD=$(jq -r .pod_sandbox_id <<<"$output")
}

# container NAME SCRIPT [JQ-EXPRESSION]: one in the pod, started; CONTAINER is its id.
container() {
  local config
  config=$(jq -cn --arg name "$1" --arg image "$IMAGE" --arg script "$2" '{metadata: {name: $name},
    image: {image: $image}, command: ["sh", "-c", $script], log_path: ($name + ".log"), linux: {}}' |
    jq -c "${3:-.}")
  cri CreateContainer "$(jq -cn --arg pod "$POD" --argjson config "$config" --argjson sandbox "$pod_config" \
    '{pod_sandbox_id: $pod, config: $config, sandbox_config: $sandbox}')"
  expect 0
  CONTAINER=$(jq -r .container_id <<<"$output")
  cri StartContainer "{\"container_id\": \"$CONTAINER\"}"
}

container_is() {
  cri ContainerStatus "{\"container_id\": \"$CONTAINER\"}"
  [ "$(jq -r '"\(.status.state // "CONTAINER_CREATED") \(.status.exit_code // 0)"' <<<"$output")" = "$1" ]
}

# What the container wrote, as the kubelet keeps it: time, stream and a mark before each line.
log_of() { cut -d' ' -f4- "$(logs)/$1.log"; }
logs() { echo "$CLIENT_DIR/logs-$BATS_TEST_NUMBER"; }

inside() { cri ExecSync "$(jq -cn --arg id "$CONTAINER" '{container_id: $id, cmd: $ARGS.positional}' --args -- "$@")"; }

@test "a pod runs by the handler that a RuntimeClass names" {
  pod
  cri PodSandboxStatus "{\"pod_sandbox_id\": \"$POD\"}"
  expect 0
  assert_equal "$(jq -r .status.runtime_handler <<<"$output")" bwrap-oci
  [ -d "$CLIENT_DIR/state/k8s.io/$POD" ]
}

@test "a container: output, exit status, log" {
  pod
  container one 'echo out; echo err >&2; hostname; exit 7'
  expect 0
  wait_until container_is "EXITED 7"
  assert_equal "$(log_of one | sort | xargs)" "err out podhost"
}

@test "a program that is not there" {
  pod
  container one '' '.command = ["/no/such"]'
  [ "$status" -ne 0 ]
  [[ $stderr == *'no such file or directory'* ]] || show text
}

@test "two containers of a pod share its network, its IPC and its host name, not their processes" {
  local namespaces='for name in net ipc uts pid mnt; do readlink /proc/self/ns/$name; done' first
  pod
  container one 'sleep 1000'
  expect 0
  inside sh -c "$namespaces"
  first=$output
  container two 'sleep 1000'
  expect 0
  inside sh -c "$namespaces"
  assert_equal "$(head -n 3 <<<"$output")" "$(head -n 3 <<<"$first")"
  [ "$(tail -n 2 <<<"$output" | sort)" != "$(tail -n 2 <<<"$first" | sort)" ]
}

@test "a shared pid namespace" {
  pod '.linux.security_context.namespace_options.pid = "POD"'
  container one 'sleep 1000' '.linux.security_context.namespace_options.pid = "POD"'
  expect 0
  inside cat /proc/1/cmdline
  expect 0 sleep100000
}

@test "exec: output, exit status, and by the streaming server with and without a terminal" {
  pod
  container one 'sleep 1000'
  expect 0
  inside sh -c 'echo inside; exit 4'
  expect 4 inside
  cri exec "$CONTAINER" sh -c 'echo streamed; exit 5'
  expect 5 streamed
  cri exec "$CONTAINER" tty sh -c 'tty; sleep 0.5; exit 6'
  expect 6
  [[ $output == /dev/pts/* ]] || show terminal
}

@test "port-forward" {
  command -v socat >/dev/null || skip "socat is not installed"
  pod
  container one 'nc -l -p 8080 -e sh -c "read line; echo got \$line"'
  expect 0
  listens() { inside sh -c 'grep -q ":1F90 .* 0A " /proc/net/tcp /proc/net/tcp6'; [ "$status" -eq 0 ]; }
  wait_until listens
  cri forward "$POD" 8080 hello
  expect 0 'got hello'
}

@test "stop asks first, and kills then" {
  pod
  container one 'trap "exit 3" TERM; while :; do sleep 0.1; done'
  expect 0
  cri StopContainer "{\"container_id\": \"$CONTAINER\", \"timeout\": 10}"
  expect 0
  wait_until container_is "EXITED 3"
  container two 'trap "" TERM; while :; do sleep 0.1; done'
  cri StopContainer "{\"container_id\": \"$CONTAINER\", \"timeout\": 1}"
  expect 0
  wait_until container_is "EXITED 137"
}

@test "user, groups, capabilities, read-only root, mounts, environment, working directory" {
  mkdir -p "$CLIENT_DIR/volume"
  echo data >"$CLIENT_DIR/volume/file"
  pod
  container one 'id -u; id -g; id -G; touch /x 2>/dev/null || echo read-only; cat /v/file; echo $A; pwd
      grep -E "CapBnd|NoNew" /proc/self/status; ls /masked' \
    ".linux.security_context = {run_as_user: {value: 33}, run_as_group: {value: 44},
      supplemental_groups: [55], readonly_rootfs: true, no_new_privs: true, masked_paths: [\"/etc/passwd\"],
      capabilities: {drop_capabilities: [\"ALL\"], add_capabilities: [\"NET_RAW\"]}}
      | .mounts = [{container_path: \"/v\", host_path: \"$CLIENT_DIR/volume\", readonly: true}]
      | .envs = [{key: \"A\", value: \"b\"}] | .working_dir = \"/tmp\"
      | .command[2] |= sub (\"ls /masked\"; \"wc -c </etc/passwd\")"
  expect 0
  wait_until container_is "EXITED 0"
  assert_equal "$(log_of one)" $'33\n44\n44 55\nread-only\ndata\nb\n/tmp\nCapBnd:\t0000000000002000\nNoNewPrivs:\t1\n0'
}

@test "privileged" {
  pod '.linux.security_context.privileged = true'
  container one 'mkdir /m; mount -t tmpfs none /m && echo mounted' '.linux.security_context.privileged = true'
  expect 0
  wait_until container_is "EXITED 0"
  assert_equal "$(log_of one)" mounted
}

@test "memory, and its update" {
  local files
  pod
  container one 'sleep 1000' '.linux.resources.memory_limit_in_bytes = 67108864'
  expect 0
  files=$(find /sys/fs/cgroup -path "*$PARENT/$CONTAINER/memory.limit_in_bytes" -o -path "*$PARENT/$CONTAINER/memory.max")
  [ -n "$files" ] || skip "machine: no memory controller"
  # shellcheck disable=SC2086  # one or more files
  assert_equal "$(cat $files)" 67108864
  cri UpdateContainerResources "{\"container_id\": \"$CONTAINER\", \"linux\": {\"memory_limit_in_bytes\": 134217728}}"
  expect 0
  # shellcheck disable=SC2086
  assert_equal "$(cat $files)" 134217728
}

@test "a pod in the network of the host" {
  pod '.hostname = "" | .linux.security_context.namespace_options.network = "NODE"'
  container one 'readlink /proc/self/ns/net' '.linux.security_context.namespace_options.network = "NODE"'
  expect 0
  wait_until container_is "EXITED 0"
  assert_equal "$(log_of one)" "$(readlink /proc/self/ns/net)"
}

[ -x /usr/lib/cni/ptp ] || let_go "containernetworking-plugins is not installed"
[ -e /usr/lib/python3/dist-packages/grpc ] && [ -e /usr/lib/python3/dist-packages/google/protobuf ] &&
  [ -e /usr/lib/python3/dist-packages/websocket ] ||
  let_go "python3-grpcio, python3-protobuf or python3-websocket is not installed"
needs root containerd ctr jq python3 protoc ip
