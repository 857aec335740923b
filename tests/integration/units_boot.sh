#!/usr/bin/env bash
# runs as: root
# runs with: the plain build, since a manager starts all the same
# Enabled services come up with their user's systemd --user, in their order, and end with it; by
# two managers, one after the other. See units.sh for BWRAP_OCI_TEST_USER_SYSTEMD.
set -euo pipefail
bats_require_minimum_version() { :; }
# shellcheck source=tests/lib/tap.sh
. "$(dirname "$0")/../lib/tap.sh"
# shellcheck source=tests/integration/helpers.bash
. "$(dirname "$0")/helpers.bash"

# In the first session: bundles and enabled units. LABEL-1 and the unit for bundles by name, which
# needs it.
install_units() {
  local dir
  mkdir -p "$units/bwrap-oci@$label-2.service.d"
  for dir in "$work/$label-1" "$bundles/$label-2"; do
    make_bundle "$dir"
    # shellcheck disable=SC2016
    jq '.root.readonly = false | .process.args = ["/bin/sh", "-c", $script]' "$dir/config.json" --arg script \
      'trap "echo end >>/events; exit 0" TERM; echo begin >>/events; while :; do sleep 1 & wait $!; done' >"$dir/new"
    mv "$dir/new" "$dir/config.json"
  done
  "$BWRAP_OCI" unit "$work/$label-1" --type forking >"$units/$label-1.service"
  sed "s|=bwrap-oci |=$BWRAP_OCI |" "$top_srcdir/contrib/systemd/bwrap-oci@.service" >"$units/bwrap-oci@.service"
  printf '[Unit]\nRequires=%s\nAfter=%s\n' "$label-1.service" "$label-1.service" \
    >"$units/bwrap-oci@$label-2.service.d/order.conf"
  systemctl --user daemon-reload
  systemctl --user --quiet enable "$label-1" "bwrap-oci@$label-2"
}

property() { systemctl --user show --property "$2" --value "$1"; }

# In the second session: what is there.
look() {
  for unit in "$label-1" "bwrap-oci@$label-2"; do property "$unit" ActiveState; done
  "$BWRAP_OCI" list -q
  if [ "$(property "$label-1" ActiveEnterTimestampMonotonic)" -le \
    "$(property "bwrap-oci@$label-2" ExecMainStartTimestampMonotonic)" ]; then echo ordered; fi
}

if [ $# = 3 ]; then
  work=$2 label=$3
  units=$HOME/.config/systemd/user bundles=$HOME/.local/share/bwrap-oci
  case $1 in
    install) install_units ;;
    look) look ;;
  esac
  exit
fi
if [ "$(id -u)" != 0 ] || [ -z "${BWRAP_OCI_TEST_USER_SYSTEMD:-}" ]; then
  echo "1..0 # SKIP machine: BWRAP_OCI_TEST_USER_SYSTEMD is not set, or this is not root"
  exit 0
fi

user=${BWRAP_OCI_TEST_USER:-bwrap-oci-test}
work=$(mktemp -d "${TMPDIR:-/tmp}/boot.XXXXXX")
home=$(getent passwd "$user" | cut -d: -f6)
units=$home/.config/systemd/user bundles=$home/.local/share/bwrap-oci
clean_up() {
  rm -rf "$work" "$units/$label-1.service" "$units/bwrap-oci@.service" "$units/bwrap-oci@$label-2.service.d" \
    "$units"/*.wants/*"$label"* "$bundles/$label-2"
}
trap clean_up EXIT
chown "$user:" "$work"
chmod 0711 "$work"
label=$(basename "$work" | tr . -)
session() {
  "$BWRAP_OCI_TEST_USER_SYSTEMD" -u "$user" BWRAP_OCI="$BWRAP_OCI" TMPDIR="$work" bash "$0" "$1" "$work" "$label"
}

check "services are enabled" session install
seen=$(session look 2>&1) || true
for wanted in "active" "$label-1" "$label-2" "ordered"; do
  check "with a new manager there is: $wanted" grep -qx -e "$wanted" <<<"$seen"
done
check "both are active" test "$(grep -cx active <<<"$seen")" = 2
check "the first began and ended with its manager, once" \
  test "$(xargs <"$work/$label-1/rootfs/events")" = "begin end"
check "so did the second" test "$(xargs <"$bundles/$label-2/rootfs/events")" = "begin end"
none "no container is left" "$(pgrep -u "$user" -f "$label" || true)"
finish
