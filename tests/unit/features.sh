#!/usr/bin/env bash
# The features document: of the specification's form, and as the configuration's rows say.
# BWRAP_OCI_TEST_SCHEMA names the folder of the schema (schema/ of the runtime-spec).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/lib/tap.sh
. "$here/../lib/tap.sh"

command -v jq >/dev/null || { echo "1..0 # SKIP machine: no jq"; exit 0; }
document=$("$top_builddir/bwrap-oci" features 2>"$top_builddir/features.stderr" </dev/null)
stderr=$(<"$top_builddir/features.stderr")
rm -f "$top_builddir/features.stderr"
rows=$("$top_builddir/tests/unit/field-rows")

# is EXPRESSION [JQ-OPTION...]: whether it holds for the document.
is() { jq -e "$@" <<<"$document" >/dev/null; }

# words PATH: those of a row of the configuration.
words() { awk -F '\t' -v path="$1" '$1 == path { gsub (",", "\n", $5); print $5 }' <<<"$rows"; }

# done_below PREFIX: the names of the rows right below that are done.
done_below() {
  awk -F '\t' -v prefix="$1." 'index ($1, prefix) == 1 && $2 == "done" {
    name = substr ($1, length (prefix) + 1); if (name !~ /[.[]/) print name }' <<<"$rows"
}

# row_is_done PATH: true or false, as JSON has it.
row_is_done() { awk -F '\t' -v path="$1" '$1 == path { print $2 == "done" ? "true" : "false" }' <<<"$rows"; }

none "nothing is said on stderr" "$stderr"
check "it is indented by four" grep -q '^    "ociVersionMin": "1.0.0",$' <<<"$document"
check "versions" is '.ociVersionMin == "1.0.0" and .ociVersionMax == "1.3.0"'
none "hooks are the rows that are done" "$(diff <(done_below hooks | sort) <(jq -r '.hooks[]' <<<"$document" | sort) || true)"
check "recursive read-only mounts" is '.mountOptions | index ("rro")'
check "what is refused is not there" is '.mountOptions | index ("remount") == null'
check "mounts with ids of their own are for the host's root" \
  is ".linux.mountExtensions.idmap.enabled == $([ "$(id -u)" = 0 ] && echo true || echo false)"
check "network devices are for who rules over the network" \
  is ".linux.netDevices.enabled == $([ "$(id -u)" = 0 ] && echo true || echo false)"
none "namespaces are the row's" \
  "$(diff <(words 'linux.namespaces[].type') <(jq -r '.linux.namespaces[]' <<<"$document") || true)"
none "actions" "$(diff <(words linux.seccomp.defaultAction) <(jq -r '.linux.seccomp.actions[]' <<<"$document") || true)"
none "operators" \
  "$(diff <(words 'linux.seccomp.syscalls[].args[].op') <(jq -r '.linux.seccomp.operators[]' <<<"$document") || true)"
none "architectures" "$(diff <(words linux.seccomp.architectures) <(jq -r '.linux.seccomp.archs[]' <<<"$document") || true)"
none "flags" "$(diff <(words linux.seccomp.flags) <(jq -r '.linux.seccomp.knownFlags[]' <<<"$document") || true)"
check "flags of the kernel are some of them" is '.linux.seccomp | .supportedFlags - .knownFlags == []'
check "all capabilities" is '.linux.capabilities | length >= 41'
for pair in apparmor=process.apparmorProfile selinux=process.selinuxLabel \
  intelRdt=linux.intelRdt; do
  check "${pair%=*} is as its row" \
    is ".linux.${pair%=*}.enabled == $(row_is_done "${pair#*=}")"
done
check "annotations" is '.annotations | has ("org.bwrap-oci.version") and all (type == "string")'
check "annotations that change something" is '.potentiallyUnsafeConfigAnnotations | index ("org.bwrap-oci.")'
check "bubblewrap's version" is '.annotations["org.bwrap-oci.bubblewrap.version"] | startswith ("bubblewrap ")'
document=$("$top_builddir/bwrap-oci" --bwrap /no/bwrap features)
check "nor is a bubblewrap needed" is '.annotations | has ("org.bwrap-oci.bubblewrap.version") | not'

schema=${BWRAP_OCI_TEST_SCHEMA:-}
if [ -z "$schema" ]; then skip "the schema" "machine: BWRAP_OCI_TEST_SCHEMA is not set"
elif ! command -v python3 >/dev/null; then skip "the schema" "machine: no python3"
else
  none "the schema" "$("$top_builddir/bwrap-oci" features | python3 "$here/validate.py" "$schema" features-schema.json 2>&1)"
  check "the schema finds what is wrong" grep -qx "/hooks: not of type array: 1" < <(
    jq '.hooks = 1' <<<"$document" | python3 "$here/validate.py" "$schema" features-schema.json)
fi
finish
