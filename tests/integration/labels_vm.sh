#!/usr/bin/env bash
# runs as: root
# runs with: the plain build, since the machine has no libraries of a compiler
# AppArmor and SELinux at work, each in a virtual machine of its own with Debian's kernel, which has
# one of them at a time: tests/vm/apparmor.sh and tests/vm/selinux.sh. BWRAP_OCI_TEST_VM_RUN (see
# limits_vm.sh) is called with "-b qemu"; for SELinux a word more is put on the command line that its
# qemu-system-x86_64 gives to the kernel.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
vm=$here/../vm shipped=$here/../../contrib/apparmor/bwrap-oci

skip_all() {
  echo "1..0 # SKIP machine: $1"
  exit 0
}
[ -n "${BWRAP_OCI_TEST_VM_RUN:-}" ] || skip_all "BWRAP_OCI_TEST_VM_RUN is not set"
[ -n "${BWRAP_OCI_TEST_LONG:-}" ] ||
  skip_all "takes minutes, in two machines whose processors are interpreted (tests/nightly.sh)"
for program in qemu-system-x86_64 secilc mmdebstrap; do
  command -v "$program" >/dev/null || skip_all "no $program"
done

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/apparmor" "$work/selinux" "$work/bin"
for folder in apparmor selinux; do
  cp "$(dirname "${BWRAP_OCI:?names the program to test}")"/bwrap-oci{,-gio,-init} "$vm/labels.bash" "$work/$folder"
done

# The shipped profile takes AppArmor 4, which newer systems have.
parser=(apparmor_parser)
if ! apparmor_parser -K -Q -S "$shipped" >"$work/policy" 2>/dev/null || [ ! -s "$work/policy" ]; then
  newer=$work/newer
  mmdebstrap --quiet --variant=extract --include=apparmor trixie "$newer" >"$work/log" 2>&1 ||
    { cat "$work/log" >&2; exit 1; }
  parser=("$newer/usr/lib64/ld-linux-x86-64.so.2" --library-path "$newer/usr/lib/x86_64-linux-gnu"
    "$newer/usr/sbin/apparmor_parser" --base "$newer/etc/apparmor.d")
fi
# compile FILE POLICY
compile() { "${parser[@]}" -K -Q -S "$1" >"$work/apparmor/$2.policy" 2>"$work/log" || { cat "$work/log" >&2; exit 1; }; }
compile "$vm/apparmor.profiles" test
compile "$vm/apparmor-restricted.profiles" restricted
compile "$shipped" shipped
"$BWRAP_OCI_TEST_VM_RUN" -b qemu -s "$work/apparmor" "$vm/apparmor.sh" >"$work/apparmor.tap"

secilc -c 33 -o "$work/selinux/policy" -f /dev/null "$vm/selinux.cil"
cat >"$work/bin/qemu-system-x86_64" <<'QEMU'
#!/usr/bin/env bash
words=() last=
for word; do
  [ "$last" != -append ] || word+=" security=selinux"
  words+=("$word") last=$word
done
PATH=${PATH#*:} exec qemu-system-x86_64 "${words[@]}"
QEMU
chmod +x "$work/bin/qemu-system-x86_64"
PATH=$work/bin:$PATH "$BWRAP_OCI_TEST_VM_RUN" -b qemu -s "$work/selinux" "$vm/selinux.sh" >"$work/selinux.tap"
cat "$work/apparmor.tap" "$work/selinux.tap" | awk -f "$here/../lib/join.awk"
