/**
 * @module Where a user's routes lie, for who only wants to know whether there can be any.
 */
import { statSync } from "node:fs";
import { join } from "node:path";

/** Where the routes of a user lie. */
export function routesFolder(stateFolder: string): string {
  return join(stateFolder, "routes");
}

/**
 * Whether anybody has ever been given a name.
 * @returns the system's word for why that cannot be told, `EACCES`
 */
export function hasRoutes(stateFolder: string): boolean | string {
  try {
    return statSync(routesFolder(stateFolder), { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "unknown";
  }
}
