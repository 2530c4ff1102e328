/**
 * @module Fetches one text over HTTP with a bound on everything: size, time, silence, redirections.
 */
import { request as requestPlain, type ClientRequest, type IncomingMessage } from "node:http";
import { request as requestSecure } from "node:https";
import { PortolanError, isLoopbackAddress, linkAbort, quote, tryParseIpAddress } from "../core/index.ts";

/** What is fetched at most. */
export interface DownloadLimits {
  readonly mostBytes: number;
  /** The whole of it, milliseconds. */
  readonly deadlineMs: number;
  /** How long the server may say nothing, milliseconds. */
  readonly silenceMs: number;
  readonly mostRedirections: number;
}

/** What came of it. */
export interface Download {
  /** The text; `null` when the server says that nothing has changed since. */
  readonly text: string | null;
  /** What the server calls this version. */
  readonly entityTag: string | null;
  readonly lastModified: string | null;
  /** Where it came from after redirections. */
  readonly url: string;
}

/** How it is fetched. */
export interface DownloadOptions {
  readonly limits: DownloadLimits;
  readonly signal: AbortSignal;
  /** Versions that are at hand: the server may say that nothing has changed. */
  readonly known?: { readonly entityTag: string | null; readonly lastModified: string | null };
  /** Told how much has come. `total` is `null` when the server does not say. */
  readonly onProgress?: (done: number, total: number | null) => void;
}

/** The longest header that is kept, characters. */
const longestHeader = 1000;

/**
 * Fetches a text in UTF-8.
 * @param url `https:`, or `http:` when the user wrote it so
 * @throws DOWNLOAD_FAILED, ARGUMENT_INVALID (another scheme), ABORTED
 */
export async function downloadText(url: string, options: DownloadOptions): Promise<Download> {
  const { limits, signal } = options;
  let here = parseUrl(url);
  const { signal: ended, release } = linkAbort(signal, limits.deadlineMs);
  try {
    for (let redirections = 0; redirections <= limits.mostRedirections; redirections++) {
      const response = await ask(here, options, ended);
      const { statusCode = 0, headers } = response;
      if ([301, 302, 303, 307, 308].includes(statusCode) && headers.location !== undefined) {
        response.destroy();
        here = followTo(here, headers.location);
        continue;
      }
      if (statusCode === 304 && options.known !== undefined) {
        response.destroy();
        return { text: null, entityTag: null, lastModified: null, url: showUrl(here) };
      }
      if (statusCode !== 200) {
        response.destroy();
        throw failed(here, `the server answered ${statusCode} in place of the file`);
      }
      const text = await readBody(here, response, options);
      // A body that lasts as long as its connection ends without an error when the connection is ended from here.
      ended.throwIfAborted();
      return {
        text,
        entityTag: boundedHeader(headers.etag),
        lastModified: boundedHeader(headers["last-modified"]),
        url: showUrl(here),
      };
    }
    throw failed(here, `the server redirected more than ${limits.mostRedirections} times`);
  } catch (error) {
    if (signal.aborted)
      throw new PortolanError("ABORTED", "Fetching was stopped; nothing was changed.", { cause: error });
    if (ended.aborted) throw failed(here, `it was not complete after ${limits.deadlineMs} ms`, error);
    if (error instanceof PortolanError) throw error;
    const { code, message } = error as NodeJS.ErrnoException;
    throw failed(here, describeError(code) ?? code ?? message, error);
  } finally {
    release();
  }
}

/** A failure of Node's in words. */
function describeError(code = ""): string | undefined {
  if (code.startsWith("HPE_")) return `what answers there does not keep to HTTP (${code})`;
  if (/CERT|VERIFY_LEAF/.test(code)) return `its certificate is not one that Node trusts (${code})`;
  return Object.hasOwn(reasons, code) ? reasons[code] : undefined;
}

const reasons: Readonly<Record<string, string>> = {
  ENOTFOUND: "its name has no address",
  EAI_AGAIN: "its name could not be looked up",
  ECONNREFUSED: "nobody listens there",
  ECONNRESET: "the connection was broken off",
  EPIPE: "the connection was broken off",
  ETIMEDOUT: "nobody answered",
  ENETUNREACH: "there is no way to that network",
  EHOSTUNREACH: "there is no way to that device",
};

function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !["http:", "https:"].includes(url.protocol)) {
    throw new PortolanError("ARGUMENT_INVALID", `--from: ${quote(text)} is no address that can be fetched.`, {
      details: { argument: "from", hint: "Write https://… , http://… or the name of a file." },
    });
  }
  return url;
}

/** What was asked over TLS is not answered without it, and no stranger's server sends us to this machine's own. */
function followTo(from: URL, location: string): URL {
  const to = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  if (to === undefined || !["http:", "https:"].includes(to.protocol)) {
    throw failed(from, `the server redirected to ${quote(location.slice(0, 200))}, which is no address`);
  }
  if (from.protocol === "https:" && to.protocol !== "https:") {
    throw failed(from, `the server redirected to ${quote(showUrl(to))}, which is not encrypted`);
  }
  if (isLoopbackHost(to) && !isLoopbackHost(from)) {
    throw failed(from, `the server redirected to ${quote(showUrl(to))}, which is this machine`);
  }
  return to;
}

function isLoopbackHost({ hostname }: URL): boolean {
  if (/(?:^|\.)localhost\.?$/i.test(hostname)) return true;
  const address = tryParseIpAddress(hostname.replaceAll(/^\[|\]$/g, ""));
  return address !== undefined && isLoopbackAddress(address.address);
}

/** Asks for a newer version alone (RFC 9110 §13.1). */
function conditionsOf(known: DownloadOptions["known"]): Record<string, string> {
  const { entityTag = null, lastModified = null } = known ?? {};
  return {
    ...(entityTag === null ? {} : { "if-none-match": entityTag }),
    ...(lastModified === null ? {} : { "if-modified-since": lastModified }),
  };
}

/** Sends the request and waits for the head of the answer. */
function ask(url: URL, { known, limits }: DownloadOptions, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const send = url.protocol === "https:" ? requestSecure : requestPlain;
    const request: ClientRequest = send(url, {
      signal,
      agent: false,
      maxHeaderSize: 16_384,
      headers: {
        accept: "text/csv, */*;q=0.1",
        "accept-encoding": "identity",
        "user-agent": "portolan",
        ...conditionsOf(known),
      },
    });
    let answer: IncomingMessage | undefined;
    request.setTimeout(limits.silenceMs, () => {
      (answer ?? request).destroy(failed(url, `the server said nothing for ${limits.silenceMs} ms`));
    });
    request.once("error", reject);
    request.once("response", (response) => {
      // What goes wrong from here on is told by the body's reader. A body without a stated length that is broken off looks like a whole one
      // (RFC 9112 §8): whoever reads it has to tell.
      request.off("error", reject).on("error", () => undefined);
      answer = response;
      resolve(response);
    });
    request.end();
  });
}

async function readBody(url: URL, response: IncomingMessage, { limits, onProgress }: DownloadOptions): Promise<string> {
  const { headers } = response;
  const tooLarge = () => failed(url, `it has more than ${limits.mostBytes} bytes, which the registry has not`);
  if (!["identity", undefined].includes(headers["content-encoding"])) {
    response.destroy();
    throw failed(url, `the server packed it (${quote(headers["content-encoding"] ?? "")}) though it was not asked to`);
  }
  const stated = headers["content-length"] === undefined ? null : Number(headers["content-length"]);
  if (stated !== null && stated > limits.mostBytes) {
    response.destroy();
    throw tooLarge();
  }
  const pieces: Buffer[] = [];
  let length = 0;
  onProgress?.(0, stated);
  for await (const piece of response as AsyncIterable<Buffer>) {
    length += piece.length;
    if (length > limits.mostBytes) throw tooLarge();
    pieces.push(piece);
    onProgress?.(length, stated);
  }
  if (!response.complete || (stated !== null && length !== stated)) throw failed(url, "the connection was broken off");
  return new TextDecoder("utf-8").decode(Buffer.concat(pieces));
}

function boundedHeader(value: string | undefined): string | null {
  return value === undefined || value.length > longestHeader ? null : value;
}

/** Without user and password. */
function showUrl(url: URL): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  return shown.href;
}

function failed(url: URL, why: string, cause?: unknown): PortolanError {
  return new PortolanError("DOWNLOAD_FAILED", `${quote(showUrl(url))} could not be fetched: ${why}.`, {
    details: { url: showUrl(url), why },
    cause,
  });
}
