/**
 * @module What the operations on leases share: how ports are asked for, and from where.
 */
import * as v from "valibot";
import { parsePort, PortolanError, PortSet } from "../core/index.ts";
import { projectFolderOf, readWish, reservationFile, type PortWish, type ReservationFile } from "../lease/index.ts";
import { resolveServiceName } from "../registry/index.ts";
import { stateFolderOf } from "../store/index.ts";
import type { OperationContext } from "./operation.ts";
import { optionalSwitch, optionalText } from "./parameters.ts";

/** Entries of an input that say which ports may be taken. */
export const portWishEntries = {
  in: optionalText("From this set, lowest first, instead of any port that is safe to hand out", { placeholder: "SET" }),
  prefer: optionalText("These first, in this order", { placeholder: "3000,3001" }),
  except: optionalText("Never these", { placeholder: "SET" }),
  host: optionalText("Free at this address, instead of every one", { placeholder: "ADDRESS" }),
  udp: optionalSwitch("For UDP instead of TCP"),
  both: optionalSwitch("For TCP and UDP"),
  name: optionalText("The port of this name in this project, the same every time", { placeholder: "NAME" }),
};

/** Such an input. */
export type PortWishInput = v.InferOutput<ReturnType<typeof portWishSchema>>;

function portWishSchema() {
  return v.object(portWishEntries);
}

/** What the input wishes for. @throws ARGUMENT_INVALID, PORT_INVALID, PORT_SET_INVALID, ADDRESS_INVALID */
export function wishOf(input: PortWishInput): Omit<PortWish, "count" | "contiguous" | "reserved" | "start"> {
  if (input.udp === true && input.both === true) {
    throw new PortolanError("ARGUMENT_INVALID", "--udp and --both exclude each other: --both is TCP and UDP.");
  }
  return readWish({
    transport: input.both === true ? "both" : input.udp === true ? "udp" : "tcp",
    ...(input.in === undefined ? {} : { within: input.in }),
    ...(input.except === undefined ? {} : { exclude: input.except }),
    ...(input.host === undefined ? {} : { host: input.host }),
    ...(input.prefer === undefined ? {} : { port: listInOrder(input.prefer) }),
  });
}

/** Ports in the order in which they were named; a range runs upwards. */
function listInOrder(text: string): number[] {
  return text.split(",").flatMap((part) => {
    const trimmed = part.trim();
    if (/^\d+$/.test(trimmed)) return [parsePort(trimmed)];
    return PortSet.parse(trimmed, resolveServiceName).toArray();
  });
}

/** The user's reservations, and the project in which the caller stands. */
export async function leaseHome(
  context: OperationContext,
): Promise<{ readonly file: ReservationFile; readonly project: string }> {
  return {
    file: reservationFile(stateFolderOf(context.environment)),
    project: await projectFolderOf(context.workingDirectory),
  };
}
