# What podman does alike as a user and as root; `load podman` after clients. A suite has p (podman, as
# client), RUN (the words of "podman run" with what it needs there), and IMAGE.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034  # bats's variables; variables for the tests

p_with() { p "${RUN[@]:1}" "$@"; }

# waits and ends when it is asked to, with 3
serving=(sh -c 'trap "exit 3" TERM; while :; do sleep 0.1; done')

podman_terminals() {
  on_pty "${RUN[@]}" --rm -it "$IMAGE" sh -c 'tty; sleep 0.5; exit 5'
  expect 5 /dev/pts/0
  TYPE=$'word\n' on_pty "${RUN[@]}" --rm -it "$IMAGE" sh -c 'echo ready; read -r line; echo "got $line"'
  [ "$status" -eq 0 ] && [[ $output == *'got word'* ]] || show typed
  p_with -d --name c "$IMAGE" "${serving[@]}"
  on_pty podman exec -it c sh -c 'tty; sleep 0.5; exit 6'
  expect 6 /dev/pts/0
}

podman_attach() {
  p_with -d -i --name c "$IMAGE" cat
  expect 0
  output=$(echo typed | timeout 60 podman attach c 2>/dev/null 3>&-)
  assert_equal "$output" typed
  p wait c
  expect 0 0
}

podman_restart_policy() {
  p_with -d --name c --restart on-failure:2 "$IMAGE" sh -c 'echo run; exit 4'
  expect 0
  wait_until has_restarted c 2
  p wait c
  expect 0 4
  p logs c
  expect 0 $'run\nrun\nrun'
  p_with -d --name d --restart always "$IMAGE" "${serving[@]}"
  # not podman kill, behind which newer ones start nothing again
  p exec d kill -TERM 1
  wait_until has_restarted d 1
  p stop --time 5 d
  p inspect --format '{{.State.Status}} {{.State.ExitCode}}' d
  expect 0 'exited 3'
}
has_restarted() { p inspect --format '{{.RestartCount}}' "$1" && [ "$output" = "$2" ]; }

podman_init() {
  p create "${RUN[@]:2}" --name c "$IMAGE" "${serving[@]}"
  expect 0
  p init c
  expect 0
  p inspect --format '{{.State.Status}}' c
  expect 0 initialized
  p start c
  expect 0
  p exec c echo inside
  expect 0 inside
  p stop --time 5 c
  p wait c
  expect 0 3
}

podman_volumes() {
  local folder=$CLIENT_DIR/volumes-of-it
  mkdir -p "$folder/sub"
  echo data >"$folder/file"
  # written to a layer above it
  p_with --rm -v "$folder:/v:O" "$IMAGE" sh -c 'echo more >/v/new && cat /v/file /v/new'
  expect 0 $'data\nmore'
  [ ! -e "$folder/new" ]
  p_with --rm -v "$folder:/v:z,noexec,nosuid,nodev" "$IMAGE" grep ' /v ' /proc/self/mounts
  [[ $output == *nosuid,nodev,noexec* ]] || show options
  p_with --rm -v "$folder:/v:ro,rslave" "$IMAGE" sh -c 'cat /v/file; touch /v/x'
  expect 1 data
  p_with --rm --mount "type=bind,src=$folder,dst=/v,ro=true" --mount type=tmpfs,dst=/t,tmpfs-size=1m "$IMAGE" \
    sh -c 'touch /t/x && echo tmpfs; touch /v/x'
  expect 1 tmpfs
  # a volume of podman's begins with what the image has there, and is kept
  p_with --rm -v named:/etc "$IMAGE" sh -c 'grep -c ^root: /etc/passwd; echo kept >/etc/kept'
  expect 0 1
  p_with --rm -v named:/v:ro "$IMAGE" cat /v/kept
  expect 0 kept
  p volume rm named
  expect 0
  p_with --rm -v /anonymous "$IMAGE" sh -c 'touch /anonymous/x && echo written'
  expect 0 written
  # given to the program's user
  p_with --rm --user 33:44 -v "$folder/sub:/v:U" "$IMAGE" sh -c 'touch /v/x && stat -c %u:%g /v/x'
  expect 0 33:44
}

podman_seccomp_file() {
  echo '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"],
    "action": "SCMP_ACT_ERRNO", "errnoRet": 38}]}' >"$CLIENT_DIR/seccomp.json"
  p_with --rm --security-opt "seccomp=$CLIENT_DIR/seccomp.json" "$IMAGE" \
    sh -c 'grep Seccomp: /proc/self/status; mkdir /x'
  expect 1 $'Seccomp:\t2'
  [[ $stderr == *'not implemented'* ]] || show mkdir
}

# The host's python says it inside, to the socket that podman brings there.
podman_sdnotify() {
  requires python3
  python3 "$BATS_TEST_DIRNAME/../integration/manager.py" "$CLIENT_DIR/notify" "$CLIENT_DIR/heard" \
    </dev/null >/dev/null 2>&1 3>&- &
  wait_until grep -qs listening "$CLIENT_DIR/heard"
  export NOTIFY_SOCKET=$CLIENT_DIR/notify
  p_with -d --name c --sdnotify=container -v /usr:/usr:ro -v /usr/lib:/lib:ro -v /usr/lib64:/lib64:ro "$IMAGE" \
    /usr/bin/python3 -c 'import os, socket, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
s.send(b"READY=1")
time.sleep(1000)'
  unset NOTIFY_SOCKET
  expect 0
  wait_until grep -q 'READY=1' "$CLIENT_DIR/heard"
  grep -q 'MAINPID=[0-9]' "$CLIENT_DIR/heard"
  kill $!
  rm "$CLIENT_DIR/notify" "$CLIENT_DIR/heard"
  p rm --force --time 0 c
}

podman_errors() {
  p_with --rm --cap-add NO_SUCH "$IMAGE" true
  expect 125
  p_with --rm --security-opt seccomp=/no/such "$IMAGE" true
  expect 125
  p_with -d --name c "$IMAGE" "${serving[@]}"
  p kill c
  p wait c
  expect 0 137
}

podman_capabilities() {
  p_with --rm --cap-drop all --cap-add net_raw "$IMAGE" grep CapEff /proc/self/status
  expect 0 $'CapEff:\t0000000000002000'
}

podman_masked_paths() {
  p_with --rm --security-opt mask=/proc/cpuinfo "$IMAGE" sh -c 'wc -c </proc/cpuinfo; wc -c </proc/keys'
  expect 0 $'0\n0'
  p_with --rm --security-opt unmask=/proc/keys "$IMAGE" stat -f -c %T /proc/keys
  [ "$status" -eq 0 ]
}

podman_roots_and_descriptors() {
  p_with --rm --rootfs "$CLIENT_DIR/rootfs" echo rootfs
  expect 0 rootfs
  if command -v catatonit >/dev/null; then
    p_with --rm --init "$IMAGE" cat /proc/1/comm
    expect 0 podman-init
  fi
  echo through >"$CLIENT_DIR/fd"
  output=$(timeout 60 "${RUN[@]}" --rm --preserve-fds 1 "$IMAGE" sh -c 'cat <&3' \
    3<"$CLIENT_DIR/fd" 2>/dev/null)
  [ "$output" = through ]
}

podman_healthcheck() {
  p create "${RUN[@]:2}" --name c --health-cmd 'test -e /healthy' --health-interval disable "$IMAGE" sleep 100
  p start c
  p healthcheck run c
  [ "$status" -ne 0 ]
  p exec c touch /healthy
  p healthcheck run c
  [ "$status" -eq 0 ]
  p create "${RUN[@]:2}" --name a -i "$IMAGE" cat
  output=$(echo typed | timeout 60 podman start --attach --interactive a 2>/dev/null 3>&-)
  [ "$output" = typed ]
}

podman_namespaces() {
  p_with -d --name first --hostname shared "$IMAGE" sleep 100
  p run "${RUN[@]:4}" --rm --pid container:first --ipc container:first --network container:first "$IMAGE" \
    cat /proc/1/cmdline
  expect 0 sleep100
  p_with --rm --uts container:first "$IMAGE" hostname
  expect 0 shared
}

podman_kube() {
  cat >"$CLIENT_DIR/pod.yaml" <<YAML
apiVersion: v1
kind: Pod
metadata: {name: played}
spec:
  containers:
  - {name: main, image: "$IMAGE", command: [/bin/sleep, "100"], imagePullPolicy: Never}
YAML
  p kube play --network none --infra-image "$IMAGE" "$CLIENT_DIR/pod.yaml" ||
    true
  [ "$status" -eq 0 ] || p play kube --network none "$CLIENT_DIR/pod.yaml"
  [ "$status" -eq 0 ] || skip "machine: this podman cannot play without its pause image: $stderr"
  p exec played-main /bin/echo played
  expect 0 played
}

podman_hooks() {
  mkdir -p "$CLIENT_DIR/hooks"
  jq -n --arg out "$CLIENT_DIR/hook-state" '{version: "1.0.0", when: {always: true}, stages: ["prestart", "poststop"],
    hook: {path: "/bin/sh", args: ["sh", "-c", ("cat >>" + $out)]}}' >"$CLIENT_DIR/hooks/h.json"
  p_with --rm --hooks-dir "$CLIENT_DIR/hooks" "$IMAGE" true
  [ "$status" -eq 0 ] || { echo "$stderr"; return 1; }
  grep -q '"status":' "$CLIENT_DIR/hook-state"
}
