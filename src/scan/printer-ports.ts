/**
 * @module Ports at which a connection can cost paper.
 */
import { PortSet } from "../core/index.ts";

/** Printers that print whatever they receive (JetDirect and its like) listen at these TCP ports, one for each paper path. */
export const printerPorts = PortSet.range(9100, 9107);
