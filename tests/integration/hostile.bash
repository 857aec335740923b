# What the suites have in common that make a hostile surrounding and then run containers in it; those
# of root do so as an ordinary user and as the host's root. Sourced behind helpers.bash.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # variables of those who source this
USERS_NAME=${BWRAP_OCI_TEST_USER:-bwrap-oci-test}
REAL_BWRAP_OCI=$BWRAP_OCI

# Says why nothing can be tested here, and ends.
needs_root_and_user() {
  local reason=
  [ "$(id -u)" = 0 ] || reason="machine: needs root"
  id -u "$USERS_NAME" >/dev/null 2>&1 || reason="no user $USERS_NAME"
  [ -z "$reason" ] || { echo "1..0 # SKIP $reason"; exit 0; }
}

# become user|root: whose containers they are from now on. VICTIM stands for the host; what it holds
# is his who could harm it.
become() {
  who=$1 owner=root:root BWRAP_OCI=$REAL_BWRAP_OCI
  setup_test
  make_bundle
  # what root makes without a user namespace is the host's root's
  [ "$who" != root ] || config '.linux.namespaces |= map (select (.type != "user"))'
  config '.root.readonly = false'
  VICTIM=$TEST_DIR/victim ROOTFS=$BUNDLE/rootfs
  mkdir -p "$VICTIM"/{sub,dir,new}
  echo canary >"$VICTIM/file"
  echo secret >"$VICTIM/dir/secret"
  if [ "$who" = user ]; then
    owner=$USERS_NAME:$(id -gn "$USERS_NAME")
    chown -R "$owner" "$TEST_DIR"
    cat >"$TEST_DIR/bwrap-oci" <<SH
#!/bin/sh
exec setpriv --reuid "$USERS_NAME" --regid "$(id -g "$USERS_NAME")" --init-groups \\
  --inh-caps=-all env HOME=/ "$REAL_BWRAP_OCI" "\$@"
SH
    chmod +x "$TEST_DIR/bwrap-oci"
    BWRAP_OCI=$TEST_DIR/bwrap-oci
  fi
  cp "$BUNDLE/config.json" "$TEST_DIR/base.json"
  victim >"$TEST_DIR/victim.before"
}

victim() { (cd "$VICTIM" && find . -printf '%p %y %m %U:%G %s %T@ %l\n' | sort && cat file dir/secret); }

# The configuration as it was, and changed; of one way.
configure_way() {
  local way=$1
  shift
  jq "$1" "$TEST_DIR/base.json" --arg d "$TEST_DIR" "${@:2}" >"$BUNDLE/config.json"
  case $way in
    join) config '.process.noNewPrivileges = false' ;;
    # the least that bubblewrap alone can do exactly
    plain) config 'del (.process.capabilities)
      | .linux.readonlyPaths -= (.linux.readonlyPaths - ["/proc/sys", "/last", "/parent/sub", "/thing"])
      | .linux.maskedPaths -= (.linux.maskedPaths - ["/last", "/thing"])
      | .mounts = [{destination: "/proc", type: "proc", source: "proc"},
          {destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755"]}]
        + (.mounts | map (select (.destination != "/sys" and (.type == "bind" or .options == null))
          | if .type == "tmpfs" then .options = ["nosuid", "nodev"] else . end))' ;;
  esac
}

# What is wrong after a command: nothing, or why. It may have failed, in one line.
outcome() {
  case $status in
    # 9: a program inside that could not do its work
    0 | 9) ;;
    124 | 137) echo "$1: it hangs" ;;
    66) echo "$1: it is outside" ;;
    *) [[ "$stderr" == "bwrap-oci: "* && "$stderr" != *$'\n'* ]] || echo "$1: not one line: $stderr" ;;
  esac
  victim | diff "$TEST_DIR/victim.before" - | sed "s/^/$1: the host is not the same: /" || true
}

# What is wrong with the mounts of a container that has run, from its mountinfo: no mount may show
# the victim, and one must be at one of the places P|P... in $1.
mounts_as_planned() {
  awk -v victim="$VICTIM" -v places="$1" '
    index ($4, victim) && !index ($4, "/bundle/rootfs/") { print "a directory of the host is mounted: " $0 }
    BEGIN { n = split (places, place, "|") }
    { seen[$5] = 1 }
    END {
      for (i = 1; i <= n; i++) found = found || place[i] in seen
      if (!found) print "not mounted: " places
    }' "$TEST_DIR/stdout"
}
