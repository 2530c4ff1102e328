/**
 * @module The sockets of a machine by the reader that works on it, and what that reader cannot tell.
 */
import { release } from "node:os";
import { PortolanError, isPortolanError, type Socket } from "../../core/index.ts";
import type { BlindSpot } from "../host.ts";
import type { FileTree } from "./file-tree.ts";
import type { NativeAccess } from "./libc.ts";
import { readNetlinkSockets } from "./netlink.ts";
import { readProcSockets, type TableRequest } from "./proc-net.ts";

/** Sockets and what is not known of them. */
export interface SocketTables {
  readonly sockets: readonly Socket[];
  /** False when an abort cut it short. */
  readonly complete: boolean;
  readonly reader: "netlink" | "proc";
  readonly blindSpots: readonly BlindSpot[];
}

/**
 * Reads by netlink where `access` allows and the kernel answers, else from /proc.
 * @param reader `netlink` insists on it
 * @throws READER_UNAVAILABLE when netlink is insisted on and does not work; HOST_READ_FAILED; SNAPSHOT_ROOT_INVALID
 */
export async function readSocketTables(
  tree: FileTree,
  reader: "auto" | "netlink" | "proc",
  access: NativeAccess | null,
  request: TableRequest,
  signal: AbortSignal | undefined,
): Promise<SocketTables> {
  if (access === null && reader === "netlink") {
    throw new PortolanError(
      "READER_UNAVAILABLE",
      "netlink needs the package koffi, which is not installed or does not load.",
      {
        details: { reader },
      },
    );
  }
  const blindSpots: BlindSpot[] = [];
  if (access !== null) {
    try {
      const { sockets, complete, unsettled } = await readNetlinkSockets(access, request, signal);
      if (unsettled) blindSpots.push(unsettledTables);
      if (request.states === "all" && !tellsBoundSockets(release())) blindSpots.push(untoldBoundSockets);
      return { sockets, complete, reader: "netlink", blindSpots };
    } catch (error) {
      if (reader === "netlink" || !isPortolanError(error)) throw error;
      blindSpots.push(describeRefusal(error));
    }
  }
  if (request.states === "all") blindSpots.push(untoldBoundSockets);
  if (request.traffic === true) blindSpots.push(untoldTraffic);
  return { sockets: readProcSockets(tree, request), complete: true, reader: "proc", blindSpots };
}

/** Linux 6.8 and later list TCP sockets that are bound and do not listen (TCPF_BOUND_INACTIVE). */
export function tellsBoundSockets(kernelRelease: string): boolean {
  const match = /^(\d+)\.(\d+)/.exec(kernelRelease);
  return match !== null && (Number(match[1]) > 6 || (Number(match[1]) === 6 && Number(match[2]) >= 8));
}

const untoldBoundSockets: BlindSpot = {
  what: "sockets",
  why: "unsupported",
  count: null,
  message: "TCP sockets that hold a port without listening are not told here: that needs netlink and Linux 6.8.",
};

const untoldTraffic: BlindSpot = {
  what: "sockets",
  why: "unsupported",
  count: null,
  message: "The tables in /proc do not tell what connections carried, nor their round-trip times: that needs netlink.",
};

const unsettledTables: BlindSpot = {
  what: "sockets",
  why: "gone",
  count: null,
  message: "Sockets came and went faster than the kernel could list them, so some may be missing.",
};

function describeRefusal(error: PortolanError): BlindSpot {
  return {
    what: "sockets",
    why: "unsupported",
    count: null,
    message: `${error.message} The tables in /proc were read instead, which do not tell backlogs and IPv6-only sockets.`,
  };
}
