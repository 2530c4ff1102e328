/**
 * @module One request passed on by HTTP/2 and its answer brought back: gRPC's servers, and whatever speaks HTTP/2 alone.
 */
import { constants, type ClientHttp2Stream, type IncomingHttpHeaders } from "node:http2";
import type { Asked } from "./answer.ts";
import type { ExchangeOutcome } from "./exchange.ts";
import { readAnswerFields, readTrailers, type RequestHead } from "./request-head.ts";
import { headersOf } from "./stream-answer.ts";
import type { StreamSession, StreamSessions } from "./stream-sessions.ts";

/** Passes a request on. */
export function exchangeByStream(
  asked: Asked,
  head: RequestHead,
  sessions: StreamSessions,
  outcome: ExchangeOutcome,
): void {
  const cancel = sessions.take((error, session) => {
    if (session === null) outcome.onFailure(error!, false);
    else begin(asked, head, session, sessions.scheme, outcome);
  });
  asked.answer.onceGone(cancel);
}

function begin(
  { request, body, trailers, answer }: Asked,
  head: RequestHead,
  session: StreamSession,
  scheme: "http" | "https",
  outcome: ExchangeOutcome,
): void {
  const headers = headersOf(head.fields);
  headers[":authority"] = headers["host"];
  delete headers["host"];
  headers[":method"] = request.method;
  headers[":path"] = head.target;
  headers[":scheme"] = scheme;
  if (head.takesTrailers) headers["te"] = "trailers";
  if (head.expectsContinue) headers["expect"] = "100-continue";
  let stream: ClientHttp2Stream;
  try {
    stream = session.request(headers, { endStream: !head.hasBody, waitForTrailers: head.hasBody });
  } catch (error) {
    return outcome.onFailure(error as Error, false);
  }
  let gone = false;
  let over = false;
  let received = 0;
  let failure: Error | undefined;
  let behind: readonly string[] = [];
  answer.onceGone(() => {
    gone = true;
    stream.close(constants.NGHTTP2_CANCEL);
  });
  const finish = (): void => {
    if (over) return;
    over = true;
    if (gone) return outcome.onDone(received);
    const whole = failure === undefined && stream.rstCode === constants.NGHTTP2_NO_ERROR && answer.begun;
    if (whole) {
      answer.end(undefined, behind);
      return outcome.onDone(received);
    }
    const { begun } = answer;
    if (begun) answer.cut();
    outcome.onFailure(failure ?? new Error(`the server reset the stream (${codeName(stream.rstCode)})`), begun);
  };
  if (head.hasBody) {
    body.pipe(stream);
    // A body that broke off is told by `onceGone`.
    stream.once("wantTrailers", () => {
      // Closing a stream ends it first: what broke off must not look whole.
      if (!gone) stream.sendTrailers(headersOf(readTrailers(trailers()).flat()));
    });
  }
  stream.on("continue", () => answer.inform(100, []));
  stream.on("headers", (informing: IncomingHttpHeaders, _flags: number, raw?: readonly string[]) => {
    const status = Number(informing[":status"]);
    if (status !== 100) answer.inform(status, fieldsOf(informing, raw));
  });
  stream.once("response", (answered: IncomingHttpHeaders, flags: number, raw?: readonly string[]) => {
    const status = Number(answered[":status"] ?? 502);
    outcome.onAnswer(status);
    answer.begin(status, "", fieldsOf(answered, raw));
    // An answer that is its head alone ends with it.
    if ((flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0) finish();
  });
  stream.once("trailers", (fields: IncomingHttpHeaders, _flags: number, raw?: readonly string[]) => {
    behind = fieldsOf(fields, raw);
  });
  stream.on("data", (chunk: Buffer) => {
    received += chunk.length;
    if (answer.write(chunk)) return;
    stream.pause();
    answer.onceDrained(() => stream.resume());
  });
  stream.on("error", (error) => (failure ??= error));
  // `end` comes for streams that were reset, too; whether it was whole is known when it is closed.
  stream.once("close", finish);
}

/** Without pseudo fields, in the order of the wire where the library tells it. */
function fieldsOf(headers: IncomingHttpHeaders, raw: readonly string[] | undefined): string[] {
  if (Array.isArray(raw)) {
    const fields: string[] = [];
    for (let index = 0; index < raw.length; index += 2)
      if (!raw[index]!.startsWith(":")) fields.push(raw[index]!, raw[index + 1]!);
    return readAnswerFields(fields).fields;
  }
  const flat = Object.entries(headers)
    .filter(([name]) => !name.startsWith(":"))
    .flatMap(([name, value]) => [value ?? ""].flat().flatMap((one) => [name, one]));
  return readAnswerFields(flat).fields;
}

function codeName(code: number | undefined): string {
  const found = Object.entries(constants).find(
    ([name, value]) => value === code && /^NGHTTP2_(?:NO_ERROR|[A-Z_]+)$/.test(name) && !name.includes("FLAG"),
  );
  return found?.[0].replace("NGHTTP2_", "") ?? String(code);
}
