"""Listens where it is told to: a JSON list of [transport, address, port] on standard input. Prints `ready` when all are open.

TCP connections are accepted and closed, datagrams are sent back. Ends with its standard input.
"""

import json
import resource
import selectors
import socket
import sys


def open_socket(transport, address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    kind = socket.SOCK_STREAM if transport == "tcp" else socket.SOCK_DGRAM
    opened = socket.socket(family, kind)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    opened.bind((address, port))
    if transport == "tcp":
        opened.listen(4096)
    opened.setblocking(False)
    return opened


def serve(opened):
    try:
        if opened.type == socket.SOCK_STREAM:
            opened.accept()[0].close()
        else:
            data, peer = opened.recvfrom(65535)
            opened.sendto(b"heard " + data, peer)
    except OSError:
        # The peer has gone, or the firewall of this very host drops the answer.
        pass


def main():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    selector = selectors.DefaultSelector()
    for door in json.loads(sys.stdin.readline()):
        selector.register(open_socket(*door), selectors.EVENT_READ)
    selector.register(sys.stdin, selectors.EVENT_READ)
    print("ready", flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                return
            serve(key.fileobj)


main()
