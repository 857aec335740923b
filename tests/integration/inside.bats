#!/usr/bin/env bats
# What a container sees and reaches of the runtime and of its caller, while it is run, while it waits
# for its start and while others come in; in every way that its first process can be made.
# runs with: the plain build
# runs as: user and root
load helpers

SECRET=the-secret-of-the-caller

setup() {
  setup_test
  make_bundle
  config '.root.readonly = false
    | .process.capabilities |= map_values (["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH"])'
  ways=(child join)
  # what root makes without a user namespace is the host's root's
  if [ "$(id -u)" = 0 ]; then config '.linux.namespaces |= map (select (.type != "user"))'
  else ways+=(plain); fi
  cp "$BUNDLE/config.json" "$TEST_DIR/base.json"
  ROOTFS=$BUNDLE/rootfs
}

# way NAME COMMAND...: the bundle for that, with what it runs; sets mode.
way() {
  local name=$1
  shift
  mode=normal
  cp "$TEST_DIR/base.json" "$BUNDLE/config.json"
  case $name in
    join) config '.process.noNewPrivileges = false' ;;
    plain)
      mode=plain
      # what bubblewrap alone can do exactly
      config 'del (.process.capabilities, .linux.readonlyPaths, .linux.maskedPaths, .linux.seccomp)
        | .mounts = [{destination: "/proc", type: "proc", source: "proc"},
            {destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"]}]
          + (.mounts | map (select (.type == "bind" and .source != "/sys")))'
      ;;
  esac
  container_command "$@"
}

made() { run_oci create --mode=$mode --bundle "$BUNDLE" "$ID"; assert_success; }
detached() { run_oci run --detach --mode=$mode --bundle "$BUNDLE" "$ID"; assert_success; }
deleted() { run_oci delete --force "$ID"; assert_success; }

# A command with what careless callers leave open and in their environment.
careless() {
  local fd
  (
    for fd in {3..20}; do eval "exec $fd<'$TEST_DIR'"; done
    export LEFT_OVER=$SECRET
    exec timeout 60 "$BWRAP_OCI" --root "$STATE" "$@" </dev/null >"$TEST_DIR/stdout" 2>"$TEST_DIR/stderr"
  ) && status=0 || status=$?
  output=$(<"$TEST_DIR/stdout") stderr=$(<"$TEST_DIR/stderr")
}

# assert_nothing_of_the_caller FILE
assert_nothing_of_the_caller() {
  local found
  [ -s "$1" ] || { echo "nothing was seen"; return 1; }
  found=$(grep -aE "$SECRET|LEFT_OVER|$TEST_DIR|$(dirname "$BWRAP_OCI")" "$1" |
    grep -vE " -> $TEST_DIR/std(out|err)$" | head -n 5) || true
  [ -z "$found" ] || { echo "seen: $found"; return 1; }
}

# Python inside: the host's, read-only.
with_python() {
  requires python3
  ln -sfn usr/lib "$ROOTFS/lib"
  ln -sfn usr/lib64 "$ROOTFS/lib64"
  mkdir -p "$ROOTFS/etc/alternatives"
  config '.mounts += [{destination: "/usr", type: "bind", source: "/usr", options: ["rbind", "ro"]}]'
  cp "$BUNDLE/config.json" "$TEST_DIR/base.json"
}

# Everything that /proc tells of a process; what it has as its standard descriptors is given to it.
look_at='for p in "$@"; do
  echo "== $p $(cat $p/comm)"
  tr "\0" "\n" <$p/environ
  tr "\0" "\n" <$p/cmdline
  ls -l $p/fd $p/exe $p/cwd $p/root | grep -v " [012] -> "
done 2>/dev/null'

@test "the process table shows nothing of the caller: run, create and exec" {
  local name
  for name in "${ways[@]}"; do
    rm -f "$ROOTFS"/{seen,end,done}
    way "$name" /bin/sh -c "exec >/dev/null 2>&1; touch /first
      while [ ! -e /end ]; do set -- /proc/[0-9]*; $look_at; done >/seen; touch /done"
    careless run --detach --mode=$mode --bundle "$BUNDLE" "$ID"
    assert_success
    wait_until test -e "$ROOTFS/first"
    for _ in {1..10}; do
      careless exec "$ID" /bin/true
      assert_success
      careless exec --user 1:1 --env A=b "$ID" /bin/sh -c "set -- /proc/self; $look_at" || true
      assert_nothing_of_the_caller "$TEST_DIR/stdout"
    done
    touch "$ROOTFS/end"
    wait_until test -e "$ROOTFS/done"
    assert_nothing_of_the_caller "$ROOTFS/seen"
    deleted
    # one that waits
    way "$name" /bin/true
    careless create --mode=$mode --bundle "$BUNDLE" "$ID"
    assert_success
    careless exec "$ID" /bin/sh -c "set -- /proc/[0-9]*; $look_at"
    assert_success
    assert_output_has "== /proc/1 "
    assert_nothing_of_the_caller "$TEST_DIR/stdout"
    deleted
  done
}

@test "no descriptor of the runtime or its caller reaches a program: run, create, exec" {
  local name
  for name in "${ways[@]}"; do
    rm -f "$ROOTFS/fds"
    way "$name" /bin/sh -c 'echo /proc/self/fd/* >/fds; exec sleep 100'
    careless create --mode=$mode --bundle "$BUNDLE" "$ID"
    assert_success
    careless start "$ID"
    assert_success
    wait_until test -s "$ROOTFS/fds"
    # 3 is the folder, while it is read
    assert_equal "$(sed 's|/proc/self/fd/||g' "$ROOTFS/fds")" "0 1 2 3"
    careless exec "$ID" /bin/sh -c 'echo /proc/self/fd/*'
    assert_output "/proc/self/fd/0 /proc/self/fd/1 /proc/self/fd/2 /proc/self/fd/3"
    deleted
  done
}

# Programs and data of the image that exec might be led to: each file that can be executed is a
# script that writes down who runs it. There is no /proc but that of the image's making.
hostile_image() {
  local name
  mkdir -p "$ROOTFS"/{real,lib64,lib/x86_64-linux-gnu,usr/sbin,fake/self/fd,fake/1,truth}
  cp "$BUSYBOX" "$ROOTFS/real/busybox"
  cat >"$ROOTFS/real/record" <<'SH'
#!/real/busybox sh
{
  echo "ran $0 $*"
  while read -r name value; do
    case $name in Uid: | CapEff: | NoNewPrivs: | Seccomp:) echo "$name $value" ;; esac
  done </truth/self/status
} >>/record
SH
  chmod 755 "$ROOTFS/real/record"
  for name in bin/{sh,true,id,busybox,bwrap,newuidmap,getent} usr/sbin/nologin lib64/ld-linux-x86-64.so.2 \
    lib/ld-musl-x86_64.so.1 lib/x86_64-linux-gnu/{libc.so.6,libnss_files.so.2}; do
    rm -f "$ROOTFS/$name"
    cp "$ROOTFS/real/record" "$ROOTFS/$name"
  done
  ln -sf /real/record "$ROOTFS/fake/self/exe"
  ln -sf / "$ROOTFS/fake/self/root"
  for name in 0 1 2 3 4 5 6 7 8; do ln -sf /bin/sh "$ROOTFS/fake/self/fd/$name"; done
  printf '%s\n' 'root:x:0:0:root:/$(/bin/sh):/bin/sh' '|/bin/sh:x:1:1::/:/bin/sh' >"$ROOTFS/etc/passwd"
  echo 'passwd: files' >"$ROOTFS/etc/nsswitch.conf"
  echo /bin/sh >"$ROOTFS/etc/ld.so.preload"
  : >"$ROOTFS/record"
  chmod 666 "$ROOTFS/record"
}

@test "exec runs nothing of the image but the program, and that with all restrictions" {
  local who
  hostile_image
  config '.mounts |= map (select (.destination | startswith ("/proc") | not))
    | .mounts += [{destination: "/truth", type: "proc", source: "proc"}]
    | del (.linux.maskedPaths, .linux.readonlyPaths)
    | .process.capabilities |= map_values (["CAP_KILL"])
    | .process.env = ["PATH=/bin"]
    | .linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{names: ["swapon"], action: "SCMP_ACT_ERRNO"}]}'
  # the image's /proc, with what it says of itself
  rmdir "$ROOTFS/proc" && mv "$ROOTFS/fake" "$ROOTFS/proc"
  container_command /real/busybox sleep 100
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
  [ ! -s "$ROOTFS/record" ]
  for who in 0:0 0:0 1000:1000; do
    run_oci exec --user "$who" "$ID" true "$who"
    assert_success
    run_oci exec --user "$who" --cwd /proc/self "$ID" /bin/true "$who"
    assert_success
  done
  run_oci exec "$ID" /lib64/ld-linux-x86-64.so.2 0:0
  assert_success
  # each once, and none that was not asked for
  assert_equal "$(grep -c ^ran "$ROOTFS/record")" 7
  assert_equal "$(grep ^ran "$ROOTFS/record" | sort | uniq -c | awk '{ print $1, $3, $4 }')" \
    $'4 /bin/true 0:0\n2 /bin/true 1000:1000\n1 /lib64/ld-linux-x86-64.so.2 0:0'
  assert_equal "$(grep NoNewPrivs: "$ROOTFS/record" | sort -u)" "NoNewPrivs: 1"
  assert_equal "$(grep Seccomp: "$ROOTFS/record" | sort -u)" "Seccomp: 2"
  assert_equal "$(grep CapEff: "$ROOTFS/record" | sort | uniq -c | awk '{ print $1, $3 }')" \
    $'2 0000000000000000\n5 0000000000000020'
  assert_equal "$(grep Uid: "$ROOTFS/record" | tr -s '\t' ' ' | sort | uniq -c | sed 's/^ *//')" \
    $'5 Uid: 0 0 0 0\n2 Uid: 1000 1000 1000 1000'
}

# Tries to write to what process 1 is made of, now and again when it is another.
@test "the program of a container that waits for its start cannot be overwritten" {
  local name before dir
  dir=$(dirname "$BWRAP_OCI")
  before=$(sha256sum "$BWRAP_OCI" "$dir/bwrap-oci-init" "$(command -v bwrap)")
  with_python
  cat >"$ROOTFS/overwrite" <<'PY'
import os, sys, time
held = []
def attempt(path):
    for flags in os.O_WRONLY, os.O_RDWR, os.O_WRONLY | os.O_TRUNC:
        try:
            fd = os.open(path, flags)
            os.write(fd, b"x")
            print("changed:", path, flush=True)
        except OSError:
            pass
for path in ["/proc/1/exe"] + ["/proc/1/map_files/" + n for n in sorted(os.listdir("/proc/1/map_files"))
                               if os.access("/proc/1/map_files", os.R_OK)]:
    attempt(path)
    try:
        held.append(os.open(path, os.O_RDONLY))
    except OSError:
        pass
print("held", len(held), flush=True)
open("/looked", "w").close()
end = time.time() + 20
while not os.path.exists("/end") and time.time() < end:
    for fd in held:
        attempt("/proc/self/fd/%d" % fd)
    time.sleep(0.01)
print("finished", flush=True)
PY
  for name in "${ways[@]}"; do
    rm -f "$ROOTFS"/{looked,end}
    way "$name" /bin/sleep 100
    made
    "$BWRAP_OCI" --root "$STATE" exec "$ID" /usr/bin/python3 /overwrite >"$TEST_DIR/found" 2>&1 3>&- &
    wait_until test -e "$ROOTFS/looked"
    run_oci start "$ID"
    assert_success
    sleep 0.2
    touch "$ROOTFS/end"
    wait
    # the mode of the image's own files is its business; process 1's program was ours
    ! grep -q '^changed: /proc/1/exe\|Traceback' "$TEST_DIR/found" || show "$name: $(<"$TEST_DIR/found")"
    grep -q finished "$TEST_DIR/found"
    deleted
    assert_equal "$(sha256sum "$BWRAP_OCI" "$dir/bwrap-oci-init" "$(command -v bwrap)")" "$before"
  done
}

@test "the gate of a container that waits is not to be reached from inside" {
  local name
  with_python
  config '.linux.namespaces |= map (select (.type != "network"))
    | .process.capabilities |= map_values (["CAP_DAC_OVERRIDE"])'
  cp "$BUNDLE/config.json" "$TEST_DIR/base.json"
  cat >"$ROOTFS/knock" <<'PY'
import os, socket
names = {line.split()[7] for line in open("/proc/net/unix").readlines()[1:] if len(line.split()) > 7}
names |= {"/proc/self/fd/%d/gate" % n for n in range(64)} | {"/proc/1/fd/%d/gate" % n for n in range(64)}
names |= {"/proc/1/cwd/gate", "/proc/1/root/gate"}
for name in names:
    if "gate" not in name:
        continue
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        s.connect("\0" + name[1:] if name.startswith("@") else name)
        s.send(b"\2\0\0\0")
        print("reached:", name)
    except OSError:
        pass
print("knocked")
PY
  for name in "${ways[@]}"; do
    rm -f "$ROOTFS/started"
    way "$name" /bin/sh -c 'touch /started; exec sleep 100'
    made
    run_oci exec "$ID" /usr/bin/python3 /knock
    assert_output knocked
    [ ! -e "$ROOTFS/started" ]
    is_status created
    run_oci start "$ID"
    assert_success
    wait_until test -e "$ROOTFS/started"
    deleted
  done
}

# with_closed BITS COMMAND...: without some of the standard descriptors.
with_closed() {
  local bits=$1
  shift
  (
    ((bits & 1)) && exec <&-
    ((bits & 2)) && exec >&-
    ((bits & 4)) && exec 2>&-
    exec timeout 60 "$BWRAP_OCI" --root "$STATE" "$@" 3>&-
  ) <"$TEST_DIR/in" >"$TEST_DIR/out" 2>"$TEST_DIR/err"
}

# assert_standard FILE EXPECTED: what the three are, and nothing is open but what the shell has opened.
assert_standard() {
  local said
  said=$(xargs <"$1" | sed 's|/proc/self/fd/||g')
  [[ "$said" =~ ^"$2"( [0-9]+){1,2}$ ]] || { echo "said: $said, expected: $2 and the shell's own"; return 1; }
}

@test "what is closed of the standard descriptors is /dev/null inside: run, create, exec" {
  local bits expected fd script name
  echo input >"$TEST_DIR/in"
  script='exec 9>/FILE; for fd in 0 1 2; do echo "$(stat -L -c %t:%T /proc/$$/fd/$fd)" >&9; done; echo /proc/self/fd/* >&9'
  for bits in {0..7}; do
    expected=
    for fd in 0 1 2; do ((bits >> fd & 1)) && expected+="1:3 " || expected+="0:0 "; done
    expected+="0 1 2"
    name=child
    [ "$bits" != 7 ] || name="join"
    rm -f "$ROOTFS"/{run,create,exec}
    way $name /bin/sh -c "${script//FILE/run}"
    with_closed "$bits" run --bundle "$BUNDLE" "$ID"
    assert_standard "$ROOTFS/run" "$expected"
    way $name /bin/sh -c "${script//FILE/create}; exec sleep 100"
    with_closed "$bits" create --bundle "$BUNDLE" "$ID"
    with_closed "$bits" start "$ID"
    wait_until grep -qs self "$ROOTFS/create"
    assert_standard "$ROOTFS/create" "$expected"
    with_closed "$bits" exec "$ID" /bin/sh -c "${script//FILE/exec}"
    assert_standard "$ROOTFS/exec" "$expected"
    deleted
  done
}

@test "what somebody else has put in the place of the state directory is not used" {
  requires user subids unshare python3
  local kind trap=$TEST_DIR/run/bwrap-oci before
  mkdir -m 0700 "$TEST_DIR/run"
  mkdir "$TEST_DIR/elsewhere"
  way child /bin/true
  for kind in link dangling file socket fifo writable foreign foreign-link; do
    rm -rf "$trap"
    case $kind in
      link) ln -s "$TEST_DIR/elsewhere" "$trap" ;;
      dangling) ln -s "$TEST_DIR/nosuch" "$trap" ;;
      file) echo kept >"$trap" ;;
      socket) python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$trap" ;;
      fifo) mkfifo "$trap" ;;
      writable) mkdir "$trap" && chmod 0777 "$trap" ;;
      foreign) mkdir "$trap" && unshare --user --map-root-user --map-auto chown 1:1 "$trap" ;;
      foreign-link) ln -s "$TEST_DIR/elsewhere" "$trap" && unshare --user --map-root-user --map-auto chown -h 1:1 "$trap" ;;
    esac
    before=$(stat -c '%F %a %u:%g %s %Y' "$trap")
    for command in "run --bundle $BUNDLE $ID" "create --bundle $BUNDLE $ID" "state $ID" "delete $ID" "exec $ID true"; do
      status=0
      # shellcheck disable=SC2086  # words
      stderr=$(XDG_RUNTIME_DIR=$TEST_DIR/run timeout 20 "$BWRAP_OCI" $command 2>&1 </dev/null 3>&-) || status=$?
      [ "$status" != 0 ] && [ "$status" != 124 ] || show "$kind: $command"
      assert_one_line_error "$trap"
    done
    assert_equal "$(stat -c '%F %a %u:%g %s %Y' "$trap")" "$before"
    [ -z "$(ls -A "$TEST_DIR/elsewhere")" ]
    [ ! -e "$TEST_DIR/nosuch" ]
    unshare --user --map-root-user --map-auto rm -rf "$trap"
  done
}

@test "another user comes to no socket of a container" {
  requires user subids unshare setpriv python3
  way child /bin/true
  made
  run_as_other() { unshare --user --map-root-user --map-auto setpriv --reuid 1 --regid 1 --clear-groups "$@"; }
  run run_as_other python3 -c '
import socket, sys
try:
    socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(sys.argv[1])
except PermissionError:
    print("refused")' "$STATE/$ID/gate"
  assert_equal "$output" refused
  is_status created
}
