/**
 * @module What becomes of a request whose connection fails: which failures mean what, and which are worth another try.
 */
import type { Answer } from "./answer.ts";
import type { ExchangeOutcome } from "./exchange.ts";
import type { Upstream } from "./upstreams.ts";

/** This process, or the system, has no descriptors left (open(2)). */
export const exhausted: ReadonlySet<string> = new Set(["EMFILE", "ENFILE"]);

/** Nobody took the connection. */
export const unreached: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/**
 * A server may close a kept connection while a request is on its way, and the pool takes a 100 that nobody asked for as an answer that is
 * none: who only looks is asked for once more, over a connection of its own.
 */
export function retrying(
  answer: Answer,
  outcome: ExchangeOutcome,
  again: (told: ExchangeOutcome) => void,
): ExchangeOutcome {
  return {
    onAnswer: (status) => outcome.onAnswer(status),
    onDone: (receivedBytes) => outcome.onDone(receivedBytes),
    onFailure: (error, begun) => {
      if (begun || answer.over || codeOf(error) !== "UND_ERR_SOCKET") outcome.onFailure(error, begun);
      else again(outcome);
    },
  };
}

/** A server that speaks HTTP/2 alone refuses the handshake before anything was asked (RFC 7301, section 3.2): it is asked so, and from now on. */
export function secure(
  upstream: Upstream,
  outcome: ExchangeOutcome,
  byStream: (told: ExchangeOutcome) => void,
): ExchangeOutcome {
  if (upstream.connector.target.protocol !== "https") return outcome;
  return {
    onAnswer: (status) => outcome.onAnswer(status),
    onDone: (receivedBytes) => outcome.onDone(receivedBytes),
    onFailure: (error, begun) => {
      if (begun || codeOf(error) !== "ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL")
        return outcome.onFailure(error, begun);
      upstream.streamsOnly = true;
      byStream(outcome);
    },
  };
}

/** The system's word for a failure. */
export function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.message;
}
