#!/usr/bin/env bats
# Terminals: a container in the foreground on a real pty, relayed, resized, stopped and continued;
# what is left of it where the standard descriptors are none; terminals sent to a socket. What
# the user does is in Python, with the words of terminal.py.
# takes: 40 s
load helpers

setup() {
  setup_test
  make_bundle
  config '.process.terminal = true | .root.readonly = false'
}

# --- on a terminal --------------------------------------------------------------------------------

@test "the program's standard descriptors are its controlling terminal, and so is /dev/console" {
  container_command /bin/sh -c 'tty; echo over /dev/tty >/dev/tty; echo over console >/dev/console
    stat -c %t:%T /dev/console /dev/pts/0; for i in 0 1 2; do test -t $i || echo "$i is none"; done
    awk "{ print \"session\", \$6, \"terminal\", \$7 }" /proc/self/stat'
  on_terminal <<'PY'
equal(run().wait(), 0, "status")
equal(shown(), "/dev/pts/0\r\nover /dev/tty\r\nover console\r\n88:0\r\n88:0\r\n"
      "session 1 terminal 34816\r\n", "the screen")
PY
}

@test "the terminal belongs to the user of the program" {
  requires subids
  config '.process.user = {uid: 1000, gid: 1000}
    | .mounts |= map(if .type == "devpts" then .options += ["gid=5"] else . end)'
  container_command /bin/sh -c 'stat -c %u:%g:%a "$(tty)" /dev/console; echo again >/dev/stdout
    echo tty >/dev/tty'
  on_terminal <<'PY'
equal(run().wait(), 0, "status")
equal(shown(), "1000:5:620\r\n1000:5:620\r\nagain\r\ntty\r\n", "the screen")
PY
}

@test "the size is the caller's before the program starts, whatever the configuration says" {
  config '.process.consoleSize = {height: 5, width: 6}'
  container_command /bin/stty size
  on_terminal <<'PY'
resize(31, 117)
equal(run().wait(), 0, "status")
equal(shown(), "31 117\r\n", "the screen")
PY
}

@test "consoleSize is the size where the caller has no terminal" {
  config '.process.consoleSize = {height: 33, width: 111}'
  run_container /bin/stty size
  assert_success
  assert_output "33 111"
}

@test "the size is found by /dev/tty where all three descriptors lead elsewhere" {
  container_command /bin/stty size
  on_terminal <<'PY'
resize(32, 113)
job = sh('"$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" </dev/null >"$STATE/../out" 2>&1')
equal(job.wait(), 0, "status")
equal(open(STATE + "/../out").read(), "32 113\n", "the file")
PY
}

@test "the size follows every change" {
  container_command /bin/sh -c 'trap "stty size" WINCH; echo ready; while :; do sleep 0.02; done'
  on_terminal <<'PY'
job = run()
expect("ready")
for rows in range(20, 60, 4):
    resize(rows, 2 * rows)
    expect("%d %d\r\n" % (rows, 2 * rows))
os.kill(container_pid(), signal.SIGKILL)
equal(job.wait(), 137, "status")
PY
}

@test "the caller's terminal is raw while the program runs, but for its output" {
  container_command /bin/sh -c 'stty -a; echo ready; read line'
  on_terminal <<'PY'
job = run()
expect("ready")
check(is_raw(), "the terminal is raw")
equal(modes()[1], BEFORE[1], "output modes")
keys("x\r")
equal(job.wait(), 0, "status")
check(is_restored(), "the terminal is as it was")
check("opost" in shown() and "-onlcr" in shown(), "lines end in a newline inside")
check("\n" not in shown().replace("\r\n", ""), "and in two characters on the screen")
PY
}

@test "what is typed ahead arrives" {
  container_command /bin/sh -c 'read line; echo "got $line"'
  on_terminal <<'PY'
keys("early\r")
equal(run().wait(), 0, "status")
expect("got early\r\n")
PY
}

@test "output in a file or a pipe has lines that end in a newline" {
  container_command /bin/sh -c 'echo one; echo two'
  on_terminal <<'PY'
job = sh('"$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" >"$STATE/../out"')
equal(job.wait(), 0, "status")
equal(open(STATE + "/../out").read(), "one\ntwo\n", "the file")
check(is_restored(), "the terminal is as it was")
job = sh('"$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" | od -c | head -n1')
equal(job.wait(), 0, "status")
expect(r"o   n   e  \\n   t   w   o  \\n")
PY
}

@test "ten megabytes through the terminal, none lost" {
  container_command /bin/sh -c 'stty raw; head -c 10000000 /dev/zero | tr "\0" x | md5sum
    head -c 10000000 /dev/zero | tr "\0" x'
  run_oci run --bundle "$BUNDLE" "$ID"
  assert_success
  assert_equal "$(sed -n 's/^\([0-9a-f]*\)  -$/\1/p' "$TEST_DIR/stdout")" \
    "$(tail -n1 "$TEST_DIR/stdout" | md5sum | cut -d' ' -f1)"
}

@test "what the program wrote last comes out, however slow its reader is" {
  container_command /usr/bin/head -c 130000 /dev/zero
  ln -s /bin/busybox "$BUNDLE/rootfs/usr/bin/head"
  status=0
  "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" </dev/null 3>&- |
    { wait_until test ! -e "$STATE/$ID" || sleep 1; wc -c; } >"$TEST_DIR/count" || status=$?
  assert_equal "$(cat "$TEST_DIR/count")" 130000
}

# --- job control ----------------------------------------------------------------------------------

# A bash of this machine for the image: the program and its libraries.
add_bash() {
  local file
  requires bash ldd
  for file in "$(command -v bash)" $(ldd "$(command -v bash)" | grep -o '/[^ ]*'); do
    mkdir -p "$BUNDLE/rootfs$(dirname "$file")"
    cp -L "$file" "$BUNDLE/rootfs$file"
  done
  container_command "$(command -v bash)" --norc --noprofile -i
}

# /bin/sleep: some builds of busybox have another in the shell itself, which does not stop.
job_control() {
  on_terminal <<'PY'
job = run(environment=dict(os.environ, TERM="dumb"))
keys("PS1='ok''> '\r")
expect("ok> ")
keys("/bin/sleep 1000\r")
time.sleep(0.3)
keys("\x03")
expect("ok> ")
keys("echo status $?\r")
expect("status 130\r\n")
expect("ok> ")
keys("/bin/sleep 1001\r")
time.sleep(0.3)
keys("\x1a")
expect("Stopped")
expect("ok> ")
keys("jobs\r")
expect("Stopped.*sleep 1001")
expect("ok> ")
keys("bg\r")
expect("ok> ")
keys("jobs\r")
expect("Running.*sleep 1001")
expect("ok> ")
keys("fg\r")
expect("sleep 1001\r\n")
time.sleep(0.3)
keys("\x03")
expect("ok> ")
check(job.poll() is None, "the runtime has heard nothing of the keys")
keys("cat\r")
time.sleep(0.3)
keys("line\r\x04")
expect("line\r+\nline\r\n")
expect("ok> ")
keys("exit 7\r")
equal(job.wait(), 7, "status")
check(is_restored(), "the terminal is as it was")
PY
}

@test "job control of an interactive bash" {
  add_bash
  job_control
  [[ "$output" != *"no job control"* ]] || show "bash has none"
}

@test "job control of busybox's shell" {
  container_command /bin/sh -i
  job_control
}

@test "SIGTSTP stops the runtime with the terminal as it was, SIGCONT makes it raw again" {
  container_command /bin/sh -c 'echo ready; while read line; do echo "got $line"; done'
  on_terminal <<'PY'
job = run()
expect("ready")
for i in range(3):
    until(is_raw, "raw mode")
    job.kill(signal.SIGTSTP)
    equal(job.wait_stopped(), "stopped by %d" % signal.SIGTSTP, "the job")
    check(is_restored(), "the terminal is as it was")
    resize(40 + i, 100)
    job.foreground()
    until(is_raw, "raw mode")
    keys("line %d\r" % i)
    expect("got line %d" % i)
keys("\x04")
equal(job.wait(), 0, "status")
check(is_restored(), "the terminal is as it was")
PY
}

@test "a size changed while the runtime was stopped arrives" {
  container_command /bin/sh -c 'echo ready; while read line; do stty size; done'
  on_terminal <<'PY'
job = run()
expect("ready")
job.kill(signal.SIGTSTP)
job.wait_stopped()
resize(44, 99)
job.foreground()
until(is_raw, "raw mode")
keys("x\r")
expect("44 99\r\n")
keys("\x04")
equal(job.wait(), 0, "status")
PY
}

@test "after SIGSTOP, which no program can catch, the terminal becomes raw again" {
  container_command /bin/sh -c 'echo ready; read line; echo "got $line"'
  on_terminal <<'PY'
job = run()
expect("ready")
job.kill(signal.SIGSTOP)
job.wait_stopped()
termios.tcsetattr(slave, termios.TCSANOW, BEFORE)  # as a shell does
job.foreground()
until(is_raw, "raw mode")
keys("line\r")
expect("got line")
equal(job.wait(), 0, "status")
check(is_restored(), "the terminal is as it was")
PY
}

@test "continued in the background the runtime leaves the terminal alone, until it is brought back" {
  container_command /bin/sh -c 'echo ready; for i in $(seq 5); do sleep 0.1; echo "tick $i"; done
    read line; echo "got $line"'
  on_terminal <<'PY'
job = run()
expect("ready")
job.kill(signal.SIGTSTP)
job.wait_stopped()
job.background()
expect("tick 5")
time.sleep(0.3)
check(is_restored(), "the terminal is as it was")
keys("for the shell\r")
equal(os.read(slave, 100), b"for the shell\n", "what the shell reads")
job.foreground(wake=False)
until(is_raw, "raw mode")
keys("line\r")
expect("got line")
equal(job.wait(), 0, "status")
check(is_restored(), "the terminal is as it was")
PY
}

@test "started in the background it shows its output and leaves the terminal alone" {
  container_command /bin/sh -c 'echo ready; read line; echo "got $line"'
  on_terminal <<'PY'
job = run(background=True)
expect("ready")
time.sleep(0.3)
check(is_restored(), "the terminal is as it was")
check(job.poll() is None, "it runs")
job.foreground(wake=False)
until(is_raw, "raw mode")
keys("line\r")
expect("got line")
equal(job.wait(), 0, "status")
check(is_restored(), "the terminal is as it was")
PY
}

@test "it ends in the background without a touch of the terminal" {
  container_command /bin/sh -c 'echo ready; while ! test -e /end; do sleep 0.05; done; echo over'
  on_terminal <<'PY'
job = run()
expect("ready")
until(is_raw, "raw mode")
job.kill(signal.SIGSTOP)
job.wait_stopped()
other = list(BEFORE)
other[3] &= ~termios.ECHOE
termios.tcsetattr(slave, termios.TCSANOW, other)
job.background()
open(BUNDLE + "/rootfs/end", "w").close()
expect("over")
equal(job.wait(), 0, "status")
equal(modes(), other, "the modes of the shell")
PY
}

# --- ends -----------------------------------------------------------------------------------------

@test "the terminal is as it was after every end" {
  container_command /bin/sh -c 'trap "exit 9" TERM; echo ready; while :; do sleep 0.05; done'
  on_terminal <<'PY'
for end, status in (("program", 137), ("runtime", 9)):
    job = run()
    expect("ready")
    until(is_raw, "raw mode")
    if end == "program":
        os.kill(container_pid(), signal.SIGKILL)
    else:
        job.kill(signal.SIGTERM)
    equal(job.wait(), status, "status")
    check(is_restored(), "the terminal is as it was after the end of the " + end)
PY
}

@test "a program that cannot be run leaves the terminal as it was" {
  container_command /bin/nosuch
  on_terminal <<'PY'
equal(run().wait(), 1, "status")
check(is_restored(), "the terminal is as it was")
expect("bwrap-oci: .*no such file or directory\r\n")
PY
}

@test "the hang-up of the caller's terminal ends a shell" {
  container_command /bin/sh -i
  on_terminal <<'PY'
job = run()
expect("# ")
until(is_raw, "raw mode")
os.close(slave)
os.close(master)
end = time.monotonic() + TIMEOUT
while job.poll() is None:
    if time.monotonic() > end:
        sys.exit("it does not end")
    time.sleep(0.05)
PY
}

@test "a program whose output nobody reads any more sees its terminal hang up" {
  container_command /bin/sh -c 'yes 2>/dev/null; touch /end; while :; do echo more 2>/dev/null || exit; done'
  timeout 20 "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" </dev/null 3>&- |
    head -n1 >"$TEST_DIR/out"
  assert_equal "$(cat "$TEST_DIR/out")" y
  wait_until test -e "$BUNDLE/rootfs/end"
}

@test "a program that closes its terminal may open it again" {
  container_command /bin/sh -c 'exec </dev/null >/dev/null 2>&1; sleep 0.3; echo one >/dev/console
    sleep 0.3; echo two >/dev/console; read line </dev/console; echo "got $line" >/dev/console'
  on_terminal <<'PY'
job = run()
expect("one\r\n")
expect("two\r\n")
time.sleep(0.2)
ticks = sum(map(int, open("/proc/%d/stat" % job.pid).read().rsplit(")", 1)[1].split()[11:13]))
check(ticks < 20, "the runtime sleeps meanwhile")
keys("line\r")
expect("got line\r\n")
equal(job.wait(), 0, "status")
PY
}

# --- not on a terminal ----------------------------------------------------------------------------

@test "standard input from a pipe, in a pipeline" {
  container_command /bin/sh -c 'read line; echo "got $line"; exit 3'
  echo x | "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" 3>&- | cat >"$TEST_DIR/out"
  assert_equal "$(cat "$TEST_DIR/out")" $'x\ngot x'
  on_terminal <<'PY'
job = sh('echo y | "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" | cat')
equal(job.wait(), 0, "status")
expect("y\r\ngot y\r\n")
check(is_restored(), "the terminal is as it was")
PY
}

@test "with input from elsewhere the terminal's keys still interrupt" {
  container_command /bin/sh -c 'trap "exit 8" INT; echo ready; while :; do sleep 0.05; done'
  on_terminal <<'PY'
job = sh('exec "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" </dev/null')
expect("ready")
keys("\x03")
equal(job.wait(), 8, "status")
PY
}

@test "standard input that is empty, closed or a file" {
  container_command /bin/sh -c 'sleep 0.1; echo done; exit 4'
  local from
  for from in '</dev/null' '<&-' "<$BUNDLE/config.json"; do
    status=0
    output=$(eval "timeout 20 '$BWRAP_OCI' --root '$STATE' run --bundle '$BUNDLE' '$ID' 3>&- $from") ||
      status=$?
    [[ "$status" = 4 && "$output" = *done ]] || show "$from"
  done
}

@test "the end of standard input is not the end of the program's" {
  # as runc does: a terminal has no end, and ^D is what somebody types
  container_command /bin/sh -c 'read one; sleep 0.3; read -t 1 two; echo "one $one two $two $?"'
  output=$(echo x | "$BWRAP_OCI" --root "$STATE" run --bundle "$BUNDLE" "$ID" 3>&-)
  [[ "$output" = *"one x two  "* ]] || show "output"
}

# each of 0, 1 and 2 closed or not, with and without a terminal
@test "standard descriptors that are missing at the start" {
  local terminal closed
  for terminal in true false; do
    config ".process.terminal = $terminal"
    container_command /bin/sh -c 'for i in 0 1 2; do test -e /proc/self/fd/$i || exit 1; done
      ls /proc/self/fd >/fds; echo out; echo err >&2; exit 6'
    for closed in "<&-" ">&-" "2>&-" "<&- >&-" "<&- 2>&-" ">&- 2>&-" "<&- >&- 2>&-"; do
      status=0
      eval "timeout 20 '$BWRAP_OCI' --root '$STATE' run --bundle '$BUNDLE' '$ID' \
        </dev/null >'$TEST_DIR/out' 2>'$TEST_DIR/err' 3>&- $closed" || status=$?
      assert_equal "terminal $terminal, $closed: $status" "terminal $terminal, $closed: 6"
      # the fourth is the folder that ls reads
      assert_equal "$(tr '\n' ' ' <"$BUNDLE/rootfs/fds")" "0 1 2 3 "
    done
  done
}

# --- exec -----------------------------------------------------------------------------------------

sleeper() {
  config '.process.terminal = false'
  container_command /bin/sh -c 'while :; do sleep 0.1; done'
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_success
}

@test "exec -t is on a terminal of its own, exec without is not" {
  sleeper
  on_terminal <<'PY'
resize(27, 81)
job = oci("exec", "-t", ID, "/bin/sh", "-c", "tty; stty size; echo ready; read line; exit 5")
expect("/dev/pts/0\r\n27 81\r\nready")
check(is_raw(), "the terminal is raw")
keys("x\r")
equal(job.wait(), 5, "status")
check(is_restored(), "the terminal is as it was")
job = oci("exec", ID, "/bin/sh", "-c", "echo ready; read line; echo got $line; exit 6")
expect("ready")
check(is_restored(), "the terminal is as it was")
keys("line\r")
expect("got line")
equal(job.wait(), 6, "status")
PY
}

@test "exec -t ends with its program, though another process has kept the terminal" {
  sleeper
  run_oci exec -t "$ID" /bin/sh -c 'trap "" HUP; sleep 1000 & echo started'
  assert_success
  assert_output started
  # shellcheck disable=SC2016  # for the shell inside
  RUN_TIMEOUT=20 run_oci exec -t "$ID" /bin/sh -c 'trap "" HUP; (while echo more; do :; done) & echo started'
  assert_success
  assert_output_has started
}

@test "exec -t: job control" {
  sleeper
  on_terminal <<'PY'
job = oci("exec", "-t", "--env", "PS1=ok> ", ID, "/bin/sh", "-i")
expect("ok> ")
keys("/bin/sleep 1000\r")
time.sleep(0.2)
keys("\x1a")
expect("Stopped")
keys("fg\r")
time.sleep(0.2)
keys("\x03")
expect("ok> ")
keys("exit 3\r")
equal(job.wait(), 3, "status")
PY
}

# --- a console socket -----------------------------------------------------------------------------

# What arrives on a socket: the lengths of the messages, the number of descriptors, and what the
# terminal shows after $1 has been typed into it.
listen() {
  cat >"$TEST_DIR/listen.py" <<'PY'
import array, os, select, socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
os.chdir(os.path.dirname(sys.argv[1]))
listener.bind(os.path.basename(sys.argv[1]))
listener.listen(1)
listener.settimeout(20)
connection, _ = listener.accept()
connection.settimeout(20)
data, control, flags, _ = connection.recvmsg(4096, socket.CMSG_SPACE(4 * 16))
fds = array.array("i")
for level, kind, content in control:
    assert (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS)
    fds.frombytes(content)
assert not flags & socket.MSG_CTRUNC
print("bytes %s descriptors %d" % (len(data) >= 1 and len(data) < 4096, len(fds)))
print("then %r" % connection.recv(4096))
sys.stdout.flush()
os.write(fds[0], sys.argv[2].encode())
shown = b""
while True:
    try:
        data = os.read(fds[0], 4096)
    except OSError:
        break
    shown += data
print(shown.decode().replace("\r\n", "\n"), end="")
PY
  python3 "$TEST_DIR/listen.py" "$1" "$2" </dev/null >"$TEST_DIR/heard" 2>&1 3>&- &
  listener=$!
  wait_until test -S "$1"
}

@test "create --console-socket sends the terminal, and start runs the program on it" {
  listen "$TEST_DIR/console" $'hello\n'
  container_command /bin/sh -c 'read line; echo "got $line"; tty'
  run_oci create --bundle "$BUNDLE" --console-socket "$TEST_DIR/console" "$ID"
  assert_success
  assert_no_stderr
  run_oci start "$ID"
  assert_success
  wait $listener
  assert_equal "$(cat "$TEST_DIR/heard")" \
    $'bytes True descriptors 1\nthen b\'\'\nhello\ngot hello\n/dev/pts/0'
}

@test "a console socket with a path longer than an address can be" {
  local path
  path=$TEST_DIR/$(printf '%0100d' 0)/$(printf '%0100d' 1)
  mkdir -p "$path"
  listen "$path/console" ""
  container_command /bin/stty size
  config '.process.consoleSize = {height: 12, width: 34}'
  run_oci run --detach --bundle "$BUNDLE" --console-socket "$path/console" "$ID"
  assert_success
  wait $listener
  assert_equal "$(tail -n1 "$TEST_DIR/heard")" "12 34"
}

@test "exec --console-socket" {
  sleeper
  listen "$TEST_DIR/console" $'hello\n'
  run_oci exec -d -t --console-socket "$TEST_DIR/console" "$ID" /bin/sh -c 'read line; echo "got $line"'
  assert_success
  wait $listener
  assert_equal "$(cat "$TEST_DIR/heard")" $'bytes True descriptors 1\nthen b\'\'\nhello\ngot hello'
}

@test "a console socket that is not there, or not one, leaves nothing" {
  container_command /bin/true
  touch "$TEST_DIR/file"
  local path
  for path in "$TEST_DIR/none" "$TEST_DIR/file"; do
    run_oci create --bundle "$BUNDLE" --console-socket "$path" "$ID"
    assert_failure 1
    assert_one_line_error "$path"
    [ ! -e "$STATE/$ID" ]
  done
}

@test "a terminal needs a console socket where nobody stays, and a socket needs a terminal" {
  container_command /bin/true
  run_oci run --detach --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "cannot allocate tty"
  run_oci create --bundle "$BUNDLE" "$ID"
  assert_failure 1
  assert_one_line_error "cannot allocate tty"
  config '.process.terminal = false'
  run_oci create --bundle "$BUNDLE" --console-socket "$TEST_DIR/none" "$ID"
  assert_failure 1
  assert_one_line_error "cannot use console socket"
}

@test "a terminal needs a devpts" {
  config '.mounts |= map(select(.type != "devpts"))'
  run_container /bin/true
  assert_failure 1
  assert_one_line_error "/process/terminal"
}
