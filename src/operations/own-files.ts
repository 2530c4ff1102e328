/**
 * @module Portolan's own files, for who only looks: what of them cannot be looked at is told, and everything else is answered.
 */
import { PortolanError, isPortolanError } from "../core/index.ts";
import { readRoutes } from "../gateway/index.ts";
import { findStateFolder } from "../store/index.ts";
import type { OperationContext } from "./operation.ts";
import type { ListedBlindSpot } from "./schemas.ts";

type Environment = OperationContext["environment"];

/** Why files of ours were not looked at. */
export function unseenFiles(what: string, why: string, code = ""): ListedBlindSpot {
  const reason = code === "EACCES" || code === "EPERM" ? "permission" : "unsupported";
  return { what: "files", why: reason, count: null, message: `${what}: ${why}` };
}

/** Why there is no folder to look into. */
export const homeless = "this user has no home folder. HOME or PORTOLAN_STATE_HOME can name one.";

const names = "Names of servers";

/** Routes as far as they can be read. */
export interface OwnRoutes extends ReturnType<typeof readRoutes> {
  /** `null` when this user has no place for files. */
  readonly stateFolder: string | null;
  readonly blindSpots: readonly ListedBlindSpot[];
}

/** Reads the routes. */
export function lookAtRoutes(environment: Environment): OwnRoutes {
  const stateFolder = findStateFolder(environment);
  const nothing = { stateFolder, routes: [], problems: [] };
  if (stateFolder === null) return { ...nothing, blindSpots: [unseenFiles(names, homeless)] };
  try {
    return { stateFolder, ...readRoutes(stateFolder), blindSpots: [] };
  } catch (error) {
    if (!isPortolanError(error, "STORE_FAILED")) throw error;
    const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
    return { ...nothing, blindSpots: [unseenFiles(names, error.message, code)] };
  }
}

/**
 * Where the gateway of this user can be asked.
 * @throws GATEWAY_STOPPED: who has no place for files has no gateway
 */
export function stateFolderToAsk(environment: Environment): string {
  const stateFolder = findStateFolder(environment);
  if (stateFolder !== null) return stateFolder;
  throw new PortolanError("GATEWAY_STOPPED", "No gateway was looked for: this user has no home folder.", {
    details: { hint: "Set HOME, or PORTOLAN_STATE_HOME to the folder of the gateway that is meant." },
  });
}
