"""Holds thousands of sockets of every kind in many processes, and tells exactly which process holds which.

Usage: population.py '{"listeners": 2000, "processes": 50, "pairs": 20000, "timeWait": 0}'

Prints one line of JSON when everything is open. Each later line on standard input asks to fill the TIME_WAIT sockets up
again (they live for 60 s) and is answered by one line. Ends, with all its processes, when standard input closes.
Needs Linux and the standard library, nothing else.
"""

import fcntl
import json
import os
import resource
import signal
import socket
import sys

FIRST_PORT = 10000  # Listeners stay below the ephemeral range, connections are in it.
LAST_PORT = 29999
HIGH_DESCRIPTOR = 6000  # Above what a worker's own connections take.
IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h; Python 3.11 does not name it.

TCP, UDP = socket.SOCK_STREAM, socket.SOCK_DGRAM

# Each kind: transport, address, v6only (None for IPv4), which earlier kind's port it takes too (steps back), options.
KINDS = [
    (TCP, "127.0.0.1", None, 0, ()),
    (TCP, "0.0.0.0", None, 0, ()),
    (TCP, "127.0.{high}.{low}", None, 0, ()),
    (TCP, "127.0.{low}.{high}", None, 1, ()),
    (TCP, "::1", True, 0, ()),
    (TCP, "::1", False, 0, ()),
    (TCP, "::", False, 0, ()),
    (TCP, "::", True, 0, ()),
    (TCP, "0.0.0.0", None, 1, ()),
    (TCP, "::ffff:127.0.0.1", False, 0, ()),
    (UDP, "127.0.0.1", None, 0, ()),
    (TCP, "127.0.0.1", None, 1, ()),
    (UDP, "0.0.0.0", None, 0, ()),
    (UDP, "::1", False, 0, ()),
    (UDP, "::", False, 0, ()),
    (UDP, "::", True, 0, ()),
    (UDP, "0.0.0.0", None, 1, ()),
    (TCP, "127.0.0.1", None, 0, ("shared",)),
    (TCP, "::", False, 0, ("shared",)),
    (UDP, "0.0.0.0", None, 0, ("shared",)),
    (TCP, "127.0.0.1", None, 0, ("reuse",)),
    (TCP, "127.0.0.1", None, 1, ("reuse",)),
    (TCP, "127.0.0.1", None, 2, ("reuse",)),
    (UDP, "::", False, 0, ("reuse",)),
    (UDP, "::", False, 1, ("reuse",)),
    (TCP, "127.0.0.1", None, 0, ("high",)),
    (TCP, "::", True, 0, ("high",)),
    (UDP, "127.0.0.1", None, 0, ("high",)),
    (TCP, "0.0.0.0", None, 0, ("twice",)),
]


def kind_of(index, processes):
    """Transport, address, v6only, port and options of one listener. The first two of each worker take its connections."""
    worker, round_number = index % processes, index // processes
    if round_number == 0:
        return TCP, f"127.{worker + 1}.0.1", None, FIRST_PORT + index, ()
    if round_number == 1:
        return TCP, "::1", True, FIRST_PORT + index, ()
    step = index - 2 * processes
    transport, address, v6only, back, options = KINDS[step % len(KINDS)]
    block = step // len(KINDS)
    address = address.format(high=2 + block // 200 % 200, low=3 + block % 200)
    return transport, address, v6only, FIRST_PORT + index - back, options


def open_listener(transport, address, v6only, port, options):
    family = socket.AF_INET if v6only is None else socket.AF_INET6
    one = socket.socket(family, transport)
    if v6only is not None:
        one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(v6only))
    if "reuse" in options:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    one.bind((address, port))
    if transport == TCP:
        one.listen(1024)
    return one


def facts_of(one):
    """Inode, and v6only as the kernel has it: binding to ::1 sets it unasked (net/ipv6/af_inet6.c, __inet6_bind)."""
    v6only = None
    if one.family == socket.AF_INET6:
        v6only = one.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 1
    return os.fstat(one.fileno()).st_ino, v6only


def sharers_of(index, processes):
    """Which workers hold a socket that was opened before they were forked."""
    return {index % processes, (index + 1) % processes, (index + 7) % processes}


def connect_pair(hub, worker, number):
    """Connects to a listener of this worker from one of many addresses. Gives both ends."""
    client = socket.socket(hub.family, TCP)
    if hub.family == socket.AF_INET:
        client.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        client.bind((f"127.{worker + 1}.{number % 16}.{1 + number // 16 % 200}", 0))
    client.connect(hub.getsockname()[:2])
    return client, hub.accept()[0]


def leave_time_waits(hub, worker, count):
    for number in range(count):
        client, accepted = connect_pair(hub, worker, number)
        client.close()  # The end that closes first is the one that waits.
        accepted.close()


def share_of(total, worker, processes):
    return total // processes + (1 if worker < total % processes else 0)


def run_worker(worker, plan, shared, control, report):
    processes = plan["processes"]
    kept, told = [], []
    for index in range(worker, plan["listeners"], processes):
        transport, address, v6only, port, options = kind_of(index, processes)
        if "shared" in options:
            continue
        one = open_listener(transport, address, v6only, port, options)
        if "high" in options:
            number = fcntl.fcntl(one.fileno(), fcntl.F_DUPFD_CLOEXEC, HIGH_DESCRIPTOR + index)
            one.close()
            one = socket.socket(fileno=number)
        descriptors = [one.fileno()]
        kept.append(one)
        if "twice" in options:
            kept.append(one.dup())
            descriptors.append(kept[-1].fileno())
        told.append((index, descriptors, facts_of(one)))
    for index, one in shared:
        if worker in sharers_of(index, processes):
            kept.append(one)
            told.append((index, [one.fileno()], facts_of(one)))
        else:
            one.close()
    hubs = [one for one in kept if one.type == TCP][:2]
    for number in range(share_of(plan["pairs"], worker, processes)):
        # Every tenth connection is one of IPv6.
        hub = hubs[1] if number % 10 == 9 and len(hubs) > 1 and hubs[1].family == socket.AF_INET6 else hubs[0]
        kept.extend(connect_pair(hub, worker, number))
    leave_time_waits(hubs[0], worker, share_of(plan["timeWait"], worker, processes))
    write_line(report, told)
    while request := control.readline():
        leave_time_waits(hubs[0], worker, int(request))
        write_line(report, "done")
    os._exit(0)


def write_line(stream, value):
    stream.write(json.dumps(value) + "\n")
    stream.flush()


def count_time_waits():
    with open("/proc/self/net/sockstat", encoding="ascii") as file:
        for line in file:
            words = line.split()
            if words[0] == "TCP:":
                return int(words[words.index("tw") + 1])
    return 0


def start_workers(plan):
    processes = plan["processes"]
    shared = []
    for index in range(plan["listeners"]):
        kind = kind_of(index, processes)
        if "shared" in kind[4]:
            shared.append((index, open_listener(*kind)))
    workers = []
    for worker in range(processes):
        control_read, control_write = os.pipe()
        report_read, report_write = os.pipe()
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            # Only the first process may hold the ends by which its death is noticed.
            for _, control, report in workers:
                control.close()
                report.close()
            os.close(control_write)
            os.close(report_read)
            os.close(0)
            try:
                run_worker(worker, plan, shared, os.fdopen(control_read), os.fdopen(report_write, "w"))
            except BaseException as error:  # A forked copy must never go on as its parent.
                print(f"worker {worker}: {error!r}", file=sys.stderr, flush=True)
            os._exit(1)
        os.close(control_read)
        os.close(report_write)
        workers.append((pid, os.fdopen(control_write, "w"), os.fdopen(report_read)))
    for _, one in shared:
        one.close()
    return workers


def describe(plan, workers):
    """Ground truth: every listening socket with the descriptors of each process that holds it."""
    holders, facts = {}, {}
    for pid, _, report in workers:
        line = report.readline()
        if not line:
            raise SystemExit(f"worker {pid} failed")
        for index, descriptors, told in json.loads(line):
            holders.setdefault(index, []).append({"pid": pid, "fileDescriptors": sorted(descriptors)})
            facts[index] = told
    listeners = []
    for index in range(plan["listeners"]):
        transport, address, asked, port, _ = kind_of(index, plan["processes"])
        inode, v6only = facts[index]
        listeners.append(
            {
                "transport": "tcp" if transport == TCP else "udp",
                "family": "ipv4" if asked is None else "ipv6",
                "address": address,
                "port": port,
                "v6only": v6only,
                "inode": inode,
                "holders": sorted(holders[index], key=lambda holder: holder["pid"]),
            }
        )
    return listeners


def main():
    plan = json.loads(sys.argv[1])
    if FIRST_PORT + plan["listeners"] - 1 > LAST_PORT or plan["processes"] > 200:
        raise SystemExit("at most 20,000 listeners in 200 processes")
    if plan["listeners"] < 2 * plan["processes"]:
        raise SystemExit("each process needs two listeners")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    workers = start_workers(plan)
    processes = plan["processes"]
    write_line(
        sys.stdout,
        {
            "listeners": describe(plan, workers),
            # Every connection of a worker has this port at one end.
            "hubs": [
                {"pid": workers[index % processes][0], "port": FIRST_PORT + index} for index in range(2 * processes)
            ],
            "pids": [pid for pid, _, _ in workers],
            "timeWait": count_time_waits(),
        },
    )
    for _ in sys.stdin:
        missing = max(0, plan["timeWait"] - count_time_waits())
        for worker, (_, control, _) in enumerate(workers):
            control.write(f"{share_of(missing, worker, processes)}\n")
            control.flush()
        for _, _, report in workers:
            report.readline()
        write_line(sys.stdout, {"timeWait": count_time_waits()})
    for _, control, _ in workers:
        control.close()
    for pid, _, _ in workers:
        os.waitpid(pid, 0)


main()
