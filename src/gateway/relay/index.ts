/**
 * @module Telling connections by their first bytes: a door of its own, since it brings the table of all protocols. Only what tells them loads it.
 */
export { createDemultiplexer } from "./demultiplexer.ts";
export { plainName } from "./http-name.ts";
export { byPrecision, namingProtocols, toldByBytes, waitingClients } from "./share-protocols.ts";
export { findIdleRules } from "./share-rules.ts";
