/**
 * @module What kind of program a process runs: a framework, a server, a tool; always as a claim.
 */
import { claim } from "../core/index.ts";
import type { Claim } from "../core/index.ts";
import type { Process } from "../host/host.ts";
import type { Project } from "./project.ts";

/** What part a program plays. */
export type FrameworkRole = "dev-server" | "app-server" | "database" | "web-server" | "runtime" | "tool" | "system";

/** A program as a person names it. */
export interface Framework {
  /** Permanent, kebab-case, e.g. `next`. */
  readonly id: string;
  /** For people, e.g. `Next.js`. */
  readonly title: string;
  readonly role: FrameworkRole;
  /** How a browser speaks to its main port by default; `null` when it does not, or when that cannot be said. */
  readonly scheme: "http" | "https" | null;
}

/** The facts of a process that tell its framework. */
export type ProcessFacts = Pick<Process, "name" | "arguments" | "executable">;

export function inferFramework(
  process: ProcessFacts,
  _project?: Project,
  _parents: readonly ProcessFacts[] = [],
  _port?: number,
): Claim<Framework> | undefined {
  if (!process.name.known || process.name.value !== "node") return undefined;
  return claim({ id: "node", title: "Node.js", role: "runtime", scheme: null }, "inferred", "the program is node");
}
