#!/usr/bin/env bats
# Hooks: when they run, where, with what, and what becomes of a container whose hook fails.
# takes: 48 s
load helpers

setup() {
  setup_test
  make_bundle
  config '.root.readonly = false'
  container_command /bin/sh -c 'echo program >>/log; sleep 60'
}

teardown() {
  pkill_group
  teardown_test
}

# Whatever a hook left that a test did not end.
pkill_group() {
  [ ! -s "$TEST_DIR/hook.pid" ] || kill -9 "$(<"$TEST_DIR/hook.pid")" 2>/dev/null || true
}

# hook KIND SCRIPT [JQ]: adds a hook of the host that runs SCRIPT; JQ edits it.
hook() {
  local file=$TEST_DIR/$1.$RANDOM.sh
  printf '#!/bin/bash\n%s\n' "$2" >"$file"
  chmod 0755 "$file"
  config ".hooks.$1 += [{path: \$file, args: [\"$1\"]} | ${3:-.}]" --arg file "$file"
}

# guest_hook SCRIPT [JQ]: a startContainer hook, in the image.
guest_hook() {
  local name=/hook.$RANDOM
  printf '#!/bin/sh\n%s\n' "$1" >"$BUNDLE/rootfs$name"
  chmod 0755 "$BUNDLE/rootfs$name"
  config ".hooks.startContainer += [{path: \$name, args: [\"hook\"]} | ${2:-.}]" --arg name "$name"
}

create() { run_oci create --bundle "$BUNDLE" "$ID"; }
start() { run_oci start "$ID"; }
log() { cat "$TEST_DIR/log" 2>/dev/null || true; }
gone() { [ ! -e "$STATE/$ID" ]; }

all_kinds=(prestart createRuntime createContainer poststart poststop)

@test "every kind runs once, in order, around the program" {
  local kind
  for kind in "${all_kinds[@]}"; do hook "$kind" "echo $kind >>$BUNDLE/rootfs/log"; done
  guest_hook 'echo startContainer >>/log'
  create
  assert_success
  assert_no_stderr
  assert_equal "$(xargs <"$BUNDLE/rootfs/log")" "prestart createRuntime createContainer"
  start
  assert_success
  wait_until grep -q program "$BUNDLE/rootfs/log"
  assert_equal "$(sed -n 4p "$BUNDLE/rootfs/log")" startContainer
  assert_equal "$(sed 1,4d "$BUNDLE/rootfs/log" | sort | xargs)" "poststart program"
  run_oci delete --force "$ID"
  assert_success
  assert_equal "$(tail -n 1 "$BUNDLE/rootfs/log")" poststop
  assert_equal "$(wc -l <"$BUNDLE/rootfs/log")" 7
}

@test "hooks of one kind run in the order of the configuration" {
  hook createRuntime "sleep 0.2; echo 1 >>$TEST_DIR/log"
  hook createRuntime "echo 2 >>$TEST_DIR/log"
  hook createRuntime "echo 3 >>$TEST_DIR/log"
  create
  assert_success
  assert_equal "$(log | xargs)" "1 2 3"
}

@test "the state is on standard input, with the status of the moment" {
  local kind
  config '.annotations = {"org.example.key": "va\"lue"}'
  for kind in "${all_kinds[@]}"; do hook "$kind" "cat >$TEST_DIR/state.$kind"; done
  guest_hook 'cat >/state.startContainer'
  create
  assert_success
  local pid
  pid=$(container_pid)
  start
  run_oci delete --force "$ID"
  for kind in prestart createRuntime createContainer; do
    assert_equal "$(jq -r .status "$TEST_DIR/state.$kind")" creating
  done
  assert_equal "$(jq -r .status "$BUNDLE/rootfs/state.startContainer")" created
  assert_equal "$(jq -r .status "$TEST_DIR/state.poststart")" running
  assert_equal "$(jq -r .status "$TEST_DIR/state.poststop")" stopped
  for kind in prestart createRuntime poststart; do
    assert_equal "$(jq -r .pid "$TEST_DIR/state.$kind")" "$pid"
  done
  # in the container's namespaces it is the number that is valid there
  assert_equal "$(jq -r .pid "$TEST_DIR/state.createContainer")" 1
  assert_equal "$(jq -r .pid "$BUNDLE/rootfs/state.startContainer")" 1
  assert_equal "$(jq -r .pid "$TEST_DIR/state.poststop")" null
  for kind in "$TEST_DIR"/state.* "$BUNDLE/rootfs/state.startContainer"; do
    assert_equal "$(jq -r '[.id, .bundle, .annotations["org.example.key"]] | join(" ")' "$kind")" \
      "$ID $BUNDLE va\"lue"
    assert_equal "$(jq -r .ociVersion "$kind")" "$(jq -r .ociVersion "$BUNDLE/config.json")"
    assert_equal "$(wc -l <"$kind")" 1
  done
}

@test "a state larger than a pipe" {
  config '.annotations = {"org.example.large": ("x" * 200000)}'
  hook createRuntime "jq -j '.annotations[]' | wc -c >$TEST_DIR/size"
  guest_hook 'wc -c >/size'
  create
  assert_success
  assert_equal "$(<"$TEST_DIR/size")" 200000
  start
  assert_success
  [ "$(<"$BUNDLE/rootfs/size")" -gt 200000 ]
}

@test "a hook that does not read its input" {
  config '.annotations = {"org.example.large": ("x" * 200000)}'
  hook createRuntime 'exec <&-; exit 0'
  guest_hook 'exec <&-; exit 0'
  create
  assert_success
  start
  assert_success
}

@test "at the hooks of create the container is complete: namespaces, mounts, ids, a first process" {
  hook createRuntime "pid=\$(jq .pid)
    readlink /proc/\$pid/ns/net >$TEST_DIR/net
    grep -c ' /r/proc ' /proc/\$pid/mountinfo >$TEST_DIR/mounts
    cat /proc/\$pid/uid_map >$TEST_DIR/uid_map
    readlink /proc/\$pid/exe >$TEST_DIR/exe"
  config '.linux.namespaces |= (map(select(.type != "network")) + [{"type": "network"}])'
  create
  assert_success
  assert_equal "$(<"$TEST_DIR/net")" "$(readlink "/proc/$(container_pid)/ns/net")"
  [ "$(<"$TEST_DIR/net")" != "$(readlink /proc/self/ns/net)" ]
  assert_equal "$(<"$TEST_DIR/mounts")" 1
  assert_equal "$(<"$TEST_DIR/uid_map")" "$(cat "/proc/$(container_pid)/uid_map")"
}

@test "prestart and createRuntime are in our namespaces, createContainer in the container's" {
  local kind name here inside
  config '.linux.namespaces |= (map(select(.type != "network")) + [{"type": "network"}])'
  for kind in prestart createRuntime createContainer poststart; do
    hook "$kind" "for name in user net ipc uts pid mnt; do
      echo \$name \$(readlink /proc/self/ns/\$name); done >$TEST_DIR/ns.$kind"
  done
  create
  assert_success
  start
  assert_success
  for name in user net ipc uts pid mnt; do
    here=$(readlink "/proc/self/ns/$name")
    inside=$(readlink "/proc/$(container_pid)/ns/$name")
    for kind in prestart createRuntime poststart; do
      assert_equal "$kind $(grep "^$name " "$TEST_DIR/ns.$kind")" "$kind $name $here"
    done
    # its mounts are ours, in a namespace of its own
    [ "$name" != mnt ] || continue
    assert_equal "$(grep "^$name " "$TEST_DIR/ns.createContainer")" "$name $inside"
  done
}

@test "what createContainer mounts is seen by nobody else" {
  mkdir "$TEST_DIR/mnt"
  hook createContainer "id -u >$TEST_DIR/uid
    mount -t tmpfs none $TEST_DIR/mnt && touch $TEST_DIR/mnt/inside && hostname changed-by-hook"
  config '.hostname = "before"'
  container_command /bin/sh -c 'hostname >/name; sleep 60'
  create
  assert_success
  assert_equal "$(<"$TEST_DIR/uid")" 0
  [ ! -e "$TEST_DIR/mnt/inside" ]
  start
  wait_until test -s "$BUNDLE/rootfs/name"
  assert_equal "$(<"$BUNDLE/rootfs/name")" changed-by-hook
}

@test "arguments are as given; without them the path is the name" {
  hook createRuntime "tr '\\0' '\\n' </proc/\$\$/cmdline | tail -n +3 >$TEST_DIR/args" \
    '.args = ["any name", "a b", "", "*"]'
  hook createRuntime "tr '\\0' '\\n' </proc/\$\$/cmdline >$TEST_DIR/none" 'del(.args)'
  guest_hook 'tr "\0" "\n" </proc/self/cmdline >/args' '.args = ["any name", "a b", ""]'
  create
  assert_success
  # of a script the kernel replaces the name
  assert_equal "$(<"$TEST_DIR/args")" $'a b\n\n*'
  assert_equal "$(wc -l <"$TEST_DIR/none")" 2
  config 'del(.hooks.createRuntime) | .hooks.createRuntime = [{path: $path, args: ["own name", "-c", $code]}]' \
    --arg path "$(command -v bash)" --arg code "echo \$0 >$TEST_DIR/name; cat /proc/\$\$/cmdline >$TEST_DIR/cmdline"
  run_oci delete --force "$ID"
  create
  assert_success
  assert_equal "$(tr '\0' '\n' <"$TEST_DIR/cmdline" | head -n 1)" "own name"
}

@test "the environment is as given; without one it is ours" {
  hook createRuntime "cat /proc/\$\$/environ | tr '\\0' '\\n' >$TEST_DIR/given" '.env = ["A=1", "B=two words"]'
  hook createRuntime "cat /proc/\$\$/environ | tr '\\0' '\\n' >$TEST_DIR/empty" '.env = []'
  hook createRuntime "cat /proc/\$\$/environ | tr '\\0' '\\n' >$TEST_DIR/absent" 'del(.env)'
  config '.process.env += ["LD_PRELOAD=/evil.so", "FROM_PROGRAM=1"]'
  MARKER=here create
  assert_success
  assert_equal "$(<"$TEST_DIR/given")" $'A=1\nB=two words'
  assert_equal "$(<"$TEST_DIR/empty")" ""
  grep -qx MARKER=here "$TEST_DIR/absent"
  ! grep -q 'LD_PRELOAD\|FROM_PROGRAM' "$TEST_DIR/absent" || show "the program's environment"
}

@test "startContainer: environment as given, or the program's" {
  guest_hook 'cat /proc/self/environ | tr "\0" "\n" >/given' '.env = ["A=1", "PATH=/bin"]'
  guest_hook 'cat /proc/self/environ | tr "\0" "\n" >/absent'
  config '.process.env += ["FROM_PROGRAM=1"]'
  create
  start
  assert_success
  # what busybox's shell adds itself
  assert_equal "$(grep -vE '^(SHLVL|PWD)=' "$BUNDLE/rootfs/given")" $'A=1\nPATH=/bin'
  grep -qx FROM_PROGRAM=1 "$BUNDLE/rootfs/absent"
}

@test "the working directory is the bundle" {
  local kind
  for kind in "${all_kinds[@]}"; do hook "$kind" "pwd -P >$TEST_DIR/pwd.$kind"; done
  create
  start
  run_oci delete --force "$ID"
  for kind in "${all_kinds[@]}"; do
    assert_equal "$kind $(<"$TEST_DIR/pwd.$kind")" "$kind $(cd "$BUNDLE" && pwd -P)"
  done
}

@test "a hook gets no descriptor but 0, 1 and 2, and no signal blocked or ignored" {
  config '.hooks.createRuntime = [{path: "/bin/ls", args: ["ls", "/proc/self/fd"]},
      {path: "/bin/cat", args: ["cat", "/proc/self/status"]}]
    | .annotations = {"run.oci.hooks.stdout": $file}' --arg file "$TEST_DIR/said"
  exec 7<"$BUNDLE/config.json"
  create
  exec 7<&-
  assert_success
  # the fourth is the directory that ls reads
  assert_equal "$(head -n 5 "$TEST_DIR/said" | grep -x '[0-9]*' | xargs)" "0 1 2 3"
  assert_equal "$(awk '/^SigBlk/ { print $2 }' "$TEST_DIR/said")" 0000000000000000
  assert_equal "$(awk '/^SigIgn/ { print $2 }' "$TEST_DIR/said")" 0000000000000000
}

@test "a failing hook of create: an error that quotes it, and nothing is left" {
  local kind
  for kind in prestart createRuntime createContainer; do
    config 'del(.hooks)'
    hook "$kind" 'true'
    hook "$kind" 'echo to stdout; echo to stderr >&2; echo second line >&2; exit 3'
    hook poststop "echo poststop >$TEST_DIR/log"
    create
    assert_failure 1
    local path
    path=$(jq -r ".hooks[\"$kind\"][1].path" "$BUNDLE/config.json")
    assert_equal "$stderr" "bwrap-oci: error running $kind hook #1: $path: exited with 3: to stderr second line"
    gone
    assert_equal "$(log)" poststop
    rm "$TEST_DIR/log"
  done
  config 'del(.hooks)'
  create
  assert_success
}

@test "the quotation: standard output where there is no complaint, at most 1 KiB, on one line" {
  hook createRuntime 'echo only this; exit 1'
  create
  assert_failure 1
  assert_one_line_error ': exited with 1: only this'
  config 'del(.hooks)'
  hook createRuntime 'head -c 200000 /dev/zero | tr "\0" x >&2; exit 1'
  create
  assert_failure 1
  assert_equal "$(grep -o 'x*$' <<<"$stderr" | tr -d '\n' | wc -c)" 1024
  config 'del(.hooks)'
  hook createRuntime 'printf "a\tb\033[1m\0c\n\0" >&2; exit 1'
  create
  assert_one_line_error ': exited with 1: a\x09b\x1b[1m c'
  config 'del(.hooks)'
  hook createRuntime 'exit 1'
  create
  [[ "$stderr" == *": exited with 1" ]] || show "nothing behind it"
}

@test "a hook that is missing, not executable, or killed" {
  config '.hooks.prestart = [{path: "/no/such/hook"}]'
  create
  assert_failure 1
  assert_one_line_error 'error running prestart hook #0: /no/such/hook: exec: No such file or directory'
  gone
  config '.hooks.prestart = [{path: "/etc/passwd"}]'
  create
  assert_failure 1
  assert_one_line_error 'error running prestart hook #0: /etc/passwd: exec: Permission denied'
  gone
  config 'del(.hooks)'
  # shellcheck disable=SC2016
  hook prestart 'kill -9 $$'
  create
  assert_failure 1
  assert_one_line_error ': signal: killed'
  gone
}

@test "a hook is found by its path alone" {
  config '.hooks.prestart = [{path: "true"}]'
  create
  assert_failure 1
  assert_one_line_error '/hooks/prestart/0/path'
}

@test "a hook past its timeout is killed with its process group" {
  hook createRuntime "sleep 300 & echo \$! >$TEST_DIR/hook.pid; wait" '.timeout = 1'
  local begin=$SECONDS
  create
  assert_failure 1
  assert_one_line_error ': hook ran past specified timeout of 1.0s'
  [ $((SECONDS - begin)) -lt 10 ]
  wait_until bash -c "! kill -0 $(<"$TEST_DIR/hook.pid") 2>/dev/null"
  gone
}

@test "a timeout that is not reached does no harm" {
  hook createRuntime 'sleep 0.2' '.timeout = 30'
  guest_hook 'sleep 0.2' '.timeout = 30'
  create
  assert_success
  start
  assert_success
}

@test "what a hook leaves running stays, and is not waited for" {
  hook createRuntime "sleep 300 & echo \$! >$TEST_DIR/hook.pid"
  create
  assert_success
  kill -0 "$(<"$TEST_DIR/hook.pid")"
}

@test "a hook that says much does not hang" {
  hook createRuntime 'head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2'
  guest_hook 'head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2'
  create
  assert_success
  assert_output ""
  assert_no_stderr
  start
  assert_success
}

@test "TERM or INT while a hook hangs: the hook ends, and everything is undone" {
  local signal pid
  for signal in TERM INT; do
    config 'del(.hooks)'
    hook createRuntime "echo \$\$ >$TEST_DIR/hook.pid; sleep 300"
    hook poststop "echo poststop >$TEST_DIR/log"
    rm -f "$TEST_DIR/hook.pid" "$TEST_DIR/log"
    # background jobs of a shell without job control ignore INT
    "$BWRAP_OCI" --root "$STATE" create --bundle "$BUNDLE" "$ID" \
      </dev/null >/dev/null 2>"$TEST_DIR/stderr" 3>&- &
    pid=$!
    wait_until test -s "$TEST_DIR/hook.pid"
    kill -s "$signal" "$pid"
    status=0
    wait "$pid" || status=$?
    stderr=$(<"$TEST_DIR/stderr")
    assert_failure 1
    assert_one_line_error ': interrupted by signal'
    wait_until bash -c "! kill -0 $(<"$TEST_DIR/hook.pid") 2>/dev/null"
    gone
    assert_equal "$(log)" poststop
  done
}

@test "a runtime that is killed during a hook: nothing starts, delete --force removes it" {
  hook createRuntime "jq .pid >$TEST_DIR/pid; echo \$\$ >$TEST_DIR/hook.pid; exec sleep 300"
  "$BWRAP_OCI" --root "$STATE" create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- &
  wait_until test -s "$TEST_DIR/hook.pid"
  kill -9 $!
  wait_until bash -c "[ ! -d /proc/$(<"$TEST_DIR/pid") ] || grep -q '^State:.*[ZX]' /proc/$(<"$TEST_DIR/pid")/status"
  run_oci start "$ID"
  assert_failure 1
  run_oci delete --force "$ID"
  assert_success
  gone
  [ ! -e "$BUNDLE/rootfs/log" ]
}

@test "delete --force ends a create whose hook hangs" {
  hook createRuntime "echo \$\$ >$TEST_DIR/hook.pid; sleep 300"
  "$BWRAP_OCI" --root "$STATE" create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>&1 3>&- &
  wait_until test -s "$TEST_DIR/hook.pid"
  run_oci delete --force "$ID"
  assert_success
  gone
  status=0
  wait $! || status=$?
  assert_failure 1
}

@test "a failing startContainer hook: start fails, the container is destroyed" {
  guest_hook 'true'
  guest_hook 'echo out; echo to stderr >&2; exit 4'
  hook poststop "echo poststop >$TEST_DIR/log"
  hook poststart "echo poststart >>$TEST_DIR/log"
  create
  assert_success
  start
  assert_failure 1
  assert_equal "$stderr" "bwrap-oci: error running startContainer hook #1: $(jq -r '.hooks.startContainer[1].path' \
    "$BUNDLE/config.json"): exited with 4: to stderr"
  gone
  assert_equal "$(log)" poststop
}

@test "a startContainer hook that is missing, killed or too late" {
  config '.hooks.startContainer = [{path: "/no/such/hook"}]'
  create
  assert_success
  start
  assert_failure 1
  assert_one_line_error 'error running startContainer hook #0: /no/such/hook: exec: No such file or directory'
  gone
  config 'del(.hooks)'
  # shellcheck disable=SC2016
  guest_hook 'kill -9 $$'
  create
  start
  assert_failure 1
  assert_one_line_error ': signal: killed'
  # the container's filter is theirs too
  config 'del(.hooks) | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_KILL"}]}'
  guest_hook 'exec mkdir /tmp/x'
  create
  run_oci --log "$TEST_DIR/errors" --log-format json start "$ID"
  assert_failure 1
  assert_one_line_error ': signal: bad system call'
  jq -e '.msg | endswith (": signal: bad system call")' "$TEST_DIR/errors"
  config 'del(.hooks, .linux.seccomp)'
  guest_hook 'echo waiting; sleep 300 & wait' '.timeout = 1'
  create
  start
  assert_failure 1
  assert_one_line_error ': hook ran past specified timeout of 1.0s: waiting'
  gone
}

@test "startContainer runs with the program's restrictions" {
  config '.process.capabilities = {bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"]}
    | .process.noNewPrivileges = true | .process.user = {uid: 33, gid: 33}
    | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [{names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 1}]}'
  chmod 0777 "$BUNDLE/rootfs" "$BUNDLE/rootfs/tmp"
  guest_hook 'cat /proc/self/status >/tmp/status; mkdir /tmp/made 2>/tmp/mkdir; true'
  container_command /bin/true
  create
  start
  assert_success
  grep -q '^Uid:[[:space:]]33' "$BUNDLE/rootfs/tmp/status"
  grep -q '^CapBnd:[[:space:]]0000000000000020' "$BUNDLE/rootfs/tmp/status"
  grep -q '^NoNewPrivs:[[:space:]]1' "$BUNDLE/rootfs/tmp/status"
  grep -q '^Seccomp:[[:space:]]2' "$BUNDLE/rootfs/tmp/status"
  grep -q 'Operation not permitted' "$BUNDLE/rootfs/tmp/mkdir"
}

@test "startContainer under an engine's default filter" {
  local privileges profile=$BATS_TEST_DIRNAME/../data/configs/podman-rootless-default.json
  [ "$(jq '.linux.seccomp.syscalls | length' "$profile")" -gt 1 ]
  guest_hook 'cat >>/states; echo said' '.timeout = 10'
  guest_hook 'exit 3'
  for privileges in true false; do
    config ".process.noNewPrivileges = $privileges | .linux.seccomp = \$from[0].linux.seccomp" --slurpfile from "$profile"
    create
    assert_success
    start
    assert_failure 1
    assert_one_line_error ': exited with 3'
  done
  assert_equal "$(jq -r .id "$BUNDLE/rootfs/states" | sort -u)" "$ID"
}

@test "the program has nothing of the startContainer hooks: children, descriptors, signals" {
  guest_hook 'true'
  # by the shell itself, which blocks signals while it forks
  container_command /bin/sh -c 'ls /proc/self/fd | xargs
    while read -r name value; do
      case $name in SigBlk:|SigIgn:|SigCgt:) echo "$name $value" ;; esac
    done </proc/$$/status
    set -- /proc/[0-9]*; echo $#'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_success
  local with=$output
  config 'del(.hooks)'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_output "$with"
}

@test "TERM while a startContainer hook hangs: start fails, nothing is left" {
  local pid
  guest_hook 'echo here >/here; sleep 300'
  create
  "$BWRAP_OCI" --root "$STATE" start "$ID" </dev/null >/dev/null 2>"$TEST_DIR/stderr" 3>&- &
  pid=$!
  wait_until test -s "$BUNDLE/rootfs/here"
  kill "$pid"
  status=0
  wait "$pid" || status=$?
  stderr=$(<"$TEST_DIR/stderr")
  assert_failure 1
  assert_one_line_error 'interrupted by signal 15'
  gone
}

@test "a failing poststart hook: the container is stopped and removed" {
  local pid
  hook poststart 'exit 5'
  hook poststop "echo poststop >$TEST_DIR/log"
  create
  pid=$(container_pid)
  start
  assert_failure 1
  assert_one_line_error 'error running poststart hook #0: '
  gone
  [ ! -d "/proc/$pid" ] || grep -q '^State:.*[ZX]' "/proc/$pid/status"
  assert_equal "$(log)" poststop
}

@test "a run that fails late says so and leaves no pid file, whatever signals come meanwhile" {
  # one of them ends the hook, and one is still there when all is undone
  hook poststart 'exit 5'
  hook poststop "echo poststop >$TEST_DIR/log; kill -TERM \$PPID; kill -INT \$PPID; kill -QUIT \$PPID"
  run_oci run --detach --pid-file "$TEST_DIR/pid" --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error 'error running poststart hook #0: '
  [ ! -e "$TEST_DIR/pid" ]
  gone
  assert_equal "$(log)" poststop
}

@test "under nohup a hangup undoes nothing, and a hook starts as ever" {
  hook createRuntime "kill -HUP \$PPID; grep ^SigIgn /proc/self/status >$TEST_DIR/log"
  (trap '' HUP; exec "$BWRAP_OCI" --root "$STATE" create --bundle "$BUNDLE" "$ID" </dev/null 3>&-)
  assert_equal "$(log)" $'SigIgn:\t0000000000000000'
  assert_equal "$(container_status)" created
}

@test "a failing poststop hook is only warned of, and the others run" {
  hook poststop 'echo complaint >&2; exit 6'
  hook poststop "echo second >$TEST_DIR/log"
  create
  run_oci --log "$TEST_DIR/text.log" delete --force "$ID"
  assert_success
  assert_no_stderr
  grep -q 'error running poststop hook #0: .*: exited with 6: complaint' "$TEST_DIR/text.log"
  assert_equal "$(log)" second
  gone
}

@test "poststop runs when the container is gone, also where the bundle is gone" {
  hook poststop "[ ! -e $STATE/$ID ] && pwd >$TEST_DIR/log"
  create
  run_oci delete "$ID"
  assert_success
  assert_equal "$(log)" "$(cd "$BUNDLE" && pwd)"
  create
  mv "$BUNDLE" "$BUNDLE.away"
  run_oci delete "$ID"
  assert_success
  assert_equal "$(log)" /
  mv "$BUNDLE.away" "$BUNDLE"
}

@test "run in the foreground: all hooks, and poststop at its end" {
  local kind
  container_command /bin/sh -c 'sleep 0.5; exit 7'
  for kind in "${all_kinds[@]}"; do hook "$kind" "echo $kind >>$TEST_DIR/log"; done
  guest_hook 'echo inside >/inside'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_failure 7
  assert_no_stderr
  assert_equal "$(log | xargs)" "${all_kinds[*]}"
  [ -s "$BUNDLE/rootfs/inside" ]
  run_oci run --keep --bundle "$BUNDLE" "$ID"
  assert_equal "$(tail -n 1 "$TEST_DIR/log")" poststart
  run_oci delete "$ID"
  assert_equal "$(tail -n 1 "$TEST_DIR/log")" poststop
}

@test "run: failing hooks of each kind leave nothing" {
  local kind
  for kind in prestart createRuntime createContainer poststart; do
    config 'del(.hooks)'
    hook "$kind" 'exit 1'
    hook poststop "echo $kind >>$TEST_DIR/log"
    run_oci run --bundle "$BUNDLE" "$ID"
    assert_failure 1
    assert_one_line_error "error running $kind hook #0: "
    gone
    run_oci run -d --bundle "$BUNDLE" "$ID"
    assert_failure 1
    gone
  done
  config 'del(.hooks)'
  guest_hook 'exit 1'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "error running startContainer hook #0: "
  gone
  assert_equal "$(log | xargs)" \
    "prestart prestart createRuntime createRuntime createContainer createContainer poststart poststart"
}

@test "later changes of the bundle's configuration have no effect" {
  hook poststart "echo poststart >>$TEST_DIR/log"
  hook poststop "echo poststop >>$TEST_DIR/log"
  create
  config '.hooks = {poststart: [{path: "/bin/false"}], poststop: [{path: "/bin/false"}]}'
  start
  assert_success
  run_oci delete --force "$ID"
  assert_success
  assert_equal "$(log | xargs)" "poststart poststop"
}

@test "crun's annotations: what hooks say goes to files" {
  config '.annotations = {"run.oci.hooks.stdout": $out, "run.oci.hooks.stderr": $err}' \
    --arg out "$TEST_DIR/out" --arg err "$TEST_DIR/err"
  echo before >"$TEST_DIR/out"
  hook createRuntime 'echo one; echo two >&2'
  hook poststop 'echo three; exit 1'
  create
  assert_success
  run_oci delete "$ID"
  assert_success
  assert_equal "$(xargs <"$TEST_DIR/out")" "before one three"
  assert_equal "$(<"$TEST_DIR/err")" two
}

@test "with privileges to gain: hooks of a container that joins" {
  config '.process.noNewPrivileges = false'
  hook createRuntime "jq .pid >$TEST_DIR/pid"
  hook createContainer "readlink /proc/self/ns/pid >$TEST_DIR/ns; jq .pid >$TEST_DIR/inner"
  guest_hook 'cat >/state'
  create
  assert_success
  assert_equal "$(<"$TEST_DIR/pid")" "$(container_pid)"
  assert_equal "$(<"$TEST_DIR/ns")" "$(readlink "/proc/$(container_pid)/ns/pid")"
  assert_equal "$(<"$TEST_DIR/inner")" 1
  start
  assert_success
  assert_equal "$(jq .pid "$BUNDLE/rootfs/state")" 1
}

@test "without a pid namespace of its own a container's pid is ours" {
  config '.linux.namespaces |= map(select(.type != "pid")) | .mounts |= map(select(.type != "proc"))'
  hook createContainer "jq .pid >$TEST_DIR/pid"
  guest_hook 'cat >/state'
  create
  assert_success
  assert_equal "$(<"$TEST_DIR/pid")" "$(container_pid)"
  start
  assert_equal "$(jq .pid "$BUNDLE/rootfs/state")" "$(container_pid)"
}

@test "the container's root is a sub-id: createContainer is that one" {
  requires subids
  local first
  first=$(grep "^$(id -un):" /etc/subuid | head -n 1 | cut -d: -f2)
  config '.linux.uidMappings = [{containerID: 0, hostID: $first, size: 1000}]
    | .linux.gidMappings = [{containerID: 0, hostID: $gid, size: 1000}]' \
    --argjson first "$first" --argjson gid "$(grep "^$(id -un):" /etc/subgid | head -n 1 | cut -d: -f2)"
  config '.annotations = {"run.oci.hooks.stdout": $file}' --arg file "$TEST_DIR/out"
  config '.hooks.createContainer = [{path: "/bin/cat", args: ["cat", "/proc/self/uid_map", "/proc/self/status"]}]'
  chmod -R a+rX "$BUNDLE"
  create
  assert_success
  grep -q "^Uid:[[:space:]]0[[:space:]]" "$TEST_DIR/out"
}

@test "--dry-run names the hooks" {
  config '.hooks = {createRuntime: [{path: "/a"}], createContainer: [{path: "/b"}], startContainer: [{path: "/c"}]}'
  run_oci run --dry-run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_output_has "wait for hooks: createRuntime /a, createContainer /b"
  assert_output_has "run the hook /c"
}

@test "exec runs no hooks" {
  guest_hook 'echo hook >>/hooks'
  create
  start
  run_oci exec "$ID" /bin/true
  assert_success
  assert_equal "$(<"$BUNDLE/rootfs/hooks")" hook
}

@test "a hook that takes long is told of on a terminal, and only there" {
  hook createRuntime 'sleep 1.2'
  create
  assert_success
  assert_no_stderr
  run_oci delete --force "$ID"
  on_terminal <<'EOF'
j = oci("create", "--bundle", BUNDLE, ID)
expect(r"bwrap-oci: running the createRuntime hook /.*\.sh \.\.\.\r\n")
equal(j.wait(), 0)
check(shown().count("bwrap-oci: ") == 1, "it is said once")
EOF
}

@test "waiting for another command is told of on a terminal" {
  create
  flock "$STATE/$ID" sleep 2 3>&- &
  on_terminal <<'EOF'
j = oci("delete", "--force", ID)
expect(r"bwrap-oci: waiting for another command that uses the container \.\.\.\r\n")
equal(j.wait(), 0)
EOF
  wait
}
