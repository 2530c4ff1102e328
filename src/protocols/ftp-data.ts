/**
 * @module FTP's data port: explained for what it is.
 */
import type { Protocol } from "./protocol.ts";

/** The source port of active FTP. */
export const ftpData: Protocol = {
  id: "ftp-data",
  title: "FTP data",
  speaksFirst: "client",
  over: "transport",
  usualPorts: [{ port: 20, transport: "tcp", tls: false }],
  text: {
    purpose:
      "In active mode an FTP server connects from this port to the client, to send a file. It is a source port: nothing listens here, and an open port 20 is something else.",
    weakProof: null,
    strongProof: "None: there is nobody to ask.",
    claims: [],
    effectOnTarget: null,
    wire: [],
    sources: ["RFC 959 §3.2, §3.3"],
  },
};
