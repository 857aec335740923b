#!/usr/bin/env bats
# A whole system with systemd as pid 1, of an unprivileged user who has a cgroup of his own:
# tests/integration/system.sh runs this below a systemd --user.
# shellcheck disable=SC2016  # scripts for the shell inside
load ../integration/helpers
load ../integration/debian

setup_file() {
  export DEBIAN_ROOT=$TMPDIR/debian
  debian_rootfs "$DEBIAN_ROOT"
}

teardown_file() {
  [ -z "${DEBIAN_ROOT:-}" ] || remove "$DEBIAN_ROOT"
}

# Of what `spec` makes: nothing about systemd is in it.
setup() {
  setup_test
  "$BWRAP_OCI" spec --rootless --bundle "$BUNDLE" 3>&-
  config '.process.terminal = false | .process.args = ["/sbin/init"] | .root = {path: $root}
    | .hostname = "box" | .mounts |= map (select (.type != "cgroup"))
    | .linux.namespaces += [{type: "network"}] | del (.linux.uidMappings, .linux.gidMappings, .process.rlimits)
    | .process.capabilities = {bounding: $caps, effective: $caps, permitted: $caps}' \
    --arg root "$DEBIAN_ROOT/rootfs" --argjson caps "$CAPABILITIES"
  # where the last container was another one
  "$BWRAP_OCI" unshare sh -c ': >"$0/etc/machine-id"' "$DEBIAN_ROOT/rootfs" 3>&-
}

oci() { "$BWRAP_OCI" --root "$STATE" "$@" 3>&-; }
inside() { oci exec "$ID" "$@"; }

# Whether the system is up: as it should be, or not.
is_up() {
  [[ $(inside systemctl is-system-running 2>/dev/null) =~ running|degraded ]]
}

wait_for_system() {
  wait_until is_up || { inside systemctl list-jobs || true; cat "$TEST_DIR/stderr"; return 1; }
  assert_equal "$(inside systemctl --failed --plain --no-legend)" ""
  assert_equal "$(inside systemctl is-system-running)" running
}

boot() {
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
  wait_for_system
}

# Runs in the foreground, in the background of this shell: runtime is its process.
boot_in_foreground() {
  oci run --bundle "$BUNDLE" "$ID" </dev/null >"$TEST_DIR/stdout" 2>"$TEST_DIR/stderr" &
  runtime=$!
  wait_for_system
}

# ended STATUS: waits for the end of the foreground.
ended() {
  status=0
  wait "$runtime" || status=$?
  assert_equal "$status" "$1"
  assert_equal "$(<"$TEST_DIR/stderr")" ""
  assert_equal "$(oci list -q)" ""
}

@test "it comes up with no failed unit, and a halt by RTMIN+3 ends it with 0" {
  boot_in_foreground
  assert_equal "$(oci list | awk 'NR == 2 { print $1, $3 }')" "$ID running"
  oci kill "$ID" RTMIN+3
  ended 0
}

@test "systemctl, journalctl, loginctl and systemd-run work in it" {
  local uid
  boot
  assert_equal "$(inside systemctl is-active dbus systemd-logind nginx)" $'active\nactive\nactive'
  inside systemctl restart nginx
  wait_until inside systemctl is-active nginx
  inside logger --tag "$ID" "a word for the journal"
  said_so() { inside journalctl --boot --quiet --output cat -t "$ID" | grep -x "a word for the journal"; }
  wait_until said_so
  inside loginctl list-users
  assert_equal "$(inside systemd-run --quiet --pipe --wait -p User=www-data \
    sh -c 'id -un; pwd; echo $$ >/tmp/its && cat /proc/1/comm')" $'www-data\n/\nsystemd'
  assert_equal "$(inside systemd-run --quiet --pipe --wait sh -c 'exit 3' || echo $?)" 3
  assert_equal "$(inside systemd-detect-virt --container)" container-other
  # what it was told about itself
  uid=$(inside sh -c 'tr "\0" "\n" </proc/1/environ' | sed -n 's/^container_uuid=//p')
  assert_equal "$(inside cat /etc/machine-id)" "$uid"
  assert_equal "$(inside sh -c 'tr "\0" "\n" </proc/1/environ' | grep ^container=)" container=oci
  assert_equal "$(inside hostname)" box
}

@test "nginx answers, as an id of the image that is a sub-id outside" {
  local pid first
  boot
  [[ "$(inside curl --silent --show-error http://localhost/)" == *"Welcome to nginx"* ]]
  pid=$(inside pgrep --newest -u www-data nginx)
  assert_equal "$(inside stat -c %u "/proc/$pid")" 33
  first=$(awk -F: -v name="$(id -un)" -v id="$(id -u)" '$1 == name || $1 == id { print $2; exit }' /etc/subuid)
  oci ps --format json "$ID" | jq -r '.[]' >"$TEST_DIR/pids"
  while read -r pid; do stat -c %u "/proc/$pid" 2>/dev/null || true; done <"$TEST_DIR/pids" >"$TEST_DIR/uids"
  grep -qx $((first + 32)) "$TEST_DIR/uids"
  grep -qx "$(id -u)" "$TEST_DIR/uids"
}

@test "its cgroups are below one of its own, the only ones that it sees" {
  local at
  boot
  # where there is v1 beside v2, systemd is in both
  assert_equal "$(inside grep ^0: /proc/1/cgroup)" 0::/init.scope
  at=$(grep ^0: "/proc/$(container_pid)/cgroup")
  [[ "$at" == */bwrap-oci-$ID/init.scope ]]
  # exec is in one of those
  [[ "$(inside grep ^0: /proc/self/cgroup)" != *..* ]]
  oci delete --force "$ID"
}

@test "its console is a terminal of its own, with a login" {
  config '.process.terminal = true'
  on_terminal <<'PY'
job = run()
expect("login: ")
state = lambda: subprocess.run([BWRAP_OCI, "--root", STATE, "exec", ID, "systemctl", "is-system-running"],
                               stdin=subprocess.DEVNULL, capture_output=True).stdout.decode().strip()
until(lambda: state() not in ("starting", "initializing", ""), "the system")
equal(state(), "running", "the system")
tty = subprocess.run([BWRAP_OCI, "--root", STATE, "exec", ID, "sh", "-c", "stat -c %F:%u:%g:%a /dev/console; ls /dev/pts"],
                     stdin=subprocess.DEVNULL, capture_output=True).stdout.decode()
check(tty.startswith("character special file:0:"), "the console is the container's: %r" % tty)
equal(subprocess.call([BWRAP_OCI, "--root", STATE, "kill", ID, "RTMIN+3"]), 0, "kill")
equal(job.wait(), 0, "status")
check(is_restored(), "the terminal is as it was")
PY
}

@test "without CAP_SYS_BOOT it ends by exit: halt, reboot, and a status of its choice" {
  local way
  for way in poweroff:0 reboot:0 exit\ 7:7; do
    boot_in_foreground
    # shellcheck disable=SC2086  # words
    inside systemctl ${way%:*} || true
    ended "${way#*:}"
  done
}

@test "with CAP_SYS_BOOT the kernel ends it: 130 after a power-off, 129 after a reboot" {
  config '.process.capabilities |= map_values (. + ["CAP_SYS_BOOT"])'
  boot_in_foreground
  inside systemctl poweroff || true
  ended 130
  boot_in_foreground
  inside systemctl reboot || true
  ended 129
  boot_in_foreground
  oci kill "$ID" RTMIN+3
  ended 130
}

@test "from a read-only root" {
  config '.root.readonly = true
    | .mounts += [["/var/lib", "/var/log", "/var/tmp", "/etc"][] | {destination: ., type: "tmpfs", source: "tmpfs", options: ["tmpcopyup"]}]'
  boot
  assert_equal "$(inside sh -c 'touch /usr/x 2>&1' | grep -o 'Read-only file system')" "Read-only file system"
  [[ "$(inside curl --silent http://localhost/)" == *"Welcome to nginx"* ]]
}

@test "without no_new_privs its users' setuid programs work" {
  config 'del (.process.noNewPrivileges)'
  boot
  assert_equal "$(inside systemd-run --quiet --pipe --wait -p User=www-data sh -c 'grep NoNewPrivs /proc/self/status')" $'NoNewPrivs:\t0'
  assert_equal "$(inside systemd-run --quiet --pipe --wait -p User=www-data passwd -S www-data | cut -d' ' -f1)" www-data
}

@test "a mount of the configuration wins, also by a link, and what lies below it stays" {
  mkdir "$TEST_DIR/shared"
  echo mine >"$TEST_DIR/shared/file"
  chmod -R a+rX "$TEST_DIR/shared"
  config '.mounts += [{destination: "/run/shared", type: "none", source: $dir, options: ["rbind", "ro"]},
    {destination: "/tmp", type: "tmpfs", source: "mine", options: ["mode=1777", "size=1m"]}]' --arg dir "$TEST_DIR/shared"
  boot
  assert_equal "$(inside cat /run/shared/file)" mine
  assert_equal "$(inside findmnt -n -o SOURCE --target /tmp)" mine
  assert_equal "$(inside findmnt -n -o FSTYPE --target /run)" tmpfs
  oci delete --force "$ID"
}

@test "pausing and resuming it" {
  boot
  oci pause "$ID"
  assert_equal "$(container_status)" paused
  oci resume "$ID"
  assert_equal "$(inside systemctl is-system-running)" running
}

needs mmdebstrap subids
