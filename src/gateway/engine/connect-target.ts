/**
 * @module A connection to where a route leads. `localhost` is tried at both loopback addresses, the one that answered last time first:
 * a server that listens at `::1` alone is as good as one at `127.0.0.1`.
 */
import { connect as connectPlain, type OnReadOpts, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Target } from "../route.ts";
import { noDescriptorsLeft, tookLastDescriptor } from "./descriptor-room.ts";

const loopbacks = ["127.0.0.1", "::1"] as const;
/** Longest time for a connection within this machine or a network of one's own, milliseconds. */
const connectTimeoutMs = 10_000;
/** So much may wait on a connection for whoever takes it slowly, bytes: what comes in messages of 64 KiB need not stop and start for each. */
export const mostWaitingBytes = 128 * 1024;

/** How a connection is to be. */
export interface ConnectWish {
  /** What TLS offers to speak (RFC 7301); default HTTP/1.1. */
  readonly speaks?: "http/1.1" | "h2";
  /** Takes what is received in place of events; only where there is no TLS. */
  readonly onread?: OnReadOpts | undefined;
}

/** Makes connections to one target. */
export class TargetConnector {
  readonly target: Target;
  #answered: string | undefined;

  constructor(target: Target) {
    this.target = target;
  }

  /** Address that took the last connection. */
  get answered(): string | undefined {
    return this.#answered;
  }

  /**
   * Connects.
   * @param done gets the socket, or the last address's error; called once
   * @returns ends the attempt
   */
  connect(
    done: (error: Error | null, socket: Socket | null) => void,
    { speaks = "http/1.1", onread }: ConnectWish = {},
  ): () => void {
    const { host, port, protocol } = this.target;
    const places =
      host === "localhost" ? (this.#answered === loopbacks[1] ? loopbacks.toReversed() : [...loopbacks]) : [host];
    let socket: Socket | undefined;
    let ended = false;
    const attempt = (index: number): void => {
      const place = places[index]!;
      const options = {
        host: place,
        port,
        ...(onread === undefined ? {} : { onread }),
        highWaterMark: mostWaitingBytes,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: 60_000,
      };
      const current = connectPlain(options);
      socket = current;
      current.setTimeout(connectTimeoutMs, () => current.destroy(timedOut(place, port)));
      const onError = (error: Error): void => {
        if (ended) return;
        if (index + 1 < places.length) attempt(index + 1);
        else {
          ended = true;
          done(error, null);
        }
      };
      current.once("error", onError);
      current.once("connect", () => {
        current.off("error", onError);
        current.setTimeout(0);
        current.removeAllListeners("timeout");
        if (ended) return;
        if (tookLastDescriptor(current)) {
          ended = true;
          current.on("error", () => undefined).destroy();
          return done(noDescriptorsLeft(), null);
        }
        this.#answered = place;
        if (protocol === "https") {
          socket = this.#secure(current, speaks, (error, secured) => {
            if (ended) return;
            ended = true;
            done(error, secured);
          });
        } else {
          ended = true;
          done(null, current);
        }
      });
    };
    attempt(0);
    return () => {
      if (ended) return;
      ended = true;
      socket?.on("error", () => undefined);
      socket?.destroy();
    };
  }

  #secure(plain: Socket, speaks: string, done: (error: Error | null, socket: Socket | null) => void): Socket {
    const { host } = this.target;
    const secured = connectTls({
      socket: plain,
      ...(/[a-z]/i.test(host) && !host.includes(":") ? { servername: host } : {}),
      ALPNProtocols: [speaks],
      // A development server on this machine has signed its certificate itself; nobody stands between here and it.
      rejectUnauthorized: !isOwnMachine(host),
    });
    const onError = (error: Error): void => done(error, null);
    secured.once("error", onError);
    secured.once("secureConnect", () => {
      secured.off("error", onError);
      done(null, secured);
    });
    return secured;
  }
}

function isOwnMachine(host: string): boolean {
  return host === "localhost" || host.startsWith("127.") || host === "::1" || host.endsWith(".localhost");
}

function timedOut(host: string, port: number): Error {
  return Object.assign(new Error(`${host} port ${port} does not answer`), { code: "ETIMEDOUT" });
}
