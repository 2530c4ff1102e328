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
  readonly undecided: number;
  /** How long one connect may take, milliseconds. */
  readonly patienceMs: number;
}

/** What it counted. */
export interface BlockingFindings {
  readonly attempts: number;
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
  const { plan, thread, openOutcome, undecided, patienceMs } = task;
  const { ports, outcomes, control, outcomeOfErrno } = plan;
  const { memory, view, base } = system;
  const { abort, done, next, handOver, sourcePorts } = plan.places;
  const cellsPerClaim = 512;
  const mostSilent = 8;
  const stride = 32;
  const bindAt = 0;
  const optionAt = 64;
  const nameAt = 128;
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

  /** The connection is made: hand it over or close it. */
  function tellOpen(cell: number, elapsedMs: number): void {
    outcomes[cell] = openOutcome;
    let kept = -1;
    if (plan.keepConnections) {
      view.setBigInt64(optionAt, 0n, true);
      view.setBigInt64(optionAt + 8, 0n, true);
      system.setsockopt(descriptor, 1, 21, base + optionAt, 16);
      system.fcntl(descriptor, 4, 0x802); // F_SETFL: O_RDWR, O_NONBLOCK
      kept = descriptor;
      descriptor = -1;
    }
    post([[cell, elapsedMs, kept, null]]);
    // A plain close: the listener sees an orderly end. The TIME_WAIT it leaves is one for each open door.
    release();
  }

  /** Asks one cell; false when it has to be left to the other engine. */
  function ask(cell: number): boolean {
    const address = addressesAt + Math.floor(cell / portCount) * stride;
    const port = ports[cell % portCount]!;
    const family = memory[address]!;
    memory[address + 2] = port >> 8;
    memory[address + 3] = port & 255;
    for (let attempt = 0; attempt < 3; attempt++) {
      if ((descriptor < 0 || family !== sourceFamily || port === sourcePort) && !renew(family)) return false;
      attempts++;
      if (system.connect(descriptor, base + address, family === 2 ? 16 : 28) === 0) {
        if (metItself(address)) {
          release();
          continue;
        }
        tellOpen(cell, 0);
        return true;
      }
      const errno = system.errno();
      const outcome = outcomeOfErrno[errno & 255]!;
      if (outcome !== undecided) {
        outcomes[cell] = outcome;
        if (outcome === openOutcome) {
          post([[cell, 0, -1, null]]);
          release();
        }
        return true;
      }
      release();
      // The pair of ports still waits for its end from an earlier connection: another source port will do.
      if (errno !== 99) break; // EADDRNOTAVAIL
    }
    silent++;
    // This loopback is not the quick one that this engine is made for.
    if (silent > mostSilent) Atomics.store(control, handOver, 1);
    return false;
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

  /** Asks the cells from one to before another. */
  function askRange(from: number, to: number): void {
    let answered = 0;
    const start = performance.now();
    for (let cell = from; cell < to; cell++) {
      if ((cell & 63) === 0 && isStopped()) break;
      if (isSourceOfAnother(ports[cell % portCount]!)) deferred.push(cell);
      else if (ask(cell)) answered++;
    }
    if (answered > 0 && silent === 0) {
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
      if (!isStopped() && !isSourceOfAnother(ports[cell % portCount]!) && ask(cell)) Atomics.add(control, done, 1);
    }
  } finally {
    release();
    Atomics.store(control, sourcePorts + thread, 0);
  }
  return { attempts, roundTripSumMs, roundTrips };
}
