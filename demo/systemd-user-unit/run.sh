#!/usr/bin/env bash
# A container as a service of an unprivileged user's systemd.
#
#   demo/systemd-user-unit/run.sh
#
# Installs what is missing (as root, or with sudo), builds bwrap-oci if the checkout has none, makes
# a bundle with the web server of busybox, and lets `bwrap-oci unit` write a unit for it. The
# user's manager starts it, it answers, it is killed and comes again, and is stopped. The unit is in
# the runtime folder and everything else in a temporary one, both removed at the end.
#
# Called by root it is the user bwrap-oci-demo, who lingers meanwhile (loginctl(1)); on a machine that
# has not been booted with systemd, as a container is, that user gets a manager in namespaces of
# its own.
set -euo pipefail
# shellcheck source=demo/common.sh
. "$(dirname "$0")/../common.sh"

prepare busybox-static curl dbus-user-session jq systemd
bundle=$folder/web
busybox_root "$bundle/rootfs" httpd sh
mkdir "$bundle/rootfs/www"
echo "Hello from a service" >"$bundle/rootfs/www/index.html"

# --- the user's part ------------------------------------------------------------

# Process 1 has no default action for a signal, so the shell says what TERM does.
cat >"$folder/service.sh" <<'SERVICE'
set -euo pipefail
cd "$(dirname "$0")"
fail() { echo "FAILED: $*" >&2; systemctl --user --no-pager status "$unit" >&2 || true; exit 1; }
units=$XDG_RUNTIME_DIR/systemd/user unit=bwrap-oci-demo-$$ port=$((20000 + $$ % 10000))
./bwrap-oci spec --rootless --bundle web
jq --arg script "trap 'kill \$!; exit 0' TERM; httpd -f -p 127.0.0.1:$port -h /www & wait" '.process.terminal = false
  | .process.args = ["/bin/sh", "-c", $script] | del(.linux.uidMappings, .linux.gidMappings)' web/config.json >web/new
mv web/new web/config.json

end() {
  systemctl --user stop "$unit" || true
  rm -f "$units/$unit.service"
  systemctl --user daemon-reload
}
mkdir -p "$units"
trap end EXIT
echo "\$ bwrap-oci unit ./web --name $unit >$units/$unit.service      # as $(id -un)"
./bwrap-oci --root "$PWD/state" unit ./web --name "$unit" >"$units/$unit.service"
sed 's/^/    /' "$units/$unit.service"
systemctl --user daemon-reload

# answers: the page, as soon as there is one.
answers() { curl --silent --fail --retry 50 --retry-delay 1 --retry-all-errors "http://127.0.0.1:$port/"; }
list() { ./bwrap-oci --root "$PWD/state" list; }
pid() { ./bwrap-oci --root "$PWD/state" state "$unit" | jq .pid; }

echo "\$ systemctl --user start $unit"
systemctl --user start "$unit"
[ "$(answers)" = "Hello from a service" ] || fail "it does not answer"
list
systemctl --user --no-pager --lines 0 status "$unit"
first=$(pid)
grep -q "/$unit.service" "/proc/$first/cgroup" || fail "the container is not in the unit's cgroup"

echo "\$ kill -KILL $first"
kill -KILL "$first"
while [ "$(systemctl --user show -P NRestarts "$unit")" = 0 ] || [ "$(systemctl --user show -P ActiveState "$unit")" != active ]; do
  sleep 0.1
done
[ "$(answers)" = "Hello from a service" ] || fail "it does not answer again"
second=$(pid)
[ "$second" != "$first" ] || fail "it was not started again"

echo "\$ systemctl --user stop $unit"
systemctl --user stop "$unit"
[ "$(systemctl --user show -P ActiveState "$unit") $(systemctl --user show -P Result "$unit")" = "inactive success" ] || fail "the end"
[ -z "$(./bwrap-oci --root "$PWD/state" list -q)" ] || fail "a container is left"
[ ! -e "/proc/$second" ] || fail "a process is left"
echo "$unit is stopped, and nothing is left of it"
SERVICE

# --- a manager for it -----------------------------------------------------------

uid=$(id -u "$user")
lingers='' cgroup=''
end() {
  [ -z "$lingers" ] || loginctl disable-linger "$user" || true
  if [ -n "$cgroup" ]; then
    echo 1 >"$cgroup/cgroup.kill" || true
    for ((i = 0; i < 100; i++)); do
      grep -q 'populated 1' "$cgroup/cgroup.events" || break
      sleep 0.1
    done
    find "$cgroup" -depth -type d -exec rmdir {} +
  fi
  cleanup
}
trap end EXIT

in_session() {
  as_user XDG_RUNTIME_DIR="/run/user/$uid" DBUS_SESSION_BUS_ADDRESS="unix:path=/run/user/$uid/bus" "$@"
}

# In new mount and cgroup namespaces: what systemd wants to see of a host, the user's own cgroup, his
# manager, and the command below it.
below_own_manager() {
  local user=$1 uid manager=/lib/systemd/systemd i status=0
  shift
  uid=$(id -u "$user")
  umount --lazy /sys/fs/cgroup
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
  mkdir -p /run/systemd /run/user
  mount -t tmpfs -o mode=755 tmpfs /run/systemd
  mount -t tmpfs -o mode=755 tmpfs /run/user
  mkdir /run/systemd/system /sys/fs/cgroup/user
  install -d -o "$user" -m 0700 "/run/user/$uid"
  chown "$user:" /sys/fs/cgroup/user{,/cgroup.procs,/cgroup.threads,/cgroup.subtree_control}
  echo $$ >/sys/fs/cgroup/user/cgroup.procs
  in_session "$manager" --user >"/run/user/$uid/log" 2>&1 </dev/null &
  for ((i = 0; i < 300; i++)); do
    case $(in_session systemctl --user is-system-running 2>/dev/null) in
      running | degraded) break ;;
    esac
    sleep 0.1
  done
  in_session systemctl --user is-system-running >/dev/null || { cat "/run/user/$uid/log"; exit 1; }
  in_session "$@" || status=$?
  in_session systemctl --user exit && wait
  exit "$status"
}

give_folder
if [ "$(id -u)" != 0 ]; then
  systemctl --user show-environment >/dev/null || fail "there is no systemd --user of $user"
  bash "$folder/service.sh"
elif [ -d /run/systemd/system ]; then
  [ -e "/var/lib/systemd/linger/$user" ] || lingers=yes
  loginctl enable-linger "$user"
  for ((i = 0; i < 300; i++)); do
    [ ! -S "/run/user/$uid/bus" ] || break
    sleep 0.1
  done
  in_session bash "$folder/service.sh"
else
  at=$(findmnt -rno TARGET -t cgroup2 | head -n 1)
  [ -n "$at" ] || fail "no cgroup v2 is mounted"
  cgroup=$(mktemp -d "$at/bwrap-oci-demo.XXXXXX")
  chmod 0755 "$cgroup"
  (echo "$BASHPID" >"$cgroup/cgroup.procs"
    exec unshare --mount --cgroup --propagation private bash -euc \
      "$(declare -p user uid PATH); $(declare -f as_user in_session below_own_manager); below_own_manager \"\$@\"" \
      demo "$user" bash "$folder/service.sh")
fi
echo "OK: $user ran a container as a service: it answered, came again when it was killed, and left nothing"
