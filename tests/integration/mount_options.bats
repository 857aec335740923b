#!/usr/bin/env bats
# Mount options, each as the container sees it: the generic ones and their recursive forms, access
# times, propagation, and what file systems take.
# takes: 45 s
load helpers
load mounts

setup() {
  setup_test
  make_bundle
  config '.root.readonly = false'
}

# Lines "OPTIONS: what must (-not) be there": a tmpfs for each.
check_tmpfs() {
  local options words n=0 lines=() mounts=()
  while IFS=: read -r options words; do
    n=$((n + 1))
    mounts+=("/m/$n tmpfs tmpfs $options")
    lines+=("/m/$n:$words")
  done
  printf '%s\n' "${mounts[@]}" | add_mounts
  show_mounts
  printf '%s\n' "${lines[@]}" | check_mounts
}

@test "ro, rw, nosuid, suid, nodev, dev, noexec, exec, nosymfollow and symfollow of a file system" {
  check_tmpfs <<'EOT'
ro: ro -rw
rw: rw -ro
defaults: rw -ro -nosuid -noexec -nosymfollow
nosuid: nosuid rw
suid: -nosuid
nodev: nodev
dev: -nodev
noexec: noexec
exec: -noexec
nosymfollow: nosymfollow
symfollow: -nosymfollow
nosuid,nodev,noexec,ro: nosuid nodev noexec ro
EOT
}

@test "of two contrary options the later one wins" {
  check_tmpfs <<'EOT'
ro,rw: rw -ro
rw,ro: ro
nosuid,suid: -nosuid
exec,noexec: noexec
ro,rrw: rw
rro,rw: rw
rrw,ro: ro
rw,rro: ro
noatime,strictatime: -noatime -relatime
rnoatime,strictatime: -noatime -relatime
strictatime,rnoatime: noatime
noatime,ratime: -noatime relatime
EOT
}

@test "access times of a file system" {
  check_tmpfs <<'EOT'
rw: relatime
atime: relatime -noatime
noatime: noatime -relatime
relatime: relatime -noatime
norelatime: relatime -noatime
strictatime: -relatime -noatime
nostrictatime: relatime -noatime
nodiratime: nodiratime relatime
diratime: -nodiratime
noatime,nodiratime: noatime nodiratime
EOT
}

@test "the recursive forms for a file system" {
  check_tmpfs <<'EOT'
rro: ro
rrw: rw
rnosuid: nosuid
rsuid: -nosuid
rnodev: nodev
rdev: rw
rnoexec: noexec
rexec: -noexec
rnoatime: noatime
ratime: relatime
rrelatime: relatime
rnorelatime: relatime
rstrictatime: -relatime -noatime
rnostrictatime: relatime
rnodiratime: nodiratime
rdiratime: -nodiratime
rnosymfollow: nosymfollow
rsymfollow: -nosymfollow
EOT
}

@test "options of the superblock: sync, dirsync, lazytime and their opposites" {
  check_tmpfs <<'EOT'
sync: sync
async: -sync
dirsync: dirsync
lazytime: lazytime
nolazytime: -lazytime
mand: rw
nomand: rw
iversion: rw
noiversion: rw
silent: rw
loud: rw
EOT
}

@test "size, nr_inodes, mode, uid and gid of a tmpfs" {
  add_mount /m/1 tmpfs tmpfs size=64k nr_inodes=17 mode=2751 uid=33 gid=34
  add_mount /m/2 tmpfs tmpfs size=1m,nr_blocks=8
  add_mount /m/3 tmpfs tmpfs mode=0
  sh_container 'cat /proc/self/mountinfo; stat -c "%n %a %u %g" /m/1 /m/3; stat -fc "%b %c" /m/1'
  assert_success
  assert_output_has "/m/1 2751 33 34"
  assert_output_has "/m/3 0 0 0"
  assert_output_matches $'\n16 17$'
  check_mounts <<'EOT'
/m/1: size=64k nr_inodes=17 mode=2751
/m/2: size=32k
EOT
}

@test "the mode of a tmpfs is that of the folder below, or 1777" {
  mkdir -m 750 "$BUNDLE/rootfs/below"
  mkdir -m 2705 "$BUNDLE/rootfs/setgid"
  add_mount /below tmpfs tmpfs nosuid
  add_mount /setgid tmpfs tmpfs size=64k
  add_mount /new/folder tmpfs tmpfs nosuid
  add_mount /tmp tmpfs tmpfs nosuid
  sh_container 'stat -c "%n %a" /below /setgid /new /new/folder /tmp'
  assert_output $'/below 750\n/setgid 2705\n/new 755\n/new/folder 1777\n/tmp 1777'
}

@test "a bad value is told in the kernel's words, with its place in the configuration" {
  local mounts
  mounts=$(jq '.mounts | length' "$BUNDLE/config.json")
  add_mount /m tmpfs tmpfs nosuid size=lots
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "/mounts/$mounts"
  assert_stderr_has "size=lots"
  assert_stderr_has "Bad value for 'size'"
}

@test "an option that the file system does not know is an error that names it" {
  local type
  for type in tmpfs proc devpts mqueue; do
    make_bundle_again
    add_mount /m "$type" "$type" no_such_option
    run_container /bin/true
    assert_failure 1
    assert_one_line_error "no_such_option"
  done
}

make_bundle_again() {
  rm "$BUNDLE/config.json"
  "$BWRAP_OCI" spec --rootless --bundle "$BUNDLE" 3>&-
  config '.process.terminal = false | .root.readonly = false | del(.linux.uidMappings, .linux.gidMappings)'
}

@test "an option of a file system is an error for a bind mount, but for what callers leave there" {
  mkdir "$TEST_DIR/data"
  add_mount /m bind "$TEST_DIR/data" z Z U rbind mode=755
  run_container /bin/true
  assert_success
  add_mount /m bind "$TEST_DIR/data" rbind size=64k
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "size=64k: bind mounts cannot have any filesystem-specific options"
}

@test "id-mapped mounts and remounts are refused by name" {
  mkdir "$TEST_DIR/data"
  local option
  for option in idmap ridmap remount; do
    make_bundle_again
    add_mount /m bind "$TEST_DIR/data" rbind "$option"
    run_container /bin/true
    assert_failure 1
    case $option in
      remount) assert_one_line_error "mount option remount is not supported" ;;
      *) assert_one_line_error "/options: mapping the ids of a mount takes privilege over its file system" ;;
    esac
  done
  make_bundle_again
  add_mount /m bind "$TEST_DIR/data" rbind
  config '(.mounts[-1] | (.uidMappings, .gidMappings)) = [{containerID: 0, hostID: 0, size: 1}]'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "/uidMappings: mapping the ids of a mount takes privilege over its file system"
}

# --- bind mounts ----------------------------------------------------------------------------------

# A folder with the folder "sub", both file systems of their own with the given options.
tree() {
  mkdir -p "$TEST_DIR/tree"
  printf 'mount -t tmpfs -o %s top "%s"; mkdir "%s/sub"\n' "${1/ro/rw}" "$TEST_DIR/tree" "$TEST_DIR/tree"
  printf 'mount -t tmpfs -o %s sub "%s/sub"; mkdir "%s/sub/deep"\n' "${2/ro/rw}" "$TEST_DIR/tree" "$TEST_DIR/tree"
  printf 'mount -o remount,bind,%s "%s"; mount -o remount,bind,%s "%s/sub"\n' \
    "$1" "$TEST_DIR/tree" "$2" "$TEST_DIR/tree"
}

# Lines "OPTIONS: for the top: for what is below": a bind of the tree for each.
check_tree() {
  local options top sub n=0 lines=() mounts=()
  while IFS=: read -r options top sub; do
    n=$((n + 1))
    mounts+=("/m/$n bind $TEST_DIR/tree $options")
    lines+=("/m/$n:$top" "/m/$n/sub:$sub")
  done
  printf '%s\n' "${mounts[@]}" | add_mounts
  container_command /bin/cat /proc/self/mountinfo
  in_namespace "$prepare"
  assert_success
  assert_no_stderr
  printf '%s\n' "${lines[@]}" | check_mounts
}

@test "options of a bind mount are for its top, recursive ones for all of it" {
  own_user_namespace
  prepare=$(tree rw rw)
  check_tree <<'EOT'
rbind: rw -nosuid -nodev -noexec: rw -nosuid -nodev -noexec
rbind,ro: ro: rw
rbind,nosuid: nosuid: -nosuid
rbind,nodev: nodev: -nodev
rbind,noexec: noexec: -noexec
rbind,nosymfollow: nosymfollow: -nosymfollow
rbind,rro: ro: ro
rbind,rnosuid: nosuid: nosuid
rbind,rnodev: nodev: nodev
rbind,rnoexec: noexec: noexec
rbind,rnosymfollow: nosymfollow: nosymfollow
rbind,rro,rw: rw: ro
rbind,ro,rrw: rw: rw
rbind,rrw,ro: ro: rw
rbind,rnosuid,suid: -nosuid: nosuid
rbind,rro,rnosuid,rnodev,rnoexec: ro nosuid nodev noexec: ro nosuid nodev noexec
EOT
}

@test "a bind mount keeps the options that the host's mount has, at each depth" {
  own_user_namespace
  prepare=$(tree ro,nosuid,nodev rw,noexec)
  check_tree <<'EOT'
rbind: ro nosuid nodev -noexec: rw -nosuid -nodev noexec
rbind,rw: ro nosuid nodev: rw -nosuid -nodev noexec
rbind,noexec: ro nosuid nodev noexec: -nosuid -nodev noexec
rbind,rnosymfollow: ro nosuid nodev nosymfollow: rw -nosuid -nodev noexec nosymfollow
EOT
}

@test "nosymfollow of the host's mount, which bubblewrap does not know of, stays" {
  own_user_namespace
  prepare=$(tree nosymfollow,noexec rw)
  check_tree <<'EOT'
rbind: nosymfollow noexec: -nosymfollow -noexec
rbind,ro: ro nosymfollow noexec: rw -nosymfollow
rbind,symfollow: -nosymfollow noexec: -nosymfollow
rbind,rsymfollow: -nosymfollow noexec: -nosymfollow
EOT
}

@test "the same below a top that has none of them" {
  own_user_namespace
  prepare=$(tree rw ro,nosuid,nodev,noexec)
  check_tree <<'EOT'
rbind: rw -nosuid -nodev -noexec: ro nosuid nodev noexec
rbind,nosuid: nosuid -nodev: ro nosuid nodev noexec
EOT
}

@test "the same without a user namespace" {
  same_user_namespace
  prepare=$(tree ro,nosuid rw,nodev,noexec)
  check_tree <<'EOT'
rbind: ro nosuid -nodev -noexec: rw -nosuid nodev noexec
rbind,rw,suid: rw -nosuid: -nosuid nodev noexec
rbind,rdev,rexec: ro nosuid -nodev: -nosuid -nodev -noexec
rbind,rrw: rw nosuid: rw nodev noexec
EOT
}

@test "the same among so many binds that their sources are taken out of the host's root" {
  own_user_namespace
  prepare=$(tree ro,nosuid,nodev rw,noexec)
  check_tree <<EOT
rbind,nosymfollow: ro nosuid nodev -noexec nosymfollow: rw -nosuid -nodev noexec
rbind,rnosymfollow: ro nosuid nodev nosymfollow: rw -nosuid -nodev noexec nosymfollow
$(yes 'rbind: ro nosuid nodev -noexec: rw -nosuid -nodev noexec' | head -n 40)
EOT
  config 'del(.mounts[] | select(.destination | startswith("/m/")))'
  same_user_namespace
  prepare=$(tree ro,nosuid rw,nodev,noexec)
  check_tree <<EOT
$(yes 'rbind: ro nosuid -nodev -noexec: rw -nosuid nodev noexec' | head -n 40)
EOT
}

@test "suid, dev and exec cannot undo what the host's mount has: refused by name" {
  own_user_namespace
  prepare=$(tree nosuid,nodev,noexec rw)
  container_command /bin/true
  local option
  for option in suid dev exec; do
    config '.mounts |= map(select(.destination != "/m"))'
    add_mount /m bind "$TEST_DIR/tree" rbind "$option"
    in_namespace "$prepare"
    assert_failure 1
    assert_one_line_error "$option: the host's mount of $TEST_DIR/tree is no$option"
  done
}

@test "access times of a bind mount: the host's are locked and stay" {
  own_user_namespace
  prepare=$(tree noatime,nodiratime strictatime)
  check_tree <<'EOT'
rbind: noatime nodiratime: -noatime -relatime
rbind,relatime: noatime nodiratime: -noatime -relatime
rbind,strictatime,diratime: noatime nodiratime: -noatime -relatime
rbind,rnoatime,ro: noatime nodiratime ro: -noatime -relatime rw
rbind,rrelatime,rdiratime,rro: noatime nodiratime ro: -noatime -relatime ro
EOT
}

@test "access times of a bind mount without a user namespace" {
  same_user_namespace
  prepare=$(tree relatime relatime)
  check_tree <<'EOT'
rbind: relatime -nodiratime: relatime -nodiratime
rbind,noatime: noatime: relatime
rbind,strictatime: -relatime -noatime: relatime
rbind,nodiratime: nodiratime relatime: -nodiratime
rbind,rnoatime: noatime: noatime
rbind,rstrictatime: -relatime -noatime: -relatime -noatime
rbind,rnodiratime: nodiratime relatime: nodiratime relatime
rbind,rnoatime,relatime: relatime -noatime: noatime
rbind,noatime,rrelatime: relatime -noatime: relatime -noatime
EOT
}

@test "bind leaves the mounts below behind, rbind takes them along" {
  same_user_namespace
  prepare=$(tree rw rw)
  add_mount /m/1 bind "$TEST_DIR/tree" bind
  add_mount /m/2 bind "$TEST_DIR/tree" rbind
  container_command /bin/sh -c 'ls /m/1/sub; echo "then"; ls /m/2/sub'
  in_namespace "$prepare"
  assert_success
  assert_output $'then\ndeep'
}

@test "a bind that would show what the host's mounts below hide is refused in clear words" {
  own_user_namespace
  add_mount /m bind "$TEST_DIR/tree" bind
  container_command /bin/true
  in_namespace "$(tree rw rw)"
  assert_failure 1
  assert_one_line_error "/mounts/"
  assert_stderr_has "rbind"
  assert_stderr_has "$TEST_DIR/tree"
}

# --- propagation ----------------------------------------------------------------------------------

@test "propagation of a bind mount" {
  own_user_namespace
  prepare=$(tree rw rw)"
    mount --make-rshared '$TEST_DIR/tree'"
  check_tree <<'EOT'
rbind: -shared -master: -shared -master
rbind,private: -shared -master: -shared master
rbind,rprivate: -shared -master: -shared -master
rbind,slave: master -shared: master -shared
rbind,rslave: master -shared: master -shared
rbind,shared: shared: master -shared
rbind,rshared: shared: shared
rbind,rslave,shared: shared master: master -shared
rbind,unbindable: unbindable: -unbindable
rbind,runbindable: unbindable: unbindable
EOT
}

@test "propagation of a file system" {
  check_tmpfs <<'EOT'
rw: -shared -master
private: -shared
rprivate: -shared
slave: -shared -master
rslave: -shared
shared: shared
rshared: shared
unbindable: unbindable
runbindable: unbindable
EOT
}

@test "a mount made on the host later appears in a slave, and not in a private mount" {
  own_user_namespace
  add_mount /slave bind "$TEST_DIR/tree" rbind rslave
  add_mount /private bind "$TEST_DIR/tree" rbind
  container_command /bin/sh -c 'echo >/slave/ready
    for i in $(seq 100); do test -e /slave/sub/late && break; sleep 0.05; done; ls /slave/sub /private/sub'
  in_namespace "$(tree rw rw)
    mount --make-rshared '$TEST_DIR/tree'
    (while ! [ -e '$TEST_DIR/tree/ready' ]; do sleep 0.05; done
     mount -t tmpfs late '$TEST_DIR/tree/sub'; mkdir '$TEST_DIR/tree/sub/late') &"
  assert_success
  assert_output $'/private/sub:\ndeep\n\n/slave/sub:\nlate'
}

# OPTION ROOT: what the host sees of a mount that the container makes in a bind with OPTION.
host_sees() {
  make_bundle_again
  rm -f "$TEST_DIR/tree/made" "$TEST_DIR/tree/seen"
  config '.process.capabilities[] += ["CAP_SYS_ADMIN"] | .linux.rootfsPropagation = $root
    | .linux.namespaces |= map(select(.type != "user"))' --arg root "$2"
  add_mount /m bind "$TEST_DIR/tree" rbind "$1"
  container_command /bin/sh -c 'mount -t tmpfs inside /m/sub && touch /m/sub/inside && echo >/m/made
    for i in $(seq 200); do test -s /m/seen && break; sleep 0.05; done; cat /m/seen'
  in_namespace "$(tree rw rw)
    mount --make-rshared '$TEST_DIR/tree'
    (while ! [ -e '$TEST_DIR/tree/made' ]; do sleep 0.05; done
     ls '$TEST_DIR/tree/sub' >'$TEST_DIR/new'; mv '$TEST_DIR/new' '$TEST_DIR/tree/seen') &"
  assert_success
}

@test "a mount made in the container appears on the host where it is asked to, and nowhere else" {
  host_sees rshared rshared
  assert_output inside
  host_sees shared shared
  assert_output inside
  host_sees rshared rslave
  assert_output deep
  host_sees rslave rshared
  assert_output deep
}

@test "rootfsPropagation" {
  local wanted line
  own_user_namespace
  container_command /bin/cat /proc/self/mountinfo
  while read -r wanted line; do
    config '.linux.rootfsPropagation = $p' --arg p "$wanted"
    in_namespace "mount --bind '$BUNDLE/rootfs' '$BUNDLE/rootfs'; mount --make-shared '$BUNDLE/rootfs'"
    assert_success
    check_mounts <<<"/: $line" || show "$wanted"
  done <<'EOT'
private -shared -master -unbindable
rprivate -shared -master -unbindable
slave master -shared
rslave master -shared
shared shared
rshared shared
unbindable unbindable
runbindable unbindable
EOT
  config 'del(.linux.rootfsPropagation)'
  in_namespace "mount --bind '$BUNDLE/rootfs' '$BUNDLE/rootfs'; mount --make-shared '$BUNDLE/rootfs'"
  check_mounts <<<"/: -shared -master"
}

@test "an unknown rootfsPropagation is an error" {
  config '.linux.rootfsPropagation = "sideways"'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error sideways
}
