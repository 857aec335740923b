#!/usr/bin/env bats
# podman drives bwrap-oci unmodified, as root, with a storage and a state of its own.
# runs as: root
# shellcheck shell=bash
# takes: 61 s
load clients
load podman

IMAGE=localhost/bwrap-oci-test:1

setup_file() {
  make_client_dir
  export XDG_RUNTIME_DIR='' CONTAINERS_CONF=$CLIENT_DIR/containers.conf
  export CONTAINERS_STORAGE_CONF=$CLIENT_DIR/storage.conf
  # cgroups are named after it: the host has but one tree of them
  export PARENT=/bwrap-oci-${CLIENT_DIR##*.} NETWORK=bwrap-oci-${CLIENT_DIR##*.}
  cat >"$CONTAINERS_STORAGE_CONF" <<CONF
[storage]
driver = "overlay"
graphroot = "$CLIENT_DIR/graph"
# more than 50 characters are too many for the clean-up
runroot = "$CLIENT_DIR/r"
CONF
  # podman takes the limit of files for processes too; tmp_dir and others are where the clean-up, which
  # is given the root by an option, looks for them
  containers_conf "$CLIENT_DIR/bwrap-oci" \
    "$(default_limits nofile nproc)$(has_controller pids || printf '\npids_limit = 0')" \
    'cgroup_manager = "cgroupfs"' "static_dir = \"$CLIENT_DIR/graph/libpod\"" \
    "volume_path = \"$CLIENT_DIR/volumes\"" "tmp_dir = \"$CLIENT_DIR/tmp\"" \
    "network_config_dir = \"$CLIENT_DIR/networks\"" >"$CONTAINERS_CONF"
  printf '[network]\nnetwork_backend = "netavark"\n' >>"$CONTAINERS_CONF"
  # podman says nothing of --root, and the containers of the host are not ours
  printf '#!/bin/sh\nexec "%s" --root "%s" "$@"\n' "$BWRAP_OCI" "$CLIENT_DIR/state" >"$CLIENT_DIR/bwrap-oci"
  chmod +x "$CLIENT_DIR/bwrap-oci"
  make_rootfs "$CLIENT_DIR/rootfs"
  tar --owner=0 --group=0 -C "$CLIENT_DIR/rootfs" -cf "$CLIENT_DIR/root.tar" .
  p import "$CLIENT_DIR/root.tar" "$IMAGE"
  expect 0
}

teardown_file() {
  [ -n "${CLIENT_DIR:-}" ] || return 0
  p rm --all --force --time 0
  umount "$CLIENT_DIR/graph/overlay" 2>/dev/null || true
  remove_cgroups_of "$PARENT"
  rm -rf "$CLIENT_DIR"
}

setup() { :; }

teardown() {
  local left
  p pod rm --all --force --time 0
  p rm --all --force --time 0
  p network rm "$NETWORK"
  left=$(find "$CLIENT_DIR/state" -mindepth 1 -maxdepth 1 ! -name '.*' 2>/dev/null || true)
  [ -z "$left" ] || { echo "left: $left"; return 1; }
}

p() { client podman "$@"; }
RUN=(podman run --network none --cgroup-parent "${PARENT:-}")

# p_run OPTION... COMMAND...: with a cgroup of ours, and what a network would need left out
p_run() { p run --network none --cgroup-parent "$PARENT" "$@"; }
in_image() { p_run --rm "$IMAGE" "$@"; }

sleeper() {
  p_run -d --name "$1" "${@:2}" "$IMAGE" sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done'
  expect 0
}

# The value of FILE in the container's cgroup: v1's name, then v2's.
limit_of() {
  local id file
  p inspect --format '{{.Id}}' "$1"
  id=$output
  for file in "${@:2}"; do
    find /sys/fs/cgroup -path "*libpod-$id/$file" 2>/dev/null
  done | head -n 1 | xargs -r cat
}

has_controller() {
  grep -qE "^$1[[:space:]]+[1-9]" /proc/cgroups || grep -qw "$1" /sys/fs/cgroup/cgroup.controllers 2>/dev/null
}
controllers() {
  local name
  for name; do has_controller "$name" || skip "machine: no $name controller"; done
}

@test "run: output and exit status" {
  in_image sh -c 'echo hello; exit 7'
  expect 7 hello
}

@test "run: a missing program is 127, one that cannot be executed 126" {
  in_image /no/such
  expect 127
  in_image /etc
  expect 126
}

@test "run: ids are those of the host, and new privileges are allowed" {
  in_image sh -c 'echo $(cat /proc/self/uid_map); grep NoNew /proc/self/status'
  expect 0 $'0 0 4294967295\nNoNewPrivs:\t0'
}

@test "run -d, logs, exec, exec -t, top, stop, rm" {
  sleeper c
  p exec c sh -c 'echo inside; exit 4'
  expect 4 inside
  on_pty podman exec -it c sh -c 'tty; sleep 0.5; exit 6'
  expect 6 /dev/pts/0
  p exec c /no/such
  expect 127
  p exec -d c sleep 1000
  expect 0
  p top c pid args
  expect 0
  [[ $output == *'sleep 1000'* ]] || show processes
  p stop --time 5 c
  expect 0
  p inspect --format '{{.State.ExitCode}} {{.State.Status}}' c
  expect 0 '3 exited'
  p start c
  expect 0
  p kill c
  p wait c
  expect 0 137
  p rm c
  expect 0
}

@test "the cgroup is the one that podman has named, and is gone with the container" {
  local id
  sleeper c
  p inspect --format '{{.Id}}' c
  id=$output
  grep -q "$PARENT/libpod-$id" "/proc/$(podman inspect --format '{{.State.Pid}}' c 3>&-)/cgroup"
  p rm --force --time 0 c
  expect 0
  wait_until no_cgroup "libpod-$id"
}
no_cgroup() { [ -z "$(cgroups_of "$1")" ]; }

@test "cgroups are mounted once, and not to be written to" {
  # shellcheck disable=SC2016  # for the shell inside
  in_image sh -c 'grep -c " /sys/fs/cgroup " /proc/mounts; touch /sys/fs/cgroup/x'
  expect 1 1
}

@test "--memory" {
  controllers memory
  sleeper c --memory 64m
  assert_equal "$(limit_of c memory.limit_in_bytes memory.max)" 67108864
}

@test "--memory: more is not to be had" {
  controllers memory
  p_run --rm --memory 16m --memory-swap 16m "$IMAGE" sh -c 'dd if=/dev/zero of=/dev/null bs=64M count=1'
  expect 137
}

@test "--cpus, --pids-limit" {
  controllers cpu pids
  sleeper c --cpus 0.5 --pids-limit 77
  assert_equal "$(limit_of c pids.max)" 77
  [[ $(limit_of c cpu.cfs_quota_us cpu.max) == 50000* ]]
}

@test "pids: one too many is refused" {
  controllers pids
  p_run --rm --pids-limit 3 "$IMAGE" sh -c '(sleep 1 & sleep 1 & sleep 1 & sleep 1 & wait) 2>&1'
  [ "$status" -ne 0 ] || [[ $output == *fork* ]] || show limit
}

@test "pause and unpause" {
  sleeper c
  p pause c
  expect 0
  p inspect --format '{{.State.Status}}' c
  expect 0 paused
  p exec c true
  [ "$status" -ne 0 ]
  p unpause c
  expect 0
  p exec c echo goes on
  expect 0 'goes on'
}

@test "devices: those of the list, and no other" {
  in_image sh -c 'head -c1 /dev/zero | wc -c; ls /dev'
  [ "$status" -eq 0 ]
  p_run --rm --device /dev/zero:/dev/nothing "$IMAGE" sh -c 'head -c1 /dev/nothing | wc -c'
  expect 0 1
  # rules are kept by the kernel, whatever node there is
  p_run --rm --cap-add mknod "$IMAGE" sh -c 'mknod /disk b 7 0 && head -c1 /disk 2>&1'
  [ "$status" -ne 0 ]
  [[ $output == *'not permitted'* ]] || show rules
}

@test "--uidmap" {
  p_run --rm --uidmap 0:100000:1000 --gidmap 0:100000:1000 "$IMAGE" \
    sh -c 'echo $(cat /proc/self/uid_map); touch /made && stat -c %u /made; id -u'
  expect 0 $'0 100000 1000\n0\n0'
  p_run --rm --uidmap 0:100000:1000 --user 33 "$IMAGE" id -u
  expect 0 33
}

@test "--uidmap: exec, volumes, a terminal" {
  mkdir -p "$CLIENT_DIR/volume"
  chmod 0777 "$CLIENT_DIR/volume"
  sleeper c --uidmap 0:100000:1000 --volume "$CLIENT_DIR/volume:/volume"
  p exec c sh -c 'id -u; touch /volume/made; stat -c %u /volume/made'
  expect 0 $'0\n0'
  assert_equal "$(stat -c %u "$CLIENT_DIR/volume/made")" 100000
  on_pty podman exec -it c tty
  expect 0 /dev/pts/0
}

@test "--privileged" {
  p_run --rm --privileged "$IMAGE" sh -c 'grep Seccomp: /proc/self/status; mkdir /mnt && mount -t tmpfs none /mnt && echo mounted'
  expect 0 $'Seccomp:\t0\nmounted'
}

@test "--read-only, --tmpfs, volumes, --user, --init, --sysctl, --ulimit" {
  mkdir -p "$CLIENT_DIR/volume"
  echo data >"$CLIENT_DIR/volume/file"
  p_run --rm --read-only --tmpfs /t:size=1m --volume "$CLIENT_DIR/volume:/v:ro" --user 33:44 \
    --sysctl net.ipv4.ip_unprivileged_port_start=7 --ulimit nofile=100:100 --ulimit nproc=1024:1024 "$IMAGE" sh -c '
      touch /x 2>/dev/null || echo read-only; touch /t/x && echo tmpfs; cat /v/file
      id -u; id -g; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; ulimit -n'
  expect 0 $'read-only\ntmpfs\ndata\n33\n44\n7\n100'
  requires catatonit
  p_run --rm --init "$IMAGE" cat /proc/1/comm
  expect 0 podman-init
}

@test "pods" {
  local ns
  p pod create --name pod --network none --infra-image "$IMAGE" --infra-command 'sleep 1000' --cgroup-parent "$PARENT"
  expect 0
  p run -d --pod pod --name member "$IMAGE" sleep 100
  expect 0
  for ns in net ipc uts; do
    p exec member readlink "/proc/self/ns/$ns"
    first=$output
    p run --rm --pod pod "$IMAGE" readlink "/proc/self/ns/$ns"
    expect 0 "$first"
  done
}

@test "a published port answers" {
  requires curl
  [ -x /usr/lib/podman/netavark ] || requires netavark
  p network create --disable-dns "$NETWORK"
  [ "$status" -eq 0 ] || skip "machine: no bridge for podman: $stderr"
  p run -d --name web --network "$NETWORK" --cgroup-parent "$PARENT" -p 127.0.0.1::80 "$IMAGE" \
    sh -c 'mkdir /www; echo page >/www/index.html; exec httpd -f -p 80 -h /www'
  [ "$status" -eq 0 ] || {
    [[ $stderr == *netavark* ]] && skip "machine: netavark cannot make a bridge: ${stderr##*netavark: }"
    show run
  }
  p port web 80
  wait_until curl -sf "http://$output/" -o "$CLIENT_DIR/page"
  [ "$(<"$CLIENT_DIR/page")" = page ]
}

@test "build with RUN" {
  mkdir -p "$CLIENT_DIR/context"
  printf 'FROM %s\nRUN echo built >/built && id -u\n' "$IMAGE" >"$CLIENT_DIR/context/Dockerfile"
  p build --network none -t localhost/built "$CLIENT_DIR/context"
  expect 0
  p_run --rm localhost/built cat /built
  expect 0 built
}

@test "--cgroups=disabled" {
  p run --rm --network none --cgroups disabled "$IMAGE" cat /proc/self/cgroup
  expect 0
  [[ $output != *libpod* ]] || show cgroup
}

# --- as a user and as root --------------------------------------------------------

@test "run -it, exec -it: terminals" { podman_terminals; }
@test "attach" { podman_attach; }
@test "--restart" { podman_restart_policy; }
@test "init, then start" { podman_init; }
@test "volumes of every kind" { podman_volumes; }
@test "a file with a seccomp filter" { podman_seccomp_file; }
@test "--sdnotify=container: what is said inside is heard outside" { podman_sdnotify; }
@test "errors of podman itself are 125, an end by KILL is 137" { podman_errors; }
@test "capabilities" { podman_capabilities; }
@test "masked paths" { podman_masked_paths; }
@test "--init, --rootfs, --preserve-fds" { podman_roots_and_descriptors; }
@test "attach, healthcheck, create and start" { podman_healthcheck; }
@test "namespaces of another container" { podman_namespaces; }
@test "hooks from --hooks-dir" { podman_hooks; }

needs root podman conmon jq python3
