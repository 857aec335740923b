#!/usr/bin/env bash
# Times and memory of bwrap-oci beside bubblewrap, crun and runc, in one call.
#
#   tests/bench/run.sh [--rounds N] [--parallel N] [--podman N] [--also NAME=PROGRAM] [--usual]
#                      [--data FILE] [--realtime] [--keep]
#
# Every round starts each of them once, one after the other, so that whatever else the machine
# does falls on all alike. A static program that does nothing runs as root of a user namespace with
# two id ranges, and new pid, net, ipc, uts and mount namespaces. Nothing here passes or fails by a
# time.
#
#   --rounds N     rounds (100)
#   --parallel N   how many at once (100; 0: leave that out)
#   --podman N     rounds of "podman run --rm" (10; 0: leave that out)
#   --also NAME=PROGRAM  one more runtime with crun's or runc's options, as a newer one of these
#   --usual        the mounts and masked paths that engines ask for, instead of /proc and /dev alone
#   --data FILE    every single measurement, tab separated, for plots
#   --realtime     before all other work of the machine (as root): for one that is not idle
#   --keep         leaves the folder with the bundles
#
# BWRAP_OCI names the program (build/bwrap-oci), with its init beside it. As root it runs as the
# user BWRAP_OCI_TEST_USER (made if missing) and in a mount namespace of its own.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
here=$top/tests/bench
# shellcheck source=tests/lib/install.sh
. "$top/tests/lib/install.sh"

die() { echo "tests/bench/run.sh: $*" >&2; exit 1; }
say() { printf '%s\n' "$*"; }

rounds=100 parallel=100 podman=10 also=()
usual='' data='' realtime='' keep=''
arguments=("$@")
while [ $# != 0 ]; do
  case $1 in
    --rounds) rounds=$2; shift ;;
    --parallel) parallel=$2; shift ;;
    --podman) podman=$2; shift ;;
    --also) also+=("$2"); shift ;;
    --usual) usual=yes ;;
    --data) data=$2; shift ;;
    --realtime) realtime=yes ;;
    --keep) keep=yes ;;
    *) die "no option $1" ;;
  esac
  shift
done

# --- who and where ------------------------------------------------------------

program=${BWRAP_OCI:-$top/build/bwrap-oci}
[ -x "$program" ] || die "no program at $program: build it, or name it in BWRAP_OCI"
user=$(id -un)
if [ "$(id -u)" = 0 ]; then
  user=${BWRAP_OCI_TEST_USER:-bwrap-oci-test}
  make_user "$user"
  # crun refuses every command where cgroup v1 and v2 are mounted side by side
  if [ -z "${BENCH_NAMESPACE:-}" ]; then
    BENCH_NAMESPACE=1 exec unshare --mount --propagation private "$0" "${arguments[@]}"
  fi
  if mountpoint -q /sys/fs/cgroup/unified; then umount /sys/fs/cgroup/unified; fi
fi
uid=$(id -u "$user") gid=$(id -g "$user")

# Sub-ids have to pass, and so does the user.
scratch=$(mktemp -d /var/tmp/bwrap-oci-bench.XXXXXXXX)
cleanup() {
  local status=$?
  [ "$(id -u)" != 0 ] || umount "$scratch/run" 2>/dev/null || true
  if [ -z "$keep" ]; then rm -rf "$scratch"; else say "kept: $scratch"; fi
  exit "$status"
}
trap cleanup EXIT
chmod 0711 "$scratch"
mkdir -m 0755 "$scratch/bin"
mkdir -m 0700 "$scratch/run"
if [ "$(id -u)" = 0 ]; then
  # where a login would have put it
  mount -t tmpfs -o "mode=700,uid=$uid" tmpfs "$scratch/run"
fi

# As after a login.
become=(/usr/bin/env -i --default-signal HOME=/ USER="$user" LANG=C.UTF-8 XDG_RUNTIME_DIR="$scratch/run"
  PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
if [ "$(id -u)" = 0 ]; then
  become=(/usr/bin/setpriv --reuid "$uid" --regid "$gid" --init-groups --inh-caps=-all "${become[@]}")
fi
if [ -n "$realtime" ]; then become=(/usr/bin/chrt --rr 1 "${become[@]}"); fi
as_user() { "${become[@]}" "$@"; }

# sub_ids FILE: the first range of the user, as "FIRST COUNT".
sub_ids() { awk -F: -v user="$user" -v uid="$uid" '$1 == user || $1 == uid { print $2, $3; exit }' "$1"; }
read -r sub_uid sub_count < <(sub_ids /etc/subuid) || die "$user has no range in /etc/subuid"
read -r sub_gid _ < <(sub_ids /etc/subgid) || die "$user has no range in /etc/subgid"

# --- programs and bundles -----------------------------------------------------

compiler=${CC:-cc}
static=$compiler
if command -v musl-gcc >/dev/null; then static=musl-gcc; fi
"$compiler" -O2 -o "$scratch/bin/measure" "$here/measure.c"
"$compiler" -O2 -o "$scratch/bin/bare" "$here/bare.c"
"$static" -Os -static -s -o "$scratch/bin/true" "$here/true.c"
install -m 0755 "$program" "$(dirname "$program")/bwrap-oci-init" "$scratch/bin"
bwrap_oci=$scratch/bin/$(basename "$program")

# config ARGS [NETWORK]: NETWORK is its entry in the list of namespaces.
config() {
  local args=$1 mounts paths='' network='{ "type": "network" }, '
  [ $# = 1 ] || network=$2
  mounts='{ "destination": "/proc", "type": "proc", "source": "proc" },
    { "destination": "/dev", "type": "tmpfs", "source": "tmpfs",
      "options": ["nosuid", "strictatime", "mode=755", "size=65536k"] }'
  if [ -n "$usual" ]; then
    mounts+=',
    { "destination": "/dev/pts", "type": "devpts", "source": "devpts",
      "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"] },
    { "destination": "/dev/shm", "type": "tmpfs", "source": "shm",
      "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"] },
    { "destination": "/dev/mqueue", "type": "mqueue", "source": "mqueue",
      "options": ["nosuid", "noexec", "nodev"] },
    { "destination": "/sys", "type": "sysfs", "source": "sysfs",
      "options": ["nosuid", "noexec", "nodev", "ro"] }'
    paths=',
    "maskedPaths": ["/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
      "/proc/timer_list", "/proc/scsi", "/sys/firmware"],
    "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]'
  fi
  cat <<JSON
{
  "ociVersion": "1.0.2",
  "process": {
    "user": { "uid": 0, "gid": 0 }, "args": $args, "env": ["PATH=/bin", "HOME=/"], "cwd": "/",
    "noNewPrivileges": true
  },
  "root": { "path": "$scratch/rootfs", "readonly": true },
  "hostname": "bench",
  "mounts": [
    $mounts
  ],
  "linux": {
    "namespaces": [{ "type": "pid" }, $network{ "type": "ipc" }, { "type": "uts" },
      { "type": "mount" }, { "type": "user" }],
    "uidMappings": [{ "containerID": 0, "hostID": $uid, "size": 1 },
      { "containerID": 1, "hostID": $sub_uid, "size": $sub_count }],
    "gidMappings": [{ "containerID": 0, "hostID": $gid, "size": 1 },
      { "containerID": 1, "hostID": $sub_gid, "size": $sub_count }]$paths
  }
}
JSON
}

mkdir -p "$scratch"/rootfs/{bin,proc,sys,dev} "$scratch"/{once,host,wait}
install -m 0755 "$scratch/bin/true" "$scratch/rootfs/bin/true"
config '["/bin/true"]' >"$scratch/once/config.json"
config '["/bin/true"]' '' >"$scratch/host/config.json"
config '["/bin/true", "wait"]' >"$scratch/wait/config.json"
if [ "$(id -u)" = 0 ]; then chown -R "$user:" "$scratch/rootfs"; fi

# --- the runtimes that work here ----------------------------------------------

declare -A command
bwrap=$(command -v bwrap) || die "bwrap is not installed"
command[bwrap-oci]=$bwrap_oci
command[crun]=$(command -v crun || true)
command[runc]=$(command -v runc || true)
# Without cgroups: bwrap has none either.
declare -A options=([bwrap-oci]="" [crun]="--cgroup-manager=disabled" [runc]="")
names=(bwrap-oci crun runc)
for other in "${also[@]}"; do
  names+=("${other%%=*}")
  command[${other%%=*}]=${other#*=}
  options[${other%%=*}]=
  case ${other#*=} in *crun*) options[${other%%=*}]=${options[crun]} ;; esac
done

# tabs WORD...: one line of a file for measure.
tabs() { local IFS=$'\t'; printf '%s\n' "$*"; }
# call RUNTIME: the words that begin its commands.
call() { printf '%s' "${command[$1]}${options[$1]:+	${options[$1]}}"; }

bare=("$scratch/bin/bare" "$bwrap" "$uid" "$sub_uid" "$sub_count" "$gid" "$sub_gid" "$sub_count"
  "$scratch/rootfs" /bin/true)
runtimes=()
say "bwrap: $("$bwrap" --version)"
for runtime in "${names[@]}"; do
  if [ -z "${command[$runtime]}" ]; then
    say "$runtime: left out: not installed"
    continue
  fi
  # shellcheck disable=SC2086  # an empty option is no word
  if ! message=$(as_user "${command[$runtime]}" ${options[$runtime]} run \
    --bundle "$scratch/once" "probe-$$" 2>&1 </dev/null); then
    say "$runtime: left out: $(head -n 1 <<<"$message")"
    [ "$(id -u)" = 0 ] || [[ $message != *hybrid* ]] ||
      say "  (as root, the benchmark makes itself a view of the cgroups that it accepts)"
    continue
  fi
  runtimes+=("$runtime")
  say "$runtime: $("${command[$runtime]}" --version | head -n 1)"
done
[[ " ${runtimes[*]} " == *" bwrap-oci "* ]] || die "bwrap-oci does not run"

# --- what is measured ---------------------------------------------------------

# series_run BUNDLE [OPTION...]
series_run() {
  local runtime bundle=$scratch/$1 alone=("${bare[@]}")
  shift
  if [ "$bundle" = "$scratch/host" ]; then alone=("${bare[0]}" -n "${bare[@]:1}"); fi
  tabs series "bwrap alone"
  tabs step "${alone[@]}"
  for runtime in "${runtimes[@]}"; do
    tabs series "$runtime run"
    tabs step "$(call "$runtime")" run "$@" --bundle "$bundle" %i
  done
}

series_steps() {
  local runtime
  for runtime in "${runtimes[@]}"; do
    tabs series "$runtime create, start, delete"
    tabs step "$(call "$runtime")" create --bundle "$scratch/once" %i
    tabs step "$(call "$runtime")" start %i
    tabs reap
    tabs step "$(call "$runtime")" delete %i
  done
}

series_exec() {
  local runtime
  for runtime in "${runtimes[@]}"; do
    tabs series "$runtime exec"
    tabs step "$(call "$runtime")" exec "exec-$runtime" /bin/true
  done
}

series_podman() {
  local runtime
  for runtime in "${runtimes[@]}"; do
    tabs series "podman with $runtime"
    tabs step "$podman_program" --runtime "${command[$runtime]}" run --rm --network none \
      localhost/bench /bin/true
  done
}

# Each command becomes the user by itself: root may look at more than the user may.
series_memory() {
  local runtime
  tabs series "bwrap alone, running"
  tabs background "${become[@]}" "${bare[@]}" wait
  for runtime in "${runtimes[@]}"; do
    tabs series "$runtime, created"
    tabs step "${become[@]}" "$(call "$runtime")" create --bundle "$scratch/wait" %i
    tabs after "${become[@]}" "$(call "$runtime")" delete --force %i
    tabs series "$runtime, running"
    tabs step "${become[@]}" "$(call "$runtime")" run --detach --bundle "$scratch/wait" %i
    tabs after "${become[@]}" "$(call "$runtime")" delete --force %i
  done
}

# measure MODE [N]: standard input is the file.
measure() {
  local prefix=("${become[@]}")
  [ "$1" != memory ] || prefix=()
  cat >"$scratch/series"
  "${prefix[@]}" "$scratch/bin/measure" "$@" "$scratch/series" | tee -a "$scratch/data"
}

# times LABEL: a table of "rounds" lines; ratios to crun's line, or to the first one.
times() {
  say ""
  say "$1"
  sort -t$'\t' -k2,2 -k4,4n | awk -F'\t' -f "$here/times.awk"
}

printf '# mode\tseries\tround, number or process\tms or KiB\tCPU ms\tpeak KiB\n' >"$scratch/data"
series_run once | measure rounds "$rounds" | times "run, $rounds rounds"
series_run host | measure rounds "$rounds" |
  times "run in the caller's network namespace, $rounds rounds"
series_steps | measure rounds "$rounds" |
  times "create, start, the end of the program, delete; $rounds rounds"

if "$bwrap_oci" exec --help >/dev/null 2>&1; then
  for runtime in "${runtimes[@]}"; do
    # shellcheck disable=SC2086
    as_user "${command[$runtime]}" ${options[$runtime]} run --detach --bundle "$scratch/wait" \
      "exec-$runtime" </dev/null >/dev/null
  done
  series_exec | measure rounds "$rounds" | times "exec in a running container, $rounds rounds"
  for runtime in "${runtimes[@]}"; do
    # shellcheck disable=SC2086
    as_user "${command[$runtime]}" ${options[$runtime]} delete --force "exec-$runtime"
  done
else
  say ""
  say "exec: left out: bwrap-oci has no such command"
fi

# at_once BUNDLE LABEL
at_once() {
  # a user may have 200 keys, and the kernel is slow to forget those of the rounds before
  series_run "$1" --no-new-keyring | measure parallel "$parallel" | {
    say ""
    say "$parallel runs at once$2: all of them, and what one cost of CPU; medians"
    sort -t$'\t' -k2,2 -k4,4n | awk -F'\t' -f "$here/parallel.awk"
  }
}
if [ "$parallel" != 0 ]; then
  at_once once ""
  at_once host " in the caller's network namespace"
fi

if [ "$podman" = 0 ]; then
  :
elif ! podman_program=$(command -v podman); then
  say ""
  say "podman: left out: not installed"
else
  # its storage, with an image that is the program alone
  mkdir -m 0700 "$scratch/home"
  if [ "$(id -u)" = 0 ]; then chown "$user:" "$scratch/home"; fi
  become+=(HOME="$scratch/home" CONTAINERS_CONF="$scratch/containers.conf")
  {
    printf '[containers]\ndefault_ulimits = []\n[engine]\ncgroup_manager = "cgroupfs"\n'
    printf 'events_logger = "file"\nruntime_supports_nocgroup = ["crun", "bwrap-oci"]\n'
  } >"$scratch/containers.conf"
  tar -C "$scratch/rootfs" -c . | as_user podman import -q - localhost/bench >/dev/null
  series_podman | measure rounds "$podman" | times "podman run --rm, $podman rounds"
  as_user podman system migrate
  as_user podman unshare rm -rf "$scratch/home/.local"
fi

series_memory | measure memory | {
  say ""
  say "memory that stays (PSS), the container's own program apart"
  awk -F'\t' -f "$here/memory.awk"
}

[ -z "$data" ] || cp "$scratch/data" "$data"
