/**
 * @module The gateway's engine: loaded by the gateway's own process alone.
 */
export { openGateway } from "./open-gateway.ts";
export { ensureAuthority } from "../certificates/ensure-authority.ts";
