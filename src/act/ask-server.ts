/**
 * @module Sends one HTTP request and tells what came back.
 */
import { Agent, get } from "node:http";

/** What a server answered. */
export interface HttpAnswer {
  readonly status: number;
  /** First line of the body, at most 200 characters. Raw. */
  readonly firstLine: string;
  /** Value of the header `x-process-id` when it is a number: the process that says it answered. */
  readonly pid: number | null;
  /** The client's end of the connection: the port that the kernel lent for it. */
  readonly clientPort: number | null;
}

/** Longest body that is read, in bytes, and the deadline in milliseconds. */
const bodyLimitBytes = 64 * 1024;
const deadlineMs = 5000;

/**
 * Asks once over a connection of its own, past any proxy.
 * @returns the answer, or the error's code (`ECONNREFUSED`, `ABORT_ERR`, `ETIMEDOUT` …) when there was none
 */
export function askServer(url: string, signal: AbortSignal): Promise<HttpAnswer | { readonly failed: string }> {
  const agent = new Agent({ keepAlive: false });
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void => resolve({ failed: error.code ?? error.name });
    const request = get(url, { agent, signal }, (response) => {
      const clientPort = response.socket.localPort ?? null;
      const pidText = response.headers["x-process-id"];
      const pid = typeof pidText === "string" && /^\d{1,10}$/.test(pidText) ? Number(pidText) : null;
      let body = "";
      const finish = (): void => {
        resolve({ status: response.statusCode ?? 0, firstLine: firstLineOf(body), pid, clientPort });
        response.destroy();
      };
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
        if (body.includes("\n") || body.length > bodyLimitBytes) finish();
      });
      response.on("end", finish);
      response.on("error", fail);
    });
    request.setTimeout(deadlineMs, () => request.destroy(Object.assign(new Error("timeout"), { code: "ETIMEDOUT" })));
    request.on("error", fail);
  });
}

function firstLineOf(body: string): string {
  const line = body.split("\n", 1)[0] ?? "";
  return line.slice(0, 200);
}
