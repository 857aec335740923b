#!/usr/bin/env bats
# What `atomic install --user` writes works as it is: its probes, its services, its configurations of
# version 0.3.0, and the command lines of all versions of it.
# shellcheck shell=bash
load units

TEMPLATES=$BATS_TEST_DIRNAME/../data/atomic

setup() {
  requires systemctl jq python3 subids
  mkdir -p "$UNITS"
  setup_test
  export HOME=$TEST_DIR/home
  mkdir -m 0711 "$HOME"
  ROOTFS=$TEST_DIR/image
  make_rootfs "$ROOTFS"
  mkdir -p "$ROOTFS/var/run" "$ROOTFS/exports"
  cp "$TEMPLATES/run.sh" "$ROOTFS/usr/bin"
  PID_FILE=$XDG_RUNTIME_DIR/container-$ID.pid
  DEST=$HOME/.containers/atomic/$ID.0
}

teardown() {
  # the state root is the user's own
  "$BWRAP_OCI" delete --force "$ID" 3>&-
  rm -rf "${XDG_RUNTIME_DIR:?}/$ID"
  teardown_units
}

# export_templates [NAME...]: into the image; all, if none is named.
export_templates() {
  local name
  [ $# != 0 ] || set -- service.template config.json.template tmpfiles.template manifest.json
  for name; do cp "$TEMPLATES/$name" "$ROOTFS/exports"; done
}

# install_container [NAME=VALUE...]: as `atomic install --user --name ID`.
install_container() {
  env "$@" python3 "$BATS_TEST_DIRNAME/atomic.py" "$TEMPLATES" "$ROOTFS" "$ID" "$BWRAP_OCI" 3>&-
  # where the manager of these tests looks for units
  cp "$HOME/.config/systemd/user/$ID.service" "$UNITS"
  sd daemon-reload
  [ ! -e "$HOME/.containers/tmpfiles/$ID.conf" ] ||
    systemd-tmpfiles --create "$HOME/.containers/tmpfiles/$ID.conf"
}

installed() { grep -qxF -e "$1" "$UNITS/$ID.service"; }
exists() { "$BWRAP_OCI" state "$ID" >/dev/null 2>&1 3>&-; }
is_up() { [ "$("$BWRAP_OCI" state "$ID" 2>/dev/null 3>&- | jq -r .status)" = running ]; }
first_process() { "$BWRAP_OCI" state "$ID" 3>&- | jq -r .pid; }
is_main_process() { [ "$(property MainPID)" = "$(first_process)" ]; }
inside() { "$BWRAP_OCI" exec "$ID" "$@" </dev/null 3>&-; }

# The service is down, and nothing is left of it.
assert_down() {
  assert_stopped
  ! exists
  [ ! -e "$PID_FILE" ] || show "left: $PID_FILE"
}

# Starts and stops the service twice, and ends its program from outside.
serves_and_restarts() {
  local first
  sd start "$ID"
  wait_until is_up
  is_state active
  first=$(first_process)
  [[ "$(cgroup_of "$first")" == */"$ID.service" ]]
  sd restart "$ID"
  wait_until is_up
  [ "$(first_process)" != "$first" ]
  sd stop "$ID"
  assert_down
}

@test "the probes" {
  cd "$TEST_DIR"
  "$BWRAP_OCI" --version >version 3>&-
  "$BWRAP_OCI" run --help >run-help 3>&-
  "$BWRAP_OCI" --help >help 3>&-
  grep -q -- --pid-file run-help
  grep -q -- --systemd-cgroup help
  grep -q -- --pid-file help
  "$BWRAP_OCI" spec --rootless >spec 3>&-
  [ ! -s spec ]
  jq -e .ociVersion config.json
}

@test "the service with a pid file" {
  export_templates
  install_container
  installed "ExecStart=$BWRAP_OCI  run -d --pid-file $PID_FILE '$ID'"
  installed "ExecStopPost=$BWRAP_OCI delete '$ID'"
  installed "PIDFile=$PID_FILE"
  assert_equal "$(jq -r .ociVersion "$DEST/config.json")" 0.3.0
  sd start "$ID"
  is_state active
  # once the manager has seen that the runtime has ended
  wait_until is_main_process
  assert_equal "$(inside /bin/sh -c 'echo $NAME $RECEIVER $PORT')" "$ID World 8081"
  # its folder of the runtime, and no root file system that can be written
  inside /bin/touch /var/run/here
  [ -e "$XDG_RUNTIME_DIR/$ID/here" ]
  run inside /bin/touch /here
  [ "$status" = 1 ]
  sd stop "$ID"
  assert_down
  serves_and_restarts
}

@test "the service without a pid file" {
  export_templates
  sed -i '/ExecStopPost/d' "$ROOTFS/exports/service.template"
  install_container
  installed "ExecStart=$BWRAP_OCI run '$ID'"
  installed "ExecStop=$BWRAP_OCI kill '$ID'"
  serves_and_restarts
}

@test "an image without templates" {
  install_container
  installed "ExecStart=$BWRAP_OCI  run -d --pid-file $PID_FILE '$ID'"
  installed Restart=on-failure
  assert_equal "$(jq -r '.process.args[0]' "$DEST/config.json")" run.sh
  serves_and_restarts
}

@test "the services of older versions" {
  local version
  for version in old older; do
    install_container SERVICE=$version
    if [ $version = old ]; then installed "ExecStart=$BWRAP_OCI --pid-file='$PID_FILE' --detach run $ID"
    else installed "ExecStart=$BWRAP_OCI '$ID'"; fi
    serves_and_restarts
    rm -rf "${HOME:?}/.containers"
  done
}

@test "a program that fails is started again" {
  export_templates
  # what the sample has there is unknown to systemd
  sed -i s/on-crash/on-failure/ "$ROOTFS/exports/service.template"
  install_container
  sd start "$ID"
  wait_until is_up
  kill -KILL "$(first_process)"
  wait_until is_restarted
  wait_until is_up
  sd stop "$ID"
  assert_down
}

@test "commands in a container, and in one that does not run" {
  export_templates
  install_container
  sd start "$ID"
  wait_until is_up
  assert_equal "$(inside /bin/cat /proc/1/comm)" run.sh
  "$BWRAP_OCI" exec --detach "$ID" /bin/sh -c 'echo later >/var/run/later' </dev/null 3>&-
  wait_until grep -qs later "$XDG_RUNTIME_DIR/$ID/later"
  sd stop "$ID"
  assert_down
  # a folder with nothing but a configuration
  mkdir "$TEST_DIR/temporary"
  jq --arg root "$DEST/rootfs" '.root.path = $root | .process.args = ["/bin/echo", "once"]' \
    "$DEST/config.json" >"$TEST_DIR/temporary/config.json"
  cd "$TEST_DIR/temporary"
  assert_equal "$("$BWRAP_OCI" run "$ID" </dev/null 3>&-)" once
}

# --- etcd -------------------------------------------------------------------------

# Debian's packages, as far as etcd needs them, unpacked into the image.
unpack_etcd() {
  local file
  requires apt-get dpkg-deb curl
  (cd "$TEST_DIR" && apt-get download libc6 etcd-server etcd-client >apt.log 2>&1) || {
    [ "${BWRAP_OCI_TEST_REQUIRE:-}" = all ] || skip "Debian's etcd cannot be fetched"
    skip "machine: Debian's etcd cannot be fetched: $(tail -n 1 "$TEST_DIR/apt.log")"
  }
  for file in "$TEST_DIR"/*.deb; do dpkg-deb --extract "$file" "$ROOTFS"; done
}

etcdctl() { inside /bin/env ETCDCTL_API=3 /usr/bin/etcdctl --endpoints "http://127.0.0.1:$PORT" "$@"; }
answers() { etcdctl endpoint health >/dev/null 2>&1; }

@test "etcd serves put and get through its service, and keeps its data when that starts again" {
  local words word data
  unpack_etcd
  export_templates
  PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  jq -n --arg port "$PORT" '{version: "1.0", defaultValues: {PORT: $port, RECEIVER: ""}}' \
    >"$ROOTFS/exports/manifest.json"
  mkdir -p "$ROOTFS/var/lib/etcd" "$HOME/.data/$ID"
  # (a template is not JSON yet; a database opens more files than the sample)
  words="\"/usr/bin/etcd\", \"--data-dir\", \"/var/lib/etcd\", \"--listen-peer-urls\", \"http://127.0.0.1:0\""
  for word in listen advertise; do words+=", \"--$word-client-urls\", \"http://127.0.0.1:\$PORT\""; done
  data='{ "type": "bind", "source": "${STATE_DIRECTORY}/${NAME}", "destination": "/var/lib/etcd", "options": [ "rbind" ] },'
  sed -i -e "s|\"/usr/bin/run.sh\"|$words|" -e "s|^ *{ \"type\": \"bind\"|$data&|" -e 's/1024/4096/g' \
    "$ROOTFS/exports/config.json.template"
  install_container
  sd start "$ID"
  wait_until answers
  assert_equal "$(etcdctl put name value)" OK
  assert_equal "$(etcdctl get name --print-value-only)" value
  # from outside as well
  curl -sf "http://127.0.0.1:$PORT/v3/kv/put" -d "{\"key\": \"$(base64 <<<a)\", \"value\": \"$(base64 <<<b)\"}" >/dev/null
  sd restart "$ID"
  wait_until answers
  assert_equal "$(etcdctl get name --print-value-only)" value
  assert_equal "$(curl -sf "http://127.0.0.1:$PORT/v3/kv/range" -d "{\"key\": \"$(base64 <<<a)\"}" |
    jq -r '.kvs[0].value' | base64 -d)" b
  assert_equal "$(stat -c %U "$HOME/.data/$ID/member")" "$(id -un)"
  # and when it did not end by itself
  kill -KILL "$(property MainPID)"
  wait_until is_down
  sd reset-failed "$ID"
  sd start "$ID"
  wait_until answers
  assert_equal "$(etcdctl get name --print-value-only)" value
  sd stop "$ID"
  assert_down
}
is_down() { ! is_state active && ! exists; }
