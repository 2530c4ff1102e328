/**
 * @module One side of a chaotic conversation: it does what its plan says, looks at every byte that comes, and tells how it ended.
 */
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { endedByReset, resetSocket } from "../../src/gateway/engine/reset.ts";
import { findWrong, numberBytes, patternOf, type PeerPlan } from "./chaos-plan.ts";

/** How a side ended. */
export interface PeerOutcome {
  readonly number: number;
  /** Number of the side that was heard; `null` when not even that came. */
  otherNumber: number | null;
  /** Port of its own end. */
  ownPort: number;
  /** What it wrote, its number included, and what came. */
  sentBytes: number;
  receivedBytes: number;
  /** Where the first wrong byte was. */
  wrongAt: number | null;
  /** It wrote all that it wanted to, and ended. */
  ended: boolean;
  /** The other side's end came. */
  heardEnd: boolean;
  /** It went before its end. */
  cut: "reset" | "close" | null;
  failure: string | null;
  /** It was still open when its time was over, which is never right. */
  hung: boolean;
}

/** Longest time for one conversation, milliseconds. */
const longestMs = 10_000;

/** Plays one side to its end. The socket may be half open, and still be connecting; nothing of it has been read. */
export async function playPeer(
  socket: Socket,
  number: number,
  plan: PeerPlan,
  random: () => number,
): Promise<PeerOutcome> {
  const outcome: PeerOutcome = {
    number,
    otherNumber: null,
    ownPort: socket.localPort ?? 0,
    sentBytes: 0,
    receivedBytes: 0,
    wrongAt: null,
    ended: false,
    heardEnd: false,
    cut: null,
    failure: null,
    hung: false,
  };
  socket.once("connect", () => (outcome.ownPort = socket.localPort ?? 0));
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const heardEnd = new Promise<void>((resolve) => socket.once("end", () => resolve()));
  const timers: NodeJS.Timeout[] = [];
  const { cut } = plan;
  const leave = (): void => {
    if (cut === null || outcome.cut !== null || socket.destroyed) return;
    // Who goes without a reset has told its number: else nobody could say whose end that was.
    if (cut.how === "close" && (socket.connecting || outcome.sentBytes < numberBytes)) return;
    outcome.cut = cut.how;
    if (cut.how === "reset") resetSocket(socket);
    else socket.destroy();
  };
  socket.on("error", (error: NodeJS.ErrnoException) => (outcome.failure ??= error.code ?? error.message));
  socket.once("end", () => {
    if (!endedByReset(socket)) return (outcome.heardEnd = true);
    outcome.failure ??= "ECONNRESET";
    resetSocket(socket);
    return undefined;
  });
  const listen = startListening(socket, outcome, plan, random, timers);
  socket.on("data", (bytes: Buffer) => {
    listen(bytes);
    if (cut?.when === "received" && outcome.receivedBytes >= cut.at) leave();
  });
  if (cut?.when === "ms") timers.push(setTimeout(leave, cut.at));
  timers.push(
    setTimeout(() => {
      outcome.hung = true;
      socket.destroy();
    }, longestMs),
  );
  const speak = async (): Promise<void> => {
    if (plan.startAfterMs > 0) await pause(plan.startAfterMs);
    if (plan.waitsForEnd) await Promise.race([heardEnd, closed]);
    const head = Buffer.alloc(numberBytes);
    head.writeUInt32BE(number);
    let piece: Buffer = head;
    for (let offset = -numberBytes; !socket.destroyed;) {
      outcome.sentBytes += piece.length;
      offset += piece.length;
      if (!socket.write(piece))
        await Promise.race([new Promise<void>((resolve) => socket.once("drain", () => resolve())), closed]);
      if (cut?.when === "sent" && offset >= cut.at) leave();
      if (offset >= plan.sizeBytes) break;
      if (random() * 100 < plan.restPercent) await pause(random() * 4);
      piece = patternOf(number, offset, Math.min(plan.sizeBytes - offset, 1 + Math.floor(random() * plan.pieceBytes)));
    }
    if (socket.destroyed || outcome.cut !== null) return;
    outcome.ended = true;
    socket.end();
  };
  await Promise.all([speak(), closed]);
  for (const timer of timers) clearTimeout(timer);
  return outcome;
}

/** Reads as the plan says, and compares. */
function startListening(
  socket: Socket,
  outcome: PeerOutcome,
  { reading }: PeerPlan,
  random: () => number,
  timers: NodeJS.Timeout[],
): (bytes: Buffer) => void {
  let head: Buffer = Buffer.alloc(0);
  let sips = 50;
  let stalled = false;
  const rest = (ms: number): void => {
    socket.pause();
    timers.push(setTimeout(() => socket.resume(), ms));
  };
  return (bytes) => {
    const missing = numberBytes - head.length;
    head = missing > 0 ? Buffer.concat([head, bytes.subarray(0, missing)]) : head;
    if (head.length === numberBytes) outcome.otherNumber ??= head.readUInt32BE();
    const body = bytes.subarray(Math.max(0, missing));
    if (outcome.otherNumber !== null)
      outcome.wrongAt ??= findWrong(
        outcome.otherNumber,
        outcome.receivedBytes + bytes.length - body.length - numberBytes,
        body,
      );
    outcome.receivedBytes += bytes.length;
    if (reading.kind === "sips" && sips-- > 0) rest(random() * 5);
    if (reading.kind === "stall" && !stalled && outcome.receivedBytes >= reading.atBytes) {
      stalled = true;
      rest(reading.forMs);
    }
  };
}
