/**
 * @module SIP's probe over recorded answers of Kamailio, provisional and refusing ones, and answers to other requests.
 */
import { describe, expect, test } from "vitest";
import { ask, factsOf, groupByAnswer } from "../../test/support/ask.ts";
import { readCapture } from "../../test/support/captures.ts";
import { replay } from "../../test/support/replay.ts";
import { sip } from "./sip.ts";

const [request = ""] = ask(sip, []).sent;
const branch = /branch=(z9hG4bK[0-9a-f]+)/.exec(request)![1]!;

function answer(status: string, fields = "", ours = branch): string {
  return `SIP/2.0 ${status}\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=${ours};rport=5\r\n${fields}Content-Length: 0\r\n\r\n`;
}

test.each(["kamailio-udp", "kamailio-tcp"])("the answer of %s proves it", (name) => {
  const { verdict, sent } = replay(sip, readCapture("sip", name));
  expect(verdict).toEqual({
    outcome: "proved",
    evidence: "SIP/2.0 200 with our branch",
    facts: [
      { name: "status", value: 200, from: "status line" },
      { name: "product", value: "kamailio", from: "Server header" },
      { name: "version", value: "5.6.3", from: "Server header" },
    ],
  });
  expect(sent).toHaveLength(1);
});

test("the request is a whole one, also to IPv6 addresses", () => {
  const [sent = ""] = ask(sip, [], { host: "::1", localAddress: "::1", port: 5060, transport: "udp" }).sent;
  expect(sent).toMatch(
    /^OPTIONS sip:\[::1\]:5060 SIP\/2\.0\r\nVia: SIP\/2\.0\/UDP \[::1\];branch=z9hG4bK\w+;rport\r\n/,
  );
  for (const name of ["Max-Forwards", "From", "To", "Call-ID", "CSeq", "Content-Length"]) {
    expect(sent).toContain(`\r\n${name}: `);
  }
  expect(sent.endsWith("\r\n\r\n")).toBe(true);
});

describe("answers of others", () => {
  test.each([
    ["Server: Asterisk PBX 18.10.0~dfsg\r\n", { product: "Asterisk PBX", version: "18.10.0~dfsg" }],
    ["User-Agent: FPBX-16\r\n", { identity: "FPBX-16" }],
    ["Allow: INVITE, ACK , OPTIONS\r\n", { capabilities: ["INVITE", "ACK", "OPTIONS"] }],
    ["Server: \u001b[31m\u0007\r\n", { identity: "\u001b[31m\u0007" }],
  ])("%j tells %j", (fields, facts) => {
    const { verdict } = ask(sip, [answer("200 OK", fields)]);
    expect([verdict.outcome, factsOf(verdict)]).toEqual(["proved", { status: 200, ...facts }]);
  });

  test("a refusal proves it as well, and may ask for a login", () => {
    expect(ask(sip, [answer("401 Unauthorized")]).verdict).toMatchObject({ outcome: "proved" });
    expect(factsOf(ask(sip, [answer("401 Unauthorized")]).verdict)).toEqual({ status: 401, login: "required" });
    expect(factsOf(ask(sip, [answer("405 Not Allowed")]).verdict)).toEqual({ status: 405 });
  });

  test("the final answer counts, not a provisional one", () => {
    expect(factsOf(ask(sip, [`${answer("100 Trying")}${answer("404 Not Found")}`]).verdict)).toEqual({ status: 404 });
    expect(ask(sip, [answer("100 Trying").repeat(50)]).verdict.outcome).toBe("proved");
  });
});

test.each([
  ["an answer to somebody else", answer("200 OK", "", "z9hG4bKother"), "suggested"],
  ["an answer without Via", "SIP/2.0 200 OK\r\n\r\n", "suggested"],
  ["a head without end", `SIP/2.0 200 OK\r\n${"X: y\r\n".repeat(20_000)}`, "other"],
  ["a status that does not exist", "SIP/2.0 700 X\r\n\r\n", "other"],
  ["another protocol", "HTTP/1.1 400 Bad Request\r\n\r\n", "other"],
  ["an echo", request, "other"],
])("%s is no proof", (_name, reply, outcome) => {
  expect(ask(sip, [reply]).verdict.outcome).toBe(outcome);
});

test("silence is silence; recognises status lines, and clients by method and scheme", () => {
  expect(ask(sip, []).verdict.outcome).toBe("silent");
  const greetings = { match: ["SIP/2.0 400"], more: ["SIP", ""], no: ["HTTP/1.1", "SIP/3"] };
  expect(groupByAnswer(sip.recognise!, greetings)).toEqual(greetings);
  const hellos = {
    match: ["OPTIONS sip:a", "REGISTER sip:b", "INVITE sips:c"],
    more: ["OPTIONS ", ""],
    no: ["OPTIONS * HTTP/1.1", "GET / HTTP/1.1"],
  };
  expect(groupByAnswer(sip.sniff!, hellos)).toEqual(hellos);
});
