#!/usr/bin/env bash
# A program of the desktop in a container: the session's Wayland, audio and D-Bus sockets are
# bound into it, and nothing else of the session.
#
#   demo/desktop/run.sh [PROGRAM ARGUMENT...]
#
# PROGRAM is one of this machine's, whose /usr is the container's, read-only; its home is empty and
# goes away. Without PROGRAM it is shown what such a program sees. Sockets that the caller's session
# does not have are stood in for, so that it also runs where nobody has logged in.
#
# The container's user has the number of the caller: D-Bus asks a client for its number and compares
# it with what the kernel says.
set -euo pipefail
# shellcheck source=demo/common.sh
. "$(dirname "$0")/../common.sh"

prepare dbus-bin dbus-daemon jq python3
uid=$(id -u "$user") gid=$(id -g "$user")
bundle=$folder/desktop session=$folder/session inside=/run/user/$uid
mkdir -p "$bundle/rootfs"/{dev,etc,home,proc,run,sys,tmp,usr} "$session/pulse"
chmod 0700 "$session"
for link in bin lib lib64 sbin; do
  [ ! -L "/$link" ] || ln -s "usr/$link" "$bundle/rootfs/$link"
done
getent passwd "$user" >"$bundle/rootfs/etc/passwd"
getent group "$gid" >"$bundle/rootfs/etc/group"
give_folder

# --- the sockets --------------------------------------------------------------

end() {
  cat "$session"/*.pid 2>/dev/null | xargs -r kill || true
  cleanup
}
trap end EXIT
# serve NAME COMMAND...: in the background, with its number in a file.
serve() {
  as_user sh -c 'echo $$ >"$1"; shift; exec "$@"' sh "$session/$1.pid" "${@:2}" >/dev/null 2>&1 &
}

# A socket that takes whoever connects, and says nothing.
stand_in() {
  serve "${1%/*}" python3 -c 'import socket, sys
listener = socket.socket (socket.AF_UNIX)
listener.bind (sys.argv[1])
listener.listen ()
while True:
  connection, _ = listener.accept ()
  connection.close ()' "$session/$1"
}
stand_in_bus() {
  serve bus dbus-daemon --session --nofork --nopidfile --nosyslog --address="unix:path=$session/bus"
}

# socket NAME OUTSIDE STAND-IN...: where NAME of the session is.
declare -A sockets
socket() {
  local i
  if [ -S "$2" ]; then sockets[$1]=$2; return; fi
  echo "no $2 here: stood in for"
  "${@:3}"
  sockets[$1]=$session/$1
  for ((i = 0; i < 100; i++)); do [ ! -S "${sockets[$1]}" ] || return 0; sleep 0.05; done
  fail "no socket $1"
}
runtime=${XDG_RUNTIME_DIR:-/nonexistent}
wayland=${WAYLAND_DISPLAY:-wayland-0}
socket wayland-0 "${wayland/#[!\/]*/$runtime/$wayland}" stand_in wayland-0
socket pipewire-0 "$runtime/pipewire-0" stand_in pipewire-0
socket pulse/native "$runtime/pulse/native" stand_in pulse/native
socket bus "$runtime/bus" stand_in_bus

# --- the container ------------------------------------------------------------

# shellcheck disable=SC2016  # for the shell inside
program=(sh -c '
  id -un
  dbus-send --session --print-reply=literal --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetId >/dev/null &&
    echo bus
  for name in wayland-0 pipewire-0 pulse/native; do
    python3 -c "import socket, sys; socket.socket (socket.AF_UNIX).connect (sys.argv[1])" \
      "$XDG_RUNTIME_DIR/$name" && echo "$name"
  done
  ls "$HOME" | wc -l')
[ $# = 0 ] || program=("$@")
mounts=$(for name in "${!sockets[@]}"; do
  jq -cn --arg to "$inside/$name" --arg from "${sockets[$name]}" '{destination: $to, type: "bind", source: $from,
    options: ["bind", "nosuid", "nodev", "noexec"]}'; done | jq -cs .)
# what else of the machine a program of the desktop looks for, where it is there
others=$(for path in /etc/fonts /etc/alternatives /etc/ld.so.cache /etc/localtime /etc/ssl/certs /etc/resolv.conf /dev/dri; do
  [ ! -e "$path" ] || jq -cn --arg path "$path" '{destination: $path, type: "bind", source: $path,
    options: (["rbind", "nosuid"] + if $path == "/dev/dri" then [] else ["ro", "nodev"] end)}'; done | jq -cs .)
as_user "$folder/bwrap-oci" spec --rootless --bundle "$bundle"
as_user jq --argjson uid "$uid" --argjson gid "$gid" --argjson sockets "$mounts" --argjson others "$others" \
  --arg home "$(getent passwd "$user" | cut -d: -f6)" --arg run "$inside" '
  def tmpfs($path; $mode): {destination: $path, type: "tmpfs", source: "tmpfs",
    options: ["nosuid", "nodev", "mode=" + $mode, "uid=\($uid)", "gid=\($gid)"]};
  .process.terminal = false
  | .process.args = $ARGS.positional
  | .process.user = {uid: $uid, gid: $gid}
  | .process.cwd = $home
  | .process.env = ["PATH=/usr/bin:/bin", "HOME=" + $home, "XDG_RUNTIME_DIR=" + $run, "WAYLAND_DISPLAY=wayland-0",
      "DBUS_SESSION_BUS_ADDRESS=unix:path=" + $run + "/bus", "LANG=C.UTF-8"]
  | del (.process.capabilities)
  | .linux.uidMappings = [{containerID: $uid, hostID: $uid, size: 1}]
  | .linux.gidMappings = [{containerID: $gid, hostID: $gid, size: 1}]
  | .mounts += [{destination: "/usr", type: "bind", source: "/usr", options: ["rbind", "ro", "nosuid", "nodev"]},
      tmpfs("/tmp"; "1777"), tmpfs($home; "0700"), tmpfs($run; "0700")] + $others + $sockets' \
  "$bundle/config.json" --args -- "${program[@]}" >"$folder/config.json"
install -m 0644 "$folder/config.json" "$bundle/config.json"

echo "\$ bwrap-oci run --bundle $bundle desktop      # as $user"
output=$(as_user "$folder/bwrap-oci" --root "$folder/state" run --bundle "$bundle" desktop </dev/null) || fail "exit status $?"
echo "$output"
if [ $# = 0 ]; then
  [ "$output" = "$(printf '%s\n' "$user" bus wayland-0 pipewire-0 pulse/native 0)" ] || fail "not as it should be"
  echo "OK: a program of $user reached the session by four sockets, and saw nothing else of it"
fi
