"""A terminal and the user before it: what the tests of terminals are written with.

The test leads a session on a pty whose other side it holds. It starts programs as jobs, as a
shell does, types, reads what they show, changes the size, and looks at the modes.
"""
import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

BWRAP_OCI = os.environ["BWRAP_OCI"]
STATE = os.environ["STATE"]
BUNDLE = os.environ["BUNDLE"]
ID = os.environ["ID"]
TIMEOUT = 15

master, slave = pty.openpty()
screen = b""  # everything shown so far
seen = 0      # how much of it expect() has passed


def take_session():
    """Leads a session with the pty as its controlling terminal, in a process of its own."""
    child = os.fork()
    if child:
        os.close(master)
        os.close(slave)
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xff)
    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.set_blocking(master, False)


take_session()


def fail(what):
    sys.stderr.write("%s\nthe screen: %r\n" % (what, screen[-2000:]))
    sys.stderr.flush()
    os._exit(1)


def check(condition, what):
    if not condition:
        fail("not so: " + what)


def equal(got, expected, what=""):
    if got != expected:
        fail("%s: got %r, expected %r" % (what, got, expected))


# --- the screen -----------------------------------------------------------------------------

def pump(seconds=0.0):
    """Reads what is shown, waiting at most so long for the first of it."""
    global screen
    ready, _, _ = select.select([master], [], [], seconds)
    while ready:
        try:
            data = os.read(master, 65536)
        except BlockingIOError:
            return
        except OSError as e:
            if e.errno == errno.EIO:
                return
            raise
        screen += data
        ready, _, _ = select.select([master], [], [], 0)


def until(condition, what, timeout=TIMEOUT):
    """Reads until the condition holds, and gives its value."""
    end = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            fail("waited in vain for " + what)
        pump(0.02)


def expect(pattern, timeout=TIMEOUT):
    """Waits for a regular expression behind what was expected last; gives the match."""
    global seen
    found = until(lambda: re.compile(pattern.encode()).search(screen, seen), pattern, timeout)
    seen = found.end()
    return found


def shown():
    return screen.decode(errors="replace")


def keys(text):
    data = text.encode() if isinstance(text, str) else text
    while data:
        try:
            data = data[os.write(master, data):]
        except BlockingIOError:
            pump(0.01)


def resize(rows, columns):
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def modes():
    return termios.tcgetattr(slave)


def is_raw():
    return not modes()[3] & (termios.ICANON | termios.ECHO | termios.ISIG)


BEFORE = modes()


def is_restored():
    return modes() == BEFORE


# --- jobs -----------------------------------------------------------------------------------

class Job:
    """A program in a process group of its own; wait() as a shell's $?."""

    def __init__(self, argv, fds, background, environment):
        to_start, start = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self.become(argv, fds, to_start, environment)
        os.setpgid(self.pid, self.pid)
        if not background:
            os.tcsetpgrp(slave, self.pid)
        os.write(start, b"x")
        os.close(start)
        os.close(to_start)
        self.status = None

    @staticmethod
    def become(argv, fds, to_start, environment):
        try:
            os.read(to_start, 1)
            for number in (signal.SIGTTOU, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            # above all numbers in question, then in their places
            copies = [None if fd is None else fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in fds]
            for number, copy in enumerate(copies):
                if copy is None:
                    try:
                        os.close(number)
                    except OSError:
                        pass
                else:
                    os.dup2(copy, number)
            os.closerange(3, 256)
            os.execve(argv[0], argv, environment)
        finally:
            os._exit(125)

    def poll(self, flags=os.WNOHANG):
        if self.status is None:
            pid, status = os.waitpid(self.pid, flags)
            if pid:
                if os.WIFSTOPPED(status):
                    return "stopped by %d" % os.WSTOPSIG(status)
                code = os.waitstatus_to_exitcode(status)
                self.status = code if code >= 0 else 128 - code
        return self.status

    def wait(self, timeout=TIMEOUT):
        until(lambda: self.poll() is not None, "the end of the job", timeout)
        os.tcsetpgrp(slave, os.getpgrp())
        pump()
        return self.status

    def wait_stopped(self):
        how = until(lambda: self.poll(os.WNOHANG | os.WUNTRACED), "the job to stop")
        check(str(how).startswith("stopped"), "the job stopped, it ended with %s" % how)
        os.tcsetpgrp(slave, os.getpgrp())
        return how

    def kill(self, number):
        os.kill(self.pid, number)

    def foreground(self, wake=True):
        os.tcsetpgrp(slave, self.pid)
        if wake:
            os.killpg(self.pid, signal.SIGCONT)

    def background(self):
        os.tcsetpgrp(slave, os.getpgrp())
        os.killpg(self.pid, signal.SIGCONT)


def job(argv, stdin=slave, stdout=slave, stderr=slave, background=False, environment=None):
    """Starts a program; a descriptor that is None is closed."""
    return Job(argv, [stdin, stdout, stderr], background,
               dict(os.environ) if environment is None else environment)


def oci(*args, **how):
    return job([BWRAP_OCI, "--root", STATE] + list(args), **how)


def run(**how):
    """The test's container, in the foreground."""
    return oci("run", "--bundle", BUNDLE, ID, **how)


def sh(text, **how):
    """A shell's command line, which may use $BWRAP_OCI and so on."""
    return job(["/bin/sh", "-c", text], **how)


def container_pid():
    """The pid of the container's first process, as the runtime has noted it."""
    def read():
        try:
            with open("%s/%s/init" % (STATE, ID)) as f:
                return int(f.read().split()[0])
        except (OSError, ValueError, IndexError):
            return None
    return until(read, "the container's pid")
