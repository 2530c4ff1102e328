/**
 * @module The loop of one thread of the blocking-reuse engine, as one function that refers to nothing outside itself: only its
 * source text is used (native-thread.ts).
 */
import type { PostedDoor, ScanPlan } from "./native-plan.ts";
import type { NativeSystem } from "./native-system.ts";

/** What one thread is told beside the plan. */
export interface BlockingTask {
  readonly plan: ScanPlan;
  /** Number of this thread, from 0. */
  readonly thread: number;
  /** Outcome bytes. */
  readonly openOutcome: number;
  readonly closedOutcome: number;
  readonly undecided: number;
  /** How long one connect may take, milliseconds. */
  readonly patienceMs: number;
}

/** What it counted. */
export interface BlockingFindings {
  readonly attempts: number;
  /** Doors that were asked and left without outcome. */
  readonly silent: number;
  /** Sum of the round trips that were measured, milliseconds, and their number. */
  readonly roundTripSumMs: number;
  readonly roundTrips: number;
}

/**
 * Asks cells until none is left. A refused socket can be used again at once, so a closed port costs one system call. What does not
 * answer, or fails in another way than a door can, stays without outcome: it is for the epoll engine.
 */
export function askBlocking(
  system: NativeSystem,
  task: BlockingTask,
  post: (doors: PostedDoor[]) => void,
): BlockingFindings {
  const { plan, thread, openOutcome, closedOutcome, undecided, patienceMs } = task;
  const { ports, outcomes, control, outcomeOfErrno } = plan;
  const { memory, view, base, connect, errno: readErrno } = system;
  const { abort, done, next, handOver, sourcePorts } = plan.places;
  const cellsPerClaim = 256;
  const mostSilent = 8;
  const stride = 32;
  const bindAt = 0;
  const optionAt = 64;
  const nameAt = 96;
  const infoAt = 128;
  const addressesAt = 256;
  memory.set(plan.addresses, addressesAt);
  const portCount = ports.length;
  const cellCount = (plan.addresses.length / stride) * portCount;
  const deferred: number[] = [];
  let descriptor = -1;
  let sourceFamily = 0;
  let sourcePort = 0;
  let attempts = 0;
  let roundTripSumMs = 0;
  let roundTrips = 0;
  let silent = 0;

  function release(): void {
    if (descriptor >= 0) system.close(descriptor);
    descriptor = -1;
    sourceFamily = 0;
    sourcePort = 0;
  }

  /**
   * A new socket with a port of its own. Bound, so that the kernel does not look for a source port at each connect, and so that
   * it is known which port must not be asked with it: it would meet itself.
   */
  function renew(family: number): boolean {
    release();
    const length = family === 2 ? 16 : 28;
    descriptor = system.socket(family, 1 | 0x80000, 0); // SOCK_STREAM, SOCK_CLOEXEC
    if (descriptor < 0) return false;
    memory.fill(0, bindAt, bindAt + 28);
    memory[bindAt] = family;
    // struct timeval of SO_SNDTIMEO, which also bounds connect (socket(7)).
    view.setBigInt64(optionAt, BigInt(Math.floor(patienceMs / 1000)), true);
    view.setBigInt64(optionAt + 8, BigInt((patienceMs % 1000) * 1000), true);
    view.setUint32(optionAt + 16, 28, true);
    const isReady =
      system.setsockopt(descriptor, 1, 21, base + optionAt, 16) === 0 &&
      system.bind(descriptor, base + bindAt, length) === 0 &&
      system.getsockname(descriptor, base + nameAt, base + optionAt + 16) === 0;
    if (!isReady) {
      release();
      return false;
    }
    sourceFamily = family;
    sourcePort = (memory[nameAt + 2]! << 8) | memory[nameAt + 3]!;
    Atomics.store(control, sourcePorts + thread, sourcePort);
    return true;
  }

  /** True when the connection's two ends are the same door. */
  function metItself(address: number): boolean {
    view.setUint32(optionAt + 16, 28, true);
    if (system.getsockname(descriptor, base + nameAt, base + optionAt + 16) !== 0) return false;
    const size = memory[address] === 2 ? 8 : 24;
    for (let index = 0; index < size; index++) {
      // Flow information of IPv6 is not part of the address.
      if (index >= 4 && index < 8 && size === 24) continue;
      if (memory[nameAt + index] !== memory[address + index]) return false;
    }
    return true;
  }

  /** The kernel's own measurement of the connection's handshake, milliseconds (struct tcp_info, tcpi_rtt). */
  function readRoundTrip(): number {
    view.setUint32(optionAt + 16, 104, true);
    if (system.getsockopt(descriptor, 6, 11, base + infoAt, base + optionAt + 16) !== 0) return 0;
    return view.getUint32(infoAt + 68, true) / 1000;
  }

  /** The connection is made: hand it over or close it. */
  function tellOpen(cell: number): void {
    outcomes[cell] = openOutcome;
    const roundTripMs = readRoundTrip();
    let kept = -1;
    if (plan.keepConnections) {
      view.setBigInt64(optionAt, 0n, true);
      view.setBigInt64(optionAt + 8, 0n, true);
      system.setsockopt(descriptor, 1, 21, base + optionAt, 16);
      system.fcntl(descriptor, 4, 0x802); // F_SETFL: O_RDWR, O_NONBLOCK
      kept = descriptor;
      descriptor = -1;
    }
    post([[cell, roundTripMs, kept, null]]);
    // A plain close: the listener sees an orderly end. The TIME_WAIT it leaves is one for each open door.
    release();
  }

  /**
   * Judges what connect(2) said, and asks again with another socket where that helps; false when the cell has to be left to the
   * other engine. `errno` is 0 for a connection, -1 when nothing was asked yet.
   */
  function settle(cell: number, errno: number): boolean {
    const address = addressesAt + Math.floor(cell / portCount) * stride;
    const port = ports[cell % portCount]!;
    const family = memory[address]!;
    let heard = errno;
    for (let attempt = 0; attempt < 3; attempt++) {
      if (heard === -1) {
        if ((family !== sourceFamily || port === sourcePort) && !renew(family)) break;
        heard = ask(address, port, family === 2 ? 16 : 28);
      }
      if (heard === 0 && !metItself(address)) {
        tellOpen(cell);
        return true;
      }
      const outcome = heard === 0 ? undecided : outcomeOfErrno[heard & 255]!;
      if (outcome !== undecided) {
        outcomes[cell] = outcome;
        if (outcome === openOutcome) post([[cell, 0, -1, null]]);
        return true;
      }
      release();
      // A connection to itself, or a pair of ports that waits for its end from an earlier one: another source port will do.
      if (heard !== 0 && heard !== 99) break; // EADDRNOTAVAIL
      heard = -1;
    }
    silent++;
    // This loopback is not the quick one that this engine is made for.
    if (silent > mostSilent) Atomics.store(control, handOver, 1);
    return false;
  }

  /** Error number of one connect, 0 for a connection. */
  function ask(address: number, port: number, length: number): number {
    memory[address + 2] = port >> 8;
    memory[address + 3] = port & 255;
    attempts++;
    return connect(descriptor, base + address, length) === 0 ? 0 : readErrno();
  }

  /** True when a thread before this one uses the port as its source: two sockets that ask each other connect. */
  function isSourceOfAnother(port: number): boolean {
    for (let other = 0; other < thread; other++) {
      if (Atomics.load(control, sourcePorts + other) === port) return true;
    }
    return false;
  }

  function isStopped(): boolean {
    return Atomics.load(control, abort) !== 0 || Atomics.load(control, handOver) !== 0;
  }

  /**
   * Asks cells of one address. Kept small: each thread compiles it anew, while every processor is busy asking.
   * @returns how many have their outcome
   */
  function askRun(address: number, firstPort: number, lastPort: number, firstCell: number): number {
    const length = memory[address] === 2 ? 16 : 28;
    let answered = 0;
    for (let index = firstPort; index < lastPort; index++) {
      const port = ports[index]!;
      const cell = firstCell + index - firstPort;
      let errno = -1;
      if (thread > 0 && isSourceOfAnother(port)) {
        deferred.push(cell);
        continue;
      }
      if (port !== sourcePort) {
        errno = ask(address, port, length);
        if (errno === 111) {
          outcomes[cell] = closedOutcome;
          answered++;
          continue;
        }
      }
      if (settle(cell, errno)) answered++;
      if (isStopped() || (sourcePort === 0 && !renew(memory[address]!))) break;
    }
    return answered;
  }

  /** Asks the cells from one to before another. */
  function askRange(from: number, to: number): void {
    const start = performance.now();
    const silentBefore = silent;
    let answered = 0;
    for (let cell = from; cell < to;) {
      const host = Math.floor(cell / portCount);
      const end = Math.min(to, (host + 1) * portCount);
      const address = addressesAt + host * stride;
      if (memory[address] !== sourceFamily && !renew(memory[address]!)) {
        // Files or memory ran out: the other engine knows what to do then.
        Atomics.store(control, handOver, 1);
        break;
      }
      answered += askRun(address, cell - host * portCount, end - host * portCount, cell);
      if (isStopped()) break;
      cell = end;
    }
    if (silent === silentBefore) {
      roundTripSumMs += performance.now() - start;
      roundTrips += answered;
    }
    Atomics.add(control, done, answered);
  }

  try {
    while (!isStopped()) {
      const from = Atomics.add(control, next, cellsPerClaim);
      if (from >= cellCount) break;
      askRange(from, Math.min(from + cellsPerClaim, cellCount));
    }
    for (const cell of deferred) {
      // The other thread is at its end too, or moves on to another port.
      for (let wait = 0; wait < 1000 && isSourceOfAnother(ports[cell % portCount]!) && !isStopped(); wait++) {
        Atomics.wait(control, sourcePorts - 1, 0, 1);
      }
      if (!isStopped() && !isSourceOfAnother(ports[cell % portCount]!) && settle(cell, -1))
        Atomics.add(control, done, 1);
    }
  } finally {
    release();
    Atomics.store(control, sourcePorts + thread, 0);
  }
  return { attempts, silent, roundTripSumMs, roundTrips };
}
