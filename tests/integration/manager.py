"""A service manager as far as sd_notify(3) goes.

    manager.py ADDRESS FILE [DELAY]

Listens at ADDRESS (a path, or "@" and an abstract name) and appends what arrives to FILE, a
datagram a line with " | " between its lines, and " (fd)" behind one that brings a descriptor, which
is closed DELAY seconds later.
"""
import array
import socket
import sys
import time

address, name = sys.argv[1:3]
delay = float(sys.argv[3]) if len(sys.argv) > 3 else 0

manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind("\0" + address[1:] if address[0] == "@" else address)
with open(name, "a", buffering=1) as log:
    print("listening", file=log)
    while True:
        text, control, _, _ = manager.recvmsg(8192, socket.CMSG_SPACE(64))
        line = text.decode().rstrip("\n").replace("\n", " | ")
        fds = array.array("i")
        for _, _, data in control:
            fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
        time.sleep(delay if fds else 0)
        print(line + (" (fd)" if fds else ""), file=log)
        for fd in fds:
            socket.close(fd)
