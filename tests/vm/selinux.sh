#!/usr/bin/env bash
# SELinux at work, for a user without privilege. To be run as root in a (virtual) machine whose kernel
# was started with it and has no policy yet, in a folder with the three programs and the compiled
# policy of selinux.cil. Speaks TAP.
set -uo pipefail

# shellcheck source=tests/vm/labels.bash
. "$PWD/labels.bash"
if [ "$(id -u)" = 0 ]; then
  cp bwrap-oci bwrap-oci-gio bwrap-oci-init /usr/local/bin
  mountpoint -q /sys/fs/selinux || mount -t selinuxfs selinuxfs /sys/fs/selinux
  as_alice "$PWD" without
  cat policy >/sys/fs/selinux/load
  echo 1 >/sys/fs/selinux/enforce
  equal "the policy is in force" "$(cat /sys/fs/selinux/enforce)" 1
  as_alice "$PWD" usual
  echo "1..$tests"
  exit
fi

off="selinux label is specified in config, but selinux is disabled or not supported"
mine=u:r:confined:s0:c1
label() { tr -d '\0' <"/proc/$1/attr/current"; }

# Without a policy the kernel takes any label for its own.
without() {
  oci_config '.process.selinuxLabel = "u:r:confined:s0"' true
  fails "without a policy nothing is labelled" 1 "config.json: /process/selinuxLabel: $off" oci create gone
  oci_config '.linux.mountLabel = "u:object_r:volume:s0"' true
  fails "nor are file systems" 1 "config.json: /linux/mountLabel: $off" oci create gone
}

# file_label PATH: of a file of the container box.
file_label() { getfattr --absolute-names --only-values -n security.selinux "/proc/$(oci state box | jq .pid)/root$1" | tr -d '\0'; }

usual() {
  local confined='.process.selinuxLabel = "'$mine'"' path pid
  equal "what has no label has the caller's" "$(inside)" "u:r:usual:s0-s0:c1,c2"
  equal "process.selinuxLabel" "$(container "$confined" cat "$current")" "$mine"
  equal "with new privileges" "$(container "$confined | .process.noNewPrivileges = false" cat "$current")" "$mine"
  equal "--mode=plain" "$(plain=1; container "$for_plain | $confined" cat "$current")" "$mine"
  equal "a startContainer hook has it too" \
    "$(container "$confined"' | .hooks.startContainer = [{path: "/bin/sh", args: ["sh", "-c", "cat '$current' >/tmp/hook"]}]' cat /tmp/hook)" "$mine"
  oci_config '.process.selinuxLabel = "u:r:nowhere:s0"' true
  fails "a label that the policy does not have" 1 \
    "config.json: /process/selinuxLabel: apply the SELinux label u:r:nowhere:s0: write /proc/self/attr/exec: Invalid argument" oci create gone
  oci_config '.linux.mountLabel = "u:object_r:nowhere:s0"' true
  fails "one of file systems that the policy does not have" 1 "mount option: context=u:object_r:nowhere:s0: Invalid argument" oci create gone

  # what is copied into a new file system is labelled as that is
  mkdir rootfs/data
  echo text >rootfs/data/file
  confined+=' | .mounts += [{destination: "/data", type: "tmpfs", options: ["tmpcopyup"]}]'
  equal "mountLabel: what may be read is" "$(container "$confined | .linux.mountLabel = \"u:object_r:volume:s0:c1\"" cat /data/file)" text
  has "mountLabel: what may not is not" "$(container "$confined | .linux.mountLabel = \"u:object_r:hidden:s0\"" cat /data/file 2>&1)" "Permission denied"
  equal "mountLabel: an option of the mount wins" "$(container "$confined | .linux.mountLabel = \"u:object_r:hidden:s0\"
    | .mounts[-1].options += [\"context=\\\"u:object_r:volume:s0:c1,c2\\\"\"]" cat /data/file)" text
  oci_config "$confined"' | .linux.mountLabel = "u:object_r:volume:s0:c1,c2" | .linux.maskedPaths += ["/etc"]
    | .annotations["org.bwrap-oci.rootfs.overlay"] = "volatile"' sleep 100
  oci run --detach box </dev/null >/dev/null 2>&1
  for path in / /dev /dev/shm /dev/pts /dev/mqueue /data /data/file /etc; do
    equal "mountLabel: $path" "$(file_label $path)" u:object_r:volume:s0:c1,c2
  done
  equal "exec has the container's label" "$(within box cat "$current")" "$mine"
  equal "exec --process-label" "$(within --process-label u:r:confined:s0:c2 box cat "$current")" u:r:confined:s0:c2
  fails "exec with a label that the policy does not have" 255 \
    "config.json: /process/selinuxLabel: apply the SELinux label u:r:nowhere:s0: write /proc/self/attr/exec: Invalid argument" \
    oci exec --process-label u:r:nowhere:s0 box true
  pid=$(oci state box | jq .pid)
  equal "seen from outside" "$(label "$pid")" "$mine"
  oci delete --force box
  equal "features" "$(oci features | jq -c .linux.selinux)" '{"enabled":true}'
}

begin_as_alice "$1"
"$2"
echo "$tests" >&3
