/**
 * @module Reads what came over a connection as strictly as RFC 9112 has it, and names whatever two readers could read in two ways.
 */

/** One message. */
export interface StrictMessage {
  readonly start: string;
  /** Lines of the head as they came, without the first and without line ends. */
  readonly lines: readonly string[];
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly body: string;
  /** The body as it came: chunks and all. */
  readonly framed: string;
  readonly trailers: readonly (readonly [name: string, value: string])[];
  /** What of it has two readings. */
  readonly hazards: readonly string[];
}

/** What a connection held. */
export interface StrictReading {
  readonly messages: readonly StrictMessage[];
  /** What is behind the last whole message. */
  readonly rest: string;
  /** What of that has two readings. */
  readonly pending: readonly string[];
}

/** How to read. */
export interface ReadingWish {
  readonly kind: "request" | "answer";
  /** Methods of the requests whose answers these are. */
  readonly methods?: readonly string[];
  /** The connection is over. */
  readonly ended?: boolean;
}

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const chunkLine =
  /^([0-9A-Fa-f]+)((?:[ \t]*;[ \t]*[!#-'*+\-.^-z|~0-9]+(?:[ \t]*=[ \t]*(?:[!#-'*+\-.^-z|~0-9]+|"(?:[^"\\]|\\.)*"))?)*)$/;

/** Reads everything that is whole. */
export function readStrictly(text: string, { kind, methods = [], ended = false }: ReadingWish): StrictReading {
  const messages: StrictMessage[] = [];
  let rest = text;
  let finals = 0;
  for (;;) {
    const hazards = new Set<string>();
    const taken = takeOne(rest, hazards, kind, methods[finals] ?? "GET", ended);
    if (taken === undefined) return { messages, rest, pending: [...hazards] };
    messages.push(taken.message);
    rest = taken.rest;
    if (kind === "answer" && !/^HTTP\/\d\.\d 1\d\d/.test(taken.message.start)) finals += 1;
  }
}

function takeOne(
  text: string,
  hazards: Set<string>,
  kind: ReadingWish["kind"],
  method: string,
  ended: boolean,
): { message: StrictMessage; rest: string } | undefined {
  const end = /\r?\n\r?\n/.exec(text);
  if (end === null) return undefined;
  const head = text.slice(0, end.index);
  if (/(?:^|[^\r])\n/.test(`${head}${end[0]}`)) hazards.add("a bare LF");
  const [start = "", ...lines] = head.split(/\r?\n/);
  const fields = readFields(lines, hazards);
  let rest = text.slice(end.index + end[0].length);
  const valuesOf = (name: string): string[] =>
    fields.filter(([own]) => own.toLowerCase() === name).map(([, value]) => value);
  const lengths = valuesOf("content-length");
  const codings = valuesOf("transfer-encoding");
  if (lengths.length > 1) hazards.add("two lengths");
  if (lengths.some((value) => !/^\d+$/.test(value))) hazards.add("a length that is none");
  if (lengths.some((value) => Number(value) > Number.MAX_SAFE_INTEGER)) hazards.add("a length beyond numbers");
  if (lengths.length > 0 && codings.length > 0) hazards.add("a length and a coding");
  if (codings.length > 0 && codings.join(",").toLowerCase() !== "chunked") hazards.add("a coding of two readings");
  if (codings.length > 0 && / HTTP\/1\.0$|^HTTP\/1\.0 /.test(start)) hazards.add("a coding in HTTP/1.0");
  const status = kind === "answer" ? Number(/^HTTP\/\d\.\d (\d{3})/.exec(start)?.[1] ?? 0) : 0;
  if (kind === "request") examineRequest(start, valuesOf("host"), hazards);
  else if (!/^HTTP\/1\.[01] \d{3}(?: [\t -~\x80-\xff]*)?$/.test(start)) hazards.add("a status line of two readings");
  if ((status === 204 || (status >= 100 && status < 200)) && lengths.length + codings.length > 0)
    hazards.add("a length where there is no body");
  const whole = (body: string, framed: string, trailers: StrictMessage["trailers"] = []) => ({
    message: { start, lines, fields, body, framed, trailers, hazards: [...hazards] },
    rest,
  });
  if (kind === "answer" && (method === "HEAD" || status === 204 || status === 304 || status < 200))
    return whole("", "");
  if (codings.join(",").toLowerCase().includes("chunked")) {
    const chunks = takeChunks(rest, hazards);
    if (chunks === undefined) return undefined;
    const framed = rest.slice(0, rest.length - chunks.rest.length);
    rest = chunks.rest;
    return whole(chunks.body, framed, chunks.trailers);
  }
  const length = Number.parseInt(lengths[0] ?? "", 10);
  if (length >= 0) {
    if (rest.length < length) return undefined;
    const body = rest.slice(0, length);
    rest = rest.slice(length);
    return whole(body, body);
  }
  if (kind === "request") return whole("", "");
  if (!ended) return undefined;
  const body = rest;
  rest = "";
  return whole(body, body);
}

function readFields(lines: readonly string[], hazards: Set<string>): [string, string][] {
  const fields: [string, string][] = [];
  for (const line of lines) {
    if (/\r/.test(line)) hazards.add("a bare CR");
    if (line.includes("\0")) hazards.add("a NUL");
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0));
    if (/^[ \t]/.test(line)) hazards.add("a folded field");
    else if (colon < 0) hazards.add("a line that is no field");
    else if (!token.test(name)) hazards.add(/[ \t]$/.test(name) ? "a blank before the colon" : "a name that is none");
    fields.push([name.trim(), line.slice(colon + 1).replaceAll(/^[ \t]+|[ \t]+$/g, "")]);
  }
  return fields;
}

function examineRequest(start: string, hosts: readonly string[], hazards: Set<string>): void {
  const line = /^(\S+) ([^\0- ]+) HTTP\/1\.([01])$/.exec(start);
  if (line === null || !token.test(line[1]!)) hazards.add("a request line of two readings");
  if (line?.[2]!.includes("#")) hazards.add("a fragment in the target");
  if (hosts.length > 1) hazards.add("two hosts");
  if (hosts.length === 0 && line?.[3] === "1") hazards.add("no Host");
  const absolute = /^https?:\/\/([^/?#]*)/i.exec(line?.[2] ?? "");
  // Host has no user information (RFC 9112, section 3.2).
  const authority = absolute?.[1]!.replace(/^.*@/, "").toLowerCase() ?? "";
  if (authority !== "" && authority !== hosts[0]?.toLowerCase()) hazards.add("two names");
  if (hosts.some((host) => !/^(?:\[[0-9a-f:.]+\]|[a-z0-9._~!$&'()*+,;=%-]*)(?::\d*)?$/i.test(host)))
    hazards.add("a Host that is none");
}

function takeChunks(
  text: string,
  hazards: Set<string>,
): { body: string; trailers: [string, string][]; rest: string } | undefined {
  let body = "";
  let rest = text;
  for (;;) {
    const end = rest.indexOf("\n");
    if (end < 0) return undefined;
    const line = rest.slice(0, end).replace(/\r$/, "");
    if (rest[end - 1] !== "\r" || !chunkLine.test(line)) hazards.add("a chunk size of two readings");
    const size = Number.parseInt(line, 16);
    if (!(size >= 0)) return undefined;
    rest = rest.slice(end + 1);
    if (size === 0) break;
    if (rest.length < size + 2) return undefined;
    body += rest.slice(0, size);
    if (rest.slice(size, size + 2) !== "\r\n") {
      hazards.add("a chunk that does not end where it says");
      return undefined;
    }
    rest = rest.slice(size + 2);
  }
  const lines: string[] = [];
  for (;;) {
    const end = rest.indexOf("\n");
    if (end < 0) return undefined;
    if (rest[end - 1] !== "\r") hazards.add("a bare LF");
    const line = rest.slice(0, end).replace(/\r$/, "");
    rest = rest.slice(end + 1);
    if (line === "") break;
    lines.push(line);
  }
  const trailers = readFields(lines, hazards);
  if (trailers.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name)))
    hazards.add("framing in the trailers");
  return { body, trailers, rest };
}
