#!/usr/bin/env bats
# buildah drives bwrap-oci unmodified: rootless, and as root with its isolation "oci".
# runs as: user and root
# shellcheck shell=bash
load clients

setup_file() {
  make_client_dir
  export XDG_DATA_HOME=$CLIENT_DIR/data XDG_CONFIG_HOME=$CLIENT_DIR/config
  export CONTAINERS_STORAGE_CONF=$CLIENT_DIR/storage.conf CONTAINERS_CONF=$CLIENT_DIR/containers.conf
  export XDG_RUNTIME_DIR=$CLIENT_DIR/run
  mkdir -m 0700 "$XDG_RUNTIME_DIR"
  cat >"$CONTAINERS_STORAGE_CONF" <<CONF
[storage]
driver = "overlay"
graphroot = "$CLIENT_DIR/graph"
rootless_storage_path = "$CLIENT_DIR/graph"
runroot = "$CLIENT_DIR/runroot"
CONF
  printf '[containers]\n%s\n' "$(default_limits nofile nproc)" >"$CONTAINERS_CONF"
  make_rootfs "$CLIENT_DIR/rootfs"
  mkdir "$CLIENT_DIR/volume"
  echo data >"$CLIENT_DIR/volume/file"
  tar --owner=0 --group=0 -C "$CLIENT_DIR/rootfs" -cf "$CLIENT_DIR/root.tar" .
  b from scratch
  expect 0
  client buildah add "$output" "$CLIENT_DIR/root.tar"
  expect 0
  client buildah commit --rm working-container localhost/base
  expect 0
}

teardown_file() {
  [ -n "${CLIENT_DIR:-}" ] || return 0
  buildah rm --all >/dev/null 2>&1 3>&- || true
  if [ "$(id -u)" = 0 ]; then
    umount "$CLIENT_DIR/graph/overlay" 2>/dev/null || true
    rm -rf "$CLIENT_DIR"
  else
    buildah unshare rm -rf "$CLIENT_DIR/graph" 3>&- || true
    remove "$CLIENT_DIR"
  fi
}

# what a network would need is tested by itself
setup() { OPTIONS=(--isolation "$(isolation)" --runtime "$BWRAP_OCI" --network none); }

teardown() {
  b rm --all
  local left
  left=$(find "$XDG_RUNTIME_DIR/bwrap-oci" -mindepth 1 -maxdepth 1 ! -name '.*' 2>/dev/null || true)
  [ -z "$left" ] || { echo "left: $left"; return 1; }
}

isolation() { if [ "$(id -u)" = 0 ]; then echo oci; else echo rootless; fi; }

b() { client buildah "$@"; }

# b_run OPTION... CONTAINER COMMAND...
# b_bud OPTION... DIR
b_run() { b run "${OPTIONS[@]}" "$@"; }
b_bud() { b bud "${OPTIONS[@]}" "$@"; }

container() {
  b from --name c localhost/base
  expect 0
}

@test "run: output and exit status" {
  container
  b_run c sh -c 'echo hello; exit 7'
  expect 7 hello
}

@test "run: what it writes is in the image" {
  container
  b_run c sh -c 'echo made >/made; chown 33:44 /made'
  expect 0
  b commit c localhost/made
  expect 0
  b from --name d localhost/made
  b_run d stat -c '%u %g' /made
  expect 0 '33 44'
}

@test "run: user, volume, environment, working directory" {
  container
  b_run --user 33 --volume "$CLIENT_DIR/volume:/volume:ro,z" --env A=b --workingdir /tmp c \
    sh -c 'id -u; cat /volume/file; echo $A; pwd; touch /volume/x 2>/dev/null || echo read-only'
  expect 0 $'33\ndata\nb\n/tmp\nread-only'
}

# Newer ones give three fewer to begin with.
@test "run: capabilities" {
  container
  b_run --cap-drop CAP_CHOWN c grep CapEff /proc/self/status
  [ "$status" -eq 0 ] && [[ $output == CapEff:?00000000@(a80425|800405)fa ]] || show capabilities
}

@test "run: a program that is not there" {
  container
  b_run c /no/such
  [ "$status" -ne 0 ]
  [[ $stderr == *'no such file or directory'* ]] || show text
}

@test "run --tty" {
  container
  on_pty buildah run "${OPTIONS[@]}" --tty c sh -c 'tty; sleep 0.5; exit 5'
  # and what buildah says of the status
  [ "$status" -eq 5 ] && grep -qx /dev/pts/0 <<<"$output" || show terminal
}

@test "run: standard input" {
  container
  output=$(echo typed | timeout 60 buildah run "${OPTIONS[@]}" c cat 3>&-)
  [ "$output" = typed ]
}

@test "bud: RUN, COPY, USER and what they leave" {
  mkdir -p "$CLIENT_DIR/context"
  echo copied >"$CLIENT_DIR/context/file"
  cat >"$CLIENT_DIR/context/Dockerfile" <<'FILE'
FROM localhost/base
COPY file /file
RUN cat /file >/seen && id -u >>/seen && mkdir -m 0777 /open
USER 33
RUN id -u >/open/user
FILE
  b_bud --tag localhost/built "$CLIENT_DIR/context"
  expect 0
  b from --name c localhost/built
  b_run c sh -c 'cat /seen /open/user'
  expect 0 $'copied\n0\n33'
}

@test "bud: a RUN that fails fails the build" {
  printf 'FROM localhost/base\nRUN exit 9\n' >"$CLIENT_DIR/Dockerfile"
  b_bud --file "$CLIENT_DIR/Dockerfile" "$CLIENT_DIR/volume"
  [ "$status" -ne 0 ]
  [[ $stderr == *'exit status 9'* ]] || show text
}

@test "run: a network of its own, made between create and start" {
  requires user
  [ -r /dev/net/tun ] && [ -w /dev/net/tun ] || skip "machine: /dev/net/tun is root's alone"
  requires slirp4netns
  container
  b_run --network private c ip -o link
  [ "$status" -eq 0 ]
  # slirp4netns calls it tap0, pasta as it is called outside
  [[ $output == *$'\n2: '* ]] || show interfaces
}

@test "bud: network of the host" {
  printf 'FROM localhost/base\nRUN readlink /proc/self/ns/net >/net\n' >"$CLIENT_DIR/Dockerfile"
  b_bud --network host --tag localhost/net \
    --file "$CLIENT_DIR/Dockerfile" "$CLIENT_DIR/volume"
  expect 0
  b from --name c localhost/net
  b_run c cat /net
  expect 0 "$(readlink /proc/self/ns/net)"
}

needs buildah jq python3 ids
