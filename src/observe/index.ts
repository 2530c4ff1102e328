/**
 * @module The room observe/: what changes on this machine.
 */
export { watchListeners, type ListenerSighting, type ListenerWatch } from "./listener-watch.ts";
export { watchPorts, type PortWatch } from "./port-watch.ts";
export { watchTraffic, type PortTraffic, type TrafficReading, type TrafficWatch } from "./traffic-watch.ts";
