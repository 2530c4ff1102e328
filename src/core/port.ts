/**
 * @module The port: a whole number from 0 to 65535 that tells which application on a device gets the traffic.
 */
import { PortolanError } from "./errors.ts";
import { clip, quote, quoteCharacterAt } from "./text.ts";

declare const portBrand: unique symbol;

/** A port number, 0 to 65535 (RFC 9293 §3.1, RFC 768: a 16-bit field). */
export type Port = number & { readonly [portBrand]: true };

/** Lowest port number. Port 0 is reserved: asking to bind it means "any free port". */
export const lowestPort = 0;
/** Highest port number. */
export const highestPort = 65_535;
/** How many port numbers there are. */
export const portCount = 65_536;

/** True for an integer from 0 to 65535. */
export function isPort(value: unknown): value is Port {
  return typeof value === "number" && Number.isInteger(value) && value >= lowestPort && value <= highestPort;
}

/**
 * A number as a `Port`.
 * @throws PORT_INVALID when it is not a whole number from 0 to 65535
 */
export function toPort(value: number): Port {
  if (isPort(value)) return value;
  throw new PortolanError(
    "PORT_INVALID",
    `${String(value)} is not a port: it must be a whole number from 0 to 65535.`,
    {
      details: { given: String(value) },
    },
  );
}

/**
 * Text as a `Port`: one to five ASCII digits, no sign, no space, no other base. Leading zeros are refused,
 * because some programs read them as octal.
 * @throws PORT_INVALID naming the first character that is not accepted, or the range
 */
export function parsePort(text: string): Port {
  const problem = describePortProblem(text);
  if (problem === undefined) return Number(text) as Port;
  throw new PortolanError("PORT_INVALID", `${quote(text)} is not a port: ${problem}.`, {
    details: { given: clip(text) },
  });
}

/** Why the text is not a port, or `undefined` when it is one. */
export function describePortProblem(text: string): string | undefined {
  if (text.length === 0) return "it is empty";
  for (let index = 0; index < text.length && index < 16; index++) {
    const code = text.charCodeAt(index);
    if (code < 48 || code > 57) {
      return `only the digits 0 to 9 are accepted, and character ${index + 1} is ${quoteCharacterAt(text, index)}`;
    }
  }
  if (text.length > 1 && text.startsWith("0")) return "leading zeros are not accepted";
  if (text.length > 5 || Number(text) > highestPort) return "the highest port is 65535";
  return undefined;
}
