# A writable layer over the root file system, which stays as it is.
# shellcheck shell=bash
# runs as: user and root
load helpers

setup() {
  setup_test
  make_bundle
  config '.root.readonly = false'
  if [ "$(id -u)" = 0 ]; then config '.linux.namespaces |= map(select(.type != "user"))'; fi
}

# Everything about the root's files but the time of the last access.
fingerprint() {
  local root=$BUNDLE/rootfs
  find "$root" -printf '%P %i %y %m %U:%G %s %T@ %l\n' | sort
  # each file once: one has hundreds of names
  find "$root" -type f -printf '%i %p\n' | sort -unk1,1 | cut -d' ' -f2- | sort | xargs md5sum
}

# changes: what a container does to its root in these tests, and sees of it afterwards.
changes='echo new >/file; echo more >>/etc/passwd; rm -r /home; mkdir /home && mkdir -m 700 /home/own &&
  touch /home/own/x; rm /bin/yes; ln -s a /tmp/link; chmod 600 /etc/group
  cat /file; tail -n1 /etc/passwd; ls /home; ls /bin/yes 2>&1; readlink /tmp/link; stat -c %a /etc/group'
changed=$'new\nmore\nown\nls: /bin/yes: No such file or directory\na\n600'

@test "--overlay state: the root is not touched, and the layer goes with the container" {
  local before
  before=$(fingerprint)
  container_command /bin/sh -c "$changes"
  run_oci run --bundle "$BUNDLE" --overlay state --keep "$ID"
  assert_success
  assert_no_stderr
  assert_output "$changed"
  assert_equal "$(cat "$STATE/$ID/layer/upper/file")" new
  assert_equal "$(fingerprint)" "$before"
  run_oci delete "$ID"
  assert_success
  [ ! -e "$STATE/$ID" ]
}

@test "--overlay state: files of other ids, and modes that forbid, are removed too" {
  requires user subids
  container_command /bin/sh -c 'mkdir -p /a/b/c && touch /a/b/c/d && chown -R 33:33 /a && chmod 000 /a/b/c /a
    mkdir -m 500 /closed && i=0; mkdir /deep && cd /deep && while [ $i -lt 150 ]; do
      mkdir ddddddddddddddddddddd && cd ddddddddddddddddddddd; i=$((i + 1)); done; touch end'
  config '.process.capabilities |= map_values(. + ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER"])'
  run_oci run --bundle "$BUNDLE" --overlay=state "$ID"
  assert_success
  assert_no_stderr
  [ ! -e "$STATE/$ID" ]
}

@test "--overlay volatile: in memory, and gone at the end" {
  local before
  before=$(fingerprint)
  container_command /bin/sh -c "$changes; awk '\$5 == \"/\" { print \$8 }' /proc/self/mountinfo"
  run_oci run --bundle "$BUNDLE" --overlay volatile "$ID"
  assert_success
  assert_output "$changed"$'\noverlay'
  assert_equal "$(fingerprint)" "$before"
}

@test "--overlay DIR: kept for the next container" {
  local before
  before=$(fingerprint)
  mkdir "$TEST_DIR/mine"
  container_command /bin/sh -c "$changes"
  cd "$TEST_DIR"
  run_oci run --bundle "$BUNDLE" --overlay ./mine "$ID"
  assert_success
  assert_output "$changed"
  assert_equal "$(fingerprint)" "$before"
  container_command /bin/cat /file
  run_oci run --bundle "$BUNDLE" --overlay mine "$ID"
  assert_output new
  run_oci run --bundle "$BUNDLE" --overlay state "$ID"
  assert_failure 1
  run_oci run --bundle "$BUNDLE" --overlay "$TEST_DIR/missing" "$ID"
  assert_failure 1
  assert_one_line_error "--overlay: open $TEST_DIR/missing: No such file or directory"
  remove "$TEST_DIR/mine"
}

@test "--overlay DIR: for one container at a time" {
  mkdir "$TEST_DIR/mine"
  ln -s mine "$TEST_DIR/link"
  container_command sleep 100
  run_oci run --detach --bundle "$BUNDLE" --overlay "$TEST_DIR/mine" "$ID"
  assert_success
  run_oci create --bundle "$BUNDLE" --overlay "$TEST_DIR/link" "$ID-2"
  assert_failure 1
  assert_one_line_error "--overlay: $TEST_DIR/link: it is the layer of container $ID, which lives"
  # somebody is about to have it
  run_oci kill "$ID" KILL
  wait_until is_status stopped
  flock "$TEST_DIR/mine" "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" \
    --overlay "$TEST_DIR/mine" "$ID-2" 2>"$TEST_DIR/stderr" && return 1
  grep -q 'another container is being made with it' "$TEST_DIR/stderr"
  # who has ended does not keep it
  container_command true
  run_oci run --bundle "$BUNDLE" --overlay "$TEST_DIR/mine" "$ID-2"
  assert_success
  run_oci delete "$ID"
  remove "$TEST_DIR/mine"
}

@test "--overlay-lower: each layer lies above the one before it" {
  mkdir -p "$TEST_DIR"/{one,two}/etc
  echo one >"$TEST_DIR/one/etc/a" && echo one >"$TEST_DIR/one/etc/b"
  echo two >"$TEST_DIR/two/etc/b"
  container_command /bin/sh -c 'cat /etc/a /etc/b; head -n1 /etc/passwd; echo changed >/etc/a; rm /etc/b'
  run_oci run --bundle "$BUNDLE" --overlay volatile --overlay-lower "$TEST_DIR/one" --overlay-lower "$TEST_DIR/two" "$ID"
  assert_success
  assert_output $'one\ntwo\nroot:x:0:0:root:/root:/bin/sh'
  assert_equal "$(cat "$TEST_DIR/one/etc/a" "$TEST_DIR/two/etc/b")" $'one\ntwo'
  run_oci run --bundle "$BUNDLE" --overlay-lower "$TEST_DIR/one" "$ID"
  assert_failure 1
  assert_one_line_error "--overlay-lower goes with --overlay"
}

@test "annotations: org.bwrap-oci.rootfs.overlay, and .lower" {
  mkdir -p "$BUNDLE/layer/etc"
  echo layer >"$BUNDLE/layer/etc/a"
  config '.annotations = {"org.bwrap-oci.rootfs.overlay": "volatile", "org.bwrap-oci.rootfs.overlay.lower": "layer"}'
  sh_container 'cat /etc/a; rm -r /etc; ls /etc 2>&1'
  assert_failure 1
  assert_output $'layer\nls: /etc: No such file or directory'
  [ -e "$BUNDLE/rootfs/etc/passwd" ]
  config '.annotations["org.bwrap-oci.rootfs.overlay"] = "elsewhere"'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error 'config.json: /annotations/org.bwrap-oci.rootfs.overlay: expected state, volatile or an absolute path, got "elsewhere"'
}

@test "many containers of one root at once, each with a layer of its own" {
  local before i
  before=$(fingerprint)
  container_command /bin/sh -c 'cat /etc/own 2>/dev/null; hostname >/etc/own; sleep 100'
  for i in 1 2 3 4 5 6; do
    run_oci run --bundle "$BUNDLE" --overlay state --detach "$ID-$i"
    assert_success
    run_oci exec "$ID-$i" /bin/sh -c "test ! -e /etc/other && echo $i >/etc/other && cat /etc/other"
    assert_output "$i"
  done
  assert_equal "$(fingerprint)" "$before"
  for i in 1 2 3 4 5 6; do
    run_oci delete --force "$ID-$i"
    assert_success
  done
}

@test "a root that is read-only all the same, and mounts in it" {
  local before
  before=$(fingerprint)
  config '.root.readonly = true | .mounts += [{destination: "/new/place", type: "tmpfs", source: "tmpfs"}]'
  container_command /bin/sh -c 'touch /new/place/x && touch /new/y'
  run_oci run --bundle "$BUNDLE" --overlay volatile "$ID"
  assert_failure 1
  assert_stderr_has "/new/y: Read-only file system"
  assert_equal "$(fingerprint)" "$before"
}

@test "a root that the caller may not write to" {
  requires user
  local before
  config '.process.capabilities |= map_values(. + ["CAP_DAC_OVERRIDE"])'
  chmod -R a-w "$BUNDLE/rootfs"
  before=$(fingerprint)
  container_command /bin/sh -c 'echo x >/etc/passwd; cat /etc/passwd'
  run_oci run --bundle "$BUNDLE" --overlay volatile "$ID"
  assert_output x
  assert_equal "$(fingerprint)" "$before"
  chmod -R u+w "$BUNDLE/rootfs"
}

@test "ids of the container's own, and a process that is not root" {
  requires user subids
  mkdir "$TEST_DIR/mine"
  config '.process.user = {uid: 1000, gid: 1000}'
  container_command /bin/sh -c 'echo x >/tmp/file; id -u; stat -c %u /tmp/file /'
  run_oci run --bundle "$BUNDLE" --overlay state "$ID"
  assert_success
  [[ $output == $'1000\n1000\n'* ]]
}

@test "--dry-run shows the layer" {
  run_oci run --bundle "$BUNDLE" --overlay state --dry-run "$ID"
  assert_success
  assert_output_has "@layer:0 /s/layer-0"
  assert_output_has "lay a writable layer over $BUNDLE/rootfs, in the state directory"
  [ ! -e "$STATE/$ID" ]
  run_oci run --bundle "$BUNDLE" --overlay state --dry-run --plain "$ID"
  assert_failure 1
  assert_one_line_error "--overlay: not with --plain"
}

@test "a create that fails leaves no layer" {
  container_command /bin/nosuch
  run_oci create --bundle "$BUNDLE" --overlay state "$ID"
  assert_failure
  assert_one_line_error /bin/nosuch
  [ ! -e "$STATE/$ID" ]
}
