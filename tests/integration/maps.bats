#!/usr/bin/env bats
# Who maps ids: newuidmap and newgidmap, which may be missing, fail, hang and lie, and the files that
# say which ids are a user's. In a user namespace of the test's own, where every id is itself, so that
# something else can be bound over them.
load helpers

setup() {
  setup_test
  requires user subids newuidmap
  make_bundle
  container_command /bin/true
  tool newuidmap 'exit 0'
  tool newgidmap 'exit 0'
}

# range KIND FIELD, first KIND: of the caller's first range
range() { awk -F: -v n="$(id -un)" -v u="$(id -u)" -v field="$2" '$1 == n || $1 == u { print $field; exit }' "/etc/sub$1"; }
first() { range "$1" 2; }

# Two lines of a map, which only the tools may write. With "enter" the caller's own id is not in it,
# so that there is a user namespace before bwrap.
two_lines() {
  config '.linux.uidMappings = [{containerID: 0, hostID: $u, size: 1}, {containerID: 1, hostID: ($s + 1), size: 9}]
    | .linux.gidMappings = [{containerID: 0, hostID: $g, size: 1}, {containerID: 1, hostID: ($t + 1), size: 9}]' \
    --argjson u "$(if [ "${1:-}" = enter ]; then first uid; else id -u; fi)" \
    --argjson g "$(if [ "${1:-}" = enter ]; then first gid; else id -g; fi)" \
    --argjson s "$(first uid)" --argjson t "$(first gid)"
}

# tool NAME SCRIPT: what it is in there. The bit is what the runtime looks for; the kernel does not
# heed it for a script.
tool() {
  printf '#!/bin/sh\necho $$ >%s\n%s\n' "$TEST_DIR/$1.pid" "$2" >"$TEST_DIR/$1"
  chmod 4755 "$TEST_DIR/$1"
}

# there SCRIPT COMMAND...: the runtime there, with no more rights than before. SCRIPT comes before.
there() {
  local user group
  user=$(first uid),$(first uid),$(range uid 3) group=$(first gid),$(first gid),$(range gid 3)
  # shellcheck disable=SC2016  # for the shell inside
  exec unshare --user --mount --map-user="$(id -u)" --map-users="$user" --map-group="$(id -g)" \
    --map-groups="$group" --keep-caps sh -e -c '
      eval "$1"
      shift
      for name in newuidmap newgidmap; do mount --bind "$TEST_DIR/$name" "$(command -v "$name")"; done
      exec setpriv --inh-caps=-all --ambient-caps=-all "$@"' \
    sh "$1" "$BWRAP_OCI" --root "$STATE" "${@:2}"
}

run_there() {
  status=0
  (export TEST_DIR; there "$@") </dev/null >"$TEST_DIR/stdout" 2>"$TEST_DIR/stderr" 3>&- || status=$?
  output=$(<"$TEST_DIR/stdout")
  stderr=$(<"$TEST_DIR/stderr")
}

nothing_on_record() { [ -z "$(ls "$STATE")" ] || show "on record: $(ls "$STATE")"; }

# fails WORDS: run, by whichever way the user namespace is made
fails() {
  local way
  for way in bwrap enter; do
    two_lines $way
    run_there "" run --bundle "$BUNDLE" "$ID"
    assert_failure 1
    assert_one_line_error "$1"
    nothing_on_record
  done
}

# --- the tools ------------------------------------------------------------------------------------

@test "newuidmap or newgidmap fails: its own words, or how it ended" {
  local name
  for name in newuidmap newgidmap; do
    tool $name "echo '$name: write to map failed: Invalid argument' >&2; echo more >&2; exit 1"
    fails "bwrap-oci: $name: write to map failed: Invalid argument"
    tool $name 'printf "two\033[1m words" >&2; exit 1'
    fails "bwrap-oci: $name: two\\x1b[1m words"
    tool $name 'exit 3'
    fails "bwrap-oci: $name: exited with 3"
    tool $name 'kill -SEGV $$'
    fails "bwrap-oci: $name: killed by signal 11"
    tool $name 'exit 0'
  done
}

@test "newuidmap says more than anybody reads, or leaves somebody who could say more" {
  tool newuidmap 'head -c 1000000 /dev/zero | tr "\0" x >&2; exit 1'
  fails "bwrap-oci: newuidmap: xxxx"
  [ ${#stderr} -lt 5000 ] || show "too much"
  tool newuidmap 'echo word >&2; sleep 1000 & echo $! >'"$TEST_DIR/sleeper; exit 1"
  two_lines
  run_there "" run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "bwrap-oci: newuidmap: word"
  kill "$(<"$TEST_DIR/sleeper")"
}

@test "newuidmap and newgidmap say that all is well, and have written nothing" {
  # whoever notices first says so
  fails "bwrap-oci: "
}

@test "newuidmap or newgidmap hangs: TERM, INT or HUP undo everything" {
  local name signal command pid tool
  for name in newuidmap newgidmap; do
    tool $name 'exec sleep 1000'
    for command in create 'run --detach' run; do
      [ "$command" = run ] && two_lines enter || two_lines
      for signal in TERM INT HUP; do
        [ $signal = TERM ] || [ "$command $name" = "create newuidmap" ] || continue
        rm -f "$TEST_DIR/$name.pid"
        # shellcheck disable=SC2086  # a command and its option
        (export TEST_DIR; there "" $command --bundle "$BUNDLE" "$ID") </dev/null >/dev/null \
          2>"$TEST_DIR/stderr" 3>&- &
        pid=$!
        wait_until test -s "$TEST_DIR/$name.pid"
        wait_until grep -q sleep "/proc/$(<"$TEST_DIR/$name.pid")/comm"
        tool=$(<"$TEST_DIR/$name.pid")
        kill -s $signal $pid
        status=0
        wait $pid || status=$?
        stderr=$(<"$TEST_DIR/stderr")
        [ $status = 1 ] || show "$name, $command, $signal"
        assert_one_line_error "bwrap-oci: interrupted by signal"
        [ ! -e "/proc/$tool" ] || show "$name, $command, $signal: it still runs"
        nothing_on_record
      done
    done
  done
}

@test "newuidmap hangs, and the runtime is killed: delete --force cleans up" {
  local way pid
  tool newuidmap 'exec sleep 1000'
  for way in bwrap enter; do
    two_lines $way
    rm -f "$TEST_DIR/newuidmap.pid"
    (export TEST_DIR; there "" create --bundle "$BUNDLE" "$ID") </dev/null >/dev/null 2>&1 3>&- &
    pid=$!
    wait_until test -s "$TEST_DIR/newuidmap.pid"
    kill -KILL $pid
    wait $pid || true
    # another's program, with the right to live on
    kill -KILL "$(<"$TEST_DIR/newuidmap.pid")"
    run_oci delete --force "$ID"
    assert_success
    assert_no_stderr
    nothing_on_record
  done
}

@test "newuidmap does not answer" {
  [ -n "${BWRAP_OCI_TEST_LONG:-}" ] || skip "machine: takes a minute (BWRAP_OCI_TEST_LONG=1)"
  tool newuidmap 'exec sleep 1000'
  two_lines
  run_there "" run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "newuidmap: no answer after 60 s"
}

# --- whose ids they are ---------------------------------------------------------------------------

# with_lines KIND LINE...: /etc/subKIND in there
with_lines() {
  local kind=$1
  shift
  [ $# = 0 ] && : >"$TEST_DIR/sub$kind" || printf '%b\n' "$@" >"$TEST_DIR/sub$kind"
  echo "mount --bind $TEST_DIR/sub$kind /etc/sub$kind"
}

@test "no line in /etc/subuid or /etc/subgid, or none that is right: what to do is said" {
  local me kind
  me=$(id -un)
  two_lines
  for kind in uid gid; do
    run_there "$(with_lines $kind)" run --bundle "$BUNDLE" "$ID"
    assert_failure 1
    assert_one_line_error "/linux/${kind}Mappings: "
    assert_stderr_has "$me may not map 9"
    assert_stderr_has "no line in /etc/sub$kind (usermod --add-sub${kind}s "
  done
  run_there "$(with_lines uid "$me" "$me:" "$me::" "$me:$(first uid)" "$me:x:65536" "$me:$(first uid):" \
    "$me:-1:65536" "$me:$(first uid):0" "$me:$(first uid):99999999999" "$me:4294967295:1" \
    "$me:4294967290:10" " $me:$(first uid):65536" "$me :$(first uid):65536" "x$me:$(first uid):65536" \
    "${me}x:$(first uid):65536" "0:$(first uid):65536" "$me:$(first uid):65536x" \
    "$me\\0:$(first uid):65536" "#$me:$(first uid):65536" "$me:$(first uid):6 5")" \
    run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "$me may not map 9 user ids from $(($(first uid) + 1)): no line in /etc/subuid"
}

@test "a range of another, or a part of what is wanted" {
  local me from
  me=$(id -un) from=$(first uid)
  two_lines
  run_there "$(with_lines uid "$me:$((from + 2)):65536")" run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "$me may not map 9 user ids from $((from + 1)): /etc/subuid gives $((from + 2))-"
  run_there "$(with_lines uid "$me:$from:5" "somebody:$from:65536")" run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "/etc/subuid gives $from-$((from + 4))"
}

@test "broken lines do not hide good ones, a number is as good as a name, the last line may end early" {
  local me from file
  me=$(id -un) from=$(first uid)
  two_lines
  for file in "rubbish\n$me:x:1\n\n::::\n$me:$from:65536" "$(id -u):$from:65536" "$me:$from:4\n$me:$((from + 4)):96"; do
    printf '%b' "$file" >"$TEST_DIR/subuid"
    run_there "mount --bind $TEST_DIR/subuid /etc/subuid" run --dry-run --bundle "$BUNDLE" "$ID"
    assert_success
    assert_output_has "$((from + 1)) 9"
  done
}

@test "a file of sub-ids that is none, or cannot be read" {
  local file
  two_lines
  mkfifo "$TEST_DIR/fifo"
  : >"$TEST_DIR/closed"
  chmod 0 "$TEST_DIR/closed"
  for file in "$TEST_DIR/fifo" "$TEST_DIR/closed" /dev/zero /dev/null; do
    run_there "mount --bind $file /etc/subuid" run --bundle "$BUNDLE" "$ID"
    assert_failure 1
    assert_one_line_error "no line in /etc/subuid"
  done
}

# --- sources other than files: plugins, which the companion loads -----------------------------------

# plugin NAME: $TEST_DIR/lib/NAME of the C on standard input, where the dynamic linker finds it.
plugin() {
  requires gcc
  mkdir -p "$TEST_DIR/lib"
  gcc -shared -fPIC -o "$TEST_DIR/lib/$1" -x c -
  { cat /etc/ld.so.conf; echo "$TEST_DIR/lib"; } >"$TEST_DIR/ld.so.conf"
  (cd /etc && PATH=$PATH:/sbin:/usr/sbin ldconfig -X -f "$TEST_DIR/ld.so.conf" -C "$TEST_DIR/ld.so.cache")
}

# sources LINE...: the script of there() for an nsswitch.conf of them.
sources() {
  printf '%s\n' "$@" >"$TEST_DIR/nsswitch.conf"
  echo "mount --bind $TEST_DIR/nsswitch.conf /etc/nsswitch.conf"
  [ ! -e "$TEST_DIR/ld.so.cache" ] || echo "mount --bind $TEST_DIR/ld.so.cache /etc/ld.so.cache"
}

# subid_plugin NAME STATUS: three ids for the caller, or an error that is not 0.
subid_plugin() {
  plugin "libsubid_$1.so" <<END
#include <stdlib.h>
#include <string.h>
struct range { unsigned long start, count; };
int shadow_subid_has_range (const char *owner, unsigned long start, unsigned long count, int type, _Bool *result)
{ *result = 1; return $2; }
int shadow_subid_find_subid_owners (unsigned long id, int type, unsigned int **uids, int *count)
{ *count = 0; return $2; }
int shadow_subid_list_owner_ranges (const char *owner, int type, struct range **ranges, int *count)
{
  *ranges = calloc (1, sizeof **ranges);
  (*ranges)->start = type == 1 ? $(($(first uid) + 7)) : $(($(first gid) + 9));
  (*ranges)->count = strcmp (owner, "$(id -un)") == 0 ? 3 : 0;
  *count = 1;
  return $2;
}
END
}

@test "sub-ids of another source than the files" {
  two_lines
  subid_plugin good 0
  run_there "$(sources 'passwd: files' 'subid: good')" run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "gives $(($(first uid) + 7))-$(($(first uid) + 9))"
  config '.linux.uidMappings |= .[:1]'
  run_there "$(sources 'passwd: files' 'subid: good')" run --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "gives $(($(first gid) + 9))-$(($(first gid) + 11))"
  two_lines

  # one that has no answer is told of, and the files are read
  subid_plugin bad 3
  run_there "$(sources 'passwd: files' 'subid: bad')" --log "$TEST_DIR/log" run --dry-run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_output_has "$(($(first uid) + 1)) 9"
  grep -q 'the source of subid cannot be asked, so the files are: libsubid.so.* has no answer' "$TEST_DIR/log" ||
    show "$(<"$TEST_DIR/log")"
  nothing_on_record
}

@test "a name of another source than the files" {
  two_lines
  plugin libnss_test.so.2 <<END
#include <pwd.h>
#include <nss.h>
enum nss_status _nss_test_getpwuid_r (uid_t uid, struct passwd *result, char *buffer, size_t size, int *errnop)
{
  *result = (struct passwd) { .pw_name = "somebody", .pw_passwd = "x", .pw_uid = uid, .pw_gid = uid,
                              .pw_gecos = "", .pw_dir = "/", .pw_shell = "/bin/sh" };
  return NSS_STATUS_SUCCESS;
}
END
  run_there "$(sources 'passwd: test files'; with_lines uid "somebody:$(first uid):65536"
    with_lines gid "somebody:$(first gid):65536")" \
    run --dry-run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_output_has "$(($(first uid) + 1)) 9"

  run_oci create --bundle "$BUNDLE" "$ID"
  assert_success
  run_there "$(sources 'passwd: test files')" list
  assert_success
  assert_output_matches "$ID .* somebody"
  run_there "$(sources 'passwd: files')" list
  assert_output_matches "$ID .* $(id -un)"
  run_oci delete --force "$ID"
  assert_success
}
