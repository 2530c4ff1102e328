/**
 * @module Rows of `routes`.
 */
import type { ListedRoute } from "../../../../operations/route-schemas.ts";
import type { RoutesResult } from "../../../../operations/routes.ts";
import { joined, rowSource } from "../row-source.ts";

/** A route a row. */
export const routesRows = rowSource<RoutesResult, ListedRoute>({
  rows: ({ routes }) => routes,
  columns: {
    name: ({ name }) => name,
    target: ({ target }) => target,
    state: ({ state }) => state,
    pid: ({ pid }) => pid,
    command: ({ command }) => (command === null ? null : joined(command)),
    workingDirectory: ({ workingDirectory }) => workingDirectory,
    url: ({ urls }) => urls[0] ?? null,
    createdAt: ({ createdAt }) => createdAt,
  },
});
