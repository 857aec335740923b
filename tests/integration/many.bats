#!/usr/bin/env bats
# Many mounts: all of them there, in good time, and too many refused before anything exists.
load helpers

setup() {
  setup_test
  make_bundle
  config '.root.readonly = false'
  mkdir "$TEST_DIR/src"
}

# tmpfs_mounts N
tmpfs_mounts() {
  config '.mounts += [range ($n) | {destination: "/m/t\(.)", type: "tmpfs", source: "tmpfs",
    options: ["nosuid", "nodev", "size=64k"]}]' --argjson n "$1"
}

# bind_mounts N: of a folder each.
bind_mounts() {
  local i
  for ((i = 0; i < $1; i++)); do
    mkdir "$TEST_DIR/src/$i"
    echo "$i" >"$TEST_DIR/src/$i/file"
  done
  config '.mounts += [range ($n) | {destination: "/m/b\(.)", type: "bind", source: "\($src)/\(.)",
    options: ["rbind", "ro"]}]' --argjson n "$1" --arg src "$TEST_DIR/src"
}

@test "1000 tmpfs mounts and 500 binds" {
  tmpfs_mounts 1000
  bind_mounts 500
  sh_container 'grep -c " /m/t" /proc/self/mounts; grep -c " /m/b" /proc/self/mounts
    cat /m/b0/file /m/b250/file /m/b499/file; : >/m/b7/new'
  assert_failure 1
  assert_output $'1000\n500\n0\n250\n499'
  assert_stderr_has "Read-only file system"
}

# milliseconds COMMAND...: the least of three.
milliseconds() {
  local i start time best=1000000
  for i in 1 2 3; do
    start=$(date +%s%N)
    "$@" </dev/null >"$TEST_DIR/out" 2>&1 3>&- || return 1
    time=$((($(date +%s%N) - start) / 1000000))
    [ $time -ge $best ] || best=$time
  done
  echo $best
}

@test "they take at most three times as long as with crun" {
  requires crun
  local ours theirs
  mkdir -m 0700 "$TEST_DIR/crun"
  container_command /bin/true
  milliseconds crun --root "$TEST_DIR/crun" run --bundle "$BUNDLE" "$ID" >/dev/null ||
    skip "machine: crun does not run here: $(tail -n 1 "$TEST_DIR/out")"
  tmpfs_mounts 1000
  bind_mounts 500
  theirs=$(milliseconds crun --root "$TEST_DIR/crun" run --bundle "$BUNDLE" "$ID")
  ours=$(milliseconds "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID")
  echo "crun $theirs ms, bwrap-oci $ours ms"
  [ "$ours" -le $((3 * theirs)) ]
}

@test "10000 tmpfs mounts are made" {
  local began took
  # folders for them go with the container
  config '.mounts += [{destination: "/m", type: "tmpfs", source: "tmpfs"}]'
  tmpfs_mounts 10000
  began=$EPOCHREALTIME
  sh_container 'grep -c " /m/t" /proc/self/mounts'
  took=$(awk -v a="$began" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }')
  assert_success
  assert_output 10000
  echo "# 10000 mounts in $took s" >&3
  awk -v took="$took" 'BEGIN { exit took > 30 }' || show "$took s"
}

@test "3000 and 10000 binds are refused before anything exists" {
  local count
  mkdir "$TEST_DIR/src/0"
  container_command /bin/touch /made
  cp "$BUNDLE/config.json" "$TEST_DIR/few"
  for count in 3000 10000; do
    cp "$TEST_DIR/few" "$BUNDLE/config.json"
    config '.mounts += [range ($n) | {destination: "/m/\(.)", type: "bind", source: $src}]' \
      --arg src "$TEST_DIR/src/0" --argjson n $count
    run_oci run --bundle "$BUNDLE" "$ID"
    assert_failure 1
    assert_one_line_error "/mounts: $((count + 1)) bind mounts are more than bwrap takes"
    [ ! -e "$BUNDLE/rootfs/made" ] && [ ! -e "$BUNDLE/rootfs/m" ]
  done
}

@test "more binds than descriptors" {
  bind_mounts 400
  ulimit -Sn 128
  sh_container 'grep -c " /m/b" /proc/self/mounts; cat /m/b399/file'
  assert_success
  assert_output $'400\n399'
}

@test "many sources are the same things as few: files, links, devices, the same one twice" {
  mkdir -p "$TEST_DIR"/src/{a,deep/er/b} "$TEST_DIR"/y/{0..39}
  ln -s ../src/a "$TEST_DIR/y/link"
  echo file >"$TEST_DIR/src/deep/er/b/file"
  config '.mounts += [
      {destination: "/x/a", type: "bind", source: "\($d)/src/a", options: ["bind", "noexec"]},
      {destination: "/x/link", type: "bind", source: "\($d)/y/link", options: ["rbind", "ro"]},
      {destination: "/x/again", type: "bind", source: "\($d)/src/a", options: ["bind", "nosuid"]},
      {destination: "/x/file", type: "bind", source: "\($d)/src/deep/er/b/file"},
      {destination: "/x/null", type: "bind", source: "/dev/null", options: ["bind"]}]' \
    --arg d "$TEST_DIR"
  container_command /bin/sh -c 'grep " /x/" /proc/self/mountinfo | cut -d" " -f3-6
    cat /x/file; echo gone >/x/null; : >/x/a/made; ls /x/link'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_success
  local few=$output
  config '.mounts += [range (40) | {destination: "/z/\(.)", type: "bind", source: "\($d)/y/\(.)"}]' \
    --arg d "$TEST_DIR"
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_output "$few"
  run_oci run --dry-run --bundle "$BUNDLE" "$ID"
  assert_output_has "--bind $TEST_DIR/y /s/of-"
}

@test "a missing source among many is named" {
  bind_mounts 40
  rmdir "$TEST_DIR/src/17" 2>/dev/null || rm -r "$TEST_DIR/src/17"
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "/source: open $TEST_DIR/src/17: No such file or directory"
}
