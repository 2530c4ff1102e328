/**
 * @module Rows of `connections`.
 */
import { knownOr } from "../../../../core/index.ts";
import type { ConnectionsResult, ListedConnection } from "../../../../operations/connections.ts";
import { rowSource } from "../row-source.ts";

type End = Pick<ListedConnection, "holders">;
const holderOf = ({ holders }: End) => knownOr(holders, [])[0];

/** One connection a row, or one group, of which lines of JSON are all there is: its columns are others. */
export const connectionsRows = rowSource<ConnectionsResult, ListedConnection>({
  rows: ({ connections, groups }) => (groups === null ? connections : (groups as unknown as ListedConnection[])),
  columns: {
    transport: ({ transport }) => transport,
    direction: ({ direction }) => direction,
    state: ({ state }) => state,
    localAddress: ({ local }) => local.address,
    localPort: ({ local }) => local.port,
    remoteAddress: ({ remote }) => remote.address,
    remotePort: ({ remote }) => remote.port,
    process: (connection) => knownOr(holderOf(connection)?.name ?? { known: false, why: "gone" }, null),
    pid: (connection) => holderOf(connection)?.pid ?? null,
    peerProcess: ({ peer }) =>
      peer === null ? null : knownOr(holderOf(peer)?.name ?? { known: false, why: "gone" }, null),
    peerPid: ({ peer }) => (peer === null ? null : (holderOf(peer)?.pid ?? null)),
    servicePort: ({ servicePort }) => servicePort,
    service: ({ service }) => service?.value ?? null,
    sent: ({ sent }) => sent,
    received: ({ received }) => received,
    roundTripMicroseconds: ({ roundTripMicroseconds }) => roundTripMicroseconds,
    idleMs: ({ idleMs }) => idleMs,
    uid: ({ uid }) => uid,
    inode: ({ inode }) => inode,
    namespace: ({ networkNamespace }) =>
      networkNamespace === null ? null : (networkNamespace.names[0] ?? knownOr(networkNamespace.id, "hidden")),
  },
});
