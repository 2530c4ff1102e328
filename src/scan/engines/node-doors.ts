/**
 * @module One try at one door by Node's own sockets.
 */
import { createSocket } from "node:dgram";
import { connect, type Socket } from "node:net";
import type { PortReason, ScanAddress } from "../engine.ts";

/** What to ask. */
export interface NodeDoor {
  readonly address: ScanAddress;
  readonly port: number;
  readonly timeoutMs: number;
  /** TCP: hand the connection over. */
  readonly keep: boolean;
  readonly datagram: ((port: number) => Uint8Array) | null;
}

/** What came. */
export interface DoorAnswer {
  readonly reason: PortReason;
  readonly connection: Socket | null;
  readonly datagram: Uint8Array | null;
}

/** Longest datagram that is passed on, bytes. */
const longestDatagram = 4096;

/** Reasons by error code of connect(2) and send(2). */
const reasons: Readonly<Record<string, PortReason>> = {
  ECONNREFUSED: "connection-refused",
  // Accepted and thrown out again before it could be told.
  ECONNRESET: "syn-ack",
  EPIPE: "syn-ack",
  ETIMEDOUT: "no-answer",
  EHOSTUNREACH: "host-unreachable",
  EHOSTDOWN: "host-unreachable",
  ENETUNREACH: "network-unreachable",
  ENETDOWN: "network-unreachable",
  EACCES: "prohibited",
  EPERM: "prohibited",
  EMFILE: "no-resources",
  ENFILE: "no-resources",
  ENOBUFS: "no-resources",
  ENOMEM: "no-resources",
  EAGAIN: "no-resources",
  EADDRNOTAVAIL: "no-resources",
};

function reasonOf(error: unknown): PortReason {
  return reasons[(error as NodeJS.ErrnoException).code ?? ""] ?? "protocol-error";
}

function hostOf({ address, scopeId }: ScanAddress): string {
  return scopeId === 0 ? address : `${address}%${scopeId}`;
}

function ignore(): void {
  // The try is over; what fails now concerns nobody.
}

/**
 * Tries a TCP door. When time is up the event loop gets one more turn, because an answer may wait behind whatever kept it busy.
 * @returns cancels the try, without an answer
 */
export function askTcp(door: NodeDoor, onAnswer: (answer: DoorAnswer) => void): () => void {
  const socket = connect({
    host: hostOf(door.address),
    port: door.port,
    family: door.address.family === "ipv6" ? 6 : 4,
  });
  const timer = setTimeout(() => {
    setImmediate(() => {
      finish("no-answer");
    });
  }, door.timeoutMs);
  const onError = (error: unknown): void => {
    finish(reasonOf(error));
  };
  socket.once("error", onError);
  socket.once("connect", () => {
    // The ephemeral port of this very socket was the door: it met itself (RFC 9293 §3.5), and nobody listens there.
    if (socket.localPort === door.port && socket.localAddress === socket.remoteAddress) finish("connection-refused");
    else finish("syn-ack");
  });
  let over = false;
  function finish(reason: PortReason): void {
    if (over) return;
    over = true;
    clearTimeout(timer);
    socket.removeListener("error", onError);
    socket.on("error", ignore);
    const isOpen = reason === "syn-ack" && !socket.connecting && !socket.destroyed;
    if (isOpen && door.keep) {
      onAnswer({ reason, connection: socket, datagram: null });
      return;
    }
    if (isOpen) socket.end(() => socket.destroy());
    else socket.destroy();
    onAnswer({ reason, connection: null, datagram: null });
  }
  return () => {
    over = true;
    clearTimeout(timer);
    socket.on("error", ignore);
    socket.destroy();
  };
}

/**
 * Tries a UDP door with a connected socket, which is how the kernel tells of ICMP errors (udp(7)).
 * @returns cancels the try, without an answer
 */
export function askDatagram(door: NodeDoor, onAnswer: (answer: DoorAnswer) => void): () => void {
  const socket = createSocket(door.address.family === "ipv6" ? "udp6" : "udp4");
  let over = false;
  const timer = setTimeout(() => {
    setImmediate(() => {
      finish("no-answer");
    });
  }, door.timeoutMs);
  const onError = (error: unknown): void => {
    const reason = reasonOf(error);
    finish(reason === "connection-refused" ? "port-unreachable" : reason);
  };
  socket.on("error", onError);
  socket.on("message", (message) => {
    finish("udp-answer", new Uint8Array(message.subarray(0, longestDatagram)));
  });
  try {
    socket.connect(door.port, hostOf(door.address), (error?: unknown) => {
      if (error !== undefined && error !== null) {
        onError(error);
        return;
      }
      if (over) return;
      socket.send(door.datagram?.(door.port) ?? new Uint8Array(0), (failure) => {
        if (failure !== null) onError(failure);
      });
    });
  } catch (error) {
    queueMicrotask(() => {
      onError(error);
    });
  }
  function close(): void {
    clearTimeout(timer);
    socket.removeAllListeners("message");
    socket.removeListener("error", onError);
    socket.on("error", ignore);
    try {
      socket.close();
    } catch {
      // It never opened.
    }
  }
  function finish(reason: PortReason, datagram: Uint8Array | null = null): void {
    if (over) return;
    over = true;
    close();
    onAnswer({ reason, connection: null, datagram });
  }
  return () => {
    if (over) return;
    over = true;
    close();
  };
}
