"""Runs a program on a new terminal, types, and prints what it shows; ends with its status.

usage: on_pty.py TEXT PROGRAM ARGUMENT...
TEXT is typed as soon as the program has shown something; "" is nothing.
"""
import os, pty, sys

text, argv = sys.argv[1], sys.argv[2:]
pid, master = pty.fork()
if pid == 0:
    os.execvp(argv[0], argv)
shown = b""
while True:
    try:
        data = os.read(master, 65536)
    except OSError:  # EIO: nobody has the other side
        break
    if not data:
        break
    if not shown and text:
        os.write(master, text.encode())
    shown += data
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(shown)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(status) & 0xff)
