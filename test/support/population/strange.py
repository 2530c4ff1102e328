"""One process that listens and is meant to trouble whoever looks at it.

Usage: strange.py KIND PORT. Prints "up" when it listens on 127.0.0.1:PORT; ends when standard input closes.

name       a short name with spaces, parentheses, a newline and escape sequences
arguments  1 MiB of arguments
secrets    passwords and tokens in its arguments
folder     a working directory and a package.json with escape sequences in their names
churn      starts a short-lived child that opens sockets, again and again, for 60 s at most
"""

import atexit
import json
import os
import select
import socket
import sys
import tempfile
import time

ESCAPES = b" \x1b[31mred\x1b]0;title\x07 \x9b1mraw \xc2\x9b2mutf8 \xe2\x80\xae) (x\r\n\x08\t\x7f\xff"
NAME = b") R (\n\x1b[31m\xc2\x9bx"  # 15 bytes at most count.
SECRETS = [
    b"--password=hunter2-a",
    b"--token",
    b"hunter2-b",
    b"postgres://user:hunter2-c@db.invalid/shop",
    b"API_KEY=hunter2-d",
    b"Authorization: Bearer hunter2-e",
]
LONGEST_SECONDS = 60


def arguments_of(kind):
    if kind == "name":
        return [ESCAPES, b"plain"]
    if kind == "arguments":
        # The kernel takes at most 128 KiB in one argument.
        return [b"a" * 65535] * 15 + [b"b" * 65500 + b"\x1b[2Jend"]
    return SECRETS if kind == "secrets" else []


def main():
    kind, port = sys.argv[1], int(sys.argv[2])
    if "PORTOLAN_STRANGE" not in os.environ:
        words = [sys.executable.encode(), *(word.encode() for word in sys.argv), *arguments_of(kind)]
        os.execve(sys.executable, words, {**os.environ, "PORTOLAN_STRANGE": "1"})
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    listener.listen()
    if kind == "name":
        with open("/proc/self/comm", "wb") as file:
            file.write(NAME)
    if kind == "folder":
        enter_folder()
    print("up", flush=True)
    if kind == "churn":
        churn()
    sys.stdin.read()


def enter_folder():
    folder = os.path.join(tempfile.gettempdir().encode(), b"portolan-strange-%d \x1b[32m\xc2\x9b\n)" % os.getpid())
    os.mkdir(folder)
    manifest = os.path.join(folder, b"package.json")
    with open(manifest, "w", encoding="utf-8") as file:
        json.dump({"name": "evil\x1b[31m\x9b\u202e\n", "version": "1.0.0"}, file)
    os.chdir(folder)
    atexit.register(lambda: (os.unlink(manifest), os.rmdir(folder)))


def churn():
    """A few children at a time, each of which ends at once, so that some end during any walk."""
    end = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < end and not select.select([0], [], [], 0)[0]:
        children = []
        for _ in range(8):
            pid = os.fork()
            if pid == 0:
                sockets = [socket.socket() for _ in range(20)]
                sockets[0].bind(("127.0.0.1", 0))
                sockets[0].listen()
                os._exit(0)
            children.append(pid)
        for pid in children:
            os.waitpid(pid, 0)


main()
