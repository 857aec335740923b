# What apparmor.sh and selinux.sh share: each runs itself again as alice, whose tests are counted on.
# shellcheck shell=bash

tests=0
current=/proc/self/attr/current
# what the plain mode needs, and what it cannot do
# shellcheck disable=SC2034  # for those who source this
for_plain='del (.process.capabilities, .process.noNewPrivileges, .linux.maskedPaths, .linux.readonlyPaths)
  | .mounts = [{destination: "/proc", type: "proc"}, {destination: "/dev", type: "tmpfs", options: ["nosuid", "mode=755"]}]'
# ids beside root's
# shellcheck disable=SC2034
all_ids='del (.linux.uidMappings, .linux.gidMappings)'
ok() { tests=$((tests + 1)); echo "ok $tests - $1"; }
not_ok() { tests=$((tests + 1)); echo "not ok $tests - $1"; shift; [ $# = 0 ] || printf '%s\n' "$@" | sed 's/^/# /'; }
# equal NAME GOT EXPECTED
equal() { if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1" "got: $2" "expected: $3"; fi; }
# has NAME GOT PART
has() { if [[ "$2" == *"$3"* ]]; then ok "$1"; else not_ok "$1" "got: $2" "expected in it: $3"; fi; }

# as_alice FOLDER PART: that part of this script, as alice.
as_alice() {
  tests=$(runuser -u alice -- env XDG_RUNTIME_DIR=/run/user/1000 HOME=/home/alice TESTS="$tests" \
    bash "$0" "$1" "$2" 3>&1 >&4 4>&-)
}
exec 4>&1

# begin_as_alice FOLDER: a bundle in a folder of alice's, which is entered.
begin_as_alice() {
  local applet
  tests=${TESTS:?how many there were before}
  cd "$(mktemp -d /var/tmp/labels.XXXXXX)" || exit
  chmod 711 .
  mkdir -p rootfs/{bin,proc,sys,dev,tmp,etc}
  cp /bin/busybox rootfs/bin/
  for applet in sh sleep cat true echo ls; do ln -s busybox "rootfs/bin/$applet"; done
  echo secret >rootfs/etc/secret
  echo other >rootfs/etc/other
  oci spec --rootless
  jq '.process.terminal = false | .root.readonly = false | del (.process.rlimits)' config.json >usual.json
}

oci() { bwrap-oci "$@"; }

# within [OPTION...] CONTAINER PROGRAM...: what a program says that exec starts there.
within() { oci exec "$@" | tr -d "\\0"; }

# oci_config EXPRESSION ARGS...: the bundle's configuration from the usual one.
oci_config() {
  local expression=$1
  shift
  jq "$expression"' | .process.args = $ARGS.positional' usual.json --args -- "$@" >config.json
}

# container EXPRESSION ARGS...: what the program says. plain: in the plain mode.
container() {
  oci_config "${1:-.}" "${@:2}"
  oci run ${plain:+--mode=plain} c </dev/null | tr -d '\0'
}

# The label that the program sees itself.
inside() { container "" cat "$current"; }

# fails NAME STATUS PART COMMAND...: in one line, with nothing left.
fails() {
  local name=$1 expected=$2 part=$3 status output
  shift 3
  output=$("$@" 2>&1 </dev/null)
  status=$?
  if [ "$status" = "$expected" ] && [[ "$output" == "bwrap-oci: "*"$part"* ]] && [ "$(wc -l <<<"$output")" = 1 ] &&
    { [ "$expected" = 255 ] || [ -z "$(oci list -q)" ]; }; then ok "$name"
  else not_ok "$name" "status $status: $output" "containers: $(oci list -q)" "expected: $expected: $part"; fi
}
