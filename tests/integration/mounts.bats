#!/usr/bin/env bats
# What the program sees as files: the root, mounts and their options, devices, masked paths.
load helpers

setup() {
  setup_test
  make_bundle
}

# add_mount DESTINATION TYPE SOURCE OPTION...
add_mount() {
  config '.mounts += [{destination: $d, type: $t, source: $s, options: $o | split(",")}]' \
    --arg d "$1" --arg t "$2" --arg s "$3" --arg o "$(IFS=, && echo "${*:4}")"
}

# Mount options of a destination as the container saw them: its /proc/self/mountinfo is $output.
mount_options() { awk -v d="$1" '$5 == d { o = $6 } END { print o }' <<<"$output"; }
super_options() { awk -v d="$1" '$5 == d { o = $NF } END { print o }' <<<"$output"; }

assert_option() { [[ ",$(mount_options "$1")," == *",$2,"* ]] || show "$1 without $2"; }

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
  config '.linux.devices = [{path: "/dev/nosuch", type: "c", major: 10, minor: 229}]'
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
