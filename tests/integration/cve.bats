#!/usr/bin/env bats
# Known holes of runtimes, of bubblewrap and of engines: each test is named after the first id of
# its row in SECURITY.md, which a house test compares. As root there is no user namespace, so that
# what gets out has all the rights there are.
# runs with: the plain build; with others, badrootfs.sh and the unit tests look for the same
# runs as: user and root
# takes: 50 s
load helpers

setup() {
  setup_test
  make_bundle
  # what root makes without a user namespace is the host's root's
  [ "$(id -u)" != 0 ] || config '.linux.namespaces |= map(select(.type != "user"))'
  # stands for the host
  VICTIM=$TEST_DIR/victim
  mkdir -p "$VICTIM/dir"
  echo canary >"$VICTIM/file"
  echo secret >"$VICTIM/dir/secret"
  ROOTFS=$BUNDLE/rootfs
  victim >"$TEST_DIR/victim.before"
}

victim() { (cd "$VICTIM" && find . -printf '%p %y %m %U:%G %s %l\n' | sort && cat file dir/secret); }
assert_victim_same() { assert_equal "$(victim)" "$(<"$TEST_DIR/victim.before")"; }

# What the row's bundle does in each command: it may fail, in one line, and must not hang or say 66,
# which is what a program says that is outside.
assert_harmless() {
  [ "$status" != 124 ] && [ "$status" != 137 ] || show "it hangs"
  [ "$status" != 66 ] || show "it is outside"
  [ "$status" != 1 ] || [ -z "$stderr" ] || assert_one_line_error ""
  assert_victim_same
}

# none_of PATTERN FILE: shows what of it is there.
none_of() {
  local found
  found=$(grep -aE "$1" "$2" | head -n 5) || true
  [ -z "$found" ] || { echo "found: $found"; return 1; }
}

# Run, create, exec, start, delete.
in_every_command() {
  RUN_TIMEOUT=20 run_oci run --bundle "$BUNDLE" "$ID"
  assert_harmless
  RUN_TIMEOUT=20 run_oci create --bundle "$BUNDLE" "$ID"
  assert_harmless
  if [ "$status" = 0 ]; then
    RUN_TIMEOUT=20 run_oci exec "$ID" /bin/true
    assert_harmless
    RUN_TIMEOUT=20 run_oci start "$ID"
    assert_harmless
  fi
  run_oci delete --force "$ID"
  assert_success
  assert_victim_same
}

# with_links FUNCTION: calls it with what a link to the host may begin with.
with_links() {
  local prefix
  for prefix in "" ../../../../../../../../oldroot; do "$1" "$prefix"; done
}

mount_on() { config '.mounts += [{destination: $d, type: "tmpfs", source: "tmpfs"}]' --arg d "$1"; }
bind_on() {
  config '.mounts += [{destination: $d, type: "bind", source: $s, options: ["bind", "ro"]}]' \
    --arg d "$1" --arg s "${2:-/etc/hosts}"
}
without_mounts() { config '.mounts |= map(select(.destination | startswith($d) | not))' --arg d "$1"; }

# A container that waits, for exec.
sleeper() {
  container_command /bin/sleep 100
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
}

# Python inside: the host's, read-only.
with_python() {
  requires python3
  ln -sfn usr/lib "$ROOTFS/lib"
  ln -sfn usr/lib64 "$ROOTFS/lib64"
  config '.mounts += [{destination: "/usr", type: "bind", source: "/usr", options: ["rbind", "ro"]}]'
  # Debian keeps what is chosen by it outside /usr
  mkdir -p "$ROOTFS/etc/alternatives"
}

# The programs that somebody inside might want to change.
programs() {
  local dir
  dir=$(dirname "$BWRAP_OCI")
  sha256sum "$BWRAP_OCI" "$dir/bwrap-oci-init" "$(command -v bwrap)" "$(command -v newuidmap)"
}

# --- runtimes -----------------------------------------------------------------

@test "CVE-2016-3697: a user is a number, never a name" {
  echo '1000:x:0:0::/:/bin/sh' >>"$ROOTFS/etc/passwd"
  config '.process.user = {uid: 1000, gid: 1000}'
  run_container /bin/id -u
  assert_output 1000
  sleeper
  local word
  for word in 1000:1000 1:2 1; do
    run_oci exec --user "$word" "$ID" /bin/sh -c 'echo "$(id -u):$(id -g)"'
    assert_success
    [ "${output%%:*}" = "${word%%:*}" ] || show "--user $word"
    [ "$word" = "${word%%:*}" ] || assert_output "$word"
  done
  for word in :2 1: +1 01 " 1" -1 4294967295 4294967296 18446744073709551616 root a:b:c " "; do
    run_oci exec --user "$word" "$ID" /bin/id
    assert_failure
    [ -z "$output" ] || show "--user $word"
  done
  # none is that of the configuration
  run_oci exec --user "" "$ID" /bin/id -u
  assert_output 1000
}

@test "CVE-2016-9962: a process that comes in cannot be looked into" {
  # it looks, with all capabilities, while others come in
  config '.root.readonly = false
    | .process.capabilities |= map_values(["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE", "CAP_SYS_ADMIN"])'
  container_command /bin/sh -c '
    while [ ! -e /end ]; do
      for p in /proc/[0-9]*; do
        [ $p = /proc/1 ] || [ $p = /proc/$$ ] || ls -l $p/fd $p/cwd $p/root $p/exe 2>/dev/null
      done
    done >/seen; touch /done'
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
  for _ in {1..30}; do
    run_oci exec "$ID" /bin/true
    assert_success
  done
  touch "$ROOTFS/end"
  wait_until test -e "$ROOTFS/done"
  # nothing but its standard descriptors leads to the host
  grep -vE ' [012] -> ' "$ROOTFS/seen" >"$TEST_DIR/seen" || true
  [ -s "$ROOTFS/seen" ]
  none_of " -> (.*$TEST_DIR|.*bwrap-oci$|/var|/home|/run)" "$TEST_DIR/seen"
}

# Opens the program of every process again and again, and writes to what it has held open once
# that process is gone.
overwriter='
import os, time
held, end = {}, time.time() + 60
while not os.path.exists("/end") and time.time() < end:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            fd = os.open("/proc/%s/exe" % pid, os.O_RDONLY)
            st = os.fstat(fd)
            if (st.st_dev, st.st_ino) in held:
                os.close(fd)
            else:
                held[st.st_dev, st.st_ino] = (fd, os.readlink("/proc/%s/exe" % pid))
        except OSError:
            pass
    for fd, name in held.values():
        # the image may change what is its own, and is not to break the test by that
        if not any(word in name for word in ("memfd", "bwrap", "init")):
            continue
        try:
            again = os.open("/proc/self/fd/%d" % fd, os.O_WRONLY)
        except OSError:
            continue
        for change in (lambda: os.pwrite(again, b"x", 0), lambda: os.ftruncate(again, 0)):
            try:
                change()
                print("changed:", name, flush=True)
            except OSError:
                pass
        os.close(again)
print("held", sorted(n for f, n in held.values()), flush=True)
'

@test "CVE-2019-5736: our programs cannot be overwritten from inside" {
  local before
  before=$(programs)
  printf '#!/proc/self/exe\n' >"$ROOTFS/bin/evil"
  chmod 755 "$ROOTFS/bin/evil"
  ln -s evil "$ROOTFS/bin/evil-link"
  # as the program, by name, by script and by link
  local program
  for program in /proc/self/exe /bin/evil /bin/evil-link; do
    container_command "$program"
    in_every_command
  done
  with_python
  # a process that comes in is held by who may trace it
  config '.process.capabilities |= map_values(["CAP_SYS_PTRACE", "CAP_DAC_OVERRIDE"])'
  echo "$overwriter" >"$ROOTFS/overwriter"
  container_command /usr/bin/python3 /overwriter
  "$BWRAP_OCI" --root "$STATE" run --detach --bundle "$BUNDLE" "$ID" >"$TEST_DIR/found" 2>&1 3>&-
  for _ in {1..20}; do
    run_oci exec "$ID" /bin/true
    assert_success
    run_oci exec "$ID" /proc/self/exe
    run_oci exec "$ID" /bin/evil
  done
  touch "$ROOTFS/end"
  wait_until grep -q held "$TEST_DIR/found"
  none_of '^changed:|^Traceback' "$TEST_DIR/found"
  # it has had them in its hands
  grep -qE 'held .*(memfd|init)' "$TEST_DIR/found"
  assert_equal "$(programs)" "$before"
}

@test "CVE-2019-16884: nothing is mounted over files that restrictions are written to" {
  local path
  ln -s proc "$ROOTFS/p"
  for path in /proc/self/attr /proc/self /proc/1/attr/exec /proc/sys/kernel/../vm /p/self/attr /proc/../proc/thread-self; do
    config '.mounts |= map(select(.source != "over"))'
    config '.mounts += [{destination: $d, type: "tmpfs", source: "over"}]' --arg d "$path"
    container_command /bin/true
    run_oci run --bundle "$BUNDLE" "$ID"
    [ "$status" = 1 ] || show "$path"
    assert_one_line_error proc
  done
}

proc_and_sys_are_links() {
  local name target
  for name in proc sys; do
    for target in "$VICTIM/dir" "/oldroot$VICTIM/dir" tmp; do
      rmdir "$ROOTFS/$name" && ln -s "$target" "$ROOTFS/$name"
      run_container /bin/true
      assert_failure 1
      assert_one_line_error "it must be mounted on ordinary directory: /$name"
      run_oci create --bundle "$BUNDLE" "$ID"
      assert_failure 1
      assert_victim_same
      rm "$ROOTFS/$name" && mkdir "$ROOTFS/$name"
    done
    rmdir "$ROOTFS/$name" && touch "$ROOTFS/$name"
    run_container /bin/true
    assert_failure 1
    assert_one_line_error "/$name"
    rm "$ROOTFS/$name" && mkdir "$ROOTFS/$name"
  done
}
@test "CVE-2019-19921: /proc and /sys of the image must be directories" { proc_and_sys_are_links; }

@test "CVE-2021-30465: a volume whose content leads out is no way out" {
  # the second mount goes below the first, whose content is hostile and may change
  mkdir "$TEST_DIR/volume"
  ln -s "$VICTIM/dir" "$TEST_DIR/volume/absolute"
  ln -s "../../../../../../../../$VICTIM/dir" "$TEST_DIR/volume/climbing"
  config '.mounts += [
    {destination: "/volume", type: "bind", source: $v, options: ["rbind"]},
    {destination: "/volume/absolute", type: "bind", source: "/etc", options: ["bind"]},
    {destination: "/volume/climbing/new", type: "tmpfs", source: "tmpfs"}]' --arg v "$TEST_DIR/volume"
  container_command /bin/sh -c 'cut -d" " -f5 /proc/self/mountinfo; test ! -e /etc/../volume/absolute/secret'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_harmless
  [ "$status" != 0 ] || assert_output_has "$VICTIM/dir/new"
  in_every_command
}

@test "CVE-2021-30465: a destination's parent is exchanged for a link meanwhile" {
  requires python3
  mkdir "$ROOTFS/parent"
  ln -s "$VICTIM/dir" "$ROOTFS/link"
  mount_on /parent/made
  container_command /bin/cut -d ' ' -f 5 /proc/self/mountinfo
  python3 - "$ROOTFS/parent" "$ROOTFS/link" 3>&- <<'PY' &
import ctypes, os, sys, time
libc, end = ctypes.CDLL(None), time.time() + 60
while not os.path.exists(sys.argv[1] + ".end") and time.time() < end:
    libc.syscall(316, -100, sys.argv[1].encode(), -100, sys.argv[2].encode(), 2)
PY
  for _ in {1..15}; do
    run_oci run --bundle "$BUNDLE" "$ID"
    assert_harmless
  done
  touch "$ROOTFS/parent.end"
  wait
  assert_victim_same
}

@test "CVE-2021-43784: strings of 70000 bytes on their way to the init" {
  local long field
  long=$(head -c 70000 /dev/zero | tr '\0' x)
  echo "\"$long\"" >"$TEST_DIR/long"
  config '.process.env += ["LONG=" + $l[0]]' --slurpfile l "$TEST_DIR/long"
  sh_container 'echo ${#LONG}'
  assert_output 70000
  jq '.process.args = ["/bin/sh", "-c", "echo ${#0}", $l[0]]' --slurpfile l "$TEST_DIR/long" \
    "$BUNDLE/config.json" >"$TEST_DIR/config" && mv "$TEST_DIR/config" "$BUNDLE/config.json"
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_output 70000
  cp "$BUNDLE/config.json" "$TEST_DIR/good.json"
  for field in .hostname .domainname .process.cwd '.process.args[0]' '.mounts[0].destination' \
    '.mounts[0].type' '.mounts[0].options[0]' '.linux.maskedPaths[0]' '.linux.readonlyPaths[0]' \
    '.linux.sysctl["net.ipv4.ip_forward"]' '.root.path' '.linux.cgroupsPath' \
    '.process.rlimits[0].type' '.process.capabilities.bounding[0]'; do
    # absolute, as some have to be
    jq "$field = \"/\" + \$l[0]" --slurpfile l "$TEST_DIR/long" "$TEST_DIR/good.json" >"$BUNDLE/config.json"
    run_oci run --bundle "$BUNDLE" "$ID"
    case $field in
      .process.capabilities* | *Paths* | *cgroupsPath) assert_harmless ;;
      *) [ "$status" != 0 ] || show "$field"; assert_harmless ;;
    esac
  done
}

@test "CVE-2022-29162: no inheritable capabilities but those that are asked for" {
  config '.process.capabilities |= (map_values(["CAP_NET_RAW", "CAP_KILL"]) | del(.inheritable, .ambient))'
  run_container /bin/grep CapInh /proc/self/status
  assert_equal "$(awk '{ print $2 }' <<<"$output")" 0000000000000000
  sleeper
  run_oci exec --cap CAP_NET_ADMIN "$ID" /bin/grep CapInh /proc/self/status
  assert_equal "$(awk '{ print $2 }' <<<"$output")" 0000000000000000
  run_oci exec "$ID" /bin/grep CapInh /proc/self/status
  assert_equal "$(awk '{ print $2 }' <<<"$output")" 0000000000000000
  run_oci delete --force "$ID"
  config '.process.capabilities.inheritable = ["CAP_KILL"]'
  run_container /bin/grep CapInh /proc/self/status
  assert_equal "$(awk '{ print $2 }' <<<"$output")" 0000000000000020
}

@test "CVE-2023-25809: cgroups and what is below a read-only bind cannot be written" {
  local way
  config '.process.capabilities |= map_values(["CAP_DAC_OVERRIDE"])'
  # the host's root may remount what it has
  [ "$(id -u)" = 0 ] || config '.process.capabilities |= map_values(["CAP_SYS_ADMIN", "CAP_DAC_OVERRIDE"])'
  config '.mounts += [{destination: "/host-sys", type: "bind", source: "/sys", options: ["rbind", "rro"]}]'
  for way in . '.linux.namespaces |= map(select(.type != "cgroup"))'; do
    config "$way"
    sh_container '
      for d in $(cut -d" " -f5 /proc/self/mountinfo | grep -E "^/(host-)?sys"); do
        mkdir $d/made 2>/dev/null && echo "made in $d"
        mount -o remount,rw $d 2>/dev/null && [ $d != /sys ] && mkdir $d/made 2>/dev/null && echo "made in $d"
      done; true'
    assert_success
    assert_output ""
  done
}

@test "CVE-2024-21626: a working directory through a descriptor that was left open" {
  local fd
  exec 5</ 8</etc 10</tmp 12<"$VICTIM"
  for fd in 5 7 8 10 12; do
    config '.process.cwd = $d' --arg d "/proc/self/fd/$fd"
    container_command /bin/sh -c "cat ../../../../../../../../../..$VICTIM/dir/secret && exit 66; exit 0"
    run_oci run --bundle "$BUNDLE" "$ID"
    assert_harmless
    ln -sfn "/proc/self/fd/$fd" "$ROOTFS/work"
    config '.process.cwd = "/work"'
    run_oci run --bundle "$BUNDLE" "$ID"
    assert_harmless
  done
  config '.process.cwd = "/"'
  sleeper
  for fd in 5 7 8 12; do
    ln -sfn "/proc/self/fd/$fd" "$ROOTFS/work"
    run_oci exec --cwd "/proc/self/fd/$fd" "$ID" /bin/cat "../../../../../../../../..$VICTIM/dir/secret"
    assert_failure
    run_oci exec --cwd /work "$ID" /bin/cat "../../../../../../../../..$VICTIM/dir/secret"
    assert_failure
    [[ "$output" != *secret* ]] || show "it is outside"
  done
  exec 5<&- 8<&- 10<&- 12<&-
}

made_through_links() {
  rm -rf "$ROOTFS"/{etc/resolv.conf,data,rodir,secret,work}
  ln -s "$1$VICTIM/created" "$ROOTFS/etc/resolv.conf"
  ln -s "$1$VICTIM/dir" "$ROOTFS/data"
  ln -s "$1$VICTIM/newcwd" "$ROOTFS/work"
  config '.mounts |= map(select(.source != "over" and .source != "/etc/hosts")) | .process.cwd = "/work"'
  bind_on /etc/resolv.conf
  config '.mounts += [{destination: "/data/sub/sub2", type: "tmpfs", source: "over"}]'
  container_command /bin/true
  in_every_command
}
@test "CVE-2024-45310: what is made for a mount is made below the root" { with_links made_through_links; }

masks_by_link() {
  without_mounts /dev
  rm -f "$ROOTFS/dev/null"
  ln -s "$1$VICTIM/file" "$ROOTFS/dev/null"
  config '.linux.maskedPaths = ["/etc/passwd", "/tmp"]'
  container_command /bin/sh -c 'cat /etc/passwd; ls /tmp; echo over >/dev/null'
  in_every_command
  # with standard descriptors that are pipes, which get another owner
  config '.process.user = {uid: 1000, gid: 1000}'
  "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" < <(echo) 2>&1 3>&- | cat >"$TEST_DIR/piped"
  assert_victim_same
  ! grep -q root: "$TEST_DIR/piped"
  config '.process.user = {uid: 0, gid: 0}'
}
@test "CVE-2025-31133: what masks is no device of the image" { with_links masks_by_link; }

console_by_link() {
  without_mounts /dev
  mkdir -p "$ROOTFS/dev/pts"
  rm -f "$ROOTFS"/dev/{console,ptmx}
  ln -s "$1$VICTIM/newconsole" "$ROOTFS/dev/console"
  ln -s "$1$VICTIM/file" "$ROOTFS/dev/ptmx"
  config '.process.terminal = true'
  if [ -n "${2:-}" ]; then
    config '.mounts += [{destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance"]}]'
  fi
  container_command /bin/true
  rm -f "$TEST_DIR/console"
  python3 - "$TEST_DIR/console" 3>&- <<'PY' &
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
s.settimeout(20)
c = s.accept()[0]
c.recvmsg(100, 100)
PY
  wait_until test -S "$TEST_DIR/console"
  RUN_TIMEOUT=20 run_oci create --console-socket "$TEST_DIR/console" --bundle "$BUNDLE" "$ID"
  assert_harmless
  [ "$status" != 0 ] || run_oci start "$ID"
  run_oci delete --force "$ID"
  # if nobody else has
  python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])' "$TEST_DIR/console" 2>/dev/null || true
  wait
  assert_victim_same
}
console_by_link_with_devpts() { console_by_link "$1" devpts; }
@test "CVE-2025-52565: the terminal is bound by descriptor, on no link of the image" {
  requires python3
  with_links console_by_link
  with_links console_by_link_with_devpts
}

@test "CVE-2025-52881: what is written below /proc goes to a procfs" {
  # a volume over /proc/sys, and one that is /proc itself
  mkdir -p "$TEST_DIR/fake/sys/net/ipv4" "$TEST_DIR/fake/self/attr"
  echo old >"$TEST_DIR/fake/sys/net/ipv4/ip_forward"
  config '.linux.sysctl = {"net.ipv4.ip_forward": "1"} | .process.oomScoreAdj = 500'
  config 'if any(.linux.namespaces[]; .type == "network") then . else .linux.namespaces += [{type: "network"}] end'
  container_command /bin/cat /proc/sys/net/ipv4/ip_forward
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_output 1
  config '.mounts += [{destination: "/proc/sys", type: "bind", source: $s, options: ["bind"]}]' --arg s "$TEST_DIR/fake/sys"
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_harmless
  assert_equal "$(<"$TEST_DIR/fake/sys/net/ipv4/ip_forward")" old
  config '.mounts |= map(select(.destination | startswith("/proc") | not))'
  config '.mounts += [{destination: "/proc", type: "bind", source: $s, options: ["bind"]}]' --arg s "$TEST_DIR/fake"
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_harmless
  assert_equal "$(<"$TEST_DIR/fake/sys/net/ipv4/ip_forward")" old
}

dev_by_link() {
  rm -rf "${ROOTFS:?}/dev"
  ln -s "$1$VICTIM/dir" "$ROOTFS/dev"
  container_command /bin/true
  in_every_command
  without_mounts /dev
  in_every_command
  rm "$ROOTFS/dev"
  mkdir -p "$ROOTFS/dev/pts"
  ln -s "$1$VICTIM/file" "$ROOTFS/dev/ptmx"
  ln -s "$1$VICTIM" "$ROOTFS/dev/fd"
  ln -s "$1$VICTIM/dir" "$ROOTFS/dev/shm"
  in_every_command
}
@test "CVE-2026-41579: nothing is made or removed where /dev and its links lead" { with_links dev_by_link; }

@test "CVE-2024-40635: an id that does not fit is refused" {
  local id
  for id in 4294967295 4294967296 18446744073709551616 -1 1.5 '"0"'; do
    jq ".process.user.uid = $id" "$BUNDLE/config.json" >"$TEST_DIR/config"
    # jq rounds what is large
    [[ $id != *[0-9][0-9][0-9][0-9][0-9]* ]] || sed -i "s/\"uid\": .*,/\"uid\": $id,/" "$TEST_DIR/config"
    cp "$BUNDLE/config.json" "$TEST_DIR/good"
    mv "$TEST_DIR/config" "$BUNDLE/config.json"
    run_oci run --bundle "$BUNDLE" "$ID"
    assert_failure 1
    assert_one_line_error /process/user/uid
    mv "$TEST_DIR/good" "$BUNDLE/config.json"
  done
}

@test "CVE-2025-24965: nothing is written into the image but mount points" {
  local before
  before=$(cd "$ROOTFS" && find . -type f -printf '%p %s %m %T@\n' -o -printf '%p %y %m %l\n' | sort)
  echo "$before" >"$TEST_DIR/before"
  container_command /bin/true
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_success
  run_oci create --bundle "$BUNDLE" "$ID"
  run_oci exec "$ID" /bin/true
  run_oci delete --force "$ID"
  assert_equal "$(cd "$ROOTFS" && find . -type f -printf '%p %s %m %T@\n' -o -printf '%p %y %m %l\n' | sort)" "$before"
}

@test "CVE-2025-54867: links at /proc and /sys" { proc_and_sys_are_links; }

@test "CVE-2026-119101: checkpoint and restore are not there" {
  sleeper
  run_oci checkpoint "$ID"
  assert_failure
  assert_one_line_error "not supported"
  run_oci restore "$ID"
  assert_failure
  assert_one_line_error "not supported"
}

@test "CVE-2025-38498: propagation is changed as asked, or the refusal is said" {
  local kind
  for kind in private slave shared unbindable rprivate rslave rshared; do
    config '.linux.rootfsPropagation = $k' --arg k "$kind"
    run_container /bin/sh -c 'cut -d " " -f 5-10 /proc/self/mountinfo | grep "^/ "'
    assert_harmless
    case $status-$kind in
      0-*shared) assert_output_has shared: ;;
      0-*private | 0-*slave) [[ "$output" != *shared:* ]] || show "$kind is shared" ;;
      0-*) ;;
      *) assert_one_line_error "" ;;
    esac
  done
}

@test "no id: an id is never a path" {
  local id command
  mkdir "$STATE/kept" && chmod 755 "$TEST_DIR"
  for id in .. . ../victim "$VICTIM" a/b "" "a b" $'a\nb' a:b $'\e[m' -x; do
    for command in state start kill delete "delete --force" pause resume ps "exec" update events; do
      # shellcheck disable=SC2086
      run_oci $command -- "$id" /bin/true
      assert_failure
      assert_one_line_error ""
    done
    for command in run create; do
      run_oci $command --bundle "$BUNDLE" -- "$id"
      assert_failure
    done
  done
  assert_victim_same
  [ -d "$STATE/kept" ] && rmdir "$STATE/kept"
}

protected_by_link() {
  rm -f "$ROOTFS/secret" "$ROOTFS/rodir"
  ln -s "$1$VICTIM/file" "$ROOTFS/secret"
  ln -s "$1$VICTIM/dir" "$ROOTFS/rodir"
  config '.linux.maskedPaths += ["/secret", "/rodir"] | .linux.readonlyPaths += ["/rodir", "/secret"]'
  container_command /bin/true
  in_every_command
}
@test "no id: read-only and masked paths that are links" { with_links protected_by_link; }

@test "no id: paths as long as they may be, and longer" {
  local name n
  name=$(printf 'n%.0s' {1..250})
  for n in 15 16 17; do
    config '.mounts |= map(select(.source != "over"))'
    config '.mounts += [{destination: ([range($n)] | map("/" + $d) | add), type: "tmpfs", source: "over"}]' \
      --argjson n "$n" --arg d "$name"
    container_command /bin/true
    in_every_command
    run_oci run --bundle "$BUNDLE" "$ID"
    [ "$n" -gt 15 ] || assert_success
    [ "$n" -le 16 ] || assert_failure 1
  done
  # a link of the image with as many parts as fit, none of which is there
  config '.mounts |= map(select(.source != "over"))'
  ln -s "/z/$(printf 'x/%.0s' {1..2000})" "$ROOTFS/long"
  config '.mounts += [{destination: "/long/end", type: "tmpfs", source: "over"}]'
  in_every_command
}

# --- bubblewrap and flatpak ---------------------------------------------------

@test "CVE-2016-8659: a set-user-ID bubblewrap is refused" {
  cp "$(command -v bwrap)" "$TEST_DIR/bwrap"
  chmod 4755 "$TEST_DIR/bwrap"
  container_command /bin/true
  run_oci --bwrap "$TEST_DIR/bwrap" run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "$TEST_DIR/bwrap"
}

@test "CVE-2019-12439: no name in a shared folder" {
  # folders where programs put things are traps: whoever makes something there fails
  mkdir -m 0555 "$TEST_DIR/trap"
  container_command /bin/true
  TMPDIR=$TEST_DIR/trap run_oci run --bundle "$BUNDLE" "$ID"
  assert_success
  TMPDIR=$TEST_DIR/trap run_oci create --bundle "$BUNDLE" "$ID"
  assert_success
  TMPDIR=$TEST_DIR/trap run_oci exec "$ID" /bin/true
  assert_success
  [ -z "$(ls -A "$TEST_DIR/trap")" ]
  requires readelf
  local program
  for program in "$BWRAP_OCI" "$(dirname "$BWRAP_OCI")/bwrap-oci-init"; do
    # the one is GLib's, where that is linked in: a beginning, with six characters by chance behind it
    none_of ' /(var/)?tmp/| /dev/shm/' <(readelf -p .rodata "$program" | grep -vF ' /dev/shm/journal')
  done
}

oldroot_by_link() {
  rm -rf "${ROOTFS:?}"/{run,lib64,made}
  ln -s "$1$VICTIM" "$ROOTFS/run"
  ln -s "$1/etc" "$ROOTFS/made"
  config '.mounts |= map(select(.source != "over"))'
  config '.mounts += [{destination: ("/run/" + $d, "/made/" + $d, "/oldroot/" + $d, "/newroot/" + $d), type: "tmpfs", source: "over"}]' --arg d new
  container_command /bin/sh -c 'test ! -e /oldroot/etc/passwd && test ! -e /newroot/etc/passwd'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_success
  in_every_command
}
@test "CVE-2026-87766: the host is not reached through bubblewrap's own folders" { with_links oldroot_by_link; }

@test "CVE-2017-5226: nothing can be typed into a terminal" {
  with_python
  cat >"$ROOTFS/inject" <<'PY'
import ctypes, fcntl, os, struct
libc = ctypes.CDLL(None, use_errno=True)
def ioctl(fd, request, arg):
    buffer = ctypes.create_string_buffer(arg)
    libc.syscall.restype = ctypes.c_long
    if libc.syscall(16, ctypes.c_long(fd), ctypes.c_ulong(request), buffer) == 0:
        print("done: fd %d, request %x" % (fd, request))
for fd in 0, 1, 2:
    ioctl(fd, 0x5412, b"x")                # TIOCSTI
    ioctl(fd, 0x5412 | 1 << 32, b"x")      # the same for the kernel
    ioctl(fd, 0x541c, b"\x02")             # TIOCLINUX
    ioctl(fd, 0x540e, b"\0")               # TIOCSCTTY
try:
    os.open("/dev/tty", os.O_RDWR)
    print("a controlling terminal")
except OSError:
    pass
print("session", os.getsid(0) == os.getpid() or os.getsid(0))
PY
  config '.mounts |= map(select(.destination != "/dev/tty"))'
  container_command /usr/bin/python3 /inject
  on_terminal <<'PY'
import subprocess
# standard input is the caller's terminal, as careless callers leave it
os.set_inheritable(slave, True)
job = subprocess.run([BWRAP_OCI, "--root", STATE, "run", "--bundle", BUNDLE, ID],
                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
equal(job.stdout.decode().split("\n")[0][:7], "session", job.stdout.decode())
child = subprocess.run([BWRAP_OCI, "--root", STATE, "run", "--detach", "--bundle", BUNDLE, ID],
                       stdin=slave, stdout=open(os.environ["BUNDLE"] + "/detached", "w"), stderr=slave)
# and the same in one that waits for its start
for words in ["create", "--bundle", BUNDLE, ID + "-2"], ["exec", ID + "-2", "/usr/bin/python3", "/inject"]:
    job = subprocess.run([BWRAP_OCI, "--root", STATE] + words, stdin=slave if words[0] == "exec" else subprocess.DEVNULL,
                         stdout=subprocess.PIPE if words[0] == "exec" else subprocess.DEVNULL)
    equal(job.returncode, 0, words[0])
said = job.stdout.decode()
check(said.startswith("session") and "done" not in said and "controlling" not in said, said)
PY
  wait_until grep -q session "$BUNDLE/detached"
  none_of 'done|controlling' "$BUNDLE/detached"
}

@test "CVE-2021-21261: the environment of the program reaches no tool outside" {
  config '.process.env += ["LD_PRELOAD=/evil.so", "LD_LIBRARY_PATH=/evil", "GLIBC_TUNABLES=evil=1", "MARK=inside"]'
  cat >"$TEST_DIR/hook" <<'SH'
#!/bin/bash
PATH=/bin:/usr/bin
env >"${0%/*}/hook.env"
for pid in /proc/[0-9]*; do
  case $(cat "$pid/comm" 2>/dev/null) in
    bwrap | bwrap-oci* | newuidmap | newgidmap) tr '\0' '\n' <"$pid/environ" ;;
  esac
done >"${0%/*}/tools.env" 2>/dev/null
exit 0
SH
  chmod 755 "$TEST_DIR/hook"
  config '.hooks = {createRuntime: [{path: $h, args: ["hook"], env: ["GIVEN=1"]}]}' --arg h "$TEST_DIR/hook"
  container_command /bin/true
  MARK_OF_CALLER=1 run_oci run --bundle "$BUNDLE" "$ID"
  assert_success
  grep -q GIVEN=1 "$TEST_DIR/hook.env"
  none_of 'LD_|GLIBC|MARK' "$TEST_DIR/hook.env"
  # other containers of this machine may be among them: only what is this one's counts
  none_of 'evil|MARK=inside' "$TEST_DIR/tools.env"
}

@test "CVE-2021-41133: a list of what is allowed leaves nothing else, and newer calls look unknown" {
  with_python
  config '.linux.seccomp = {defaultAction: "SCMP_ACT_ALLOW", syscalls: [
    {names: ["mount", "move_mount", "fsopen", "open_tree", "mount_setattr"], action: "SCMP_ACT_ERRNO", errnoRet: 5}]}'
  container_command /usr/bin/python3 -c '
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for n in 165, 429, 430, 428, 442:
    libc.syscall(n, 0, 0, 0, 0, 0)
    print(ctypes.get_errno(), end=" ")'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_output "5 5 5 5 5 "
  # as an engine has it: what it does not name fails, newer calls as if there were none
  config '.linux.seccomp = $c[0].linux.seccomp' \
    --slurpfile c "$BATS_TEST_DIRNAME/../data/configs/podman-rootless-default.json"
  container_command /usr/bin/python3 -c '
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for n in 1000, 0x7fff, 246, 175:
    libc.syscall(n, 0, 0, 0, 0, 0)
    print(ctypes.get_errno(), end=" ")'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_output "38 38 1 1 "
}

@test "CVE-2021-43860: nothing hides in a string" {
  cp "$BUNDLE/config.json" "$TEST_DIR/good"
  printf '%s' "$(jq -c '.hostname = "a@b"' "$BUNDLE/config.json")" | sed 's/a@b/a\\u0000b/' >"$TEST_DIR/config"
  mv "$TEST_DIR/config" "$BUNDLE/config.json"
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error NUL
  # terminal sequences and new lines are written out
  cp "$TEST_DIR/good" "$BUNDLE/config.json"
  config '.mounts += [{destination: "/x", type: "\u001b[2Jnone\n\u009b1m", source: "x"}]'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error '\x1b[2Jnone\x0a'
  run_oci run --bundle "$BUNDLE" $'a\e[2Jb'
  assert_failure 1
  [[ "$stderr" != *$'\e'* ]] || show "an escape"
  container_command $'/bin/\e[31mnone\n'
  config '.mounts |= map(select(.source != "x"))'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_failure
  [[ "$stderr" != *$'\e'* && "$stderr" != *$'\n'* ]] || show "an escape"
}
@test "CVE-2024-32462: no word of the configuration is an option" {
  local word
  for word in --dev-bind --args --; do
    run_container "$word" / /host
    assert_failure
    assert_one_line_error "executable file not found"
    cp "$ROOTFS/bin/busybox" "$ROOTFS/bin/echo-"
    config '.process.env += [$w + "=1", "A=" + $w]' --arg w "$word"
    run_container /bin/echo "$word" / /host
    assert_output "$word / /host"
    mkdir -p "$BUNDLE/$word"
    config '.mounts += [{destination: ("/" + $w), type: "bind", source: $w, options: ["bind"]}] | .hostname = "a"' --arg w "$word"
    run_container /bin/echo in
    assert_output in
  done
  sleeper
  run_oci exec "$ID" -- --dev-bind / /host
  assert_failure
}

@test "CVE-2024-42472: a source is what it was when it was looked at" {
  mkdir "$TEST_DIR/shared" && echo good >"$TEST_DIR/shared/file"
  config '.mounts += [{destination: "/shared", type: "bind", source: $s, options: ["bind"]}]' --arg s "$TEST_DIR/shared"
  # the hook comes when the sources have been opened and before the program runs
  cat >"$TEST_DIR/swap" <<'SH'
#!/bin/sh
mv "${0%/*}/shared" "${0%/*}/moved" && ln -s "${0%/*}/victim/dir" "${0%/*}/shared"
SH
  chmod 755 "$TEST_DIR/swap"
  config '.hooks = {createRuntime: [{path: $h}]}' --arg h "$TEST_DIR/swap"
  container_command /bin/ls /shared
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_output file
  assert_victim_same
  # a root that is a link is resolved once; one that leads nowhere is an error
  config 'del(.hooks) | .mounts |= map(select(.destination != "/shared"))'
  mv "$ROOTFS" "$BUNDLE/real" && ln -s real "$ROOTFS"
  run_container /bin/echo in
  assert_harmless
  rm "$ROOTFS" && ln -s rootfs "$ROOTFS"
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error ""
}

# --- engines, where the cure sits partly in the runtime -----------------------

@test "CVE-2020-14370: the environment is that of the configuration" {
  config '.process.env = ["PATH=/bin", "A=b", "HOME=/x"]'
  SECRET=1 run_container /bin/env
  assert_equal "$(sort <<<"$output")" $'A=b\nHOME=/x\nPATH=/bin'
  sleeper
  SECRET=1 run_oci exec --env C=d "$ID" /bin/env
  assert_equal "$(sort <<<"$output")" $'A=b\nC=d\nHOME=/x\nPATH=/bin'
}

@test "CVE-2021-20188: exec as another user has no capabilities" {
  sleeper
  run_oci exec --user 1000:1000 "$ID" /bin/grep -E 'Cap(Eff|Prm|Inh|Amb)' /proc/self/status
  assert_success
  assert_equal "$(awk '{ print $2 }' <<<"$output" | sort -u)" 0000000000000000
}

@test "CVE-2022-1227: ps runs nothing of the image" {
  sleeper
  rm "$ROOTFS/bin/ps"
  printf '#!/bin/sh\ntouch /ran\n' >"$ROOTFS/bin/ps"
  chmod 755 "$ROOTFS/bin/ps"
  run_oci ps --format json "$ID"
  assert_success
  [ ! -e "$ROOTFS/ran" ]
  run_oci ps "$ID"
  assert_success
  [ ! -e "$ROOTFS/ran" ]
}

@test "CVE-2022-2989: groups are those that are asked for" {
  config '.process.user = {uid: 1000, gid: 1000, additionalGids: [5, 10]}'
  run_container /bin/sh -c 'id -G; grep -w Groups /proc/self/status'
  assert_output $'1000 5 10\nGroups:\t5 10 '
  config '.process.user = {uid: 0, gid: 0}'
  sleeper
  run_oci exec "$ID" /bin/grep -w Groups /proc/self/status
  assert_equal "$(tr -d ' \t' <<<"$output")" Groups:
  run_oci exec --user 1000:1000 --additional-gids 7 "$ID" /bin/id -G
  assert_output "1000 7"
}

etc_by_link() {
  rm -rf "${ROOTFS:?}/etc"
  ln -s "$1$VICTIM" "$ROOTFS/etc"
  config '.mounts |= map(select(.source != "/etc/hosts" and .source != "over"))'
  bind_on /etc/hosts
  config '.mounts += [{destination: "/etc/newtmp", type: "tmpfs", source: "over"}]'
  container_command /bin/true
  in_every_command
}
@test "CVE-2024-9341: a parent of a destination is a link" { with_links etc_by_link; }

@test "CVE-2024-9676: a user database that never ends, or is none" {
  local what
  config '.process.env |= map(select(startswith("HOME=") | not))'
  for what in fifo link huge device folder; do
    rm -rf "$ROOTFS/etc/passwd" "$ROOTFS/etc/group"
    case $what in
      fifo) mkfifo "$ROOTFS/etc/passwd" "$ROOTFS/etc/group" ;;
      link) ln -s "$VICTIM/file" "$ROOTFS/etc/passwd" ;;
      huge) head -c 33554432 /dev/zero | tr '\0' x >"$ROOTFS/etc/passwd" ;;
      device) ln -s /dev/zero "$ROOTFS/etc/passwd" ;;
      folder) mkdir "$ROOTFS/etc/passwd" ;;
    esac
    RUN_TIMEOUT=20 run_container /bin/sh -c 'echo $HOME'
    assert_success
    assert_output /
    sleeper
    RUN_TIMEOUT=20 run_oci exec "$ID" /bin/sh -c 'echo $HOME'
    assert_success
    run_oci delete --force "$ID"
  done
  assert_victim_same
}

@test "CVE-2020-15257: no socket without a file" {
  container_command /bin/sleep 100
  run_oci create --bundle "$BUNDLE" "$ID"
  assert_success
  none_of "@.*(bwrap|oci|$ID)" /proc/net/unix
  # those of the waiting process have a path in its own directory, or none
  local inode
  for inode in $(ls -l "/proc/$(container_pid)/fd" | sed -n 's/.*socket:\[\([0-9]*\)\]/\1/p'); do
    none_of " $inode @" /proc/net/unix
  done
}

@test "CVE-2022-31030: what a program prints fills no memory of ours" {
  sleeper
  # nobody writes into the one, nobody reads from the other
  mkfifo "$TEST_DIR/in" "$TEST_DIR/out"
  exec 8<>"$TEST_DIR/in" 9<>"$TEST_DIR/out"
  "$BWRAP_OCI" --root "$STATE" exec "$ID" /bin/sh -c 'yes' <&8 >&9 2>/dev/null 3>&- 8>&- 9>&- &
  local job=$!
  exec 8>&- 9>&-
  on_terminal <<'PY' &
job = os.fork()
if job == 0:
    os.dup2(slave, 0); os.dup2(slave, 1); os.dup2(slave, 2)
    os.execv(BWRAP_OCI, [BWRAP_OCI, "--root", STATE, "exec", "-t", ID, "/bin/sh", "-c", "yes"])
time.sleep(2)
size = int(re.search(r"VmRSS:\s+(\d+)", open("/proc/%d/status" % job).read()).group(1))
os.kill(job, 9)
check(size < 16384, "at most 16 MiB, not %d KiB" % size)
PY
  local terminal=$! size
  sleep 1
  size=$(awk '/VmRSS/ { print $2 }' "/proc/$job/status")
  wait "$terminal"
  kill -KILL "$job"
  wait "$job" || true
  [ "$size" -lt 16384 ] || show "$size KiB"
}
