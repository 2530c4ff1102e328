/**
 * @module One HTTP request, and the beginning of what comes back.
 */
import { get, type IncomingMessage } from "node:http";
import { get as getSecurely } from "node:https";
import { linkAbort } from "../core/index.ts";

/** Most bytes of a body that are read for its first line. */
const mostBytes = 16_384;
/** Most characters of a first line. */
const longestLine = 200;

/** What a server answered, or why nothing came. */
export type HttpAnswer =
  | {
      readonly answered: true;
      readonly status: number;
      /** First line of the body, at most 200 characters. Raw: escape before printing. */
      readonly firstLine: string;
      readonly headers: IncomingMessage["headers"];
    }
  | {
      readonly answered: false;
      /** Code of the failure: `ECONNREFUSED`, `ABORT_ERR` when the deadline or the signal came first, and so on. */
      readonly code: string;
    };

/** Sends `GET` to a URL with `http:` on a connection of its own. Never rejects; a body longer than 16 KiB is cut. */
export function requestPage(
  url: string,
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<HttpAnswer> {
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void => resolve({ answered: false, code: error.code ?? error.name });
    const limit = linkAbort(signal, timeoutMs);
    const request = get(url, { agent: false, signal: limit.signal }, (response) => {
      const { statusCode: status = 0, headers } = response;
      let body = "";
      const finish = (): void => {
        const firstLine = (body.split(/\r?\n/, 1)[0] ?? "").slice(0, longestLine);
        resolve({ answered: true, status, firstLine, headers });
        request.destroy();
      };
      response.setEncoding("utf8");
      response.on("data", (text: string) => {
        body += text;
        if (body.includes("\n") || body.length >= mostBytes) finish();
      });
      response.once("end", finish);
      response.once("error", fail);
    });
    request.once("close", limit.release);
    // Also after the answer, when destroying the request ends what is left of it.
    request.on("error", fail);
  });
}

/**
 * Asks for a page and takes its status alone: by HTTP, or by HTTPS with any certificate, since the question is whether it answers and not
 * who it is. No redirect is followed. Never rejects.
 * @returns the status, or the code of the failure
 */
export function requestStatus(
  url: {
    readonly secure: boolean;
    readonly address: string;
    readonly host: string;
    readonly port: number;
    readonly path: string;
  },
  { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs: number },
): Promise<number | string> {
  return new Promise((resolve) => {
    const limit = linkAbort(signal, timeoutMs);
    const options = {
      host: url.address,
      port: url.port,
      path: url.path,
      agent: false,
      headers: { host: url.host, accept: "*/*" },
      signal: limit.signal,
    } as const;
    const answer = (response: IncomingMessage): void => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    };
    const request = url.secure ? getSecurely({ ...options, rejectUnauthorized: false }, answer) : get(options, answer);
    request.once("close", limit.release);
    request.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.name));
  });
}
