/**
 * @module The room observe/: what changes on this machine.
 */
export { watchPorts, type PortWatch } from "./port-watch.ts";
