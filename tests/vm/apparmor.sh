#!/usr/bin/env bash
# AppArmor at work, for a user without privilege. To be run as root in a (virtual) machine whose
# kernel has it, in a folder with the three programs and compiled profiles: test.policy (from
# apparmor.profiles), shipped.policy (from contrib/apparmor) and restricted.policy. Speaks TAP.
# shellcheck disable=SC2016  # scripts for the container
set -uo pipefail

bin=/usr/local/bin
policy=/sys/kernel/security/apparmor
# shellcheck source=tests/vm/labels.bash
. "$PWD/labels.bash"
if [ "$(id -u)" = 0 ]; then
  cp bwrap-oci bwrap-oci-gio bwrap-oci-init "$bin"
  echo secret >/etc/secret
  cat test.policy >$policy/.load
  as_alice "$PWD" usual
  # the shipped profiles let those have namespaces who may not have them otherwise, and nothing else
  cat shipped.policy >$policy/.load
  has "the shipped profiles can be loaded" "$(cat $policy/profiles)" "bwrap-oci (unconfined)"
  as_alice "$PWD" shipped
  printf 'bwrap\nbwrap-oci\n' | while read -r name; do printf %s "$name" >$policy/.remove; done
  cat restricted.policy >$policy/.load
  as_alice "$PWD" restricted
  echo "1..$tests"
  exit
fi

# profile NAME: the usual one, or none.
profile() { jq --arg profile "$1" '.process.apparmorProfile = $profile' usual.json >new.json && mv new.json usual.json; }

# What is there by default: everything that is labelled is so by the kernel's word.
usual() {
  local other="bwrap-oci-test-other (enforce)" mine="bwrap-oci-test (enforce)" pid
  equal "nothing confines what has no profile" "$(inside)" unconfined
  equal "nothing denies what no profile denies" "$(container "" cat /etc/secret)" secret

  profile bwrap-oci-test
  equal "process.apparmorProfile" "$(inside)" "$mine"
  has "what it denies is denied" "$(container "" cat /etc/secret 2>&1)" "Permission denied"
  equal "what it does not deny is not" "$(container "" cat /etc/other)" other
  equal "without new privileges" "$(container '.process.noNewPrivileges = true' cat $current)" "$mine"
  equal "with them" "$(container '.process.noNewPrivileges = false' cat $current)" "$mine"
  equal "another user" "$(container "$all_ids | .process.user = {uid: 33, gid: 33}" cat $current)" "$mine"
  equal "with a layer of its own" "$(container '.annotations["org.bwrap-oci.rootfs.overlay"] = "volatile"' cat $current)" "$mine"
  equal "with a terminal" "$(container '.process.terminal = true' true </dev/null >/dev/null 2>&1; echo $?)" 0
  equal "--mode=plain" "$(plain=1; container "$for_plain" cat $current)" "$mine"
  equal "a startContainer hook has it too" \
    "$(container '.hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "cat '$current' >/tmp/hook"]}]' cat /tmp/hook)" "$mine"
  # the image has its own idea of the file that the profile is written to
  mkdir -p rootfs/proc/self/attr/apparmor
  echo mine >rootfs/proc/self/attr/apparmor/exec
  oci_config '.mounts |= map (select (.type != "proc")) | del (.linux.maskedPaths, .linux.readonlyPaths)' sleep 100
  oci run --detach fake
  pid=$(oci state fake | jq .pid)
  equal "CVE-2019-16884: with a /proc of the image's own" "$(tr -d '\0' <"/proc/$pid/attr/current")" "$mine"
  oci exec --detach --pid-file pid fake sleep 100
  equal "CVE-2019-16884: exec likewise" "$(tr -d '\0' <"/proc/$(<pid)/attr/current")" "$mine"
  oci delete --force fake
  equal "CVE-2019-16884: what the image has there was not written to" "$(<rootfs/proc/self/attr/apparmor/exec)" mine
  rm -r rootfs/proc/self

  oci_config . sleep 100
  oci create box </dev/null >/dev/null 2>&1
  pid=$(oci state box | jq .pid)
  equal "what waits for its start has no profile" "$(tr -d '\0' <"/proc/$pid/attr/current")" unconfined
  equal "nor has it a descriptor of a procfs" "$(readlink "/proc/$pid/fd/"* | grep -c '^/')" "$(readlink "/proc/$pid/fd/"[012] | grep -c '^/')"
  equal "exec before the start" "$(oci exec box cat $current)" "$mine"
  oci start box
  equal "start" "$(tr -d '\0' <"/proc/$pid/attr/current")" "$mine"
  equal "exec has the container's profile" "$(oci exec box cat $current)" "$mine"
  has "exec: what it denies is denied" "$(oci exec box cat /etc/secret 2>&1)" "Permission denied"
  equal "exec --apparmor" "$(oci exec --apparmor bwrap-oci-test-other box cat $current)" "$other"
  has "exec --apparmor: what it denies is denied" "$(oci exec --apparmor bwrap-oci-test-other box cat /etc/other 2>&1)" "Permission denied"
  equal "exec --apparmor unconfined" "$(oci exec --apparmor unconfined box cat $current)" unconfined
  equal "exec --process" "$(jq '.process | .args = ["cat", "'$current'"] | .apparmorProfile = "bwrap-oci-test-other"' config.json >process.json
    oci exec --process process.json box)" "$other"
  fails "exec with a profile that is not there" 255 \
    "config.json: /process/apparmorProfile: apply the AppArmor profile nowhere: write /proc/self/attr/apparmor/exec: No such file or directory" \
    oci exec --apparmor nowhere box true
  oci delete --force box

  profile nowhere
  oci_config . true
  fails "a profile that is not there" 1 \
    "config.json: /process/apparmorProfile: apply the AppArmor profile nowhere: write /proc/self/attr/apparmor/exec: No such file or directory" \
    oci create gone
  profile unconfined
  equal "unconfined" "$(inside)" unconfined
  has "check" "$(oci check .)" "done /process/apparmorProfile: apply the AppArmor profile unconfined"
  equal "features" "$(oci features | jq -c .linux.apparmor)" '{"enabled":true}'
  oci_config '.process.selinuxLabel = "u:r:t:s0"' true
  fails "SELinux is not at work" 1 \
    "config.json: /process/selinuxLabel: selinux label is specified in config, but selinux is disabled or not supported" oci create gone
}

shipped() {
  equal "bubblewrap has its profile" "$(bwrap --bind / / cat $current)" "bwrap (unconfined)"
  has "bwrap-oci has its profile" "$(oci unshare cat $current)" "bwrap-oci (unconfined)"
  profile ""
  equal "the program has bubblewrap's" "$(inside)" "bwrap (unconfined)"
  equal "where bwrap-oci makes the namespace, its own" "$(container '.linux.uidMappings = [{containerID: 0, hostID: 100000, size: 1000}] |
    .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 1000}]' cat $current)" "bwrap (unconfined)"
  profile bwrap-oci-test
  equal "one of the configuration comes after it" "$(inside)" "bwrap-oci-test (enforce)"
}

restricted() {
  local hint="with AppArmor: apparmor_parser -r contrib/apparmor/bwrap-oci allows it; --mode=plain does without"
  equal "bubblewrap itself works" "$(bwrap --unshare-user --bind / / --proc /proc echo works)" works
  profile ""
  oci_config . true
  fails "where what bwrap starts may use no capability" 1 "bwrap's program cannot use its capabilities" oci run gone
  has "it is said how to allow it" "$(oci run gone 2>&1)" "$hint"
  has "check says so too" "$(oci check 2>&1)" "$hint"
  equal "--mode=plain works" "$(plain=1; container "$for_plain" echo works)" works
  has "--mode=plain: the restriction holds" "$(plain=1; container "$for_plain" cat $current)" "restricted-child"
  oci_config "$for_plain" sleep 100
  oci create --mode=plain box </dev/null >/dev/null 2>&1
  equal "--mode=plain: create" $? 0
  oci start box
  equal "--mode=plain: exec" "$(oci exec box echo works)" works
  oci delete --force box
  profile bwrap-oci-test
  oci_config "$for_plain" true
  fails "no profile is left out where one cannot be changed" 1 "config.json: /process/apparmorProfile: apply the AppArmor profile bwrap-oci-test: write" \
    oci run --mode=plain gone
}

begin_as_alice "$1"
"$2"
echo "$tests" >&3
