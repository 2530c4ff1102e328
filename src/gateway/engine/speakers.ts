/**
 * @module Everything that the gateway's doors speak, put together once: a door of HTTP takes TLS as well, and a door of TLS sends who
 * speaks HTTP to it there.
 */
import type { Server } from "node:net";
import { createEntrance } from "./entrance.ts";
import type { Gateway } from "./gateway.ts";
import { createInnerPlainServer, drainPlain, idleMs } from "./plain-server.ts";
import { createRedirectServer, createSecureServer, type Certificates } from "./secure-server.ts";
import { createStreamServer } from "./stream-server.ts";

/** The servers behind the doors. */
export interface DoorMaker {
  /** One more door; the caller lets it listen. */
  open(scheme: "http" | "https"): Server;
  /** Keeps no connection that is not being answered. */
  drain(): void;
}

/** Puts them together. Without certificates there is no TLS. */
export async function createDoorMaker(gateway: Gateway, certificates: Certificates | undefined): Promise<DoorMaker> {
  const plain = createInnerPlainServer(gateway, "http");
  const streams = createStreamServer(gateway, "http");
  const securePlain = createInnerPlainServer(gateway, "https");
  const secureStreams = createStreamServer(gateway, "https");
  const redirect = createRedirectServer();
  const secure =
    certificates === undefined
      ? undefined
      : await createSecureServer(certificates, { plain: securePlain, streams: secureStreams.server });
  const silenceMs = gateway.patience?.idleMs ?? idleMs;
  return {
    open: (scheme) =>
      scheme === "http"
        ? createEntrance({ plain, streams: streams.server, secure: secure?.server, silenceMs })
        : createEntrance({ plain: redirect, secure: secure?.server, silenceMs }),
    drain: () => {
      secure?.end();
      for (const server of [plain, securePlain]) drainPlain(server);
      for (const server of [streams, secureStreams]) server.drain();
    },
  };
}
