#!/usr/bin/env bash
# Images whose files are other ones from one call to the next: a file system in user space that lies,
# fails and does not answer, and folders that others are mounted over while containers are made. In
# turn as a child of bwrap, as one that joins and in the plain mode, of a user and of root.
# BWRAP_OCI_TEST_LONG: so many rounds more.
#
# The host stays the same; what started has its mounts where they were asked for; the rest failed in
# one line.
# runs as: root
# runs with: the plain build
# takes: 40 s
set -euo pipefail
bats_require_minimum_version() { :; }
# mounts are private
[ -n "${HOSTILE_MOUNTS:-}" ] || [ "$(id -u)" != 0 ] ||
  HOSTILE_MOUNTS=1 exec unshare --mount --propagation private bash "$0"
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/integration/helpers.bash
. "$(dirname "$0")/helpers.bash"
# shellcheck source=tests/integration/hostile.bash
. "$(dirname "$0")/hostile.bash"
needs_root_and_user

tools=$(dirname "$BWRAP_OCI")
liar='' swapper=''
# which would keep the mounts
trap 'kill $liar $swapper 2>/dev/null || true' EXIT
rounds=4
[ -z "${BWRAP_OCI_TEST_LONG:-}" ] || rounds=100
# shellcheck disable=SC2016  # for the shell inside
look='exec 2>/dev/null
while read -r line; do echo "$line"; done </proc/self/mountinfo || exit 9'

# mount_lies WHERE [LIE...]: over a folder, a file system that shows it.
mount_lies() {
  local where=$1
  shift
  : >"$TEST_DIR/ready"
  "$tools/flip" ${every:+-e "$every"} "$where" "$where" "$@" >"$TEST_DIR/ready" 2>"$TEST_DIR/lies.log" &
  liar=$!
  wait_until grep -q ready "$TEST_DIR/ready"
}
unmount_lies() {
  umount --lazy "$1"
  kill "$liar" 2>/dev/null || true
  wait "$liar" 2>/dev/null || true
  liar=
}

# rounds_of PLACES JQ [fuse]: runs it in each way; says what is wrong, and sets counts.
rounds_of() {
  local places=$1 edit=$2 way round mode times
  started=0 failed=0
  for way in "${ways[@]}"; do
    configure_way "$way" "$edit"
    container_command /bin/sh -c "$look"
    [ "$way" = plain ] && mode=plain || mode=normal
    # the plain mode wants no such image
    [ "$mode${3:-}" = plainfuse ] && times=1 || times=$rounds
    for ((round = 0; round < times; round++)); do
      RUN_TIMEOUT=30 run_oci run --mode=$mode --bundle "$BUNDLE" "$ID"
      outcome "$way" >>"$TEST_DIR/wrong"
      [ "$mode${3:-} $status" != "plainfuse 0" ] || echo "the plain mode takes it" >>"$TEST_DIR/wrong"
      if [ "$status" = 0 ]; then
        started=$((started + 1))
        mounts_as_planned "$places" >>"$TEST_DIR/wrong"
      else
        failed=$((failed + 1))
      fi
      [ -z "$(find "$STATE" -mindepth 1 -maxdepth 1 ! -name '.*')" ] || {
        echo "$way: left in the state: $stderr" >>"$TEST_DIR/wrong"
        run_oci delete --force "$ID"
      }
    done
  done
}

# lies WHERE NAME PLACES JQ LIE...: there is a file system that says these. In a LIE VICTIM stands
# for the host.
lies() {
  local where=$1 name=$2 places=$3 edit=$4 lie said=()
  shift 4
  for lie; do said+=("${lie//VICTIM/$VICTIM}"); done
  : >"$TEST_DIR/wrong"
  mount_lies "$where" "${said[@]}"
  rounds_of "$places" "$edit" fuse
  unmount_lies "$where"
  none "$who: $name, $started started, $failed failed" "$(<"$TEST_DIR/wrong")"
}

tmpfs='{type: "tmpfs", source: "tmpfs", destination: $p}'
on() { echo ".mounts += [\"$1\" as \$p | $tmpfs]"; }

lying_images() {
  local every='' up=../../../../../../../../..
  lies "$ROOTFS" "the parent of a destination" "/parent/sub|$VICTIM/sub" "$(on /parent/sub)" \
    "parent=13*true,link:VICTIM,true,stale,9*true,link:/oldrootVICTIM,5*true,file,link:${up}VICTIM"
  lies "$ROOTFS" "what is to be made" "/parent/made/it|$VICTIM/made/it|$VICTIM" "$(on /parent/made/it)" \
    parent=7*true,link:VICTIM,5*true,link:/oldrootVICTIM,6*true,eio parent/made=none,9*true,link:VICTIM
  lies "$ROOTFS" "the last part of a destination" "/last|$VICTIM|$VICTIM/dir" "$(on /last)" \
    last=11*true,link:VICTIM/dir,4*true,link:/oldrootVICTIM/dir,3*true,fifo,5*true,zero,2*true,none
  lies "$ROOTFS" "/proc, /dev and /sys" "/proc" . proc=211*true,link:VICTIM,97*true,file \
    dev=401*true,link:VICTIM/dir,383*true,link:/oldrootVICTIM/dir sys=61*true,link:VICTIM
  lies "$ROOTFS" "the user database, the program and the working directory" /proc '.process.cwd = "/cwd"
    | .process.env |= map (select (startswith ("HOME=") | not))' \
    etc/passwd=true,fifo,zero,link:VICTIM/file,stale cwd=true,true,link:VICTIM/dir,link:/proc/self/fd/5 \
    bin/sh=5*true,link:VICTIM/file,true,zero
  lies "$ROOTFS" "what is hidden or read-only" /proc \
    '.linux.maskedPaths += ["/last", "/thing"] | .linux.readonlyPaths += ["/parent/sub", "/thing"]' \
    last=7*true,link:VICTIM/dir,zero,file thing=9*true,fifo,link:VICTIM/file,zero parent=11*true,link:VICTIM
  lies "$ROOTFS" "links that cannot be read, folders that cannot be made" "/parent/sub|$VICTIM/sub" \
    "$(on /parent/sub)" parent=9*true,link:VICTIM readlink:=stale,true,eio mkdir:=eio,true \
    getattr:=true,stale open:=true,eio
  every=1009
  lies "$ROOTFS" "calls that fail" "/parent/made" "$(on /parent/made)"
}

# The content of a volume lies, below which another mount is wanted.
lying_volume() {
  local every=
  mkdir -p "$TEST_DIR/volume/a/sub"
  chown -R "$owner" "$TEST_DIR/volume"
  lies "$TEST_DIR/volume" "a volume" "/vol/a/sub|$VICTIM/sub" '.mounts += [{type: "bind",
    source: "\($d)/volume", destination: "/vol", options: ["rbind"]}]
    | .mounts += ["/vol/a/sub" as $p | '"$tmpfs]" "a=7*true,link:VICTIM,5*true,link:/oldrootVICTIM,stale,file"
}

# silent NAME LIE...: the image does not answer. Whoever asks waits, and cannot even be killed
# (request_wait_answer of the kernel); delete --force says so after a while, and finishes its work
# when the file system has come to its end.
silent() {
  local every='' name=$1 job pid
  shift
  configure_way child "$(on /parent/sub)"
  mount_lies "$ROOTFS" "$@"
  RUN_TIMEOUT=60 run_oci create --bundle "$BUNDLE" "$ID" &
  job=$!
  wait_until test -s "$STATE/$ID/init"
  sleep 0.3
  RUN_TIMEOUT=30 run_oci delete --force "$ID"
  none "$who: $name: delete --force comes to an end" "$(outcome delete)"
  [ "$status" = 0 ] || check "$who: $name: and it says why" grep -q "still running (it waits in the kernel" <<<"$stderr"
  unmount_lies "$ROOTFS"
  check "$who: $name: without it create ends" wait_until not_running "$job"
  wait "$job" || true
  RUN_TIMEOUT=30 run_oci delete --force "$ID"
  check "$who: $name: and it is removed" test "$status:$stderr" = 0:
  # given up by its creator, it is still on record
  mount_lies "$ROOTFS" "$@"
  "$BWRAP_OCI" --root "$STATE" create --bundle "$BUNDLE" "$ID" </dev/null >/dev/null 2>"$TEST_DIR/given-up" &
  job=$!
  wait_until test -s "$STATE/$ID/init"
  read -r pid _ <"$STATE/$ID/init"
  sleep 0.3
  kill -TERM "$job"
  check "$who: $name: create ends at a signal" wait_until not_running "$job"
  check "$who: $name: what does not end stays on record" is_gone_or_on_record "$pid"
  unmount_lies "$ROOTFS"
  RUN_TIMEOUT=30 run_oci delete --force "$ID"
  check "$who: $name: until it is gone" test "$status:$stderr" = 0:
}

# is_gone_or_on_record PID
is_gone_or_on_record() {
  [ -e "$STATE/$ID/init" ] || [ ! -e "/proc/$1" ] || grep -q '^State:.[ZX]' "/proc/$1/status"
}
not_running() { ! kill -0 "$1" 2>/dev/null; }

# Somebody who may mount puts a folder over one of the image's again and again, in which the names
# are links.
mounted_over() {
  mkdir -p "$TEST_DIR/trap"
  ln -s "$VICTIM/sub" "$TEST_DIR/trap/sub"
  ln -s "$VICTIM/new" "$TEST_DIR/trap/made"
  "$tools/exchange" -m "$TEST_DIR/trap" "$ROOTFS/parent" "$TEST_DIR/trap" "$ROOTFS/last" \
    2>"$TEST_DIR/swapped" &
  swapper=$!
  : >"$TEST_DIR/wrong"
  rounds_of "/parent/sub|$VICTIM/sub" \
    "$(on /parent/sub) | $(on /last/made/it) | .linux.maskedPaths += [\"/last/sub\"]"
  kill "$swapper" 2>/dev/null || echo "the swapping ended: $(<"$TEST_DIR/swapped")" >>"$TEST_DIR/wrong"
  wait "$swapper" 2>/dev/null || true
  swapper=
  while umount "$ROOTFS/parent" 2>/dev/null || umount "$ROOTFS/last" 2>/dev/null; do :; done
  none "$who: folders mounted over, $started started, $failed failed" "$(<"$TEST_DIR/wrong")"
}

for who in user root; do
  become "$who"
  ways=(child join)
  # which needs a user namespace
  [ "$who" = root ] || ways+=(plain)
  mkdir -p "$ROOTFS"/{parent/sub,last,cwd}
  echo thing >"$ROOTFS/thing"
  chown -R "$owner" "$ROOTFS"
  if [ -w /dev/fuse ]; then
    lying_images
    lying_volume
    [ "$who" = root ] || silent "a folder that is looked up" parent=hang
  else
    skip "$who: file systems that lie" "machine: no /dev/fuse"
  fi
  mounted_over
  check "$who: nothing is left" teardown_test
done
finish
