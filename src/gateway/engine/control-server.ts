/**
 * @module Being asked: a socket of mode 0600 in a folder of mode 0700, and whoever comes is looked at once more.
 */
import { chmodSync, mkdirSync, renameSync, rmSync, statSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { once } from "node:events";
import { readPeerUser } from "../../host/index.ts";
import type { ControlRequest } from "../control-client.ts";

/** What the gateway does when it is asked. Each answer is one line. */
export interface ControlActions {
  readonly status: () => object;
  readonly reload: () => void;
  /** @returns does it, once it was answered */
  readonly stop: (drainMs: number) => () => void;
  readonly replace: (command: readonly string[], drainMs: number) => Promise<object>;
  /** @returns ends it */
  readonly trace: (tell: (trace: object) => void) => () => void;
  /** @returns ends it */
  readonly traffic: (name: string | null, tell: (report: object) => boolean) => () => void;
}

/** Who traces and does not read is left behind: at most so many bytes are kept for them. */
const mostUnreadBytes = 1024 * 1024;
const longestRequest = 64 * 1024;

/** Being asked, until it is ended. */
export interface Control {
  /** Whether whoever asks at its path reaches it: the path can be another's by now, or have been removed. */
  isInPlace(): boolean;
  /** Ends every conversation, too. An answer that was begun is sent. */
  close(): void;
}

/**
 * Listens. The caller holds the gateway's lock: a socket that lies there is nobody's, or that of the gateway which this one replaces. It
 * is put there by renaming, so that somebody answers all the time; and the name that libuv removes when it closes is another one.
 */
export async function listenForControl(path: string, actions: ControlActions): Promise<Control> {
  const sockets = new Set<Socket>();
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  chmodSync(dirname(path), 0o700);
  const own = join(dirname(path), `${process.pid}.new`);
  rmSync(own, { force: true });
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    const self = process.geteuid?.();
    const user = readPeerUser(socket);
    // Root may do to this process what it likes anyway.
    if (self !== undefined && user !== null && user !== self && user !== 0) {
      socket.end(`${JSON.stringify({ error: "another user's request" })}\n`);
      return;
    }
    serve(socket, actions);
  });
  server.listen(own);
  await once(server, "listening");
  chmodSync(own, 0o600);
  renameSync(own, path);
  const { ino, dev } = statSync(path);
  const isInPlace = (): boolean => {
    const now = statSync(path, { throwIfNoEntry: false });
    return now?.ino === ino && now.dev === dev;
  };
  return {
    isInPlace,
    close: () => {
      server.close();
      if (isInPlace()) rmSync(path, { force: true });
      for (const socket of sockets) socket.end(() => socket.destroy());
    },
  };
}

function serve(socket: Socket, actions: ControlActions): void {
  let size = 0;
  socket.on("data", (chunk) => {
    size += chunk.length;
    if (size > longestRequest) socket.destroy();
  });
  const answer = (value: object): void => {
    if (socket.writable) socket.write(`${JSON.stringify(value)}\n`);
  };
  const lines = createInterface({ input: socket });
  // It tells the socket's errors once more, and nobody's going away may end the gateway.
  lines.on("error", () => socket.destroy());
  lines.on("line", (line) => {
    let request: ControlRequest;
    try {
      request = JSON.parse(line) as ControlRequest;
    } catch {
      return answer({ error: "no JSON" });
    }
    void act(request, socket, actions, answer);
  });
}

async function act(
  request: ControlRequest,
  socket: Socket,
  actions: ControlActions,
  answer: (value: object) => void,
): Promise<void> {
  try {
    if (request.do === "status") answer(actions.status());
    else if (request.do === "reload") {
      actions.reload();
      answer({ done: true });
    } else if (request.do === "stop") {
      const stop = actions.stop(Math.max(0, request.drainMs));
      answer({ done: true });
      stop();
    } else if (request.do === "replace") answer(await actions.replace(request.command, Math.max(0, request.drainMs)));
    else if (request.do === "trace") {
      const end = actions.trace((trace) => {
        if (socket.writableLength < mostUnreadBytes) answer({ trace });
      });
      socket.once("close", end);
    } else if (request.do === "traffic") {
      const end = actions.traffic(request.name, (report) => {
        // Who has not read the last one gets this one's counts with the next.
        if (socket.writableLength > 0) return false;
        answer({ traffic: report });
        return true;
      });
      socket.once("close", end);
    } else answer({ error: "an unknown request" });
  } catch (error) {
    answer({ error: error instanceof Error ? error.message : String(error) });
  }
}
