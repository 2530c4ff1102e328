/**
 * @module Calls of the HTTP interface: one value, a stream of events, or a change in two steps.
 */
import type { About, Calls, Changes, Streams } from "./operations.ts";
import { readEvents } from "./event-text.ts";

/** A failure that the server told. */
export class ApiError extends Error {
  readonly code: string;
  readonly hint: string;
  readonly status: number;

  constructor(status: number, { code, message, hint }: { code: string; message: string; hint: string }) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

/** A change that was proposed and not yet done. */
export interface Proposal<Name extends keyof Changes> {
  readonly proposal: Changes[Name]["proposal"];
  /** Good for one use. */
  readonly ticket: string;
  readonly expiresInMs: number;
}

/** What an operation says of itself on its way. */
export interface Progress {
  readonly message: string;
  readonly measure: { readonly done: number; readonly total: number; readonly remainingMs: number | null } | null;
}

/** What the page asks its server. */
export interface Client {
  about(): Promise<About>;
  /** An address for another tab or device, good for one use. */
  invite(): Promise<{ readonly entryUrl: string }>;
  call<Name extends keyof Calls>(
    name: Name,
    input: Calls[Name]["input"],
    signal?: AbortSignal,
  ): Promise<Calls[Name]["result"]>;
  stream<Name extends keyof Streams>(
    name: Name,
    input: Streams[Name]["input"],
    signal: AbortSignal,
    onProgress?: (progress: Progress) => void,
  ): AsyncGenerator<Streams[Name]["event"], Streams[Name]["result"], void>;
  propose<Name extends keyof Changes>(name: Name, input: Changes[Name]["input"]): Promise<Proposal<Name>>;
  apply<Name extends keyof Changes>(
    name: Name,
    ticket: string,
    signal: AbortSignal,
  ): AsyncGenerator<Changes[Name]["event"], Changes[Name]["result"], void>;
}

/** A client that shows `key`. */
export function createClient(key: string): Client {
  const send = async (path: string, body: unknown, signal?: AbortSignal): Promise<Response> => {
    const response = await fetch(`/api/${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
      ...(signal !== undefined && { signal }),
    });
    if (!response.ok) throw await readFailure(response);
    return response;
  };
  const post = async (path: string, body: unknown, signal?: AbortSignal): Promise<never> =>
    (await send(path, body, signal)).json() as Promise<never>;

  async function* stream(
    path: string,
    body: unknown,
    signal: AbortSignal,
    onProgress?: (progress: Progress) => void,
  ): AsyncGenerator<never, never, void> {
    const response = await send(path, body, signal);
    if (response.body === null) throw new Error("The server's answer has no body.");
    for await (const { event, data } of readEvents(response.body)) {
      const value = JSON.parse(data) as never;
      if (event === "result") return value;
      if (event === "error") throw new ApiError(500, (value as { error: ApiError }).error);
      if (event === "progress") onProgress?.(value);
      else yield value;
    }
    throw new Error("The server's answer broke off.");
  }

  return {
    about: () => post("about", {}),
    invite: () => post("session/invite", {}),
    call: (name, input, signal) => post(name, input, signal),
    stream: (name, input, signal, onProgress) => stream(name, input, signal, onProgress),
    propose: (name, input) => post(`${name}/propose`, input),
    apply: (name, ticket, signal) => stream(`${name}/apply`, { ticket }, signal),
  };
}

async function readFailure(response: Response): Promise<ApiError> {
  try {
    const { error } = (await response.json()) as { error: { code: string; message: string; hint: string } };
    return new ApiError(response.status, error);
  } catch {
    return new ApiError(response.status, { code: "INTERNAL", message: response.statusText, hint: "" });
  }
}
