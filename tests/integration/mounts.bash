# What the tests of mounts share; `load mounts` after `load helpers`.
# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034  # bats's variables; variables for the tests

# add_mount DESTINATION TYPE SOURCE OPTION...
add_mount() {
  config '.mounts += [{destination: $d, type: $t, source: $s, options: $o | split(",")}]' \
    --arg d "$1" --arg t "$2" --arg s "$3" --arg o "$(IFS=, && echo "${*:4}")"
}

# add_mounts: the same from lines "DESTINATION TYPE SOURCE OPTIONS".
add_mounts() {
  jq -R 'split(" ") | {destination: .[0], type: .[1], source: .[2], options: (.[3] | split(","))}' |
    jq -s --slurpfile config "$BUNDLE/config.json" '. as $new | $config[0] | .mounts += $new' \
      >"$BUNDLE/config.json.new"
  mv "$BUNDLE/config.json.new" "$BUNDLE/config.json"
}

# Mount options of a destination as the container saw them: its /proc/self/mountinfo is $output.
mount_options() { awk -v d="$1" '$5 == d { o = $6 } END { print o }' <<<"$output"; }
super_options() { awk -v d="$1" '$5 == d { o = $NF } END { sub (/^r[ow],?/, "", o); print o }' <<<"$output"; }
# "shared", "master" and so on, without the numbers
propagation() {
  awk -v d="$1" '$5 == d { o = ""; for (i = 7; $i != "-"; i++) { sub (/:.*/, "", $i); o = o (o ? "," : "") $i } }
    END { print o }' <<<"$output"
}

assert_option() { [[ ",$(mount_options "$1")," == *",$2,"* ]] || show "$1 without $2"; }
assert_no_option() { [[ ",$(mount_options "$1")," != *",$2,"* ]] || show "$1 with $2"; }

# show_mounts: runs the container, whose mounts are then $output.
show_mounts() {
  run_container /bin/cat /proc/self/mountinfo
  assert_success
  assert_no_stderr
}

# check_mounts: reads lines "DESTINATION: [+-]WORD...", each a mount of $output that must have
# (or, with "-", not have) a word among its options, those of the file system, or its propagation.
check_mounts() {
  local at word all bad=0
  while IFS=: read -r at words; do
    all=" $(tr , ' ' <<<"$(mount_options "$at"),$(super_options "$at"),$(propagation "$at")") "
    [ -n "$(mount_options "$at")" ] || { echo "$at is not mounted"; bad=1; }
    for word in $words; do
      case $word in
        -*) [[ "$all" != *" ${word#-} "* ]] ;;
        *) [[ "$all" == *" $word "* ]] ;;
      esac || { echo "$at: not so: $word (it is$all)"; bad=1; }
    done
  done
  return $bad
}

# in_namespace COMMANDS: as the root of a user and a mount namespace, which the shell COMMANDS
# prepare, runs the test's container; what it shows is $output.
in_namespace() {
  requires subids unshare
  status=0
  # shellcheck disable=SC2016  # for the shell inside
  timeout --kill-after 5 60 unshare --user --map-root-user --map-auto --mount --propagation private \
    sh -ec "$1"$'\nexec "$@"' sh "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" \
    <"${RUN_STDIN:-/dev/null}" >"$TEST_DIR/stdout" 2>"$TEST_DIR/stderr" 3>&- || status=$?
  output=$(<"$TEST_DIR/stdout")
  stderr=$(<"$TEST_DIR/stderr")
}

# Whether that container has a user namespace of its own, so that the flags of mounts are locked.
own_user_namespace() {
  config '(.linux.uidMappings, .linux.gidMappings) = [{containerID: 0, hostID: 0, size: 65536}]'
}
same_user_namespace() {
  config '.linux.namespaces |= map(select(.type != "user")) | del(.linux.uidMappings, .linux.gidMappings)'
}
