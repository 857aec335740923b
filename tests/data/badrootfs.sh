#!/bin/bash
# badrootfs.sh OUTDIR: makes hostile bundles, one folder a case:
#   OUTDIR/NAME/rootfs       root filesystem with a trap in it
#   OUTDIR/NAME/victim       stands for the host; must be the same afterwards (names, types, modes, owners, bytes)
#   OUTDIR/NAME/config.json  valid rootless config (BASECONFIG plus what the case needs)
#   OUTDIR/NAME/expect       "ok" (must run, exit 0), "fail" (must refuse) or "either"; then why
#   OUTDIR/NAME/may-add      only where a case may add to the victim: pattern of the lines allowed
# badrootfs.sh --check OUTDIR NAME says whether the victim is untouched (exit 0) or TOUCHED (exit 1, difference on stderr).
# Run it as the unprivileged user: the mappings are that user's uid, gid and first lines of /etc/subuid and /etc/subgid.
# Env: BASECONFIG (001-valid-base.json of badconfigs/gen.py), BUSYBOX (static busybox).
set -eu
BASE=${BASECONFIG:-}
BB=${BUSYBOX:-/bin/busybox}

sum() {
  (cd "$1" && find . \( -type d -printf '%P|%y|%m|%U:%G\n' \) -o -printf '%P|%y|%m|%U:%G|%s|%l\n' | LC_ALL=C sort
   find . -type f -exec sha256sum {} + 2>/dev/null | LC_ALL=C sort)
}
if [ "$1" = --check ]; then
  d=$2/$3
  changes=$(diff "$d/victim.sum" <(sum "$d/victim") | grep '^[<>]' | grep -Ev -e "$(cat "$d/may-add" 2>/dev/null || echo '^$')" || true)
  [ -z "$changes" ] && { echo untouched; exit 0; }
  printf '%s\n' "$changes" >&2; echo TOUCHED; exit 1
fi
OUT=$1; mkdir -p "$OUT"; OUT=$(cd "$OUT" && pwd)
sub() { awk -F: -v n="$(id -un)" -v u="$(id -u)" '$1 == n || $1 == u { print $2 ":" $3; exit }' "$1"; }
MAP=${BADROOTFS_MAP:-$(id -u):$(id -g):$(sub /etc/subuid):$(sub /etc/subgid)}

begin() {  # NAME
  N=$1; D=$OUT/$N; R=$D/rootfs; V=$D/victim; CONF='pass'
  rm -rf "$D"; mkdir -p "$R"/{bin,proc,dev,sys,etc,tmp,root,run,var} "$V/dir"
  cp "$BB" "$R/bin/busybox"
  for i in sh ls cat mount id sleep true false echo mkdir touch head wc env readlink stat; do ln -s busybox "$R/bin/$i"; done
  echo 'root:x:0:0:root:/root:/bin/sh' >"$R/etc/passwd"; echo 'root:x:0:' >"$R/etc/group"
  echo canary >"$V/file"; echo secret >"$V/dir/secret"; : >"$D/src"; echo from-host >"$D/src"; mkdir -p "$D/srcdir"; echo in >"$D/srcdir/in"
}
conf() { CONF="$CONF
$1"; }
bindfile() { conf "c['mounts'].append({'destination':'$1','type':'bind','source':D+'/src','options':['bind','ro']})"; }
binddir() { conf "c['mounts'].append({'destination':'$1','type':'bind','source':D+'/srcdir','options':['bind']})"; }
tmpfs() { conf "c['mounts'].append({'destination':'$1','type':'tmpfs','source':'tmpfs'})"; }
nomount() { conf "c['mounts']=[m for m in c['mounts'] if m['destination'] not in ($1)]"; }
args() { conf "c['process']['args']=$1"; }
end() {  # EXPECT WHY
  D=$D CONF=$CONF BASE=$BASE MAP=$MAP python3 -c '
import json,os
D=os.environ["D"]; c=json.load(open(os.environ["BASE"]))
u,g,su,un,sg,gn=map(int,os.environ["MAP"].split(":"))
for k,a,b,n in (("uid",u,su,un),("gid",g,sg,gn)):
    c["linux"][k+"Mappings"]=[{"containerID":0,"hostID":a,"size":1},{"containerID":1,"hostID":b,"size":n}]
exec(os.environ["CONF"])
json.dump(c,open(D+"/config.json","w"),indent=1)'
  printf '%s\n%s\n' "$1" "$2" >"$D/expect"; sum "$V" >"$D/victim.sum"
}

# --- special mount points replaced by links -------------------------------------------------
for how in abs oldroot; do
  case $how in abs) p='' ;; oldroot) p=/oldroot ;; esac
  begin proc-link-$how; rmdir "$R/proc"; ln -s "$p$V/dir" "$R/proc"; end fail "CVE-2019-19921/2023-27561: /proc must be a directory"
  begin sys-link-$how; rmdir "$R/sys"; ln -s "$p$V/dir" "$R/sys"; end fail "same for /sys"
  begin dev-link-$how; rmdir "$R/dev"; ln -s "$p$V/dir" "$R/dev"; case $how in abs) mkdir -p "$R$V/dir" ;; esac; end either "CVE-2026-41579, CVE-2026-47766: nothing made or removed in the link's target (which exists below the rootfs, too)"
  begin etc-link-$how; rm -r "${R:?}/etc"; ln -s "$p$V" "$R/etc"; bindfile /etc/hosts; binddir /etc/newdir; tmpfs /etc/newtmp; end either "CVE-2026-87766: parent of a destination is a link"
  begin final-link-$how; ln -s "$p$V/created" "$R/etc/resolv.conf"; bindfile /etc/resolv.conf; end either "CVE-2019-18837, containers/crun#111: final component is a dangling link"
  begin final-link-existing-$how; ln -s "$p$V/file" "$R/etc/resolv.conf"; bindfile /etc/resolv.conf; end either "final component is a link to a host file"
  begin dir-link-$how; ln -s "$p$V/dir" "$R/data"; tmpfs /data/sub/sub2; end either "directories to be made below a link"
  begin masked-link-$how; ln -s "$p$V/file" "$R/secret"; conf "c['linux']['maskedPaths'].append('/secret')"; end either "masked path is a link (youki 3573074f)"
  begin ro-link-$how; ln -s "$p$V/dir" "$R/rodir"; conf "c['linux']['readonlyPaths'].append('/rodir')"; end either "read-only path is a link"
  begin cwd-link-$how; ln -s "$p$V/newcwd" "$R/work"; conf "c['process']['cwd']='/work'"; end either "cwd is a dangling link; must not be created outside"
  begin devnull-link-$how; nomount "'/dev','/dev/pts','/dev/shm'"; ln -s "$p$V/file" "$R/dev/null"; conf "c['linux']['maskedPaths']=['/etc/passwd']"; end either "CVE-2025-31133, CVE-2026-88265: image's /dev/null is a link"
  begin console-link-$how; nomount "'/dev','/dev/pts','/dev/shm'"; ln -s "$p$V/newconsole" "$R/dev/console"; conf "c['process']['terminal']=True"; end either "CVE-2025-52565, CVE-2026-88264 (needs --console-socket)"
  begin ptmx-link-$how; nomount "'/dev','/dev/pts','/dev/shm'"; mkdir -p "$R/dev/pts"; ln -s "$p$V/file" "$R/dev/ptmx"; end either "CVE-2026-41579: ptmx removed/replaced through a link"
done
begin proc-link-inside; rmdir "$R/proc"; ln -s tmp "$R/proc"; end fail "link inside the rootfs: masks would cover the wrong place"
begin proc-missing; rmdir "$R/proc" "$R/sys" "$R/dev"; end ok "mount points are made"
begin usr-merge; mkdir -p "$R/usr"; mv "$R/bin" "$R/usr/bin"; ln -s usr/bin "$R/bin"; binddir /bin/extra; end ok "merged /usr must work"
# --- odd things at a destination ---------------------------------------------------------------
begin dest-chain; for i in $(seq 60); do ln -s "l$((i+1))" "$R/l$i"; done; mkdir "$R/l61"; tmpfs /l1; end fail "more than 40 links: ELOOP"
begin dest-fifo; mkfifo "$R/fifo"; bindfile /fifo; end either "never open the FIFO (hang)"
begin dest-file-vs-dir; : >"$R/plain"; binddir /plain; end fail "directory over a file"
begin dest-mode000; mkdir -p "$R/closed/in"; chmod 000 "$R/closed"; tmpfs /closed/in; end either "unreadable parent: owner is root in the namespace, clear message otherwise"
begin dest-names; mkdir "$R/"$'new\nline' "$R/quo\"te" "$R/"$'bad\xff' "$R/$(printf 'n%.0s' $(seq 255))"; tmpfs '/new\\nline'; tmpfs '/quo"te'; end ok "odd bytes in names"
begin dest-oldroot; tmpfs "/oldroot$V/made"; tmpfs "/newroot/x"; end ok "names that bwrap uses itself during set-up"
# --- root.path ---------------------------------------------------------------------------------
begin root-is-link; mv "$R" "$D/real"; ln -s real "$R"; end either "root.path is a link to the real rootfs: resolve once, pin by descriptor"
begin root-is-loop; rm -rf "$R"; ln -s rootfs "$R"; end fail "ELOOP"
# --- program, user database, cwd -----------------------------------------------------------------
begin exe-shebang-self; printf '#!/proc/self/exe\n' >"$R/bin/evil"; chmod 755 "$R/bin/evil"; args "['/bin/evil']"; end either "same through #!"
begin exe-suid; cp "$R/bin/busybox" "$R/bin/busybox-suid"; chmod 4755 "$R/bin/busybox-suid"; conf "c['process']['user']={'uid':1000,'gid':1000}"; args "['/bin/sh','-c','/bin/busybox grep -q NoNewPrivs:.1 /proc/self/status && test \$(/bin/busybox-suid id -u) = 1000']"; end ok "noNewPrivileges is set; a set-uid file gives nothing"
begin passwd-link; ln -sf "$V/file" "$R/etc/passwd"; ln -sf "$V/file" "$R/etc/group"; end ok "CVE-2024-9676 with a link to a host file"
begin passwd-huge; head -c 33554432 /dev/zero | tr '\0' x >"$R/etc/passwd"; end ok "32 MiB single line"
for fd in 5 8 10 12; do begin cwd-fd-$fd; conf "c['process']['cwd']='/proc/self/fd/$fd'"; args "['/bin/sh','-c','readlink /proc/self/cwd; cat ../../../../../../../../../..$V/dir/secret && exit 66; exit 0']"; end either "CVE-2024-21626: exit 66 = escaped"; done
begin fd-leak; args "['/bin/sh','-c','for f in /proc/self/fd/*; do case \${f##*/} in 0|1|2|3|10|255) ;; *) [ -e \$f ] && exit 67;; esac; done; exit 0']"; end ok "caller holds many descriptors: none reaches the process (exit 67 = leak)"
find "$OUT" -mindepth 1 -maxdepth 1 -type d | wc -l
