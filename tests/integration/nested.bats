#!/usr/bin/env bats
# bwrap-oci in a sandbox: of plain bubblewrap, and of bwrap-oci itself. (In podman's containers:
# tests/compat/podman.bats.) What is not possible there is said, with what would make it so.
load helpers

setup() {
  setup_test
  make_bundle
  requires user
  # what is to be run in there
  container_command /bin/sh -c 'id -u; echo $$; cat /proc/self/uid_map | xargs; hostname'
}

# in_bwrap OPTION...: `run` in a sandbox of bwrap that has everything of the host.
in_bwrap() {
  status=0
  timeout --kill-after 5 60 bwrap --bind / / --dev /dev --unshare-user "$@" \
    "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" \
    </dev/null >"$TEST_DIR/stdout" 2>"$TEST_DIR/stderr" 3>&- || status=$?
  output=$(<"$TEST_DIR/stdout")
  stderr=$(<"$TEST_DIR/stderr")
}

own_pids=(--unshare-pid --proc /proc)

# --- in a sandbox of bubblewrap -----------------------------------------------

@test "in bubblewrap, as oneself" {
  in_bwrap "${own_pids[@]}"
  assert_success
  assert_no_stderr
  assert_output $'0\n1\n'"0 $(id -u) 1"$'\nbwrap-oci'
}

@test "in bubblewrap, with all namespaces of its own" {
  in_bwrap "${own_pids[@]}" --unshare-net --unshare-ipc --unshare-uts --unshare-cgroup
  assert_success
  assert_no_stderr
}

@test "in bubblewrap, as another id" {
  in_bwrap "${own_pids[@]}" --uid 1234 --gid 1234
  assert_success
  assert_no_stderr
  assert_output_has "0 1234 1"
}

@test "in bubblewrap, as root with capabilities: the ids there are mapped as they are" {
  in_bwrap "${own_pids[@]}" --uid 0 --gid 0 --cap-add ALL
  assert_success
  assert_no_stderr
  assert_output_has "0 0 1"
}

@test "in bubblewrap, as root with capabilities, without a user namespace of the container" {
  config '.linux.namespaces |= map (select (.type != "user"))'
  in_bwrap "${own_pids[@]}" --uid 0 --gid 0 --cap-add ALL
  assert_success
  assert_no_stderr
  assert_output_has "0 $(id -u) 1"
}

@test "in bubblewrap, as root without CAP_SETFCAP: the reason is said" {
  in_bwrap "${own_pids[@]}" --uid 0 --gid 0
  assert_failure 1
  assert_one_line_error "/linux/uidMappings: id 0 of this user namespace can be mapped only with CAP_SETFCAP"
  in_bwrap "${own_pids[@]}" --uid 0 --gid 0 --cap-add CAP_SETFCAP
  assert_success
}

@test "in bubblewrap, where no namespaces may be made: the reason is said" {
  bwrap --help | grep -q -- --disable-userns || skip "bwrap has no --disable-userns"
  in_bwrap "${own_pids[@]}" --disable-userns
  assert_failure 1
  assert_one_line_error "no further namespace can be made"
  assert_stderr_has "--disable-userns"
}

@test "in bubblewrap, where a part of /proc is hidden: with the pids there, or the reason is said" {
  in_bwrap "${own_pids[@]}" --ro-bind /proc/sys /proc/sys
  assert_failure 1
  assert_one_line_error "a pid namespace needs a /proc of its own"
  assert_stderr_has "unmask=ALL"
  # without one the sandbox's /proc is the container's
  config '.linux.namespaces |= map (select (.type != "pid"))'
  in_bwrap "${own_pids[@]}" --ro-bind /proc/sys /proc/sys
  assert_success
  assert_no_stderr
  assert_output_has "0 $(id -u) 1"
}

@test "in bubblewrap, a whole life" {
  container_command /bin/sleep 1000
  cat >"$TEST_DIR/life" <<'SH'
set -eu
oci() { "$BWRAP_OCI" --root "$STATE" "$@"; }
oci create --bundle "$BUNDLE" "$ID"
oci exec "$ID" /bin/sh -c 'echo in $$'
oci start "$ID"
oci state "$ID" | grep -o '"status": "[a-z]*"'
oci kill "$ID" KILL
until oci state "$ID" | grep -q stopped; do sleep 0.05; done
oci delete "$ID"
oci list -q
SH
  output=$(BWRAP_OCI=$BWRAP_OCI STATE=$STATE BUNDLE=$BUNDLE ID=$ID timeout 60 \
    bwrap --bind / / --dev /dev --unshare-user "${own_pids[@]}" sh "$TEST_DIR/life" 3>&-)
  assert_output_matches $'^in [0-9]+\n"status": "running"$'
}

# --- as root of a user namespace ----------------------------------------------

# /proc/PID/ns of another user namespace's root is not opened for reading without capabilities; that
# is how pasta finds the network that it is to serve.
@test "as root of a user namespace, the network of a created container is found without capabilities" {
  requires subids setpriv
  container_command /bin/cat /proc/self/oom_score_adj
  config '.process.oomScoreAdj = 500 | .process.noNewPrivileges = $nnp
    | .linux.namespaces += [{type: "network"}]
    | .linux.uidMappings = [{containerID: 0, hostID: 1000, size: 1000}] | .linux.gidMappings = .linux.uidMappings' \
    --argjson nnp true
  cp "$BUNDLE/config.json" "$TEST_DIR/true.json"
  config '.process.noNewPrivileges = false'
  cp "$BUNDLE/config.json" "$TEST_DIR/false.json"
  cat >"$TEST_DIR/life" <<'SH'
set -eu
oci() { "$BWRAP_OCI" --root "$STATE" "$@"; }
trap 'oci delete --force "$ID"' EXIT
for nnp in true false; do
  cp "$TEST_DIR/$nnp.json" "$BUNDLE/config.json"
  oci create --bundle "$BUNDLE" --pid-file "$TEST_DIR/pid" "$ID" >"$TEST_DIR/program"
  pid=$(cat "$TEST_DIR/pid")
  setpriv --bounding-set=-all --inh-caps=-all ls "/proc/$pid/ns" | grep -x net
  nsenter --target "$pid" --net grep -c lo: /proc/net/dev
  oci exec "$ID" /bin/sh -c 'echo in $(id -u) $(cat /proc/1/oom_score_adj)'
  oci start "$ID"
  until oci state "$ID" | grep -q stopped; do sleep 0.05; done
  cat "$TEST_DIR/program"
  oci delete "$ID"
done
SH
  export TEST_DIR BWRAP_OCI STATE BUNDLE ID
  output=$(timeout 60 "$BWRAP_OCI" unshare sh "$TEST_DIR/life" 2>&1 3>&-) || true
  assert_output $'net\n1\nin 0 500\n500\nnet\n1\nin 0 500\n500'
}

# --- in a container of bwrap-oci ----------------------------------------------

# A bundle whose root has the host's programs, the tests and this bundle in it, and which runs the
# inner container as its program. $1: what is changed in it.
outer() {
  local folder dir
  OUTER=$TEST_DIR/outer
  mkdir -p "$OUTER"/rootfs/{proc,sys,dev,tmp,run}
  "$BWRAP_OCI" spec --rootless --bundle "$OUTER" 3>&-
  jq --arg oci "$BWRAP_OCI" --arg state "$STATE" --arg bundle "$BUNDLE" --arg id "$ID" '
    .process.terminal = false | del (.linux.uidMappings, .linux.gidMappings)
    | .root.readonly = false | .process.env = ["PATH=/usr/bin:/bin:/usr/sbin:/sbin"]
    | .process.args = [$oci, "--root", $state, "run", "--bundle", $bundle, $id]
    | .process.capabilities = (["bounding", "effective", "permitted", "inheritable", "ambient"]
        | map ({key: ., value: $all}) | from_entries)
    ' --argjson all "$("$BWRAP_OCI" features | jq -c .linux.capabilities)" \
    "$OUTER/config.json" >"$OUTER/config.json.new"
  mv "$OUTER/config.json.new" "$OUTER/config.json"
  for folder in /usr /etc /bin /lib /lib64 /sbin; do
    if [ -L "$folder" ]; then ln -s "$(readlink "$folder")" "$OUTER/rootfs$folder"; continue; fi
    [ ! -d "$folder" ] || config_of "$OUTER" '.mounts += [{destination: $f, type: "bind", source: $f, options: ["rbind", "ro"]}]' --arg f "$folder"
  done
  for dir in "$TEST_DIR" "$(dirname "$BWRAP_OCI")"; do
    config_of "$OUTER" '.mounts += [{destination: $d, type: "bind", source: $d, options: ["rbind"]}]' --arg d "$dir"
  done
  config_of "$OUTER" "$1"
  mkdir -p "$TEST_DIR/outer-state"
  chmod 0700 "$TEST_DIR/outer-state"
}

run_outer() {
  status=0
  timeout --kill-after 5 60 "$BWRAP_OCI" --root "$TEST_DIR/outer-state" run --bundle "$OUTER" "$ID-outer" \
    </dev/null >"$TEST_DIR/stdout" 2>"$TEST_DIR/stderr" 3>&- || status=$?
  output=$(<"$TEST_DIR/stdout")
  stderr=$(<"$TEST_DIR/stderr")
}
open='.linux.maskedPaths = [] | .linux.readonlyPaths = []'

@test "in bwrap-oci, as its root: the ids there are mapped as they are" {
  requires subids newuidmap
  outer "$open"
  run_outer
  assert_success
  assert_no_stderr
  assert_output_matches $'^0\n1\n0 0 1 1 1 [0-9]+\nbwrap-oci$'
}

@test "in bwrap-oci, as its root, without a user namespace of the container" {
  outer "$open"
  config '.linux.namespaces |= map (select (.type != "user"))'
  run_outer
  assert_success
  assert_no_stderr
  assert_output_matches $'^0\n1\n'
}

@test "in bwrap-oci, as a user of it" {
  requires subids newuidmap
  outer "$open | .process.user = {uid: 1000, gid: 1000} | .process.capabilities = {}"
  # the state is the outer caller's, whom this user is
  run_outer
  assert_success
  assert_no_stderr
  assert_output_has "0 1000 1"
}

@test "in bwrap-oci with its usual hidden paths: the reason is said, and the pids there are a way" {
  outer .
  run_outer
  assert_failure 1
  assert_one_line_error "a pid namespace needs a /proc of its own"
  assert_stderr_has "no maskedPaths and readonlyPaths"
  config '.linux.namespaces |= map (select (.type != "pid"))'
  run_outer
  assert_success
  assert_no_stderr
}

@test "in bwrap-oci in bwrap-oci" {
  outer "$open"
  local middle=$OUTER
  mv "$middle" "$TEST_DIR/middle"
  BUNDLE_IN=$BUNDLE BUNDLE=$TEST_DIR/middle
  sed -i "s,$TEST_DIR/outer/,$TEST_DIR/middle/,g" "$BUNDLE/config.json"
  ID=$ID-middle outer "$open"
  mkdir -m 0700 "$TEST_DIR/middle-state"
  config_of "$OUTER" '.process.args[2] = $s' --arg s "$TEST_DIR/middle-state"
  run_outer
  BUNDLE=$BUNDLE_IN
  assert_success
  assert_no_stderr
  assert_output_matches $'^0\n1\n'
}
