"""The small messages of bench:forward: a server that says each back, and clients that wait for each before they send the next.

Usage: forward-messages.py echo PORT | forward-messages.py ask PORT CONNECTIONS SECONDS

A message is 64 bytes, begins as a demultiplexer knows it, and carries its connection's and its own number, so that no other can be taken for it.
"""

import gc
import json
import select
import socket
import sys
import time
from time import perf_counter_ns

SIZE = 64


def message(connection, number):
    return b"SSH-2.0-portolan %08d %012d\r\n" % (connection, number) + b"." * 24


assert len(message(1, 1)) == SIZE


def open_socket(connection):
    connection.setblocking(False)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def echo(port):
    listener = socket.create_server(("127.0.0.1", port), backlog=1024)
    poll = select.epoll()
    poll.register(listener, select.EPOLLIN)
    listening = listener.fileno()
    connections = {}
    gc.disable()
    while True:
        for descriptor, _ in poll.poll():
            if descriptor == listening:
                connection = open_socket(listener.accept()[0])
                connections[connection.fileno()] = connection
                poll.register(connection, select.EPOLLIN)
                continue
            connection = connections[descriptor]
            try:
                data = connection.recv(4096)
                if data:
                    connection.send(data)
                    continue
            except BlockingIOError:
                continue
            except OSError:
                pass
            poll.unregister(descriptor)
            del connections[descriptor]
            connection.close()


def ask(port, count, seconds):
    poll = select.epoll()
    asking = {}
    for number in range(count):
        connection = open_socket(socket.create_connection(("127.0.0.1", port)))
        # Its socket, its number, how many it has sent, what it waits for, what came of that, and when it was sent.
        asking[connection.fileno()] = [connection, number, 0, message(number, 0), b"", 0]
        poll.register(connection, select.EPOLLIN)
    times = []
    errors = 0
    gc.disable()
    begun = time.perf_counter()
    end = begun + seconds
    for state in asking.values():
        state[5] = perf_counter_ns()
        state[0].send(state[3])
    while time.perf_counter() < end and asking:
        for descriptor, _ in poll.poll(1):
            state = asking[descriptor]
            try:
                data = state[0].recv(4096)
            except OSError:
                data = b""
            if data != state[3]:
                state[4] += data
                if data and state[3].startswith(state[4]) and len(state[4]) < SIZE:
                    continue
                if state[4] != state[3]:
                    errors += 1
                    poll.unregister(descriptor)
                    del asking[descriptor]
                    continue
                state[4] = b""
            now = perf_counter_ns()
            times.append(now - state[5])
            state[2] += 1
            state[3] = message(state[1], state[2])
            state[5] = now
            state[0].send(state[3])
    elapsed = time.perf_counter() - begun
    times.sort()
    at = lambda share: times[min(len(times) - 1, int(len(times) * share))] / 1e6 if times else None
    print(json.dumps({"count": len(times), "seconds": elapsed, "p50Ms": at(0.5), "p99Ms": at(0.99), "errors": errors}))


if sys.argv[1] == "echo":
    echo(int(sys.argv[2]))
else:
    ask(int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
