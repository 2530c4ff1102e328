/**
 * @module How services prove themselves: every protocol, one line each.
 */
import type { Protocol } from "./protocol.ts";
import { grpc } from "./grpc.ts";
import { http } from "./http.ts";
import { http2 } from "./http2.ts";
import { ssh } from "./ssh.ts";
import { tls } from "./tls.ts";

export type * from "./protocol.ts";
export { askCautiously } from "./http.ts";
export { Talk, type Reading } from "./talk.ts";

/** Every protocol. */
export const protocols: readonly Protocol[] = [ssh, http, tls, http2, grpc];
