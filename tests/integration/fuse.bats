# Overlays that fuse-overlayfs makes: where the kernel refuses, or because it is told to.
# shellcheck shell=bash
# runs as: user and root
# runs with: /dev/fuse
# takes: 40 s
load helpers

setup() {
  setup_test
  requires fuse fuse-overlayfs
  make_bundle
  config '.root.readonly = false'
  if [ "$(id -u)" = 0 ]; then config '.linux.namespaces |= map(select(.type != "user"))'; fi
  FUSE=$(command -v fuse-overlayfs)
}

# Those on record, and that all of them are gone.
daemons() { cut -d' ' -f1 "$STATE/$ID/fuse"; }
are_gone() {
  local pid
  for pid in "$@"; do
    ! grep -qs '^State:[[:space:]]*[A-WYa-z]' "/proc/$pid/status" || return 1
  done
}

# fingerprint: everything about the root's files but the time of the last access.
fingerprint() {
  find "$BUNDLE/rootfs" -printf '%P %i %y %m %U:%G %s %T@ %l\n' | sort
  # each file once: one has hundreds of names
  find "$BUNDLE/rootfs" -type f -printf '%i %p\n' | sort -unk1,1 | cut -d' ' -f2- | sort | xargs md5sum
}

# What a container does to its root, and sees of it afterwards.
changes='echo new >/file; echo more >>/etc/passwd; rm -r /home; mkdir /home && mkdir -m 700 /home/own &&
  touch /home/own/x; rm /bin/yes; ln -s a /tmp/link; chmod 600 /etc/group
  awk "\$5 == \"/\" { print \$(NF - 2) }" /proc/self/mountinfo
  cat /file; tail -n1 /etc/passwd; ls /home; ls /bin/yes 2>&1; readlink /tmp/link; stat -c %a /etc/group'
changed=$'fuse.fuse-overlayfs\nnew\nmore\nown\nls: /bin/yes: No such file or directory\na\n600'

@test "--mount-program: a writable layer in the state, in memory and in a folder" {
  local before
  before=$(fingerprint)
  mkdir "$TEST_DIR/mine"
  container_command /bin/sh -c "$changes"
  for where in state volatile "$TEST_DIR/mine"; do
    run_oci run --bundle "$BUNDLE" --mount-program "$FUSE" --overlay "$where" "$ID"
    assert_success
    assert_no_stderr
    assert_output "$changed"
    assert_equal "$(fingerprint)" "$before"
    [ ! -e "$STATE/$ID" ]
  done
  container_command /bin/cat /file
  run_oci run --bundle "$BUNDLE" --mount-program "$FUSE" --overlay "$TEST_DIR/mine" "$ID"
  assert_output new
  remove "$TEST_DIR/mine"
}

@test "layers that are only read, and an overlay among the mounts: a program for each" {
  local pids
  mkdir -p "$TEST_DIR"/{one,two}/etc "$TEST_DIR"/{upper,work}
  echo one >"$TEST_DIR/one/etc/a" && echo one >"$TEST_DIR/one/etc/b" && echo two >"$TEST_DIR/two/etc/b"
  config '.annotations = {"org.bwrap-oci.overlay.mount_program": "fuse-overlayfs"}'
  config '.mounts += [{destination: "/m", type: "overlay", source: "overlay", options:
    ["nosuid", "lowerdir=\($d)/two/etc:\($d)/one/etc", "upperdir=\($d)/upper", "workdir=\($d)/work"]}]' --arg d "$TEST_DIR"
  container_command /bin/sleep 100
  run_oci run --bundle "$BUNDLE" --overlay volatile --overlay-lower "$TEST_DIR/one" \
    --overlay-lower "$TEST_DIR/two" --detach "$ID"
  assert_success
  mapfile -t pids < <(daemons)
  assert_equal "${#pids[@]}" 2
  run_oci exec "$ID" /bin/sh -c 'cat /etc/a /etc/b; head -n1 /etc/passwd; rm /etc/b
    cat /m/a /m/b; echo x >/m/b; rm /m/a; ls /m
    awk "\$5 == \"/m\" { print \$6, \$(NF - 2) }" /proc/self/mountinfo'
  assert_success
  assert_output $'one\ntwo\nroot:x:0:0:root:/root:/bin/sh\none\ntwo\nb\nrw,nosuid,relatime fuse.fuse-overlayfs'
  assert_equal "$(cat "$TEST_DIR/upper/b" "$TEST_DIR/one/etc/a" "$TEST_DIR/two/etc/b")" $'x\none\ntwo'
  run_oci delete --force "$ID"
  assert_success
  are_gone "${pids[@]}"
  remove "$TEST_DIR/work"
}

@test "the program: in the container's user namespace, outside of it otherwise, with nothing of the caller's" {
  local pid init
  container_command /bin/sh -c 'touch /x; chown 33:33 /x; exec sleep 100'
  config '.process.capabilities |= map_values(. + ["CAP_CHOWN", "CAP_DAC_OVERRIDE"])'
  run_oci create --bundle "$BUNDLE" --mount-program "$FUSE" --overlay state "$ID"
  assert_success
  pid=$(daemons) init=$(container_pid)
  [ "$(readlink "/proc/$pid/exe")" = "$(readlink -f "$FUSE")" ]
  assert_equal "$(readlink "/proc/$pid/ns/user")" "$(readlink "/proc/$init/ns/user")"
  assert_equal "$(readlink "/proc/$pid/ns/pid")" "$(readlink "/proc/$$/ns/pid")"
  [ "$(readlink "/proc/$pid/ns/mnt")" != "$(readlink "/proc/$init/ns/mnt")" ]
  assert_equal "$(readlink "/proc/$pid/fd/0")" /dev/null
  [[ "$(readlink "/proc/$pid/fd/1")$(readlink "/proc/$pid/fd/2")" == "/memfd:"*"/memfd:"* ]]
  [ ! -s "/proc/$pid/environ" ] || [ "$(tr -d '\0' <"/proc/$pid/environ")" = "" ]
  run_oci start "$ID"
  assert_success
  wait_until test -e "$STATE/$ID/layer/upper/x"
  wait_until grep -qx sleep "/proc/$init/comm"
  # it does not outlive the container, even if nobody deletes that
  run_oci kill "$ID" KILL
  wait_until is_status stopped
  wait_until are_gone "$pid"
  if [ "$(id -u)" != 0 ] && has_subids; then
    assert_equal "$(stat -c %u "$STATE/$ID/layer/upper/x")" "$(($(awk -F: -v u="$(id -un)" '$1 == u { print $2; exit }' /etc/subuid) + 32))"
  fi
  run_oci delete "$ID"
  assert_success
}

@test "a runtime that is killed: delete --force leaves nothing" {
  local pid runtime
  container_command /bin/sleep 100
  "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" --mount-program "$FUSE" --overlay state "$ID" \
    </dev/null >/dev/null 2>&1 3>&- &
  runtime=$!
  wait_until is_status running
  pid=$(daemons)
  kill -9 "$runtime"
  wait "$runtime" || true
  is_status running
  run_oci exec "$ID" /bin/sh -c 'echo still >/a; cat /a'
  assert_output still
  run_oci delete --force "$ID"
  assert_success
  are_gone "$pid"
  [ ! -e "$STATE/$ID" ]
}

# fake WORDS...: a mount program that is a script.
fake() { printf '#!/bin/bash\n%s\n' "$*" >"$TEST_DIR/fake" && chmod +x "$TEST_DIR/fake"; }
run_fake() {
  fake "$@"
  run_oci run --bundle "$BUNDLE" --mount-program "$TEST_DIR/fake" --overlay state "$ID"
  assert_failure 1
  [ ! -e "$STATE/$ID" ]
}

@test "one that ends at once: its last words, or how it ended" {
  container_command /bin/true
  run_fake 'echo first >&2; echo "fuse-overlayfs: cannot do it" >&2; echo "unknown argument ignored: lazytime" >&2; exit 3'
  assert_one_line_error "config.json: /root/path: $TEST_DIR/fake: fuse-overlayfs: cannot do it"
  run_fake 'exit 3'
  assert_one_line_error "$TEST_DIR/fake: exited with 3"
  run_fake 'exit 0'
  assert_one_line_error "$TEST_DIR/fake: exited with 0"
  run_fake 'kill -SEGV $$'
  assert_one_line_error "$TEST_DIR/fake: killed by signal 11"
  run_fake 'printf "\033[2J\377\1x" >&2; exit 1'
  assert_one_line_error "$TEST_DIR/fake: \\x1b[2J\\xff\\x01x"
  run_fake 'head -c 1000000 /dev/zero | tr "\0" x; head -c 100000 /dev/zero | tr "\0" "\n" >&2; exit 1'
  assert_one_line_error "$TEST_DIR/fake: "
  [ "$(wc -c <"$TEST_DIR/stderr")" -lt 5000 ]
  # it has what the init has opened, and nothing else
  run_fake 'ls /proc/$$/fd | grep -vx 255 | tr "\n" " " >&2; exit 1'
  assert_one_line_error "$TEST_DIR/fake: 0 1 2 3"
}

@test "one that never answers, on a terminal: said after a second, given up after ten" {
  container_command /bin/true
  fake 'exec sleep 1000'
  FAKE=$TEST_DIR/fake on_terminal <<'EOF'
started = time.monotonic()
j = oci("run", "--bundle", BUNDLE, "--mount-program", os.environ["FAKE"], "--overlay", "volatile", ID)
expect(r"bwrap-oci: starting fuse-overlayfs \.\.\.\r\n")
check(time.monotonic() - started >= 1, "a second has passed")
expect(r"bwrap-oci: .*/fake: no answer after 10 s\r\n")
equal(j.wait(), 1)
EOF
  [ ! -e "$STATE/$ID" ]
}

@test "a runtime that is killed while it waits for the answer" {
  local pid runtime
  container_command /bin/true
  fake 'exec sleep 1000'
  "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" --mount-program "$TEST_DIR/fake" --overlay state "$ID" \
    </dev/null >/dev/null 2>&1 3>&- &
  runtime=$!
  wait_until test -s "$STATE/$ID/fuse"
  pid=$(daemons)
  wait_until grep -qsx sleep "/proc/$pid/comm"
  kill -9 "$runtime"
  wait "$runtime" || true
  run_oci delete --force "$ID"
  assert_success
  are_gone "$pid"
  [ ! -e "$STATE/$ID" ]
}

@test "a signal to end while it waits for the answer undoes everything" {
  local pid runtime status=0
  container_command /bin/true
  fake 'exec sleep 1000'
  "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" --mount-program "$TEST_DIR/fake" --overlay state "$ID" \
    </dev/null >/dev/null 2>"$TEST_DIR/said" 3>&- &
  runtime=$!
  wait_until test -s "$STATE/$ID/fuse"
  pid=$(daemons)
  wait_until grep -qsx sleep "/proc/$pid/comm"
  kill -TERM "$runtime"
  wait "$runtime" || status=$?
  assert_equal "$(cat "$TEST_DIR/said")" "bwrap-oci: interrupted by signal 15"
  are_gone "$pid"
  [ ! -e "$STATE/$ID" ]
}

@test "a program that is not there, no pid namespace, an option of the kernel's, a wrong annotation" {
  container_command /bin/true
  run_oci run --bundle "$BUNDLE" --mount-program "$TEST_DIR/none" --overlay volatile "$ID"
  assert_failure 1
  assert_one_line_error "config.json: /root/path: no overlay: $TEST_DIR/none: No such file or directory: install fuse-overlayfs"
  config '.annotations = {"org.bwrap-oci.overlay.mount_program": "/tmp/mine"}'
  run_oci run --bundle "$BUNDLE" --overlay volatile "$ID"
  assert_failure 1
  assert_one_line_error 'config.json: /annotations/org.bwrap-oci.overlay.mount_program: expected fuse-overlayfs, got "/tmp/mine"'
  config '.linux.namespaces |= map(select(.type != "pid")) | del(.annotations)'
  run_oci run --bundle "$BUNDLE" --mount-program "$FUSE" --overlay volatile "$ID"
  assert_failure 1
  assert_one_line_error "without a pid namespace of its own the container could trace it"
  config '.linux.namespaces += [{type: "pid"}] | .mounts += [{destination: "/m", type: "overlay", source: "overlay",
    options: ["lowerdir=/usr:/etc", "index=on"]}]'
  run_oci run --bundle "$BUNDLE" --mount-program "$FUSE" "$ID"
  assert_failure 1
  assert_one_line_error ": no overlay: fuse-overlayfs cannot: it has no option index=on"
}

# refused COMMAND...: in a user namespace, with the bundle's root on overlays that are nested as deep as
# the kernel has it.
refused() {
  mkdir -p "$TEST_DIR"/{empty,n1,n2}
  unshare --user --map-root-user --mount sh -c 'cd "$0" && mount -t overlay o -o userxattr,lowerdir=bundle/rootfs:empty n1 &&
    mount -t overlay o -o userxattr,lowerdir=n1:empty n2 && mount --bind n2 bundle/rootfs && exec "$@"' "$TEST_DIR" "$@"
}

assert_no_stderr_of_overlay() { ! grep overlay "$TEST_DIR/stderr"; }

@test "where the kernel refuses: fuse-overlayfs, told by --dry-run and check" {
  local words='/root/path: fuse-overlayfs makes the overlay, which the kernel refuses: mount: '
  requires user
  sh_container true
  config '.annotations = {"org.bwrap-oci.rootfs.overlay": "volatile"}'
  container_command /bin/sh -c "$changes"
  run_oci run --bundle "$BUNDLE" --dry-run "$ID"
  assert_output_has "in memory, by $FUSE if the kernel refuses"
  assert_no_stderr_of_overlay
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_output_has overlay$'\n'
  # one layer lower the kernel has had enough
  BWRAP_OCI_INNER=$BWRAP_OCI
  BWRAP_OCI=$TEST_DIR/refused
  { declare -f refused; printf 'TEST_DIR=%q\nrefused %q "$@"\n' "$TEST_DIR" "$BWRAP_OCI_INNER"; } |
    sed '1i#!/bin/bash' >"$BWRAP_OCI"
  chmod +x "$BWRAP_OCI"
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_no_stderr
  assert_output "$changed"
  run_oci run --bundle "$BUNDLE" --dry-run "$ID"
  assert_success
  assert_output_has "in memory, by $FUSE  (/root/path)"
  assert_stderr_has "note: $words"
  run_oci check "$BUNDLE"
  assert_output_has "note $words"
  BWRAP_OCI=$BWRAP_OCI_INNER
}

@test "where the kernel refuses and fuse-overlayfs cannot: the reasons of both" {
  requires user python3
  sh_container true
  config '.annotations = {"org.bwrap-oci.rootfs.overlay": "volatile"}'
  python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$TEST_DIR/no"
  mkdir "$TEST_DIR/inner"
  { declare -f refused; printf 'TEST_DIR=%q\nrefused sh -c '\''mount --bind "$0" /dev/fuse && exec "$@"'\'' %q %q "$@"\n' \
    "$TEST_DIR" "$TEST_DIR/no" "$BWRAP_OCI"; } | sed '1i#!/bin/bash' >"$TEST_DIR/refused"
  chmod +x "$TEST_DIR/refused"
  BWRAP_OCI_INNER=$BWRAP_OCI
  BWRAP_OCI=$TEST_DIR/refused
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "in memory: mount: overlay: Invalid argument (fuse-overlayfs cannot: /dev/fuse: No such device or address)"
  run_oci run --bundle "$BUNDLE" --dry-run "$ID"
  assert_failure 1
  assert_one_line_error "config.json: /root/path: the kernel refuses the overlay: mount: "
  run_oci check "$BUNDLE"
  assert_failure 1
  assert_output_has "refused /root/path: the kernel refuses the overlay: mount: "
  BWRAP_OCI=$BWRAP_OCI_INNER
}

@test "tmpcopyup that takes long says so on a terminal, and only there" {
  # a root that is slow: who serves it has to say of each request what it is, to a pipe that holds
  # little and is read line by line
  fake 'exec python3 - "$@" <<EOF
import fcntl, os, subprocess, sys, time
ours, theirs = os.pipe()
fcntl.fcntl(theirs, fcntl.F_SETPIPE_SZ, 4096)
subprocess.Popen(["fuse-overlayfs", "-d", *sys.argv[1:]], stderr=theirs, pass_fds=[3])
os.close(theirs)
os.close(3)
for line in open(ours, "rb"):
    time.sleep(0.002)
EOF'
  mkdir "$BUNDLE/rootfs/many"
  for i in {1..100}; do echo "$i" >"$BUNDLE/rootfs/many/$i"; done
  config '.mounts += [{destination: "/many", type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}]'
  container_command /bin/cat /many/60
  run_oci run --bundle "$BUNDLE" --mount-program "$TEST_DIR/fake" --overlay volatile "$ID"
  assert_success
  assert_output 60
  assert_no_stderr
  FAKE=$TEST_DIR/fake on_terminal <<'EOF'
j = oci("run", "--bundle", BUNDLE, "--mount-program", os.environ["FAKE"], "--overlay", "volatile", ID)
expect(r"bwrap-oci: copying up /many \.\.\.\r\n")
expect(r"60\r\n")
equal(j.wait(), 0)
check(shown().count("copying up") == 1, "it is said once")
EOF
}
