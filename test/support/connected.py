"""Real connections for the tests of `connections`, in the network namespace it runs in. Says in one line of JSON what stands, and
ends when its standard input does.

Usage: connected.py inside                 everything on loopback
       connected.py listen ADDRESS PORT    takes one connection, sends 300 bytes, waits for 700
       connected.py call ADDRESS PORT      the other end of that
"""
import json
import os
import socket
import sys
import time


def receive(connection, size):
    while size > 0:
        size -= len(connection.recv(min(size, 65536)))


def listen(address, family=socket.AF_INET):
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    listener.bind(address)
    listener.listen()
    return listener


def inside():
    """A child process calls, this one is called."""
    listeners = {
        "ipv4": listen(("127.0.0.1", 7001)),
        "ipv6": listen(("::1", 7002), socket.AF_INET6),
        "mapped": listen(("::", 7003), socket.AF_INET6),
        "half": listen(("127.0.0.1", 7004)),
        "ended": listen(("127.0.0.1", 7005)),
    }
    places = {"ipv4": "127.0.0.1", "ipv6": "::1", "mapped": "127.0.0.1", "half": "127.0.0.1", "ended": "127.0.0.1"}
    go, said = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go[1])
        held = []
        for name, listener in listeners.items():
            address = (places[name], listener.getsockname()[1])
            caller = socket.create_connection(address)
            if name != "ended":
                caller.sendall(b"c" * 123_456)
                receive(caller, 7_890)
            if name == "half" or name == "ended":
                caller.close()
            else:
                held.append(caller)
        for listener in listeners.values():
            listener.close()
        os.write(said[1], b"x")
        os.read(go[0], 1)
        os._exit(0)
    held = []
    for name, listener in listeners.items():
        called, _ = listener.accept()
        if name != "ended":
            receive(called, 123_456)
            called.sendall(b"s" * 7_890)
            held.append(called)
        else:
            # The end that closes last leaves nothing; the caller's waits.
            receive_end(called)
            called.close()
    one, two = socket.socket(type=socket.SOCK_DGRAM), socket.socket(type=socket.SOCK_DGRAM)
    one.bind(("127.0.0.1", 7006))
    two.bind(("127.0.0.1", 7007))
    one.connect(("127.0.0.1", 7007))
    two.connect(("127.0.0.1", 7006))
    os.read(said[0], 1)
    # The other end's FIN is acknowledged some 40 ms later.
    wait_for_state(7004, "05")
    say({"server": os.getpid(), "client": child})
    os.close(go[0])
    os.close(go[1])
    os.waitpid(child, 0)


def receive_end(connection):
    while connection.recv(65536):
        pass


def wait_for_state(port, state):
    """Until a socket connected to that port is in the state, as /proc/net/tcp writes it."""
    for _ in range(500):
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [row.split() for row in table.readlines()[1:]]
        if any(row[2].endswith(f":{port:04X}") and row[3] == state for row in rows):
            return
        time.sleep(0.01)
    sys.exit(f"no socket to port {port} came to the state {state}")


def say(told):
    print(json.dumps(told), flush=True)
    sys.stdin.read()


if sys.argv[1] == "inside":
    inside()
elif sys.argv[1] == "listen":
    listener = listen((sys.argv[2], int(sys.argv[3])))
    print(json.dumps({"listening": os.getpid()}), flush=True)
    connection, _ = listener.accept()
    connection.sendall(b"s" * 300)
    receive(connection, 700)
    say({"pid": os.getpid()})
else:
    connection = socket.create_connection((sys.argv[2], int(sys.argv[3])))
    connection.sendall(b"c" * 700)
    receive(connection, 300)
    say({"pid": os.getpid()})
