"""Harm at every system call of every command: see faults.sh for how it is run.

Each command is first run undisturbed, which tells its points: system calls of its processes. Then
it is run again and again, each time with harm at one of them (step.c): a process is killed there,
or the call fails, or it moves a single byte, or the command is asked to end. Whatever happens, the
command must not hang; it must succeed truly, or say why in one line; "delete --force" must then
leave nothing, neither a process nor a file; and the id can be used again, which the next point does.

A point can be looked at by hand: the diagnostics of a failure say how.
"""
import errno
import json
import os
import random
import shutil
import subprocess
import sys
import time

RUNTIME = os.environ["BWRAP_OCI"]
STEP = os.environ["STEP"]
BUNDLE = os.environ["BUNDLE"]
STATE = os.environ["STATE"]
SCRATCH = os.environ["TEST_DIR"]
PID_FILE = SCRATCH + "/pid"
ID = "box"
HANGS = "20"

ERRORS = ["ENOSPC", "EIO", "ENOMEM", "EMFILE", "EPERM"]
# Calls that a signal may interrupt (signal(7)); the others cannot say so.
INTERRUPTIBLE = {"read", "write", "recvmsg", "sendto", "sendmsg", "poll", "ppoll", "wait4", "waitid",
                 "flock", "connect", "accept4", "pselect6"}
WITH_A_LENGTH = {"read", "write", "pread64", "pwrite64"}
# Calls that cannot fail, and the end.
INFALLIBLE = {"exit", "exit_group", "rt_sigreturn", "getpid", "getuid", "geteuid", "getgid", "getegid",
              "umask", "close", "vfork", "brk", "munmap", "set_tid_address", "arch_prctl", "rseq",
              "set_robust_list", "gettid", "getppid", "setfsuid", "setfsgid", "rt_sigprocmask",
              "rt_sigaction", "getresuid", "getresgid", "futex", "uname"}
# Memory: GLib ends the program where there is none, which is as good as killing it.
MEMORY = {"mmap", "mremap", "madvise", "mprotect"}
# What takes away; if that fails something is left, for "delete --force" to remove.
REMOVING = {"unlinkat", "rmdir", "unlink"}


class Result:
    def __init__(self, command, limit=60):
        # files: a container would hold a pipe open
        with open(SCRATCH + "/out", "w") as out, open(SCRATCH + "/err", "w") as err:
            self.status = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                         timeout=limit).returncode
        self.out, self.err = (open(SCRATCH + name, errors="replace").read()
                              for name in ("/out", "/err"))


def run(*arguments):
    return Result([RUNTIME, "--root", STATE, *arguments])


def status():
    result = run("state", ID)
    return json.loads(result.out)["status"] if result.status == 0 else "none"


def entries():
    return [name for name in os.listdir(STATE) if not name.startswith(".")]


def left():
    return entries() + ["pid file"] * os.path.exists(PID_FILE)


def wait_for(condition):
    for _ in range(400):
        if condition():
            return True
        time.sleep(0.02)
    return False


def lives(process, start):
    try:
        with open("/proc/%d/stat" % process) as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except OSError:
        return False
    return fields[0] not in "ZX" and int(fields[19]) == start


class Scenario:
    """A command, what has to be there before it, and what its success means."""

    def __init__(self, name, command, before=(), outcome=None, config="default", failure=(1,)):
        self.name, self.command, self.before = name, command, before
        self.outcome, self.config, self.failure = outcome, config, failure
        self.begins = {}  # of each process: the call with which its last program begins

    def prepare(self):
        for command in self.before:
            if command == "no caches":
                for name in (".cache", ".probe"):
                    shutil.rmtree(os.path.join(STATE, name), ignore_errors=True)
                    if os.path.exists(os.path.join(STATE, name)):
                        os.unlink(os.path.join(STATE, name))
                continue
            result = run(*(BUNDLE + "/" + self.config if word == "BUNDLE" else word for word in command))
            if result.status != 0:
                raise RuntimeError("%s: %s" % (" ".join(command), result.err))

    def step(self, *options):
        """The command with harm: its result, with the processes seen."""
        pids = SCRATCH + "/pids"
        words = [BUNDLE + "/" + self.config if word == "BUNDLE" else word for word in self.command]
        result = Result([STEP, "-t", HANGS, "-i", pids, *options, RUNTIME, "--root", STATE, *words])
        with open(pids) as file:
            lines = [line.split() for line in file]
        result.done = ["done"] in lines
        result.seen = [tuple(map(int, line)) for line in lines if line != ["done"]]
        return result

    def points(self):
        """Those of the second run: the first fills caches, unless "before" empties them."""
        for _ in range(2):
            points = self.undisturbed()
        self.begins = {process: call for process, call, name in points
                       if name in ("execve", "execveat")}
        return points[first_own(points):]

    def undisturbed(self):
        self.prepare()
        result = self.step("-o", SCRATCH + "/points")
        if result.status != 0:
            raise RuntimeError("%s, undisturbed: %d, %s" % (self.name, result.status, result.err))
        clean()
        with open(SCRATCH + "/points") as file:
            lines = [line.split() for line in file]
        return [(int(process), int(call), name) for process, call, name in lines]


def first_own(points):
    """The C library comes before us, and before the companion: behind its rseq the first file is
    opened by us."""
    names = [name if process == 0 else "" for process, _, name in points]
    rseq = max(index for index, name in enumerate(names) if name == "rseq")
    return names.index("openat", rseq)


def clean():
    """What "delete --force" leaves: nothing, or what."""
    wrong = []
    listed = run("list", "-q")
    if listed.status != 0 or listed.err:
        wrong.append("list: %d, %s" % (listed.status, listed.err.strip()))
    for _ in range(2):
        result = run("delete", "--force", ID)
        if result.status != 0 or result.err:
            wrong.append("delete --force: %d, %s" % (result.status, result.err.strip()))
    if entries():
        wrong.append("left in the state directory: %s" % entries())
    if os.path.exists(PID_FILE):
        os.unlink(PID_FILE)
    return wrong


def gone():
    return status() == "none" and not entries()


SCENARIOS = [
    Scenario("create", ["create", "--bundle", "BUNDLE", "--pid-file", PID_FILE, ID],
             outcome=lambda: status() == "created"),
    Scenario("create without caches", ["create", "--bundle", "BUNDLE", ID], ["no caches"],
             outcome=lambda: status() == "created"),
    Scenario("create that joins", ["create", "--bundle", "BUNDLE", ID], config="join",
             outcome=lambda: status() == "created"),
    Scenario("create that enters", ["create", "--bundle", "BUNDLE", ID], config="enter",
             outcome=lambda: status() == "created"),
    Scenario("create --mode=plain", ["create", "--mode=plain", "--bundle", "BUNDLE", ID],
             config="plain", outcome=lambda: status() == "created"),
    Scenario("run", ["run", "--bundle", "BUNDLE", ID], config="short", outcome=gone),
    Scenario("run --detach", ["run", "--detach", "--bundle", "BUNDLE", "--pid-file", PID_FILE, ID],
             outcome=lambda: status() == "running"),
    Scenario("start", ["start", ID], [["create", "--bundle", "BUNDLE", ID]],
             outcome=lambda: status() == "running"),
    Scenario("exec", ["exec", ID, "/bin/true"], [["run", "-d", "--bundle", "BUNDLE", ID]],
             failure=(255, 1), outcome=lambda: status() == "running"),
    Scenario("state", ["state", ID], [["create", "--bundle", "BUNDLE", ID]],
             outcome=lambda: status() == "created"),
    Scenario("list", ["list"], [["create", "--bundle", "BUNDLE", ID]],
             outcome=lambda: status() == "created"),
    Scenario("kill", ["kill", ID, "KILL"], [["run", "-d", "--bundle", "BUNDLE", ID]],
             outcome=lambda: wait_for(lambda: status() == "stopped")),
    Scenario("delete", ["delete", ID], [["create", "--bundle", "BUNDLE", ID]], outcome=gone),
    Scenario("delete --force", ["delete", "--force", ID], [["run", "-d", "--bundle", "BUNDLE", ID]],
             outcome=gone),
]
# What they print, which must be right or not be there.
PRINTED = {"state": '"status": "created"', "list": ID}


def verdict(scenario, point, action, result):
    """What is wrong with how the command ended."""
    code, out, err = result.status, result.out, result.err
    process, index, call = point
    # what is killed before it is the program that it was to be has done nothing
    never = (action == "kill" and result.done and scenario.name.startswith(("run", "exec"))
             and 0 < process and index <= scenario.begins.get(process, -1))
    if code in (124, 125, 126):
        return ["it hangs" if code == 124 else "step: %s" % err]
    if action == "kill" and process == 0 and code == 137:
        return []
    if action == "term" and code == 143:
        # then it had not begun
        return ["ended, and left: %s" % left()] if left() else []
    if code == 0:
        if never:
            return ["success of a program that never began"]
        if err:
            return ["success, but on stderr: %s" % err.strip()]
        if PRINTED.get(scenario.name, "") not in out:
            return ["success, but it says: %s" % " ".join(out.split())]
        # what is harmed in the container after all is done may end it
        if scenario.outcome() or (process > 0 and status() == "stopped"):
            return []
        return ["success, but the status is %s" % status()]
    wrong = []
    if action in (errno.EINTR, "short") and process in (0,):
        wrong.append("a failure: %s" % err.strip())
    if call in MEMORY and process == 0 and code in (133, 134):
        return wrong
    # the program's own end
    if (scenario.name in ("run", "exec") and process > 0 and not never
            and not err.startswith("bwrap-oci: ")):
        return wrong
    # a signalfd gives nothing or all
    if action == "short" and "signalfd" in err:
        return []
    # stdio does not try again; there is no handler either that would have interrupted it
    if action == errno.EINTR and "standard output" in err:
        return []
    if code not in scenario.failure:
        wrong.append("status %d, %s" % (code, err.strip()))
    elif not err.startswith("bwrap-oci: ") or err.count("\n") != 1 or not err.endswith("\n"):
        wrong.append("not one line: %r" % err)
    # what has run and cannot be removed is said and stays
    stays = call in REMOVING or (scenario.name == "run" and status() == "stopped")
    if scenario.name.startswith(("create", "run")) and left() and not stays:
        wrong.append("left without delete --force: %s (%s)" % (left(), err.strip()))
    return wrong


def harm(point, action):
    return ["-p", str(point[0]), "-n", str(point[1]), "-c", point[2], "-a", str(action)]


def try_point(scenario, point, action):
    scenario.prepare()
    result = scenario.step(*harm(point, action))
    wrong = verdict(scenario, point, action, result)
    wrong += clean()
    seen = result.seen
    if not wait_for(lambda: not any(lives(*one) for one in seen)):
        wrong.append("processes live: %s" % [one for one in seen if lives(*one)])
        for process, start in seen:
            if lives(process, start):
                os.kill(process, 9)
    if os.environ.get("VERBOSE"):
        print("#", describe_point(point, action), result.status, result.err.strip())
    return wrong


def describe_point(point, action):
    return "process %d, call %d (%s) %s" % (*point, describe(action))


def describe(action):
    return "fails with " + errno.errorcode[action] if isinstance(action, int) else \
        {"kill": "is where a process is killed", "term": "is where it is asked to end",
         "short": "moves one byte"}[action]


def releases_of(points):
    """The write to an eventfd by which bwrap lets its child go on, which cannot fail: the last one
    after its clone."""
    found = []
    for process in {point[0] for point in points} - {0}:
        own = [point for point in points if point[0] == process]
        clones = [point[1] for point in own if point[2] in ("clone", "clone3")]
        found += [point for point in own if clones and point[2] == "write"
                  and point[1] > clones[0]][-1:]
    return found


def cases(points):
    """All the harm there can be."""
    kills = [(point, "kill") for point in points]
    releases = releases_of(points)
    points = [point for point in points if point not in releases]
    errors = [(point, getattr(errno, name)) for point in points if point[2] not in INFALLIBLE
              for name in ERRORS]
    errors += [(point, errno.EINTR) for point in points if point[2] in INTERRUPTIBLE]
    errors += [(point, "short") for point in points if point[2] in WITH_A_LENGTH]
    return kills, errors, [(point, "term") for point in points if point[0] == 0]


# What once went wrong is tried each time: scenario, process, call, action.
ALWAYS = [
    ("create", 0, "newfstatat", errno.EMFILE), ("create", 1, "write", "kill"),
    ("create that enters", 1, "write", errno.EIO), ("create that enters", 1, "prctl", "kill"),
    ("create that enters", 0, "kill", errno.EIO), ("create that joins", 1, "close", "kill"),
    ("start", 0, "openat", errno.EMFILE), ("state", 0, "socket", errno.EMFILE),
    ("delete --force", 0, "openat", errno.EMFILE), ("list", 0, "newfstatat", errno.ENOMEM),
    ("run", 0, "newfstatat", errno.EIO),
    ("exec", 0, "wait4", errno.EINTR), ("exec", 0, "waitid", errno.EINTR),
]


def always(scenario, kind):
    wanted = [(process, call, action) for name, process, call, action in ALWAYS
              if name == scenario.name]
    return [(point, action) for point, action in kind if (point[0], point[2], action) in wanted]


number = 0


def report(name, total, chosen, scenario):
    global number
    number += 1
    failures = []
    for point, action in chosen:
        try:
            wrong = try_point(scenario, point, action)
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            wrong = [str(error)]
            clean()
        if wrong:
            failures.append("%s: %s\n  step %s" % (
                describe_point(point, action), "; ".join(wrong), " ".join(harm(point, action))))
    print("%s %d - %s: %d of %d points" % ("not ok" if failures else "ok", number, name, len(chosen),
                                          total))
    for line in "\n".join(failures).splitlines():
        print("# " + line)
    sys.stdout.flush()


def main():
    seed = os.environ.get("SEED") or time.strftime("%Y%j")
    count = int(os.environ.get("POINTS", "0"))
    only = sys.argv[1:]
    chooser = random.Random(seed)
    print("# seed %s, %s" % (seed, "%d points of each kind" % count if count else "all points"))
    for scenario in SCENARIOS:
        if only and scenario.name not in only:
            continue
        kinds = cases(scenario.points())
        names = ("a process is killed", "a call fails", "it is asked to end")
        for name, kind in zip(names, kinds if PID_FILE in scenario.command else kinds[:2]):
            chosen = kind
            if 0 < count < len(kind):
                chosen = chooser.sample(kind, count)
                chosen += [case for case in always(scenario, kind) if case not in chosen]
            report("%s: %s" % (scenario.name, name), len(kind), chosen, scenario)
    print("1..%d" % number)


main()
