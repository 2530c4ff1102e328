/**
 * @module A port that some program of a project will ask for when it is started, and where that is written.
 */
import type { Place } from "./source-text.ts";

/** Kind of file. */
export type WishFormat =
  | "compose"
  | "environment"
  | "package"
  | "procfile"
  | "vite"
  | "devcontainer"
  | "launch"
  | "kubernetes"
  | "portolan";

/** One wish: a port, or a run of neighbours. */
export interface PortWish {
  readonly format: WishFormat;
  readonly transport: "tcp" | "udp" | "sctp";
  /** Address to be bound: canonical text, `localhost` for both loopback addresses, `null` for every address. */
  readonly address: string | null;
  /** First port. */
  readonly port: number;
  /** How many neighbours, at least 1. */
  readonly count: number;
  /** Where the number stands, or, for a program's default, the words that start the program. */
  readonly place: Place;
  /** For people: `service web`, `script dev`, `API_PORT`. */
  readonly name: string;
  /** `uses`: it connects to that port and leaves it to somebody else to listen there. */
  readonly role: "listens" | "uses";
  /** The framework, as tenant/ names it; `null` when it is not known. */
  readonly program: string | null;
  /** Whether a browser is to open it. */
  readonly browser: boolean;
  /** What the program does when somebody has the port: `moves` takes another one by itself, or asks. */
  readonly ifTaken: "fails" | "moves";
  /** Who binds it: a process of the caller, a container engine as root, or a node of a cluster. */
  readonly binder: "user" | "engine" | "cluster";
  /** What is started together: a compose project, a Procfile, the scripts of a package. */
  readonly scene: string;
  /** The program within its scene; one program is never in its own way. */
  readonly unit: string;
  /** Within a scene: sets of programs that run side by side. `null`: all of the scene do. */
  readonly sets: readonly string[] | null;
  /** Folders whose program this is: what else starts a program of the same folder starts it instead, not beside it. */
  readonly folders: readonly string[];
  /** Folder that it belongs to, absolute. */
  readonly home: string;
  /** Why it is not asked for as things stand; `null` when it is. */
  readonly inactive: string | null;
  /** `default`: nobody wrote the number; the program takes it by itself. */
  readonly origin: "written" | "default";
  /** For a default: where a flag with another port can be put into the same file; `null` where it cannot. */
  readonly insertion: { readonly offset: number; readonly flag: string } | null;
  /** It is started instead of another script of its package, which is judged in its place wherever both would say the same. */
  readonly instead: boolean;
  /** How many of the program are started, each of which asks for the port. */
  readonly copies: number;
  /** Compose: project and service, to know their own containers by. */
  readonly container: { readonly project: string; readonly service: string } | null;
}

/** What most wishes have in common. */
export const plainWish = {
  transport: "tcp",
  address: null,
  count: 1,
  role: "listens",
  program: null,
  browser: false,
  ifTaken: "fails",
  binder: "user",
  sets: null,
  inactive: null,
  origin: "written",
  insertion: null,
  instead: false,
  copies: 1,
  container: null,
} as const satisfies Partial<PortWish>;

/** A port number in plain digits, 1 to 65535. */
export function readPortNumber(text: string): number | undefined {
  if (!/^\d{1,5}$/.test(text)) return undefined;
  const port = Number(text);
  return port >= 1 && port <= 65_535 ? port : undefined;
}
