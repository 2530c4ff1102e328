/**
 * @module Rows of `history`.
 */
import type { HistoryResult, RecordedResidence } from "../../../../operations/history.ts";
import { joined, rowSource } from "../row-source.ts";

/** A residence a row. */
export const historyRows = rowSource<HistoryResult, RecordedResidence>({
  rows: ({ residences }) => residences,
  columns: {
    port: ({ port }) => port,
    transport: ({ transport }) => transport,
    from: ({ appearedAt }) => appearedAt,
    startKnown: ({ startKnown }) => startKnown,
    to: ({ disappearedAt }) => disappearedAt,
    endKnown: ({ endKnown }) => endKnown,
    service: ({ service }) => service,
    basis: ({ basis }) => basis,
    process: ({ process }) => process,
    pid: ({ pid }) => pid,
    user: ({ user }) => user,
    uid: ({ uid }) => uid,
    project: ({ project }) => project,
    root: ({ root }) => root,
    branch: ({ branch }) => branch,
    framework: ({ framework }) => framework,
    container: ({ container }) => container,
    reach: ({ reach }) => reach,
    addresses: ({ addresses }) => joined(addresses),
    command: ({ command }) => command,
  },
});
