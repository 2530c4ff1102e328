"""The streams of bench:forward: a sender that copies nothing (sendfile(2) from memory) and a receiver that throws away what it has not chosen to
look at (MSG_TRUNC of tcp(7)), so that what stands between them is what takes the time.

Usage: forward-streams.py receive PORT | forward-streams.py send PORT STREAMS SECONDS

Each stream begins with a line that a demultiplexer knows, and goes on with a pattern whose length is a prime number above 1 MiB: the receiver compares
one read of sixteen with what belongs at that place, so that anything lost, doubled or moved before it shows, and counts all of it. It says what it has
after each part, whose size is in the first line; the sender stops at the end of one, as some relays (sslh) pass on no half-closed connection.
"""

import json
import os
import random
import select
import socket
import struct
import sys
import time

FIRST_LINE = b"SSH-2.0-portolan %012d\r\n"
FIRST_BYTES = len(FIRST_LINE % 0)
PERIOD = 1_048_583
PIECE = 1_048_576
PATTERN = random.Random(9).randbytes(PERIOD)
TWICE = PATTERN + PATTERN
# What a receiver says after each part: bytes behind the first line, and whether all that it looked at was right.
VERDICT = struct.Struct("!QQ")


class Received:
    """One stream as it arrives."""

    def __init__(self, connection):
        self.connection = connection
        self.head = b""
        self.count = 0
        self.reads = 0
        self.right = True

    def read(self, buffer):
        """Takes what is there. Returns whether more may come."""
        if len(self.head) < FIRST_BYTES:
            part = self.connection.recv(FIRST_BYTES - len(self.head))
            self.head += part
            if len(self.head) == FIRST_BYTES:
                self.part = self.missing = int(self.head[-14:])
                self.right = self.head == FIRST_LINE % self.part
            return len(part) > 0
        self.reads += 1
        if self.reads % 16 == 1:
            size = self.connection.recv_into(buffer, min(65_536, self.missing))
            place = self.count % PERIOD
            self.right &= buffer[:size] == TWICE[place : place + size]
        else:
            size = self.connection.recv_into(buffer, min(PIECE, self.missing), socket.MSG_TRUNC)
        self.count += size
        self.missing -= size
        if self.missing == 0:
            self.connection.send(VERDICT.pack(self.count, self.right))
            self.missing = self.part
        return size > 0


def receive(port):
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    streams = {}
    buffer = bytearray(PIECE)
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listener.fileno():
                connection, _ = listener.accept()
                connection.setblocking(False)
                streams[connection.fileno()] = Received(connection)
                poll.register(connection, select.EPOLLIN)
                continue
            stream = streams[descriptor]
            try:
                more = stream.read(buffer)
            except BlockingIOError:
                continue
            except OSError:
                more = False
            if not more:
                poll.unregister(descriptor)
                del streams[descriptor]
                stream.connection.close()


class Sent:
    """One stream as it is sent."""

    def __init__(self, port, part):
        self.connection = socket.create_connection(("127.0.0.1", port))
        self.connection.sendall(FIRST_LINE % part)
        self.connection.setblocking(False)
        self.count = 0
        self.missing = part


def send(port, count, seconds):
    source = os.memfd_create("pattern")
    os.write(source, PATTERN)
    part = (64 if count == 1 else 2) * 1024 * 1024
    poll = select.epoll()
    streams = {}
    for _ in range(count):
        stream = Sent(port, part)
        streams[stream.connection.fileno()] = stream
        poll.register(stream.connection, select.EPOLLOUT)
    begun = time.perf_counter()
    end = begun + seconds
    last = end + 20
    total = failures = 0
    while streams and time.perf_counter() < last:
        for descriptor, event in poll.poll(1):
            stream = streams[descriptor]
            place = stream.count % PERIOD
            try:
                if event & select.EPOLLOUT:
                    size = min(PIECE, PERIOD - place, stream.missing)
                    sent = os.sendfile(descriptor, source, place, size)
                    stream.count += sent
                    stream.missing -= sent
                    if stream.missing == 0:
                        poll.modify(descriptor, select.EPOLLIN)
                    continue
                told = stream.connection.recv(VERDICT.size)
                arrived, right = VERDICT.unpack(told) if len(told) == VERDICT.size else (0, 0)
                total += part
                failures += right != 1 or arrived != stream.count
                if time.perf_counter() < end and right == 1:
                    stream.missing = part
                    poll.modify(descriptor, select.EPOLLOUT)
                    continue
            except BlockingIOError:
                continue
            except OSError:
                failures += 1
            poll.unregister(descriptor)
            streams.pop(descriptor).connection.close()
    elapsed = time.perf_counter() - begun
    failures += len(streams)
    print(json.dumps({"bytes": total, "seconds": elapsed, "errors": failures}), flush=True)


if sys.argv[1] == "receive":
    receive(int(sys.argv[2]))
else:
    send(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
