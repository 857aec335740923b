# podman drives bwrap-oci unmodified, as it drives other runtimes: rootless.
# shellcheck shell=bash
# takes: 62 s
load clients
load podman

IMAGE=localhost/bwrap-oci-test:1

setup_file() {
  PODMAN_DIR=$(mktemp -d "$TMPDIR/podman.XXXXXX")
  chmod 0711 "$PODMAN_DIR"
  export PODMAN_DIR CLIENT_DIR=$PODMAN_DIR
  own_podman cgroupfs
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
  left=$(find "$XDG_RUNTIME_DIR/bwrap-oci" -mindepth 1 -maxdepth 1 ! -name '.*' 2>/dev/null || true)
  [ -z "$left" ] || { echo "left: $left"; return 1; }
}

# podman's warnings about the machine are not ours
p() {
  status=0
  timeout 60 podman "$@" >"$PODMAN_DIR/stdout" 2>"$PODMAN_DIR/stderr" 3>&- || status=$?
  output=$(tr -d '\0' <"$PODMAN_DIR/stdout")
  stderr=$(<"$PODMAN_DIR/stderr")
}
RUN=(podman run --network none)
in_image() { p run --rm --network none "$IMAGE" "$@"; }

assert_p() { # STATUS OUTPUT
  [ "$status" -eq "$1" ] && [ "$output" = "$2" ] ||
    { printf 'status %s, output: %s, stderr: %s\n' "$status" "$output" "$stderr"; return 1; }
}

@test "podman knows the runtime" {
  p info --format '{{.Host.OCIRuntime.Name}}'
  assert_p 0 bwrap-oci
}

@test "run gives the program's output and exit status" {
  in_image sh -c 'echo hello; exit 7'
  assert_p 7 hello
}

@test "a missing program is 127, one that cannot be executed 126" {
  in_image /no/such; [ "$status" -eq 127 ]
  in_image nosuch; [ "$status" -eq 127 ]
  in_image /etc; [ "$status" -eq 126 ]
}

@test "a signal is 128 + N" {
  p run -d --name c --network none "$IMAGE" sleep 100
  p kill c
  p wait c
  assert_p 0 137
}

@test "no_new_privs is as podman asks: absent by default" {
  in_image grep NoNewPrivs /proc/self/status
  assert_p 0 $'NoNewPrivs:\t0'
  p run --rm --network none --security-opt no-new-privileges "$IMAGE" grep NoNewPrivs /proc/self/status
  assert_p 0 $'NoNewPrivs:\t1'
}

@test "the default filter is loaded, and can be left out" {
  in_image grep Seccomp: /proc/self/status
  assert_p 0 $'Seccomp:\t2'
  p run --rm --network none --security-opt seccomp=unconfined "$IMAGE" grep Seccomp: /proc/self/status
  assert_p 0 $'Seccomp:\t0'
}

@test "user, groups, working directory, environment, host name" {
  p run --rm --network none --user 33:44 --group-add 55 -w /tmp -e A=b --hostname box "$IMAGE" \
    sh -c 'id -u; id -G; pwd; echo $A; hostname'
  assert_p 0 $'33\n44 55\n/tmp\nb\nbox'
}

@test "a terminal" {
  p run --rm -t --network none "$IMAGE" tty
  [ "$status" -eq 0 ] && [[ $output == /dev/pts/0* ]]
}

@test "--read-only, --tmpfs, volumes" {
  p run --rm --network none --read-only "$IMAGE" touch /x
  [ "$status" -eq 1 ]
  p run --rm --network none --tmpfs /t:size=1m,mode=1777 "$IMAGE" sh -c 'stat -c %a /t; df /t | tail -n1 | cut -c1-5'
  assert_p 0 $'1777\ntmpfs'
  mkdir -p "$PODMAN_DIR/volume"; echo data >"$PODMAN_DIR/volume/file"
  p run --rm --network none -v "$PODMAN_DIR/volume:/v:ro" "$IMAGE" sh -c 'cat /v/file; touch /v/x'
  [ "$status" -eq 1 ] && [ "$output" = data ]
  p run --rm --network none -v "$PODMAN_DIR/volume:/v" "$IMAGE" touch /v/made
  [ "$(stat -c %U "$PODMAN_DIR/volume/made")" = "$(id -un)" ]
}

@test "user namespaces: keep-id, nomap, auto, --uidmap" {
  p run --rm --network none --userns keep-id "$IMAGE" id -u
  assert_p 0 "$(id -u)"
  p run --rm --network none --userns nomap "$IMAGE" sh -c 'awk "{print \$1, \$2}" /proc/self/uid_map'
  assert_p 0 '0 1'
  p run --rm --network none --userns auto "$IMAGE" id -u
  assert_p 0 0
  p run --rm --network none --uidmap 0:1:1000 --gidmap 0:1:1000 "$IMAGE" \
    sh -c 'echo $(cat /proc/self/uid_map); touch /made && stat -c %u /made'
  assert_p 0 $'0 1 1000\n0'
}

# homes and XDG_RUNTIME_DIR mostly are the user's alone
@test "user namespaces whose root may not search the directories above a volume" {
  mkdir -p "$PODMAN_DIR/closed/volume" "$XDG_RUNTIME_DIR/volume"
  echo data >"$PODMAN_DIR/closed/volume/file"
  chmod 0700 "$PODMAN_DIR/closed"
  for option in --userns=auto --userns=nomap --uidmap=0:1:1000; do
    p run --rm --network none "$option" -v "$PODMAN_DIR/closed/volume:/v" -v "$XDG_RUNTIME_DIR/volume:/w:ro" "$IMAGE" \
      sh -c 'cat /v/file; touch /v/new 2>/dev/null || stat -c %u /v/file; grep -c " /w [^ ]* ro" /proc/mounts'
    assert_p 0 $'data\n65534\n1'
  done
  p run -d --name c --network none --userns=auto "$IMAGE" sleep 100
  p run --rm --network none --userns=container:c -v "$PODMAN_DIR/closed/volume:/v" "$IMAGE" cat /v/file
  assert_p 0 data
  rmdir "$XDG_RUNTIME_DIR/volume"
}

@test "--privileged, --device, --sysctl, --ulimit" {
  p run --rm --network none --privileged "$IMAGE" grep Seccomp: /proc/self/status
  assert_p 0 $'Seccomp:\t0'
  p run --rm --network none --sysctl net.ipv4.ip_unprivileged_port_start=7 "$IMAGE" \
    cat /proc/sys/net/ipv4/ip_unprivileged_port_start
  assert_p 0 7
  p run --rm --network none --ulimit nofile=100:100 "$IMAGE" sh -c 'ulimit -n'
  assert_p 0 100
  p run --rm --network none --device /dev/zero:/dev/nothing "$IMAGE" sh -c 'head -c1 /dev/nothing | wc -c'
  assert_p 0 1
}

@test "detached: logs, exec, cp, top, restart, stop, rm" {
  p run -d --name c --network none "$IMAGE" sh -c 'echo started; trap "exit 3" TERM; while :; do sleep 0.1; done'
  [ "$status" -eq 0 ]
  wait_until sh -c 'podman logs c 2>/dev/null | grep -q started'
  p exec c sh -c 'echo in; exit 5'
  assert_p 5 in
  p exec --user 33 -w /tmp -e A=b c sh -c 'id -u; pwd; echo $A'
  assert_p 0 $'33\n/tmp\nb'
  p exec -t c tty
  [ "$status" -eq 0 ] && [[ $output == /dev/pts/* ]]
  p exec -d c sleep 100
  [ "$status" -eq 0 ]
  p exec c /no/such
  [ "$status" -eq 127 ]
  echo copied >"$PODMAN_DIR/copied"
  p cp "$PODMAN_DIR/copied" c:/tmp/copied
  p exec c cat /tmp/copied
  assert_p 0 copied
  p top c
  [ "$status" -eq 0 ] && [[ $output == *"sleep 100"* ]]
  p restart -t 5 c
  [ "$status" -eq 0 ]
  p stop -t 5 c
  p inspect --format '{{.State.ExitCode}} {{.State.Status}}' c
  assert_p 0 '3 exited'
  p rm c
  [ "$status" -eq 0 ]
}

@test "pods share their namespaces" {
  p pod create --name pod --network none --infra-image "$IMAGE" --infra-command 'sleep 1000'
  [ "$status" -eq 0 ]
  p run -d --pod pod --name member "$IMAGE" sleep 100
  [ "$status" -eq 0 ]
  for ns in net ipc uts; do
    p exec member readlink "/proc/self/ns/$ns"
    first=$output
    p run --rm --pod pod "$IMAGE" readlink "/proc/self/ns/$ns"
    assert_p 0 "$first"
  done
}

@test "a published port answers" {
  [ -r /dev/net/tun ] && [ -w /dev/net/tun ] || skip "machine: /dev/net/tun is root's alone"
  requires slirp4netns curl
  p run -d --name web -p 127.0.0.1::80 "$IMAGE" sh -c 'mkdir /www; echo page >/www/index.html; exec httpd -f -p 80 -h /www'
  [ "$status" -eq 0 ]
  p port web 80
  address=$output
  wait_until curl -sf "http://$address/" -o "$PODMAN_DIR/page"
  [ "$(<"$PODMAN_DIR/page")" = page ]
}

@test "--network host" {
  p run --rm --network host "$IMAGE" readlink /proc/self/ns/net
  assert_p 0 "$(readlink /proc/self/ns/net)"
}

@test "build with RUN" {
  mkdir -p "$PODMAN_DIR/context"
  printf 'FROM %s\nRUN echo built >/built && id -u\n' "$IMAGE" >"$PODMAN_DIR/context/Dockerfile"
  p build --network none -t localhost/built "$PODMAN_DIR/context"
  [ "$status" -eq 0 ] || { echo "$output $stderr"; return 1; }
  p run --rm --network none localhost/built cat /built
  assert_p 0 built
}

@test "five at once" {
  pids=()
  for i in 1 2 3 4 5; do
    timeout 60 podman run --rm --network none "$IMAGE" echo "$i" >"$PODMAN_DIR/out.$i" 3>&- & pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid"; done
  [ "$(cat "$PODMAN_DIR"/out.* | sort | tr '\n' ' ')" = "1 2 3 4 5 " ]
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
@test "kube play" { podman_kube; }
@test "hooks from --hooks-dir" { podman_hooks; }

# --- and in its containers ----------------------------------------------------

# in_podman OPTION...: bwrap-oci in a container of podman's that has the host's programs.
in_podman() {
  local bundle=$PODMAN_DIR/bundle
  [ -d "$bundle" ] || make_bundle "$bundle"
  config_of "$bundle" '.process.args = ["/bin/sh", "-c", "echo in $(id -u) $$"]'
  mkdir -p "$PODMAN_DIR/etc"
  printf 'root:x:0:0:root:/root:/bin/sh\n' >"$PODMAN_DIR/etc/passwd"
  p run --rm --network none --runtime "${RUNTIME:-$BWRAP_OCI}" --env PATH=/usr/bin:/bin:/usr/sbin:/sbin \
    --volume /usr:/usr:ro --volume /lib:/lib:ro --volume /lib64:/lib64:ro \
    --volume /bin:/host/bin:ro --volume /etc/alternatives:/etc/alternatives:ro \
    --volume "$bundle:/bundle" --volume "$(dirname "$BWRAP_OCI"):/oci:ro" --tmpfs /run \
    "$@" "$IMAGE" /oci/bwrap-oci --root /run/oci run --bundle /bundle inner
}

@test "bwrap-oci in podman's container, as its root" {
  in_podman --security-opt unmask=ALL --security-opt seccomp=unconfined --cap-add ALL
  assert_p 0 "in 0 1"
}

@test "bwrap-oci in podman's container, with the usual capabilities" {
  in_podman --security-opt unmask=ALL --security-opt seccomp=unconfined
  assert_p 0 "in 0 1"
}

@test "bwrap-oci in podman's container, privileged" {
  in_podman --privileged
  assert_p 0 "in 0 1"
}

@test "bwrap-oci in podman's container with hidden paths says why not" {
  in_podman --security-opt seccomp=unconfined --cap-add ALL
  assert_p 1 ""
  [[ "$stderr" == *"a pid namespace needs a /proc of its own"*"unmask=ALL"* ]] || { echo "$stderr"; false; }
}

needs podman conmon user subids
