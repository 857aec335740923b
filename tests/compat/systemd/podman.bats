#!/usr/bin/env bats
# podman with systemd as the maker of cgroups, and its units, below a systemd --user: see
# tests/compat/podman_systemd.sh.
# shellcheck shell=bash
load ../clients

IMAGE=localhost/bwrap-oci-test:1

setup_file() {
  PODMAN_DIR=$(mktemp -d "$TMPDIR/podman.XXXXXX")
  chmod 0711 "$PODMAN_DIR"
  export PODMAN_DIR CLIENT_DIR=$PODMAN_DIR
  own_podman systemd
  make_rootfs "$PODMAN_DIR/rootfs"
  tar --owner=0 --group=0 -C "$PODMAN_DIR/rootfs" -c . | podman import - "$IMAGE" >/dev/null
}

teardown_file() {
  [ -n "${PODMAN_DIR:-}" ] || return 0
  podman rm --all --force --time 0 >/dev/null 2>&1 || true
  podman system migrate >/dev/null 2>&1 || true
  podman unshare rm -rf "$PODMAN_DIR/data" || true
  podman system migrate >/dev/null 2>&1 || true
  remove "$PODMAN_DIR"
}

setup() { :; }
teardown() {
  podman pod rm --all --force --time 0 >/dev/null 2>&1 || true
  podman rm --all --force --time 0 >/dev/null 2>&1 || true
  wait_until no_scopes || { echo "left: $(scopes)"; return 1; }
}

# podman's warnings about the machine are not ours
p() {
  status=0
  timeout 60 podman "$@" >"$PODMAN_DIR/stdout" 2>"$PODMAN_DIR/stderr" 3>&- || status=$?
  output=$(tr -d '\0' <"$PODMAN_DIR/stdout")
  # shellcheck disable=SC2034  # assertions show it
  stderr=$(<"$PODMAN_DIR/stderr")
}

scopes() { systemctl --user list-units --all --plain --no-legend --full 'libpod-*.scope'; }
no_scopes() { [ -z "$(scopes)" ]; }
cgroup_of() { sed -n 's/^0:://p' "/proc/$1/cgroup"; }
pid_of() { podman inspect --format '{{.State.Pid}}' "$1"; }

@test "run: a scope of the container's own, which goes with it" {
  p run --rm --network none "$IMAGE" grep ^0: /proc/self/cgroup
  assert_success
  assert_output 0::/
  no_scopes
}

@test "detached: exec, pause, stats, top, stop, rm" {
  local id
  p run -d --name c --network none "$IMAGE" sleep 1000
  assert_success
  id=$output
  [[ "$(cgroup_of "$(pid_of c)")" == */user.slice/libpod-$id.scope/container ]] || show "$(cgroup_of "$(pid_of c)")"
  [[ "$(podman inspect --format '{{.State.CgroupPath}}' c)" == */libpod-$id.scope ]]
  p exec c grep ^0: /proc/self/cgroup
  assert_output 0::/
  p pause c
  assert_success
  p ps --all --format '{{.Status}}'
  assert_output_has Paused
  p unpause c
  assert_success
  p stats --no-stream --format '{{.ID}}' c
  assert_success
  [[ "$id" == "$output"* ]]
  p top c pid
  assert_success
  p stop -t 0 c
  assert_success
  p rm c
  assert_success
}

@test "a pod: in its slice" {
  p pod create --name pod
  assert_success
  p run -d --name member --pod pod "$IMAGE" sleep 1000
  assert_success
  [[ "$(cgroup_of "$(pid_of member)")" == */user.slice/user-libpod_pod_*.slice/libpod-*.scope/container ]] ||
    show "$(cgroup_of "$(pid_of member)")"
}

@test "what podman generate systemd writes: start, a restart after the end, stop" {
  local unit=$XDG_RUNTIME_DIR/systemd/user/podman-test.service first
  mkdir -p "$unit.d"
  p create --name u --network none "$IMAGE" sleep 1000
  p generate systemd --new --name u
  assert_success
  printf '%s\n' "$output" >"$unit"
  cat >"$unit.d/test.conf" <<CONF
[Service]
Environment=CONTAINERS_CONF=$CONTAINERS_CONF XDG_DATA_HOME=$XDG_DATA_HOME XDG_CONFIG_HOME=$XDG_CONFIG_HOME
RestartSec=0
CONF
  podman rm u
  systemctl --user daemon-reload
  systemctl --user start podman-test
  assert_equal "$(systemctl --user is-active podman-test)" active
  first=$(pid_of u)
  [ "$first" -gt 0 ]
  kill -KILL "$first"
  wait_until is_restarted "$first"
  systemctl --user stop podman-test
  assert_equal "$(podman ps --all --quiet)" ""
  rm -r "$unit" "$unit.d"
  systemctl --user daemon-reload
}
is_restarted() { [ "$(pid_of u 2>/dev/null || echo 0)" -gt 0 ] && [ "$(pid_of u)" != "$1" ]; }

needs podman conmon user subids systemctl jq
