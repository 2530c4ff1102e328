/**
 * @module Asking the gateway's process: one JSON value a line over a socket that its user alone can open.
 */
import { createHash } from "node:crypto";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { PortolanError } from "../core/index.ts";

/** Where the gateway listens. */
export interface GatewayListener {
  readonly scheme: "http" | "https";
  readonly addresses: readonly string[];
  readonly port: number;
}

/** What a gateway says of itself. */
export interface GatewayStatus {
  readonly pid: number;
  readonly version: string;
  readonly startedAtMs: number;
  readonly listeners: readonly GatewayListener[];
  /** Names that certificates may be for, each with every name below; absent in what an older gateway says. */
  readonly secureNames?: readonly string[];
  /** Words that it was started with, behind `gateway serve`; absent in what an older gateway says. */
  readonly words?: readonly string[];
  /** Why a usual port is not among them, and what there is to know of those that are. */
  readonly notes: readonly string[];
  readonly requests: number;
  readonly openConnections: number;
  readonly residentBytes: number;
}

/** What it is asked to do. */
export type ControlRequest =
  | { readonly do: "status" }
  | { readonly do: "reload" }
  | { readonly do: "trace" }
  | { readonly do: "traffic"; readonly name: string | null }
  | { readonly do: "stop"; readonly drainMs: number }
  | { readonly do: "replace"; readonly command: readonly string[]; readonly drainMs: number };

/** Longest path of a Unix socket (unix(7)): 107 bytes and a NUL; macOS has four less. */
const longestSocketPath = 103;
/** Longest time for an answer, milliseconds. */
const answerTimeoutMs = 10_000;

/**
 * Where a user's gateway is asked.
 * @throws GATEWAY_FAILED when the state folder's path is too long for a socket
 */
export function controlPath(stateFolder: string): string {
  const path = join(stateFolder, "gateway", "control.sock");
  if (Buffer.byteLength(path) <= longestSocketPath) return path;
  throw new PortolanError("GATEWAY_FAILED", `${path} is too long for a socket: at most ${longestSocketPath} bytes.`, {
    details: { hint: "PORTOLAN_STATE_HOME names a shorter folder." },
  });
}

/** The lock of a user's gateway: one for each state folder and network namespace. */
export function gatewayLock(stateFolder: string): string {
  return `gateway/${createHash("sha256").update(stateFolder).digest("hex").slice(0, 32)}`;
}

/** Time until a gateway that broke off is asked once more, milliseconds. */
const againMs = 50;

/**
 * Asks for one answer.
 * @returns `null` when no gateway runs
 * @throws GATEWAY_FAILED when it does not answer, or refuses
 */
export async function askGateway<Answer>(stateFolder: string, request: ControlRequest): Promise<Answer | null> {
  try {
    return await askOnce<Answer>(stateFolder, request);
  } catch (error) {
    // It ended in this very moment, or another one took its place: what may be asked twice is.
    if (!(error instanceof BrokenOff) || (request.do !== "status" && request.do !== "reload")) throw error;
    await pause(againMs);
    return await askOnce<Answer>(stateFolder, request);
  }
}

/** @throws GATEWAY_FAILED when it refuses: an older gateway does not know everything that can be asked */
function readAnswer<Answer>(line: string): Answer {
  const answer = JSON.parse(line) as { error?: string } & Answer;
  if (answer.error === undefined) return answer;
  throw new PortolanError("GATEWAY_FAILED", `The gateway refused: ${answer.error}.`);
}

/** The connection ended before an answer came. */
class BrokenOff extends PortolanError {}

async function askOnce<Answer>(stateFolder: string, request: ControlRequest): Promise<Answer | null> {
  const socket = await openControl(stateFolder);
  if (socket === null) return null;
  socket.setTimeout(answerTimeoutMs, () => socket.destroy(new Error("no answer in time")));
  socket.write(`${JSON.stringify(request)}\n`);
  try {
    for await (const line of createInterface({ input: socket })) {
      return readAnswer<Answer>(line);
    }
  } catch (error) {
    if (error instanceof PortolanError) throw error;
    const { code = "", message } = error as NodeJS.ErrnoException;
    const Failure = code === "ECONNRESET" || code === "EPIPE" ? BrokenOff : PortolanError;
    throw new Failure("GATEWAY_FAILED", `The gateway did not answer: ${message}.`, { cause: error });
  } finally {
    socket.destroy();
  }
  throw new BrokenOff("GATEWAY_FAILED", "The gateway closed the connection without an answer.");
}

/**
 * Everything that the gateway tells until the signal aborts or it ends.
 * @throws GATEWAY_STOPPED; GATEWAY_FAILED when it refuses
 */
export async function* followGateway<Told>(
  stateFolder: string,
  request: ControlRequest,
  signal: AbortSignal,
): AsyncGenerator<Told, void, void> {
  const socket = await openControl(stateFolder);
  if (socket === null) throw new PortolanError("GATEWAY_STOPPED", "No gateway runs.");
  const onAbort = (): void => void socket.destroy();
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    if (signal.aborted) return;
    socket.on("error", () => socket.destroy());
    socket.write(`${JSON.stringify(request)}\n`);
    const lines = createInterface({ input: socket });
    // By itself it waits for an end that a destroyed socket does not tell.
    socket.once("close", () => lines.close());
    for await (const line of lines) yield readAnswer<Told>(line);
  } catch (error) {
    // A gateway that was killed ends as well as one that said so.
    if (!brokenOff.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
    socket.destroy();
  }
}

const brokenOff: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE"]);

function openControl(stateFolder: string): Promise<Socket | null> {
  const path = controlPath(stateFolder);
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ECONNREFUSED" || error.code === "ENOTDIR") resolve(null);
      else
        reject(
          new PortolanError("GATEWAY_FAILED", `${path} could not be opened (${error.code ?? error.message}).`, {
            ...(error.code === "EACCES" || error.code === "EPERM"
              ? { details: { hint: "It is another user's. PORTOLAN_STATE_HOME names a folder of your own." } }
              : {}),
            cause: error,
          }),
        );
    });
  });
}
