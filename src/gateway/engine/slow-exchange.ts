/**
 * @module One request passed on by Node's own client, for what the pool does not carry: `Expect: 100-continue`, trailers of a request,
 * `OPTIONS *`. Each has a connection of its own.
 */
import { request as startRequest, type ClientRequest, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Asked } from "./answer.ts";
import type { ExchangeOutcome } from "./exchange.ts";
import { readAnswerFields, readTrailers, type RequestHead } from "./request-head.ts";

/** Passes a request on over a connection that is used for it alone. */
export function exchangeAlone(asked: Asked, head: RequestHead, socket: Socket, outcome: ExchangeOutcome): void {
  const { request, body, answer } = asked;
  const fields = [...head.fields];
  if (head.expectsContinue) fields.push("Expect", "100-continue");
  const chunked = head.hasBody && !hasLength(fields);
  if (chunked) fields.push("Transfer-Encoding", "chunked");
  const outgoing: ClientRequest = startRequest({
    createConnection: () => socket,
    method: request.method,
    path: head.target,
    // Flat pairs are written as they are.
    headers: [...fields, "Connection", "close"] as never,
    setHost: false,
  });
  // None is left out: the head's size is limited, not their number.
  outgoing.maxHeadersCount = 0;
  let received = 0;
  let gone = false;
  const fail = (error: Error): void => {
    if (gone) return outcome.onDone(received);
    const { begun } = answer;
    if (begun) answer.cut();
    gone = true;
    outcome.onFailure(error, begun);
  };
  answer.onceGone(() => {
    gone = true;
    outgoing.destroy();
  });
  const sendBody = (): void => {
    if (!head.hasBody) return void outgoing.end();
    body.pipe(outgoing, { end: false });
    body.once("end", () => {
      const trailers = asked.trailers();
      if (chunked && trailers.length > 0) outgoing.addTrailers(readTrailers(trailers));
      outgoing.end();
    });
  };
  let continued = false;
  if (head.expectsContinue) {
    outgoing.flushHeaders();
    outgoing.once("continue", () => {
      continued = true;
      answer.inform(100, []);
    });
  }
  // A client need not wait for 100 (RFC 9110, section 10.1.1), and not every server says it: the body passes when it comes.
  sendBody();
  outgoing.on("information", ({ statusCode, rawHeaders }: { statusCode: number; rawHeaders: string[] }) => {
    if (statusCode !== 100) answer.inform(statusCode, readAnswerFields(rawHeaders).fields);
  });
  outgoing.once("error", fail);
  outgoing.once("upgrade", (_incoming, joined: Socket) => {
    joined.destroy();
    fail(new Error("the server changes to a protocol that nobody asked for"));
  });
  outgoing.once("response", (incoming: IncomingMessage) => {
    const status = incoming.statusCode ?? 502;
    outcome.onAnswer(status);
    const { fields: answered, understood } = readAnswerFields(incoming.rawHeaders, status);
    if (!understood) {
      outgoing.destroy(new Error("the answer's transfer coding is not understood"));
      return;
    }
    // A body that was never asked for would be read as the next request.
    if (head.expectsContinue && !continued) answered.push("Connection", "close");
    answer.begin(status, incoming.statusMessage ?? "", answered);
    incoming.on("data", (chunk: Buffer) => {
      received += chunk.length;
      if (answer.write(chunk)) return;
      incoming.pause();
      answer.onceDrained(() => incoming.resume());
    });
    incoming.once("error", fail);
    incoming.once("end", () => {
      answer.end(undefined, readAnswerFields(incoming.rawTrailers).fields);
      outcome.onDone(received);
      outgoing.destroy();
    });
  });
}

function hasLength(fields: readonly string[]): boolean {
  for (let index = 0; index < fields.length; index += 2)
    if (fields[index]!.toLowerCase() === "content-length") return true;
  return false;
}
