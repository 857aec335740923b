#!/usr/bin/env bats
# What the program sees as files: the root, mounts and their options, devices, masked paths.
# takes: 35 s
load helpers
load mounts

setup() {
  setup_test
  make_bundle
}

@test "root.readonly" {
  config '.root.readonly = true'
  sh_container 'touch /file'
  assert_failure 1
  assert_stderr_has "Read-only file system"
  config '.root.readonly = false'
  sh_container 'touch /file'
  assert_success
}

@test "a read-only root is not written to" {
  local before after
  config '.root.readonly = true'
  before=$(find "$BUNDLE/rootfs" -printf '%p %m %u %T@\n' | sort)
  run_container /bin/true
  assert_success
  after=$(find "$BUNDLE/rootfs" -printf '%p %m %u %T@\n' | sort)
  assert_equal "$after" "$before"
}

@test "a root outside the bundle" {
  mv "$BUNDLE/rootfs" "$TEST_DIR/elsewhere"
  config '.root.path = $p' --arg p "$TEST_DIR/elsewhere"
  run_container /bin/echo here
  assert_output here
}

@test "the default mounts and their options" {
  run_container /bin/cat /proc/self/mountinfo
  assert_success
  assert_option /dev nosuid
  assert_option /dev/pts noexec
  assert_option /dev/shm nodev
  assert_option /dev/mqueue noexec
  assert_option /sys ro
  [ -z "$(mount_options /oldroot)" ]
}

@test "nothing of the host is mounted but what the configuration names" {
  local sources
  config '.mounts |= map(select(.destination | startswith("/sys") | not))'
  run_container /bin/cat /proc/self/mountinfo
  assert_success
  # the root and bind mounts of device nodes
  sources=$(awk '$4 != "/" && $5 !~ "^/(dev|proc)/" { print $5 }' <<<"$output")
  assert_equal "$sources" /
}

@test "default devices and links" {
  sh_container '
    for d in null zero full random urandom tty; do test -c /dev/$d || echo "no $d"; done
    for l in fd stdin stdout stderr ptmx; do test -L /dev/$l || test -c /dev/$l || echo "no $l"; done
    echo gone >/dev/null; head -c4 /dev/zero | wc -c; readlink /dev/fd; stat -c %a /dev/shm
    head -c1 /dev/urandom | wc -c'
  assert_success
  assert_output $'4\n/proc/self/fd\n1777\n1'
}

@test "a device that is none of ours is not there" {
  run_container /bin/ls /dev
  assert_success
  assert_equal "$(tr '\n' ' ' <<<"$output" | sed 's/console //;s/core //')" \
    "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero "
}

@test "a device node of the configuration is the host's" {
  requires /dev/fuse
  config '.linux.devices = [{path: "/dev/fuse", type: "c", major: 10, minor: 229}]'
  run_container /bin/stat -c %t:%T /dev/fuse
  assert_success
  assert_output a:e5
}

@test "a device that the host has not is refused by name" {
  config '.linux.devices = [{path: "/dev/nosuch", type: "c", major: 251, minor: 250}]'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error /linux/devices/0
}

@test "tmpfs with its options" {
  add_mount /mnt/t tmpfs tmpfs size=64k mode=750 nosuid nodev noexec
  config '.root.readonly = false'
  sh_container 'cat /proc/self/mountinfo; stat -c "mode %a" /mnt/t
    dd if=/dev/zero of=/mnt/t/f bs=1k count=100 2>&1 | tail -n1; stat -c "got %s" /mnt/t/f'
  assert_option /mnt/t noexec
  assert_option /mnt/t nosuid
  assert_output_has "mode 750"
  assert_output_has "got 65536"
  [[ "$(super_options /mnt/t)" == *size=64k* ]] || show "size"
}

@test "noexec and nosuid hold" {
  add_mount /tmp tmpfs tmpfs noexec mode=1777
  sh_container 'cp /bin/busybox /tmp/echo && /tmp/echo no'
  assert_failure 126
}

@test "bind of a folder, read and written" {
  mkdir "$TEST_DIR/data" && echo outside >"$TEST_DIR/data/file"
  config '.root.readonly = false'
  add_mount /data/below none "$TEST_DIR/data" bind
  sh_container 'cat /data/below/file; echo inside >/data/below/new'
  assert_success
  assert_output outside
  assert_equal "$(cat "$TEST_DIR/data/new")" inside
}

@test "bind of a file onto a path that the image does not have" {
  echo outside >"$TEST_DIR/file"
  config '.root.readonly = false'
  add_mount /etc/deep/er/file bind "$TEST_DIR/file" bind ro
  sh_container 'cat /etc/deep/er/file; echo x >/etc/deep/er/file'
  assert_failure 1
  assert_output outside
  assert_equal "$(cat "$TEST_DIR/file")" outside
}

@test "a relative source is below the bundle" {
  mkdir "$BUNDLE/here" && echo relative >"$BUNDLE/here/file"
  add_mount /mnt none here rbind ro
  config '.root.readonly = false'
  run_container /bin/cat /mnt/file
  assert_output relative
}

@test "the options of a bind mount" {
  mkdir "$TEST_DIR/data"
  config '.root.readonly = false'
  add_mount /mnt none "$TEST_DIR/data" rbind ro nosuid nodev noexec
  run_container /bin/cat /proc/self/mountinfo
  for option in ro nosuid nodev noexec; do assert_option /mnt $option; done
}

@test "a missing source is an error that names it" {
  add_mount /mnt none "$TEST_DIR/missing" bind
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "$TEST_DIR/missing"
}

@test "mounts are made in the order of the configuration" {
  config '.root.readonly = false'
  add_mount /mnt tmpfs tmpfs mode=755
  add_mount /mnt/below tmpfs tmpfs mode=700
  sh_container 'stat -c %a /mnt/below'
  assert_output 700
}

@test "masked paths: a file reads as empty, a folder is empty, one that is missing is no error" {
  mkdir "$BUNDLE/rootfs/secret" && echo s >"$BUNDLE/rootfs/secret/file" && echo s >"$BUNDLE/rootfs/hidden"
  config '.linux.maskedPaths = ["/secret", "/hidden", "/proc/kcore", "/no/such/path"]'
  sh_container 'ls -A /secret; cat /hidden; cat /proc/kcore | wc -c'
  assert_success
  assert_output 0
}

@test "read-only paths" {
  mkdir "$BUNDLE/rootfs/fixed"
  config '.root.readonly = false | .linux.readonlyPaths = ["/fixed", "/proc/sys", "/no/such/path"]'
  sh_container 'touch /file && touch /fixed/file; touch /proc/sys/kernel/hostname;
    echo x >/proc/sys/kernel/hostname'
  assert_failure 1
  assert_stderr_has "/fixed/file: Read-only file system"
  assert_stderr_has "can't create /proc/sys/kernel/hostname: Read-only file system"
}

@test "a link in the image as destination stays inside" {
  mkdir "$TEST_DIR/victim"
  ln -s "$TEST_DIR/victim" "$BUNDLE/rootfs/out"
  config '.root.readonly = false'
  add_mount /out/made tmpfs tmpfs mode=755
  run_container /bin/true
  assert_equal "$(find "$TEST_DIR/victim" -mindepth 1)" ""
}

@test "the image's everyday links work: /var/run to /run" {
  mkdir -p "$BUNDLE/rootfs"/{var,run}
  ln -s /run "$BUNDLE/rootfs/var/run"
  add_mount /var/run/here tmpfs tmpfs mode=711
  config '.root.readonly = false'
  sh_container 'stat -c %a /run/here'
  assert_output 711
}

# --- where mounts go ------------------------------------------------------------------------------

@test "destinations that are relative, with .., doubled or trailing slashes" {
  config '.root.readonly = false'
  add_mounts <<'EOT'
relative/a tmpfs tmpfs mode=701
/x/../b tmpfs tmpfs mode=702
//c//d/ tmpfs tmpfs mode=703
../../../../e tmpfs tmpfs mode=704
/tmp/. tmpfs tmpfs mode=705
EOT
  sh_container 'stat -c "%n %a" /relative/a /b /c/d /e /tmp'
  assert_success
  assert_output $'/relative/a 701\n/b 702\n/c/d 703\n/e 704\n/tmp 705'
}

@test "of two mounts at one destination the later one is seen" {
  mkdir "$TEST_DIR/data" && touch "$TEST_DIR/data/file"
  config '.root.readonly = false'
  add_mount /m tmpfs tmpfs mode=701
  add_mount /m bind "$TEST_DIR/data" rbind
  add_mount /n bind "$TEST_DIR/data" rbind
  add_mount /n tmpfs tmpfs mode=702
  sh_container 'ls /m; stat -c %a /n; ls /n'
  assert_success
  assert_output $'file\n702'
}

@test "a mount below a bind mount makes its mount point in the source" {
  mkdir "$TEST_DIR/data"
  config '.root.readonly = false'
  add_mount /m bind "$TEST_DIR/data" rbind
  add_mount /m/deep/er tmpfs tmpfs mode=702
  sh_container 'stat -c %a /m/deep/er'
  assert_success
  assert_output 702
  [ -d "$TEST_DIR/data/deep/er" ]
}

@test "mounts below a read-only tmpfs" {
  echo text >"$TEST_DIR/file"
  config '.root.readonly = false'
  add_mounts <<EOT
/m tmpfs tmpfs ro,mode=755
/m/below tmpfs tmpfs mode=702
/m/read tmpfs tmpfs rro
/m/file bind $TEST_DIR/file bind
EOT
  sh_container 'cat /m/file; stat -c %a /m/below; touch /m/below/new && touch /m/new || touch /m/read/new'
  assert_failure 1
  assert_output $'text\n702'
  assert_stderr_has "/m/new: Read-only file system"
  assert_stderr_has "/m/read/new: Read-only file system"
}

@test "a read-only /dev has its devices all the same" {
  config '.mounts |= map(if .destination == "/dev" then .options += ["ro"] else . end)'
  sh_container 'head -c1 /dev/zero | wc -c; touch /dev/new'
  assert_failure 1
  assert_output 1
  assert_stderr_has "/dev/new: Read-only file system"
}

@test "mount points that are missing are made below a read-only root, as folders 0755" {
  config '.root.readonly = true'
  echo text >"$TEST_DIR/file"
  add_mount /made/folder tmpfs tmpfs mode=700
  add_mount /made/file bind "$TEST_DIR/file" bind
  (
    umask 077
    sh_container 'stat -c "%n %a" /made /made/file; cat /made/file; touch /made/new'
    assert_failure 1
    assert_output "/made 755"$'\n'"/made/file $(stat -c %a "$TEST_DIR/file")"$'\n'text
    assert_stderr_has "Read-only file system"
  )
  assert_equal "$(stat -c %a "$BUNDLE/rootfs/made/file")" 644
}

@test "a mount point that cannot be made is an error that names it" {
  config '.root.readonly = false'
  touch "$BUNDLE/rootfs/file"
  add_mount /file/below tmpfs tmpfs mode=755
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "/file/below"
}

@test "a folder cannot be mounted on a file, nor a file on a folder" {
  config '.root.readonly = false'
  touch "$BUNDLE/rootfs/file"
  add_mount /file tmpfs tmpfs mode=755
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "/file: Not a directory"
  config 'del(.mounts[-1])'
  add_mount /tmp bind "$BUNDLE/config.json" bind
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "/tmp: Is a directory"
}

@test "links to nowhere become what they point at, inside" {
  config '.root.readonly = false'
  ln -s /no/where "$BUNDLE/rootfs/link"
  ln -s ../../../../../up "$BUNDLE/rootfs/home/link"
  add_mount /link tmpfs tmpfs mode=701
  add_mount /home/link tmpfs tmpfs mode=702
  sh_container 'stat -c "%n %a" /no/where /up'
  assert_success
  assert_output $'/no/where 701\n/up 702'
}

@test "/proc and /sys are not mounted through a link of the image" {
  config '.root.readonly = false'
  rmdir "$BUNDLE/rootfs/proc" && ln -s /tmp "$BUNDLE/rootfs/proc"
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "/proc"
}

@test "masked and read-only paths through links stay inside" {
  mkdir "$TEST_DIR/victim" "$BUNDLE/rootfs/real" && echo out >"$TEST_DIR/victim/file"
  echo in >"$BUNDLE/rootfs/real/file"
  ln -s "$TEST_DIR/victim" "$BUNDLE/rootfs/out"
  ln -s /real "$BUNDLE/rootfs/link"
  ln -s ../../../../../real "$BUNDLE/rootfs/home/up"
  config '.root.readonly = false | .linux.maskedPaths = ["/out", "/out/file", "/link/file"]
    | .linux.readonlyPaths = ["/home/up", "/out"]'
  sh_container 'cat /real/file; touch /real/new; ls -d /out/. 2>&1'
  assert_failure 1
  assert_output "ls: /out/.: No such file or directory"
  assert_stderr_has "/real/new: Read-only file system"
  assert_equal "$(cat "$TEST_DIR/victim/file")" out
}

@test "a read-only path takes along what is mounted below it" {
  config '.root.readonly = false | .linux.readonlyPaths = ["/m"]'
  add_mount /m tmpfs tmpfs mode=755
  add_mount /m/below tmpfs tmpfs mode=755
  sh_container 'touch /m/below/new || touch /m/new'
  assert_failure 1
  assert_stderr_has "/m/below/new: Read-only file system"
  assert_stderr_has "/m/new: Read-only file system"
}

# --- what is mounted ------------------------------------------------------------------------------

@test "copy-symlink: a link is made where the source is one, and else the source is bound" {
  ln -s /no/such "$TEST_DIR/dangling"
  echo content >"$TEST_DIR/file"
  ln -s file "$TEST_DIR/link"
  config '.root.readonly = true'
  add_mount /new/dangling bind "$TEST_DIR/dangling" rbind copy-symlink
  add_mount /new/link bind "$TEST_DIR/link" rbind copy-symlink ro
  add_mount /new/file bind "$TEST_DIR/file" rbind copy-symlink ro
  add_mount /new/followed bind "$TEST_DIR/link" rbind ro
  # what is there already is the same the second time
  for time in first second; do
    sh_container 'for i in dangling link followed file; do readlink "/new/$i"; done
      cat /new/link /new/file /new/followed; grep -c " /new/" /proc/self/mounts'
    assert_output $'/no/such\nfile\ncontent\ncontent\ncontent\n2'
  done
}

@test "copy-symlink is for binds only" {
  add_mount /tmp tmpfs tmpfs copy-symlink
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "copy-symlink is for binds only"
}

@test "copy-symlink: another thing in its place is an error" {
  ln -s /elsewhere "$TEST_DIR/link"
  add_mount /etc/taken bind "$TEST_DIR/link" rbind copy-symlink
  ln -s /nowhere "$BUNDLE/rootfs/etc/taken"
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "link /etc/taken to /elsewhere: symlink: /etc/taken: File exists"
  rm "$BUNDLE/rootfs/etc/taken"
  mkdir "$BUNDLE/rootfs/etc/taken"
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "File exists"
}

@test "tmpcopyup: modes, owners, times, links, FIFOs, nested" {
  requires subids
  local root=$BUNDLE/rootfs/data
  mkdir -p "$root/a/b/c"
  echo text >"$root/a/file" && chmod 4711 "$root/a/file"
  head -c 300000 /dev/urandom >"$root/large"
  ln -s /nowhere "$root/link"
  mkfifo -m 620 "$root/fifo"
  python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$root/socket"
  touch -d @1000000000 "$root/a/b" "$root/a/file"
  chmod 2750 "$root/a"
  chmod 1755 "$root"
  add_mount /data tmpfs tmpfs tmpcopyup size=4m
  config '.root.readonly = true | .process.capabilities |= map_values(. + ["CAP_CHOWN"])'
  sh_container "cd /data; stat -c '%n %A %Y' a/b a/file | sort; stat -c '%n %A' . a a/b/c fifo
    readlink link; cat a/file; ls socket; md5sum <large; touch new && mount | grep -c ' /data '"
  assert_output "a/b drwxr-xr-x 1000000000
a/file -rws--x--x 1000000000
. drwxr-xr-t
a drwxr-s---
a/b/c drwxr-xr-x
fifo prw--w----
/nowhere
text
$(md5sum <"$root/large")
1"
  assert_equal "$(stat -c '%a %F' "$root")" "1755 directory"
  [ ! -e "$root/new" ]
}

@test "tmpcopyup: the owner of each file, and what the options say of the top" {
  requires subids
  config '.root.readonly = false | .process.capabilities |= map_values(. + ["CAP_CHOWN"])'
  sh_container 'mkdir /data && echo a >/data/a && echo b >/data/b && chown 33:34 /data/a /data &&
    chown -h 0:35 /data/b'
  assert_success
  add_mount /data tmpfs tmpfs tmpcopyup
  add_mount /other tmpfs tmpfs tmpcopyup uid=5 gid=6 mode=711
  sh_container 'stat -c "%n %u %g" /data /data/a /data/b; stat -c "%n %u %g %a" /other'
  assert_output $'/data 33 34\n/data/a 33 34\n/data/b 0 35\n/other 5 6 711'
}

@test "tmpcopyup of too much is an error" {
  head -c 300000 /dev/urandom >"$BUNDLE/rootfs/tmp/large"
  add_mount /tmp tmpfs tmpfs tmpcopyup size=64k
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "No space left on device"
}

@test "tmpcopyup is for tmpfs only" {
  add_mount /tmp bind "$TEST_DIR" rbind tmpcopyup
  run_container /bin/true
  assert_failure 1
  assert_one_line_error tmpcopyup
}

@test "bind of a socket, a FIFO, a device node and through a link" {
  python3 - "$TEST_DIR/socket" <<'PY' >"$TEST_DIR/heard" 3>&- &
import socket, sys
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print(listener.accept()[0].recv(100).decode())
PY
  wait_until test -S "$TEST_DIR/socket"
  mkfifo "$TEST_DIR/fifo"
  echo text >"$TEST_DIR/file"
  ln -s file "$TEST_DIR/link"
  config '.root.readonly = false'
  add_mounts <<EOT
/run/socket bind $TEST_DIR/socket bind
/run/fifo bind $TEST_DIR/fifo bind
/run/zero bind /dev/zero bind
/run/link bind $TEST_DIR/link bind,ro
EOT
  cat "$TEST_DIR/fifo" >"$TEST_DIR/read" 3>&- &
  sh_container 'echo through >/run/fifo; cat /run/link; head -c3 /run/zero | wc -c
    echo hello | nc local:/run/socket 2>/dev/null || test -S /run/socket'
  assert_success
  assert_output $'text\n3'
  wait_until grep -q through "$TEST_DIR/read"
  kill %1 2>/dev/null || true
}

@test "an overlay" {
  local kernel
  mkdir "$TEST_DIR"/{lower,middle,upper,work}
  echo lower >"$TEST_DIR/lower/a" && echo lower >"$TEST_DIR/lower/b" && echo gone >"$TEST_DIR/lower/c"
  echo middle >"$TEST_DIR/middle/b"
  config '.root.readonly = false'
  add_mount /m overlay overlay "lowerdir=$TEST_DIR/middle:$TEST_DIR/lower" "upperdir=$TEST_DIR/upper" \
    "workdir=$TEST_DIR/work" userxattr
  sh_container 'cd /m; cat a b; echo upper >a; rm c; ls; cat a'
  assert_success
  assert_output $'lower\nmiddle\na\nb\nupper'
  assert_equal "$(cat "$TEST_DIR/upper/a" "$TEST_DIR/lower/a" "$TEST_DIR/lower/c")" $'upper\nlower\ngone'
  remove "$TEST_DIR/work"
}

@test "an overlay without an upper folder, and one whose folder is missing" {
  mkdir "$TEST_DIR"/{lower,middle}
  echo lower >"$TEST_DIR/lower/a"
  config '.root.readonly = false'
  add_mount /m overlay overlay "lowerdir=$TEST_DIR/middle:$TEST_DIR/lower"
  sh_container 'cat /m/a; touch /m/b'
  assert_failure 1
  assert_output lower
  assert_stderr_has "Read-only file system"
  add_mount /n overlay overlay "lowerdir=$TEST_DIR/missing:$TEST_DIR/lower"
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "$TEST_DIR/missing: No such file or directory"
}

@test "ramfs, and a type that only the host's root may mount" {
  config '.root.readonly = false'
  add_mount /m ramfs ramfs nosuid
  sh_container 'stat -f -c %T /m; echo >/m/file'
  assert_success
  config 'del(.mounts[-1])'
  add_mount /m ext4 /dev/vda rw
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "file system type ext4 cannot be mounted in a user namespace"
}

@test "hidepid and subset of proc" {
  requires subids
  config '.process.user = {uid: 1000, gid: 1000} | .root.readonly = false | .linux.maskedPaths = [] |
    .linux.readonlyPaths = []'
  add_mount /m proc proc hidepid=2 nosuid
  add_mount /n proc proc subset=pid
  sh_container 'ls -d /m/1 /m/self /n/1 /n/self/status; ls -d /n/meminfo /n/sys; cat /proc/self/mountinfo'
  assert_success
  check_mounts <<'EOT'
/m: hidepid=invisible nosuid
/n: subset=pid
EOT
  assert_stderr_has "/n/meminfo: No such file or directory"
  assert_stderr_has "/n/sys: No such file or directory"
}

@test "devpts: mode, ptmxmode and a count of its own" {
  requires subids
  config '.root.readonly = false'
  add_mount /m devpts devpts newinstance mode=0600 ptmxmode=0644 max=3
  sh_container 'cat /proc/self/mountinfo; stat -c %a /m/ptmx; ls /m'
  assert_success
  assert_output_has $'644\nptmx'
  check_mounts <<'EOT'
/m: mode=600 ptmxmode=644 max=3
EOT
}

@test "devpts with a gid that does not exist inside goes without it" {
  requires user
  config '(.linux.uidMappings, .linux.gidMappings) = null | .linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}]
    | .linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}]
    | .mounts |= map(if .type == "devpts" then .options += ["gid=5"] else . end)' \
    --argjson u "$(id -u)" --argjson g "$(id -g)"
  run_container /bin/true
  assert_success
  assert_no_stderr
}

@test "a device is the host's node of the same number, wherever the configuration wants it" {
  config '.root.readonly = false | .linux.devices = [
    {path: "/dev/other-zero", type: "c", major: 1, minor: 5, fileMode: 438, uid: 0, gid: 0},
    {path: "/run/deep/null", type: "u", major: 1, minor: 3}]'
  sh_container 'stat -c "%n %t:%T" /dev/other-zero /run/deep/null; head -c2 /dev/other-zero | wc -c'
  assert_success
  assert_output $'/dev/other-zero 1:5\n/run/deep/null 1:3\n2'
}

@test "a FIFO among the devices is made" {
  requires subids
  config '.root.readonly = false | .linux.devices = [
    {path: "/dev/fifo", type: "p", fileMode: 432, uid: 33, gid: 34}, {path: "/run/fifo", type: "p"}]'
  (
    umask 077
    sh_container 'stat -c "%n %A %u:%g" /dev/fifo /run/fifo'
    assert_success
    assert_output $'/dev/fifo prw-rw---- 33:34\n/run/fifo prw-rw-rw- 0:0'
  )
}

@test "what needs a namespace of its own is the host's where there is none" {
  [ -d /sys/class/net ] || skip "machine: no /sys"
  config '.root.readonly = false | .linux.namespaces |= map(select(.type != "network"))'
  add_mount /m sysfs sysfs ro nosuid
  sh_container 'ls -d /m/class/net; touch /m/new'
  assert_failure 1
  assert_output /m/class/net
  if ! mountpoint -q /dev/mqueue; then
    config '.linux.namespaces |= map(select(.type != "ipc"))'
    run_container /bin/true
    assert_failure 1
    assert_one_line_error "/dev/mqueue"
  fi
}

# --- many -----------------------------------------------------------------------------------------

@test "a thousand tmpfs mounts and five hundred binds" {
  mkdir "$TEST_DIR/data"
  config '.root.readonly = false'
  { for i in {1..1000}; do echo "/t/$i tmpfs tmpfs nosuid,nodev,size=64k"; done
    for i in {1..500}; do echo "/b/$i bind $TEST_DIR/data rbind,ro"; done; } | add_mounts
  sh_container 'grep -c " /t/" /proc/self/mountinfo; grep -c " /b/" /proc/self/mountinfo'
  assert_success
  assert_output $'1000\n500'
}

@test "more binds, each of its own source, than there may be descriptors" {
  local i
  ulimit -Sn 1024
  for i in {1..1200}; do echo "$TEST_DIR/data/$i"; done | xargs mkdir -p
  touch "$TEST_DIR/data/1111/file"
  config '.root.readonly = false'
  for i in {1..1200}; do echo "/b/$i bind $TEST_DIR/data/$i rbind,ro"; done | add_mounts
  sh_container 'ls -d /b/*/*; grep -c " /b/" /proc/self/mountinfo'
  assert_success
  assert_output $'/b/1111/file\n1200'
}

@test "more bind mounts or folders of overlays than bwrap takes are refused before anything is made" {
  local i
  mkdir "$TEST_DIR/data"
  config '.root.readonly = false'
  # as a file: one argument may not be that long (execve(2))
  printf '["lowerdir=%s%s"]' "$TEST_DIR/data" "$(printf ":$TEST_DIR/data%.0s" {1..3000})" \
    >"$TEST_DIR/options"
  config '.mounts += [{destination: "/o", type: "overlay", source: "overlay", options: $o[0]}]' \
    --slurpfile o "$TEST_DIR/options"
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "more than bwrap takes"
  config 'del(.mounts[-1])'
  for i in {1..3000}; do echo "/o/$i bind $TEST_DIR/data rbind,ro"; done | add_mounts
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "bind mounts are more than bwrap takes"
  [ ! -e "$BUNDLE/rootfs/o" ]
}
