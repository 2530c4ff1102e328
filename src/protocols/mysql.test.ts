/**
 * @module MySQL's probe over a recorded handshake, errors in its place, and broken packets. It never sends anything.
 */
import { describe, expect, test } from "vitest";
import { groupByAnswer, ask, factsOf } from "../../test/support/ask.ts";
import { readCapture } from "../../test/support/captures.ts";
import { replay } from "../../test/support/replay.ts";
import { mysql } from "./mysql.ts";

function packet(body: string, sequence = 0): string {
  return `${String.fromCharCode(body.length & 255, body.length >> 8, 0, sequence)}${body}`;
}

const clientSsl = 0x0800;

/** Protocol::HandshakeV10, `modern` with upper capabilities and a plugin's name. */
function handshake(version: string, { flags = clientSsl, upper = 0x0008, modern = true } = {}): string {
  const lower = String.fromCharCode(flags & 255, flags >> 8);
  const rest = `\b\u0002\0${String.fromCharCode(upper)}\0\u0015${"\0".repeat(10)}bbbbbbbbbbbb\0caching_sha2_password\0`;
  return packet(`\n${version}\0\u0007\0\0\0aaaaaaaa\0${lower}${modern ? rest : ""}`);
}

describe("the handshake", () => {
  test("of MariaDB names it; 5.5.5- in front is not its version", () => {
    const { verdict, sent } = replay(mysql, readCapture("mysql", "mariadb"));
    expect(verdict).toEqual({
      outcome: "proved",
      evidence: "handshake of protocol version 10",
      facts: [
        { name: "product", value: "MariaDB", from: "handshake, server version" },
        { name: "version", value: "10.11.19-MariaDB-0+deb12u1", from: "handshake, server version" },
        { name: "protocolVersion", value: "10", from: "handshake, first byte" },
        { name: "startTls", value: "offered", from: "handshake, capability CLIENT_SSL" },
        { name: "authentication", value: ["mysql_native_password"], from: "handshake, authentication plugin" },
        { name: "login", value: "required", from: "handshake" },
      ],
    });
    expect(sent).toEqual([]);
  });

  test("of others names no product", () => {
    const { verdict } = ask(mysql, [handshake("8.0.36")]);
    expect(verdict.outcome).toBe("proved");
    expect(factsOf(verdict)).toEqual({
      version: "8.0.36",
      protocolVersion: "10",
      startTls: "offered",
      authentication: ["caching_sha2_password"],
      login: "required",
    });
  });

  test("says of TLS and of the plugin only what its capabilities say", () => {
    expect(factsOf(ask(mysql, [handshake("8.0.36", { flags: 0, upper: 0 })]).verdict)).toEqual({
      version: "8.0.36",
      protocolVersion: "10",
      login: "required",
    });
    expect(factsOf(ask(mysql, [handshake("4.0.1", { modern: false })]).verdict)).toMatchObject({
      version: "4.0.1",
      startTls: "offered",
    });
  });
});

describe("an error in place of the handshake", () => {
  test.each([
    [1040, "too many connections"],
    [1129, "this address is blocked because of many connection errors"],
    [1130, "this address is not allowed to connect"],
  ])("%d proves it too", (code, meaning) => {
    const reply = packet(`\u00ff${String.fromCharCode(code & 255, code >> 8)}Host '127.0.0.1' is not welcome`);
    expect(ask(mysql, [reply]).verdict).toEqual({
      outcome: "proved",
      evidence: `error ${code} in place of the handshake`,
      facts: [{ name: "status", value: meaning, from: `error ${code}` }],
    });
  });

  test("one whose number or text is none does not", () => {
    expect(ask(mysql, [packet("\u00ff\u0001\0text")]).verdict.outcome).toBe("other");
    expect(ask(mysql, [packet("\u00ff\u006a\u0004\0\0\0")]).verdict.outcome).toBe("other");
    expect(ask(mysql, [packet("\u00ff\u006a\u0004")]).verdict.outcome).toBe("other");
  });
});

test("silence, half a packet, and what is none", () => {
  expect(ask(mysql, []).verdict.outcome).toBe("silent");
  for (const reply of [
    "220 mail\r\n",
    "SSH-2.0-x\r\n",
    handshake("8.0.36").slice(0, 20),
    handshake("8.0\u001b[31m"),
    handshake(""),
    handshake("A".repeat(3000)),
    packet(`\n8.0.36\0`),
    packet(handshake("8.0.36").slice(4), 1),
    "\0\0\0\0\n",
    "\u00ff\u00ff\u00ff\0\n8.0",
  ]) {
    expect([reply, ask(mysql, [reply]).verdict.outcome]).toEqual([reply, "other"]);
  }
});

test("recognises its own greeting only", () => {
  const greetings = { match: [handshake("8.0.36")], more: ["", "\u004a\0\0"], no: ["220 ", "HTTP/1.1 400"] };
  expect(groupByAnswer(mysql.recognise!, greetings)).toEqual(greetings);
});
