/**
 * @module The loop of the epoll engine's thread, as one function that refers to nothing outside itself: only its source text
 * is used (native-thread.ts).
 */
import type { createFlightLists } from "./epoll-flight.ts";
import type { IcmpOutcomes, createIcmpReader } from "./epoll-icmp.ts";
import type { PostedDoor, ScanPlan } from "./native-plan.ts";
import type { NativeSystem } from "./native-system.ts";
import type { PacingOptions, TryKind, createPacing } from "./pacing.ts";

/** What the thread is told beside the plan. */
export interface EpollTask {
  readonly plan: ScanPlan;
  readonly transport: "tcp" | "udp";
  readonly pacing: PacingOptions;
  readonly packetsPerSecond: number | null;
  /** UDP: the datagrams one after another, and begin and end of each port's (by its index) in them. */
  readonly datagrams: Uint8Array;
  readonly datagramRanges: Uint32Array;
  /** Outcome bytes. */
  readonly outcome: IcmpOutcomes & { readonly open: number; readonly silent: number; readonly noResources: number };
}

/** What it counted. */
export interface EpollFindings {
  readonly attempts: number;
  readonly repeated: number;
  readonly measuredLoss: number | null;
  readonly smoothedRoundTripMs: number | null;
  readonly widestWindow: number;
  readonly exhausted: number;
}

/** Functions that the loop is made of, each with a source text of its own. */
export interface EpollParts {
  readonly createPacing: typeof createPacing;
  readonly createIcmpReader: typeof createIcmpReader;
  readonly createFlightLists: typeof createFlightLists;
}

/** Asks every cell of the plan, many at a time, until each has its outcome or an abort ends it. */
export function askByEpoll(
  system: NativeSystem,
  task: EpollTask,
  post: (doors: PostedDoor[]) => void,
  parts: EpollParts,
): EpollFindings {
  const { plan, outcome } = task;
  const { ports, outcomes, control, outcomeOfErrno, places } = plan;
  const { memory, view, words, base } = system;
  const isTcp = task.transport === "tcp";
  const stride = 32;
  const portCount = ports.length;
  const addressCount = plan.addresses.length / stride;
  const total = plan.cells?.length ?? portCount * addressCount;

  // Places in memory, in bytes.
  const eventAt = 0;
  const nameAt = 64;
  const lengthAt = 96;
  const icmpAt = 128;
  const answerAt = icmpAt + 1024;
  const answerSize = 4096;
  const eventsAt = answerAt + answerSize;
  const mostEvents = 512;
  const addressesAt = eventsAt + mostEvents * 16;
  const datagramsAt = addressesAt + plan.addresses.length;
  memory.set(plan.addresses, addressesAt);
  memory.set(task.datagrams, datagramsAt);
  memory[nameAt] = 0; // AF_UNSPEC stays there until a name is read; see disconnect().

  const pacing = parts.createPacing(task.pacing);
  const readIcmp = parts.createIcmpReader(system, outcome, icmpAt);
  const epoll = system.epollCreate(0x80000); // EPOLL_CLOEXEC

  // Slots: one socket each, used for one door after another. -1 in `cellOf`: idle.
  const mostSlots = task.pacing.mostWindow;
  const descriptorOf = new Int32Array(mostSlots).fill(-1);
  const cellOf = new Int32Array(mostSlots).fill(-1);
  const sentAt = new Float64Array(mostSlots);
  const flight = parts.createFlightLists(mostSlots, addressCount * 3);
  /** Idle slots with a socket of that family ready for use, and slots without a socket. */
  const idle4: number[] = [];
  const idle6: number[] = [];
  const empty: number[] = [];
  for (let slot = mostSlots - 1; slot >= 0; slot--) empty.push(slot);

  const tries = new Uint8Array(plan.outcomes.length);
  /** UDP: when each cell was asked last and before that, -1 for never; and cells whose host wants a pause first. */
  const lastSentAt = new Float64Array(isTcp ? 0 : plan.outcomes.length).fill(-1);
  const vainlySentAt = new Float64Array(isTcp ? 0 : plan.outcomes.length).fill(-1);
  const waiting = new Map<number, number[]>();
  let waitingCount = 0;
  /** Cells to ask again (from `againFrom` on), and silent cells that have been asked as often as needed so far. */
  let again: number[] = [];
  let againFrom = 0;
  let parked: number[] = [];
  let fresh = 0;
  let picks = 0;
  let inFlight = 0;
  let attempts = 0;
  let repeated = 0;
  let widest = 0;
  let exhausted = 0;
  let isStarved = false;
  let starvedSince = -1;
  let meetings = 0;
  const mostMeetings = 1000;
  /** A bucket of tokens for the rate cap: 20 ms of it at most at once. */
  const rate = task.packetsPerSecond;
  const mostTokens = rate === null ? 0 : Math.max(1, rate / 50);
  let tokens = 1;
  let tokensAt = performance.now();

  function decide(cell: number, code: number): void {
    if (outcomes[cell] === 0) Atomics.add(control, places.done, 1);
    outcomes[cell] = code;
  }

  /** Place of the cell's socket address, which other cells of the host use too: its port is written anew for each use. */
  function aimAt(cell: number): number {
    const address = addressesAt + Math.floor(cell / portCount) * stride;
    const port = ports[cell % portCount]!;
    memory[address + 2] = port >> 8;
    memory[address + 3] = port & 255;
    return address;
  }

  function isIpv4(cell: number): boolean {
    return memory[addressesAt + Math.floor(cell / portCount) * stride] === 2;
  }

  /** The door's socket is free for the next one. */
  function freeSlot(slot: number, isReusable: boolean): void {
    const cell = cellOf[slot]!;
    cellOf[slot] = -1;
    inFlight--;
    flight.remove(slot);
    if (isReusable && isTcp) {
      (isIpv4(cell) ? idle4 : idle6).push(slot);
      return;
    }
    if (descriptorOf[slot]! >= 0) system.close(descriptorOf[slot]!);
    descriptorOf[slot] = -1;
    empty.push(slot);
  }

  /** Takes a socket out of an attempt without a packet; it can connect anew from another source port. */
  function disconnect(slot: number): boolean {
    memory.fill(0, nameAt, nameAt + 16); // AF_UNSPEC
    return system.connect(descriptorOf[slot]!, base + nameAt, 16) === 0;
  }

  /** A slot with a socket of that family, or -1 when there is none to be had. */
  function takeSlot(family: number): number {
    const ready = (family === 2 ? idle4 : idle6).pop();
    if (ready !== undefined) return ready;
    let slot = empty.pop();
    if (slot === undefined) {
      // All slots are taken, some by idle sockets of the other family.
      slot = (family === 2 ? idle6 : idle4).pop();
      if (slot === undefined) return -1;
      system.close(descriptorOf[slot]!);
      descriptorOf[slot] = -1;
    }
    const descriptor = system.socket(family, (isTcp ? 1 : 2) | 0x80000 | 0x800, 0); // SOCK_CLOEXEC, SOCK_NONBLOCK
    if (descriptor < 0) {
      empty.push(slot);
      return -1;
    }
    descriptorOf[slot] = descriptor;
    // IP_RECVERR and IPV6_RECVERR: each ICMP message is queued with its type and code (ip(7), ipv6(7)).
    words[lengthAt >> 2] = 1;
    if (family === 2) system.setsockopt(descriptor, 0, 11, base + lengthAt, 4);
    else system.setsockopt(descriptor, 41, 25, base + lengthAt, 4);
    view.setUint32(eventAt, 0x80000005, true); // EPOLLET, EPOLLOUT, EPOLLIN
    view.setUint32(eventAt + system.epollDataOffset, slot, true);
    if (isTcp) {
      // An idle socket counts as hung up, an edge that nobody looks at; later edges are those of its connections.
      system.epollControl(epoll, 1, descriptor, base + eventAt);
    }
    return slot;
  }

  /** True when both ends of the connection are the same door. */
  function metItself(slot: number): boolean {
    const address = aimAt(cellOf[slot]!);
    view.setUint32(lengthAt, 28, true);
    if (system.getsockname(descriptorOf[slot]!, base + nameAt, base + lengthAt) !== 0) return false;
    const size = memory[address] === 2 ? 8 : 24;
    for (let index = 2; index < size; index++) {
      if (size === 24 && index >= 4 && index < 8) continue; // flow information
      if (memory[nameAt + index] !== memory[address + index]) return false;
    }
    return true;
  }

  /** A try that met its own socket says nothing: the kernel chose the very port that was to be asked as its source. */
  function forgetMeeting(slot: number): void {
    const cell = cellOf[slot]!;
    freeSlot(slot, false);
    meetings++;
    if (meetings > mostMeetings) {
      // There are hardly any source ports but this one. Nobody listens there, or the kernel could not have chosen it.
      decide(cell, outcomeOfErrno[111]!);
      return;
    }
    tries[cell]!--;
    if (!isTcp) lastSentAt[cell] = -1;
    again.push(cell);
  }

  function rememberAnswer(slot: number, now: number): number {
    const cell = cellOf[slot]!;
    const roundTripMs = Math.max(0, now - sentAt[slot]!);
    const host = Math.floor(cell / portCount);
    pacing.answered(host, roundTripMs, tries[cell]!, now);
    if (!isTcp) pacing.heard(host, vainlySentAt[cell]!, now);
    return roundTripMs;
  }

  /** The connection stands. */
  function finishOpen(slot: number, now: number): void {
    const cell = cellOf[slot]!;
    if (metItself(slot)) {
      forgetMeeting(slot);
      return;
    }
    const roundTripMs = rememberAnswer(slot, now);
    decide(cell, outcome.open);
    let kept = -1;
    if (plan.keepConnections) {
      const descriptor = descriptorOf[slot]!;
      kept = descriptor;
      system.epollControl(epoll, 2, descriptor, base + eventAt);
      words[lengthAt >> 2] = 0;
      if (isIpv4(cell)) system.setsockopt(descriptor, 0, 11, base + lengthAt, 4);
      else system.setsockopt(descriptor, 41, 25, base + lengthAt, 4);
      descriptorOf[slot] = -1;
    }
    // Otherwise a plain close: the listener sees an orderly end. The TIME_WAIT it leaves is one for each open door.
    freeSlot(slot, false);
    post([[cell, roundTripMs, kept, null]]);
  }

  function finishRefused(slot: number, code: number, now: number, isReusable: boolean): void {
    rememberAnswer(slot, now);
    decide(cellOf[slot]!, code);
    freeSlot(slot, isReusable);
  }

  /** Something happened to a connecting socket. */
  function hearTcp(slot: number, flags: number, now: number): void {
    // Neither EPOLLERR nor EPOLLHUP.
    if ((flags & 0x18) === 0) {
      if ((flags & 4) !== 0) finishOpen(slot, now);
      return;
    }
    // Asking again for the same connection tells its error, and makes the socket ready for the next one.
    const cell = cellOf[slot]!;
    const address = aimAt(cell);
    const errno =
      system.connect(descriptorOf[slot]!, base + address, memory[address] === 2 ? 16 : 28) === 0 ? 0 : system.errno();
    if (errno === 0 || errno === 106) {
      finishOpen(slot, now); // EISCONN
      return;
    }
    const icmp = readIcmp(descriptorOf[slot]!);
    if (errno === 114 || errno === 115) {
      // EALREADY: an ICMP message came while the kernel was busy with the socket, and only the queue tells of it.
      if (icmp === outcome.undecided) return;
      finishRefused(slot, icmp, now, disconnect(slot));
      return;
    }
    const code = icmp === outcome.undecided ? outcomeOfErrno[errno & 255]! : icmp;
    if (code === outcome.undecided) {
      giveUpTry(slot, false);
      return;
    }
    if (code === outcome.open) post([[cell, Math.max(0, now - sentAt[slot]!), -1, null]]);
    finishRefused(slot, code, now, true);
  }

  /** Something came to a UDP socket. */
  function hearUdp(slot: number, now: number): void {
    const cell = cellOf[slot]!;
    const size = system.recv(descriptorOf[slot]!, base + answerAt, answerSize, 0);
    if (size >= 0) {
      if (metItself(slot)) {
        forgetMeeting(slot);
        return;
      }
      const roundTripMs = rememberAnswer(slot, now);
      decide(cell, outcome.open);
      post([[cell, roundTripMs, -1, memory.slice(answerAt, answerAt + size)]]);
      freeSlot(slot, false);
      return;
    }
    const errno = system.errno();
    const icmp = readIcmp(descriptorOf[slot]!);
    const code = icmp === outcome.undecided ? outcomeOfErrno[errno & 255]! : icmp;
    if (code !== outcome.undecided) finishRefused(slot, code, now, false);
  }

  /** The try is over without an answer. */
  function giveUpTry(slot: number, isReusable: boolean): void {
    const cell = cellOf[slot]!;
    freeSlot(slot, isReusable);
    if (!isTcp && tries[cell]! > 1) pacing.unheard(Math.floor(cell / portCount));
    if (tries[cell]! < pacing.tries(Math.floor(cell / portCount))) {
      again.push(cell);
    } else {
      parked.push(cell);
      decide(cell, outcome.silent);
    }
  }

  function listTimeout(list: number): number {
    return pacing.timeoutMs(Math.floor(list / 3), (list % 3) as TryKind);
  }

  /** Ends the tries whose time is over at `now`. */
  function expire(now: number): void {
    for (let place = flight.busy.length - 1; place >= 0; place--) {
      const list = flight.busy[place]!;
      const sentBefore = now - listTimeout(list);
      for (let slot = flight.oldest(list); slot >= 0 && sentAt[slot]! <= sentBefore; slot = flight.oldest(list)) {
        giveUpTry(slot, isTcp && disconnect(slot));
      }
    }
  }

  /** Milliseconds until the first try's time is over. */
  function nextExpiry(now: number): number {
    // Of many hosts only the shortest waiting time that there can be is looked at.
    if (flight.busy.length > 64) return 5;
    let soonest = 50;
    for (const list of flight.busy) {
      soonest = Math.min(soonest, sentAt[flight.oldest(list)]! + listTimeout(list) - now);
    }
    return soonest;
  }

  /** Port by port over all hosts, so that no host is asked everything at once. */
  function freshCell(index: number): number {
    if (plan.cells !== null) return plan.cells[index]!;
    return (index % addressCount) * portCount + Math.floor(index / addressCount);
  }

  /** The next cell to ask whose host may be asked now, -1 when there is none. */
  function pick(): number {
    if (isTcp) return pickAny();
    const now = performance.now();
    if (waitingCount > 0) {
      for (const [host, cells] of waiting) {
        // The latest first: whether its repetition is answered tells about the present pace.
        if (pacing.readyAt(host, tries[cells.at(-1)!]! > 0) > now) continue;
        const cell = cells.pop()!;
        waitingCount--;
        if (cells.length === 0) waiting.delete(host);
        return cell;
      }
    }
    for (let skipped = 0; skipped < 1024; skipped++) {
      const cell = pickAny();
      const host = Math.floor(cell / portCount);
      if (cell < 0 || pacing.readyAt(host, tries[cell]! > 0) <= now) return cell;
      const cells = waiting.get(host);
      if (cells === undefined) waiting.set(host, [cell]);
      else cells.push(cell);
      waitingCount++;
    }
    return -1;
  }

  /** The next cell to ask, -1 when there is none now. An eighth are repetitions, so that loss is noticed early. */
  function pickAny(): number {
    const hasAgain = againFrom < again.length;
    if (hasAgain && ((picks++ & 7) === 0 || fresh >= total)) {
      const cell = again[againFrom++]!;
      if (againFrom > 4096 && againFrom * 2 > again.length) {
        again = again.slice(againFrom);
        againFrom = 0;
      }
      return cell;
    }
    while (fresh < total) {
      const cell = freshCell(fresh++);
      if (outcomes[cell] === 0) return cell;
    }
    return -1;
  }

  /** Counts a lack of files, memory or source ports, and remembers the cell. */
  function starve(cell: number, now: number): void {
    exhausted++;
    pacing.exhausted(inFlight);
    isStarved = true;
    if (starvedSince < 0) starvedSince = now;
    // Nothing could be asked for five seconds, and nothing is in flight that could free what is missing.
    if (inFlight === 0 && now - starvedSince > 5000) decide(cell, outcome.noResources);
    else again.push(cell);
  }

  /** Asks a door; false when something ran out. */
  function start(cell: number): boolean {
    const now = performance.now();
    const address = aimAt(cell);
    const family = memory[address]!;
    const length = family === 2 ? 16 : 28;
    const slot = takeSlot(family);
    if (slot < 0) {
      starve(cell, now);
      return false;
    }
    const portIndex = cell % portCount;
    const host = Math.floor(cell / portCount);
    const isRepeat = tries[cell]! > 0;
    const descriptor = descriptorOf[slot]!;
    cellOf[slot] = cell;
    sentAt[slot] = now;
    inFlight++;
    flight.add(slot, host * 3 + (isRepeat ? pacing.repeatKind(host) : 0));
    let errno = system.connect(descriptor, base + address, length) === 0 ? 0 : system.errno();
    if (!isTcp && errno === 0) errno = sendDatagram(slot, portIndex);
    if (errno === 99 || errno === 11 || errno === 12 || errno === 105) {
      // EADDRNOTAVAIL, EAGAIN, ENOMEM, ENOBUFS
      freeSlot(slot, false);
      starve(cell, now);
      return false;
    }
    starvedSince = -1;
    attempts++;
    if (tries[cell] === 1) repeated++;
    tries[cell]!++;
    if (inFlight > widest) widest = inFlight;
    if (errno === 115 || (!isTcp && errno === 0)) return true; // EINPROGRESS
    if (errno === 0) {
      finishOpen(slot, performance.now());
      return true;
    }
    const code = outcomeOfErrno[errno & 255]!;
    if (code === outcome.undecided || code === outcome.open) giveUpTry(slot, false);
    else if (!isTcp && errno === 1 && tries[cell]! < pacing.tries(host)) giveUpTry(slot, false);
    else {
      decide(cell, code);
      freeSlot(slot, false);
    }
    return true;
  }

  /** Error number of sending a port's datagram, 0 for none. */
  function sendDatagram(slot: number, portIndex: number): number {
    const descriptor = descriptorOf[slot]!;
    view.setUint32(eventAt, 0x80000001, true); // EPOLLET, EPOLLIN
    view.setUint32(eventAt + system.epollDataOffset, slot, true);
    system.epollControl(epoll, 1, descriptor, base + eventAt);
    const from = task.datagramRanges[portIndex * 2]!;
    const to = task.datagramRanges[portIndex * 2 + 1]!;
    const now = sentAt[slot]!;
    const cell = cellOf[slot]!;
    vainlySentAt[cell] = lastSentAt[cell]!;
    lastSentAt[cell] = now;
    pacing.sent(Math.floor(cell / portCount), tries[cell]! > 0, now);
    const sent = system.send(descriptor, base + datagramsAt + from, to - from, 0x4000); // MSG_NOSIGNAL
    const errno = sent < 0 ? system.errno() : 0;
    // The answer to this very datagram can be there already: the event tells of it.
    return errno === 111 ? 0 : errno;
  }

  /** Asks as many doors as window, rate and patience for what came in allow; true when the window is full. */
  function startDoors(): boolean {
    isStarved = false;
    for (let started = 0; started < 64; started++) {
      if (inFlight >= pacing.window()) return true;
      if (rate !== null) {
        if (tokens < 1) return false;
        tokens--;
      }
      const cell = pick();
      if (cell < 0) {
        if (rate !== null) tokens++;
        return false;
      }
      if (!start(cell)) return false;
    }
    return inFlight >= pacing.window();
  }

  /** Handles what has come; true when there may be more. */
  function harvest(timeoutMs: number): boolean {
    const count = system.epollWait(epoll, base + eventsAt, mostEvents, timeoutMs);
    const now = performance.now();
    for (let index = 0; index < count; index++) {
      const at = eventsAt + index * system.epollEventSize;
      const flags = view.getUint32(at, true);
      const slot = view.getUint32(at + system.epollDataOffset, true);
      if (cellOf[slot]! < 0) continue;
      if (isTcp) hearTcp(slot, flags, now);
      else hearUdp(slot, now);
    }
    return count === mostEvents;
  }

  /** Silent cells that the loss known by now wants asked more often; false when there are none. */
  function unpark(): boolean {
    const silent = parked;
    parked = [];
    for (const cell of silent) {
      if (tries[cell]! >= pacing.tries(Math.floor(cell / portCount))) continue;
      outcomes[cell] = 0;
      Atomics.sub(control, places.done, 1);
      again.push(cell);
    }
    return againFrom < again.length;
  }

  try {
    while (Atomics.load(control, places.abort) === 0) {
      const isFull = startDoors();
      const now = performance.now();
      const hasMore = againFrom < again.length || fresh < total || waitingCount > 0;
      if (inFlight === 0 && !hasMore && !unpark()) break;
      let waitMs = 0;
      if (isStarved || (waitingCount > 0 && !isFull)) waitMs = 5;
      else if (isFull || !hasMore) waitMs = Math.max(0, Math.min(20, Math.ceil(nextExpiry(now))));
      else if (rate !== null && tokens < 1) waitMs = Math.min(20, Math.ceil(1000 / rate));
      while (harvest(waitMs)) waitMs = 0;
      // Everything that had come by `now` has been heard, so what is overdue then is silent.
      expire(now);
      pacing.advance(now, isFull);
      if (rate !== null) {
        tokens = Math.min(mostTokens, tokens + ((now - tokensAt) * rate) / 1000);
        tokensAt = now;
      }
    }
  } finally {
    for (const descriptor of descriptorOf) if (descriptor >= 0) system.close(descriptor);
    system.close(epoll);
  }
  return {
    attempts,
    repeated,
    measuredLoss: pacing.measuredLoss(),
    smoothedRoundTripMs: pacing.smoothedMs(),
    widestWindow: widest,
    exhausted,
  };
}
