/**
 * @module How many connections there is room for. The kernel gives a new descriptor the lowest free number (POSIX.1-2024, section 2.6), so
 * that the number of a connection says how many are in use at least: nothing needs to be counted.
 */
import { readFileSync } from "node:fs";
import type { Server, Socket } from "node:net";
import { descriptorOf } from "../../host/index.ts";
import { plainAddress } from "./plain-address.ts";

/** Kept back for the gateway's own files, for questions at its control socket, and for refusals. */
const ownDescriptors = 32;
/** This share of all, and at least so many, are kept back from clients for connections to servers: who got in is to be served. */
const upstreamShare = 1 / 16;
const fewestUpstream = 32;
/** One other device has at most this share of what clients may have. */
const deviceShare = 1 / 4;
/** A refusal that the client does not read is not waited for longer, milliseconds. */
const refusalMs = 1000;
/** So many refusals at once are told; whoever comes beyond is let go without a word. */
const mostRefusals = 16;

/** What is said to whom there is no room for. */
const refusal =
  "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\nConnection: close\r\n" +
  "X-Portolan-Gateway: 1\r\n\r\n503 The gateway has no room for another connection\nToo many are open already. portolan gateway tells how many.\n";

/** What a process may open at most (RLIMIT_NOFILE, getrlimit(2)): Node has raised it as far as it may. `null` where the system does not tell. */
export function readDescriptorLimit(): number | null {
  try {
    const match = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1"));
    return match === null ? null : Number(match[1]);
  } catch {
    return null;
  }
}

const limit = readDescriptorLimit() ?? Number.POSITIVE_INFINITY;
/** From this number on a connection is the first that is kept back. */
const clientLimit = limit - ownDescriptors - Math.max(fewestUpstream, Math.floor(limit * upstreamShare));
const mostOfDevice = Math.max(1, Math.floor(clientLimit * deviceShare));

/** Whether a connection to a server took one of the last descriptors, which are kept for the gateway itself. */
export function tookLastDescriptor(socket: Socket): boolean {
  return (descriptorOf(socket) ?? 0) >= limit - ownDescriptors;
}

/** The error of a connection that there is no descriptor for. */
export function noDescriptorsLeft(): Error {
  return Object.assign(new Error("the gateway has no file descriptors left"), { code: "EMFILE" });
}

/** Lets clients in as long as there is room. */
export class DescriptorRoom {
  readonly #perDevice = new Map<string, number>();
  readonly #refusing = new Set<Socket>();
  #refused = 0;

  /** Connections that were refused until now. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * Stands before a server: a connection that there is no room for does not reach it.
   * @param encrypted who comes speaks TLS, and would not understand a refusal
   */
  guard(server: Server, encrypted: boolean): void {
    const emit = server.emit.bind(server) as (name: string, ...values: unknown[]) => boolean;
    server.emit = (name: string, ...values: unknown[]): boolean => {
      if (name === "connection") {
        const [socket] = values as [Socket];
        if (!this.#admit(socket)) {
          this.#refuse(socket, encrypted);
          return true;
        }
      }
      return emit(name, ...values);
    };
  }

  #admit(socket: Socket): boolean {
    if ((descriptorOf(socket) ?? 0) >= clientLimit) return false;
    const address = plainAddress(socket.remoteAddress ?? "");
    // This machine's own programs are its user's business.
    if (address === "" || address === "::1" || address.startsWith("127.")) return true;
    const open = this.#perDevice.get(address) ?? 0;
    if (open >= mostOfDevice) return false;
    this.#perDevice.set(address, open + 1);
    socket.once("close", () => {
      const left = (this.#perDevice.get(address) ?? 1) - 1;
      if (left === 0) this.#perDevice.delete(address);
      else this.#perDevice.set(address, left);
    });
    return true;
  }

  #refuse(socket: Socket, encrypted: boolean): void {
    this.#refused += 1;
    socket.on("error", () => socket.destroy());
    if (encrypted || this.#refusing.size >= mostRefusals) return void socket.destroy();
    this.#refusing.add(socket);
    const timer = setTimeout(() => socket.destroy(), refusalMs);
    socket.once("close", () => {
      clearTimeout(timer);
      this.#refusing.delete(socket);
    });
    // What it asks is read and thrown away: a connection that is closed over unread bytes is reset, and the refusal lost.
    socket.resume();
    socket.end(refusal);
  }
}
