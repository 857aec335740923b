#!/usr/bin/env bash
# A whole Debian with systemd as pid 1, of an unprivileged user: built, run, looked at, halted.
#
#   demo/systemd/run.sh [--foreground]
#
# Installs what is missing (as root, or with sudo), builds bwrap-oci if the checkout has none, and
# makes the image with mmdebstrap from the mirrors that this machine uses. systemd wants a cgroup
# that it may write to: the user's own systemd gives one. Called by root the demo uses the user
# bwrap-oci-demo, which it makes, and gives him a cgroup itself. With --foreground the container
# has this terminal as its console instead: halt it with "systemctl poweroff" (root has no
# password), or from elsewhere. Everything is in a temporary folder, removed at the end.
set -euo pipefail
# shellcheck source=demo/common.sh
. "$(dirname "$0")/../common.sh"

foreground=
case ${1:-} in
  '') ;;
  --foreground) foreground=yes ;;
  *) fail "usage: $0 [--foreground]" ;;
esac
. /etc/os-release
prepare mmdebstrap jq
give_folder
cd "$folder"
oci() { as_user ./bwrap-oci --root "$folder/state" "$@"; }
# A process enters the container's cgroup only from one that belongs to the same user.
inside() { in_cgroup ./bwrap-oci --root "$folder/state" exec debian "$@" </dev/null; }

# --- a cgroup for the user ----------------------------------------------------

cgroups=()
end() {
  local cgroup
  oci delete --force debian 2>/dev/null || true
  [ ! -d "$folder/bundle" ] || as_user ./bwrap-oci unshare rm -rf "$folder/bundle" || true
  # that of v2 is the first: with its processes gone the other is empty too
  for cgroup in "${cgroups[@]}"; do
    if [ -e "$cgroup/cgroup.kill" ]; then
      echo 1 >"$cgroup/cgroup.kill"
      while grep -q 'populated 1' "$cgroup/cgroup.events"; do sleep 0.1; done
    fi
    find "$cgroup" -depth -type d -exec rmdir {} +
  done 2>/dev/null || true
  cleanup
}
trap end EXIT

# As root: a cgroup of his, and the demo's programs in it. A machine without pure cgroup v2 wants
# one in the hierarchy of systemd too.
delegate() {
  local top dir
  for top in $(findmnt -rno TARGET -t cgroup2 | head -n 1) $(findmnt -rno TARGET -t cgroup -O name=systemd | head -n 1); do
    dir=$top/$(basename "$folder")
    mkdir "$dir" "$dir/user"
    chown "$user:" "$dir/user" "$dir/user"/cgroup.procs
    for file in cgroup.threads cgroup.subtree_control tasks; do
      [ ! -e "$dir/user/$file" ] || chown "$user:" "$dir/user/$file"
    done
    cgroups+=("$dir")
    doors+=("$dir/user/cgroup.procs")
  done
}
doors=()
# in_cgroup COMMAND...: as the user, where he may make cgroups. What was in that cgroup has been
# moved to a child of it once there is a container.
in_cgroup() {
  if [ ${#doors[@]} != 0 ]; then
    (
      for door in "${doors[@]}"; do
        { echo "$BASHPID" >"$door"; } 2>/dev/null || echo "$BASHPID" >"${door%/*}/bwrap-oci-supervisor/cgroup.procs"
      done
      as_user "$@"
    )
  else
    systemd-run --user --scope --quiet --collect --property=Delegate=yes "$@"
  fi
}
if [ "$(id -u)" = 0 ]; then
  delegate
elif ! systemctl --user show-environment >/dev/null 2>&1; then
  fail "there is no systemd --user of $user: log in as this user, or call the demo as root"
fi

# --- the image ----------------------------------------------------------------

sources=/etc/apt/sources.list
[ ! -s "/etc/apt/sources.list.d/$ID.sources" ] || sources=/etc/apt/sources.list.d/$ID.sources
echo "making a $PRETTY_NAME with systemd and nginx, as $user (a minute or so)"
as_user mmdebstrap --quiet --variant=minbase --format=tar \
  --include=systemd,systemd-sysv,dbus,libpam-systemd,nginx-light,curl,iproute2,procps \
  "$VERSION_CODENAME" "$folder/image.tar" "$sources" >"$folder/log" 2>&1 ||
  { tail -n 20 "$folder/log"; fail "mmdebstrap"; }
as_user mkdir -m 0711 "$folder/bundle"
as_user mkdir "$folder/bundle/rootfs"
echo "\$ bwrap-oci unshare tar -xpf image.tar -C rootfs"
as_user ./bwrap-oci unshare tar --exclude='./dev/*' -xpf image.tar -C bundle/rootfs

oci spec --rootless --bundle bundle
# Only what an ordinary configuration says: what systemd needs besides is added by the runtime.
# shellcheck disable=SC2016  # for jq
as_user jq '.process.args = ["/sbin/init"] | .process.terminal = ($terminal == "yes") | .root.readonly = false
  | .hostname = "debian" | .linux.namespaces += [{type: "network"}] | .mounts |= map (select (.type != "cgroup"))
  | del (.linux.uidMappings, .linux.gidMappings, .process.rlimits)
  | .process.capabilities = ({bounding: ["CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL",
      "CAP_NET_BIND_SERVICE", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT"]}
    | .effective = .bounding | .permitted = .bounding)' --arg terminal "$foreground" bundle/config.json |
  as_user tee bundle/config.new >/dev/null
as_user mv bundle/config.new bundle/config.json

if [ -n "$foreground" ]; then
  as_user ./bwrap-oci unshare sed -i 's/^root:[^:]*:/root::/' bundle/rootfs/etc/shadow
  echo "\$ bwrap-oci run --bundle bundle debian      # as $user; \"systemctl poweroff\" ends it"
  in_cgroup ./bwrap-oci --root "$folder/state" run --bundle bundle debian
  exit
fi

# --- the run ------------------------------------------------------------------

echo "\$ bwrap-oci run --detach --bundle bundle debian      # as $user"
in_cgroup ./bwrap-oci --root "$folder/state" run --detach --bundle bundle debian </dev/null
for ((i = 0; i < 300; i++)); do
  state=$(inside systemctl is-system-running 2>/dev/null) || true
  [[ ! $state =~ running|degraded ]] || break
  sleep 0.2
done
echo "\$ bwrap-oci list"
oci list
echo "\$ bwrap-oci exec debian systemctl is-system-running"
echo "$state"
echo "\$ bwrap-oci exec debian curl http://localhost/"
page=$(inside curl --silent http://localhost/)
grep '<title>' <<<"$page"
pid=$(oci ps --format json debian | jq -r '.[]' | while read -r pid; do
  [ "$(stat -c %u "/proc/$pid" 2>/dev/null)" = "$(id -u "$user")" ] || { [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = nginx ] && echo "$pid"; }
done | head -n 1) || true
owner=$(stat -c %u "/proc/${pid:-0}" 2>/dev/null || true)
echo "nginx works as www-data inside, which is $owner outside"
echo "\$ bwrap-oci kill debian RTMIN+3"
oci kill debian RTMIN+3
for ((i = 0; i < 100; i++)); do
  [ "$(oci state debian | jq -r .status)" != stopped ] || break
  sleep 0.2
done
oci list

# --- as it should be ----------------------------------------------------------

[ "$state" = running ] || fail "the system is $state"
[[ "$page" == *"Welcome to nginx"* ]] || fail "no page"
first=$(awk -F: -v name="$user" -v id="$(id -u "$user")" '$1 == name || $1 == id { print $2; exit }' /etc/subuid)
[ "$owner" = $((first + 32)) ] || fail "nginx belongs to ${owner:-nobody}, not $((first + 32))"
[ "$(oci state debian | jq -r .status)" = stopped ] || fail "it has not stopped"
oci delete debian
[ -z "$(oci list -q)" ] || fail "it is still on record"
echo "OK: $user booted a whole $NAME with systemd, used it, halted it, and nothing is left of it"
