/**
 * @module What an engine did with a case, and whether the RFC has it so.
 */
import { gunzipSync } from "node:zlib";
import type { OfFamily } from "../case-family.ts";
import type { PassedCase, RefusedCase, brokenBodies } from "../request-cases.ts";
import type { AnswerCase, BrokenAnswer } from "../response-cases.ts";
import type { Engine } from "./engines.ts";
import { converseRaw } from "./raw-server.ts";
import type { StrictMessage } from "./strict-reader.ts";

/** What became of a case. */
export interface Verdict {
  /** In few words, as the table has it. */
  readonly text: string;
  /**
   * `danger`: what arrived can be read in two ways, or is not what was sent. `lenient`: taken, where the RFC wants it refused or left out.
   * `strict`: refused, where the RFC wants it taken. `null`: as the RFC has it.
   */
  readonly mark: "danger" | "lenient" | "strict" | null;
}

type RequestCase = OfFamily<PassedCase> | OfFamily<RefusedCase> | (typeof brokenBodies)[number];
/** What the RFC makes of a case. */
export type Rule = "valid" | "invalid" | "choice";

const last = "GET /last HTTP/1.1\r\nHost: two.localhost\r\n\r\n";
const isLast = ({ start }: StrictMessage): boolean => / \/last /.test(start);
const isFinal = ({ start }: StrictMessage): boolean => !/^HTTP\/\d\.\d 1\d\d/.test(start);
const statusOf = ({ start }: StrictMessage): number => Number(start.split(" ")[1]);
const danger = (text: string): Verdict => ({ text, mark: "danger" });

/** Sends a request through an engine. */
export async function judgeRequest(engine: Engine, one: RequestCase): Promise<Verdict> {
  const passed = "reaches" in one && !("status" in one) ? one : undefined;
  const rule: Rule = one.rfc ?? (passed === undefined ? "invalid" : "valid");
  const { endAfter = false, closes = false } = one as { endAfter?: boolean; closes?: boolean };
  const methods = passed?.methods ?? [/^[A-Z]+/.exec(one.bytes)?.[0] ?? "GET"];
  await Promise.all([engine.one.forget(), engine.two.forget()]);
  const { answers, closed } = await converseRaw(engine.port, endAfter || closes ? one.bytes : one.bytes + last, {
    answers: passed === undefined ? 9 : methods.length + (closes ? 0 : 1),
    methods,
    endAfter,
  });
  const atOne = engine.one.requests().filter((message) => !isLast(message));
  const atTwo = engine.two.requests().filter((message) => !isLast(message));
  const hazards = [
    ...[...atOne, ...atTwo].flatMap((message) => message.hazards),
    ...engine.one.pending(),
    ...engine.two.pending(),
  ];
  if (hazards.length > 0) return danger(`passes on ${[...new Set(hazards)].join(", ")}`);
  if (engine.one.requests().some(isLast)) return danger("sends the next request to the wrong server");
  const reached = [...atOne.map((message) => tell("one", message)), ...atTwo.map((message) => tell("two", message))];
  const wanted = passed?.reaches ?? (one as RefusedCase).reaches ?? [];
  const extra = reached.filter((request) => !wanted.includes(request));
  if (atOne.some(({ start }) => start.includes("/smuggled "))) return danger("lets a second request through");
  if (reached.length === 0 || (passed === undefined && extra.length === 0)) {
    const status =
      statusIn(answers, reached.length) ?? (closed ? await askAlone(engine, one.bytes, reached.length) : null);
    const text =
      status === null ? (closed ? "closes" : "waits") : status < 400 ? `answers ${status}` : `refuses ${status}`;
    return { text, mark: rule === "valid" && (passed === undefined || wanted.length > 0) ? "strict" : null };
  }
  const readsOn = extra.some((request) => request.includes("GET /smuggled"));
  const more = readsOn ? ", reads on" : "";
  const lenient = rule === "invalid" || readsOn ? "lenient" : null;
  const message = [...atOne, ...atTwo][0]!;
  if (passed !== undefined) {
    const unlike = extra.filter((request) => !request.includes("GET /smuggled"));
    if (unlike.length > 0) {
      const bare = (request: string): string => request.split(" ").slice(0, 3).join(" ");
      if (passed.reaches.some((request) => bare(request) === bare(unlike[0]!))) return danger("passes on another body");
      return { text: `makes it ${unlike[0]!.slice(0, 40)}${more}`, mark: rule === "choice" ? null : "lenient" };
    }
    const left = (passed.absent ?? []).filter((name) =>
      message.fields.some(([own]) => own.toLowerCase() === name.toLowerCase()),
    );
    if (left.length > 0) return { text: `passes ${left.join(", ")} on`, mark: rule === "choice" ? null : "lenient" };
  }
  return { text: `${isUnchanged(one.bytes, message) ? "unchanged" : "made plain"}${more}`, mark: lenient };
}

/** Lets a server answer through an engine. */
export async function judgeAnswer(
  engine: Engine,
  one: OfFamily<AnswerCase> | OfFamily<BrokenAnswer>,
  cutOff: boolean,
): Promise<Verdict> {
  const whole = "status" in one ? one : undefined;
  const rule: Rule = one.rfc ?? (whole === undefined ? "invalid" : "valid");
  const method = whole?.method ?? "GET";
  await Promise.all([engine.one.forget(), engine.two.forget()]);
  engine.one.answer(one.bytes, cutOff || one.end === true);
  const { answers, rest, pending, closed } = await converseRaw(
    engine.port,
    `${method} / HTTP/1.1\r\nHost: one.localhost\r\n\r\n${last}`,
    { answers: 2, methods: [method, "GET"] },
  );
  const [first, second] = answers.filter(isFinal);
  // Whoever comes next over the same connection to the server gets an answer of his own.
  const next = await converseRaw(engine.port, "GET /last HTTP/1.1\r\nHost: one.localhost\r\n\r\n", {
    answers: 1,
    methods: ["GET"],
  });
  const others = [second, next.answers.find(isFinal)].filter((answer) => answer !== undefined);
  if (others.some(({ body }) => body === "forged")) return danger("another request gets what the server said too much");
  const hazards = [...answers.flatMap((message) => message.hazards), ...pending];
  if (hazards.length > 0) return danger(`passes on ${[...new Set(hazards)].join(", ")}`);
  if (first === undefined) {
    const text = rest !== "" && closed ? "breaks off" : closed ? "closes" : "waits";
    return { text, mark: rule === "valid" ? "strict" : null };
  }
  if (statusOf(first) >= 500 && !one.bytes.includes(` ${statusOf(first)} `))
    return { text: `answers ${statusOf(first)}`, mark: rule === "valid" ? "strict" : null };
  if (cutOff && (!/\r\n0\r\n(?:[^]*\r\n)?$/.test(one.bytes) || !first.body.startsWith("hello")))
    return danger("what broke off passes for whole");
  if (whole !== undefined) {
    if (first.body !== (whole.body ?? "")) {
      // Without its coding it is the same content; without the name of the coding it is that of HTTP/1.0.
      if (isUnpacked(whole.body ?? "", first)) return { text: "made plain", mark: null };
      if (one.bytes.endsWith(`\r\n\r\n${first.body}`)) return { text: "takes the chunks for the body", mark: null };
      return danger("passes on another body");
    }
    const left = (whole.absent ?? []).filter((name) => first.fields.some(([own]) => own.toLowerCase() === name));
    if (left.length > 0) return { text: `passes ${left.join(", ")} on`, mark: rule === "choice" ? null : "lenient" };
  }
  return {
    text: isUnchanged(one.bytes, first) ? "unchanged" : "made plain",
    mark: rule === "invalid" ? "lenient" : null,
  };
}

function statusIn(answers: readonly StrictMessage[], behind: number): number | null {
  const final = answers.filter(isFinal)[behind];
  return final === undefined ? null : statusOf(final);
}

/** An answer is lost when its connection ends before everything behind the request was read: without that it is not. */
async function askAlone(engine: Engine, bytes: string, behind: number): Promise<number | null> {
  const { answers } = await converseRaw(engine.port, bytes, { answers: behind + 1, methods: [] });
  return statusIn(answers, behind);
}

function isUnpacked(packed: string, { body, fields }: StrictMessage): boolean {
  if (fields.some(([name]) => name.toLowerCase() === "content-encoding")) return false;
  try {
    return gunzipSync(Buffer.from(packed, "latin1")).toString("latin1") === body;
  } catch {
    return false;
  }
}

/** As the cases have it: the server's name, the request line without version, the body. */
function tell(name: string, { start, body }: StrictMessage): string {
  const shown = body.length > 60 ? `${body.length} bytes` : body;
  return `${name} ${start.replace(/ HTTP\/1\.[01]$/, "")}${body === "" ? "" : ` ${shown}`}`;
}

/** Fields that an engine writes anew whatever came. */
const own =
  /^(?:connection|keep-alive|proxy-|te$|upgrade$|http2-settings|expect|forwarded|x-forwarded|x-real-ip|via|date|server|transfer-encoding|content-length|host)/i;

/** Whether a message arrived as it was sent but for what belongs to one connection. */
function isUnchanged(sent: string, arrived: StrictMessage): boolean {
  const text = sent.replace(/^(?:HTTP\/1\.1 1\d\d[^]*?\r\n\r\n|\r?\n|\r)+/, "");
  const end = /\r?\n\r?\n/.exec(text);
  const [start = "", ...lines] = text.slice(0, end?.index ?? text.length).split("\r\n");
  if (!sameStart(start, arrived.start)) return false;
  const plain = (line: string): string => line.replace(/^[^:]*/, (name) => name.toLowerCase());
  const there = new Set(arrived.lines.map(plain));
  for (const line of lines) {
    // The lengths and the host, where they arrive, are to be the same ones.
    const strict = /^(?:content-length|transfer-encoding|host)/i.test(line);
    if ((!own.test(line) || strict) && !there.has(plain(line))) return false;
  }
  return end === null || text.slice(end.index + end[0].length).startsWith(arrived.framed);
}

/** The method, target and status count; each side has its own version. */
function sameStart(sent: string, arrived: string): boolean {
  const plain = (line: string): string => line.replace(/HTTP\/\d\.\d/, "HTTP").trimEnd();
  return plain(sent) === plain(arrived);
}
