/**
 * @module Where a user's routes lie, for who only wants to know whether there can be any.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";

/** Where the routes of a user lie. */
export function routesFolder(stateFolder: string): string {
  return join(stateFolder, "routes");
}

/** False when nobody has ever been given a name. */
export function hasRoutes(stateFolder: string): boolean {
  return existsSync(routesFolder(stateFolder));
}
