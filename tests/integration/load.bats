#!/usr/bin/env bats
# Much at once, and much in one configuration: all of it is done, in good time, or refused by name.
# Times are printed; what is asserted of them also holds on a machine that has other things to do.
# runs with: the plain build, since others need ten times the memory
# runs alone: it takes all the keys that one user may have
load helpers

setup() {
  setup_test
  make_bundle
}

# seconds SINCE: by EPOCHREALTIME
seconds() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }'; }
at_most() { awk -v a="$1" -v b="$2" 'BEGIN { exit a > b }' || show "$1 s, more than $2"; }

# at_once COUNT WORD...: each with its own for NUMBER; what goes wrong is in errors, and the processes
# are in pids.
at_once() {
  local i count=$1 pids=()
  shift
  for ((i = 1; i <= count; i++)); do
    { "$BWRAP_OCI" --root "$STATE" "${@//NUMBER/$i}" </dev/null >>"$TEST_DIR/out" 2>>"$TEST_DIR/errors" \
        3>&- || echo "$i: $?" >>"$TEST_DIR/errors"; } &
    pids+=($!)
  done
  wait "${pids[@]}"
}

# Until there is a file "enough", or the test has failed: says what is wrong with list, and the longest that it took.
watch_list() {
  local began took longest=0 listed
  until [ -e "$TEST_DIR/enough" ] || [ ! -d "$TEST_DIR" ]; do
    began=$EPOCHREALTIME
    listed=$("$BWRAP_OCI" --root "$STATE" list 2>&1 </dev/null 3>&-) || echo "list: $?: $listed"
    took=$(seconds "$began")
    awk -v a="$took" -v b="$longest" 'BEGIN { exit a <= b }' && longest=$took
    # where some are being made or removed there is no pid yet, or no more
    awk 'NR > 1 && $3 !~ /^(creating|created|stopped)$/ { print "list: " $0 }' <<<"$listed"
    awk 'NR > 1 { print $1 }' <<<"$listed" | sort | uniq -d | sed 's/^/list: twice: /'
    sleep 0.1
  done >"$TEST_DIR/list-problems"
  echo "$longest" >"$TEST_DIR/list-longest"
}

programs_but_list() {
  local pid
  for pid in $(new_programs); do tr '\0' ' ' <"/proc/$pid/cmdline"; echo; done 2>/dev/null | grep -v ' list ' || true
}

# How many containers have how many descriptors; all as many, but for one that list asks just now.
descriptors() {
  local pid
  for pid in $("$BWRAP_OCI" --root "$STATE" list --format json 3>&- | jq '.[].pid'); do
    find "/proc/$pid/fd" -mindepth 1 | wc -l
  done | sort -n | uniq -c
}
have_as_many_descriptors() { [ "$(descriptors | wc -l)" = 1 ]; }

@test "500 containers created at once and deleted at once, and list is right all the while" {
  local began create delete watcher
  container_command /bin/sleep 1000
  watch_list 3>&- &
  watcher=$!
  began=$EPOCHREALTIME
  at_once 500 create --bundle "$BUNDLE" NUMBER
  create=$(seconds "$began")
  assert_equal "$(cat "$TEST_DIR/errors")" ""
  assert_equal "$("$BWRAP_OCI" --root "$STATE" list 3>&- | grep -c ' created ')" 500

  # nothing of the others is in any of them, and nobody else has stayed
  wait_until have_as_many_descriptors || show "$(descriptors)"
  [ "$(descriptors | awk 'END { print $2 }')" -le 6 ] || show "$(descriptors)"
  assert_equal "$(programs_but_list)" ""

  began=$EPOCHREALTIME
  at_once 500 delete NUMBER
  delete=$(seconds "$began")
  touch "$TEST_DIR/enough"
  wait "$watcher"
  echo "# 500 created in $create s, deleted in $delete s, list in at most $(<"$TEST_DIR/list-longest") s" >&3
  assert_equal "$(cat "$TEST_DIR/errors")" ""
  assert_equal "$(cat "$TEST_DIR/list-problems")" ""
  assert_equal "$(ls "$STATE")" ""
  at_most "$create" 180
  at_most "$(<"$TEST_DIR/list-longest")" 6
}

@test "more containers that run than a user may own keys" {
  local n=$(($(</proc/sys/kernel/keys/maxkeys) + 10))
  [ "$n" -le 500 ] || skip "machine: $n containers are too many here"
  container_command /bin/sleep 100
  at_once "$n" run --detach --bundle "$BUNDLE" NUMBER
  assert_equal "$(cat "$TEST_DIR/errors")" ""
  assert_equal "$("$BWRAP_OCI" --root "$STATE" list --quiet 3>&- | wc -l)" "$n"
  at_once "$n" delete --force NUMBER
  assert_equal "$(cat "$TEST_DIR/errors")" ""
}

@test "100 runs at once" {
  local began
  container_command /bin/sh -c 'echo finished; exit 7'
  began=$EPOCHREALTIME
  at_once 100 run --bundle "$BUNDLE" NUMBER
  echo "# 100 runs in $(seconds "$began") s" >&3
  assert_equal "$(grep -c finished "$TEST_DIR/out")" 100
  assert_equal "$(sed 's/.*: //' "$TEST_DIR/errors" | sort | uniq -c | xargs)" "100 7"
  assert_equal "$(ls "$STATE")" ""
  at_most "$(seconds "$began")" 12
}

@test "10000 variables, as the program sees them" {
  local began=$EPOCHREALTIME
  config '.process.env += [range (10000) | "VARIABLE_\(.)=value \(.)"]'
  sh_container 'env | grep -c ^VARIABLE_; echo "$VARIABLE_0, $VARIABLE_9999"'
  echo "# 10000 variables in $(seconds "$began") s" >&3
  assert_success
  assert_output $'10000\nvalue 0, value 9999'
  at_most "$(seconds "$began")" 12
}

@test "a variable or an argument of 3 MiB: the peers' words, and nothing is left" {
  local property
  for property in env args; do
    cp "$BUNDLE/config.json" "$TEST_DIR/whole"
    config ".process.args = [\"/bin/true\"] | .process.$property += [\"A=\" + (\"x\" * 3145728)]"
    run_oci run --bundle "$BUNDLE" "$ID"
    assert_failure 1
    assert_one_line_error "argument list too long"
    assert_equal "$(ls "$STATE")" ""
    run_oci create --bundle "$BUNDLE" "$ID"
    [ "$status" != 0 ] || run_oci start "$ID"
    assert_failure 1
    assert_one_line_error "argument list too long"
    run_oci delete --force "$ID"
    assert_equal "$(ls "$STATE")" ""
    mv "$TEST_DIR/whole" "$BUNDLE/config.json"
  done
}

@test "a configuration of 16 MiB, whatever it consists of; and one of a byte more" {
  container_command /bin/true
  BWRAP_OCI=$BWRAP_OCI STATE=$STATE BUNDLE=$BUNDLE timeout 120 python3 - 3>&- <<'PY'
import json, os, subprocess, sys, time
LIMIT = 16 << 20
bundle, state, runtime = (os.environ[name] for name in ("BUNDLE", "STATE", "BWRAP_OCI"))
config = json.load(open(bundle + "/config.json"))
head = json.dumps(config)[:-1] + ', "x": '


def many(item, begin="[", end="]"):
    room = LIMIT - len(head) - 1 - len(begin) - len(end) - len(item)
    return head + begin + (item + ",") * (room // (len(item) + 1)) + item + end + "}"


def keys():
    items = ",".join('"%x":0' % i for i in range(1300000))
    return head + "{" + items + "}" + "}"


def edited(**changes):
    for name, value in changes.items():
        copy = json.loads(json.dumps(config))
        copy["process"][name] = value
        return json.dumps(copy, separators=(",", ":"))


def run(text, padding=0):
    """Its status, what it says, seconds, and MiB."""
    text += " " * padding
    with open(bundle + "/big.json", "w") as file:
        file.write(text)
    began = time.monotonic()
    with open(bundle + "/../said", "w+") as said:
        process = subprocess.Popen([runtime, "--root", state, "run", "--bundle", bundle, "--config",
                                    "big.json", "box"], stdin=subprocess.DEVNULL, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return process.returncode, said.read(), time.monotonic() - began, usage.ru_maxrss / 1024


wrong = 0
for name, text, expected in [
        ("numbers", many("0"), ""), ("empty strings", many('""'), ""), ("objects", many("{}"), ""),
        ("a string", many("", '"' + "x" * (LIMIT - len(head) - 8), '"')[:-1] + "}", ""),
        ("nested", many("[" * 50 + "]" * 50), ""), ("names", keys(), ""),
        ("variables", edited(env=["A%d=b" % i for i in range(1000000)]), "argument list too long"),
        ("groups", edited(user={"uid": 0, "gid": 0, "additionalGids": [0] * 5000000}), "too many groups"),
        ("capabilities", edited(capabilities={"bounding": ["CAP_CHOWN"] * 1000000}), "")]:
    assert len(text) <= LIMIT, (name, len(text))
    status, said, seconds, memory = run(text)
    bound = 64 + 20 * len(text) / (1 << 20)
    fine = status == (1 if expected else 0) and expected in said and seconds < 6 and memory < bound
    print("%s: %d bytes, status %d, %.2f s, %d MiB: %s" % (name, len(text), status, seconds, memory,
                                                           said.strip()[:100]))
    wrong += not fine
text = json.dumps(config)
for size, expected in ((LIMIT, 0), (LIMIT + 1, 1)):
    status, said, *_ = run(text, size - len(text))
    print("%d bytes: status %d, %s" % (size, status, said.strip()))
    wrong += status != expected or ("too large: more than 16777216 bytes" in said) != bool(expected)
sys.exit(wrong != 0)
PY
}
