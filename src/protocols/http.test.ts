/**
 * @module HTTP's probe over recorded exchanges and hostile ones; its cautious opening; a client's first line.
 */
import { describe, expect, test } from "vitest";
import { readCapture } from "../../test/support/captures.ts";
import { fromHex, recordingOf, replay, type Recording } from "../../test/support/replay.ts";
import { authenticationSchemes, findTitle, parseServerHeader } from "./http-facts.ts";
import { longestBody } from "./http-message.ts";
import { askCautiously, http } from "./http.ts";
import type { HttpPage, Protocol, Verdict } from "./protocol.ts";
import { latin1Bytes } from "./talk.ts";

const cautious: Protocol = { ...http, probe: askCautiously };

function answer(text: string, protocol = http, after: Recording["after"] = "ended"): Verdict {
  return replay(
    protocol,
    recordingOf(
      [
        [">", ""],
        ["<", text],
      ],
      { after },
    ),
  ).verdict;
}

function pageOf(verdict: Verdict): HttpPage {
  if (!("page" in verdict) || verdict.page === undefined) throw new Error(`no page: ${verdict.evidence}`);
  return verdict.page;
}

function factsOf(verdict: Verdict): Record<string, unknown> {
  return "facts" in verdict ? Object.fromEntries(verdict.facts.map(({ name, value }) => [name, value])) : {};
}

describe("recorded servers", () => {
  test("nginx proves itself with product and version", () => {
    const { verdict, sent } = replay(http, readCapture("http", "nginx"));
    expect(verdict.outcome).toBe("proved");
    expect(factsOf(verdict)).toEqual({ protocolVersion: "1.1", status: 200, product: "nginx", version: "1.22.1" });
    expect(pageOf(verdict)).toMatchObject({ status: 200, body: "hi\n", keepsAlive: true });
    expect(Buffer.from(fromHex(sent[0]!)).toString("latin1")).toBe(
      "GET / HTTP/1.1\r\nHost: 127.0.0.1:28081\r\nUser-Agent: portolan\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n",
    );
  });

  test("a redirect to itself costs one request", () => {
    const { verdict, sent } = replay(http, readCapture("http", "nginx-redirect-loop"));
    expect(factsOf(verdict)).toMatchObject({ status: 302, location: "http://127.0.0.1:28082/" });
    expect(sent).toHaveLength(1);
  });

  test("no version is made up where the header has none", () => {
    const { verdict } = replay(http, readCapture("http", "caddy-redirect"));
    expect(factsOf(verdict)).toMatchObject({ product: "Caddy", status: 308 });
    expect(factsOf(verdict)).not.toHaveProperty("version");
    expect(pageOf(verdict).keepsAlive).toBe(false);
    expect(replay(http, readCapture("http", "caddy-inside-tls")).verdict.outcome).toBe("proved");
  });

  test.each(["nginx-plain-to-tls", "go-plain-to-tls"])("%s: the port wants TLS", (name) => {
    expect(replay(http, readCapture("http", name)).verdict).toMatchObject({ outcome: "other", suggests: ["tls"] });
  });

  test("the title of a page is told", () => {
    expect(factsOf(replay(http, readCapture("http", "node-exporter")).verdict)).toMatchObject({
      title: "Node Exporter",
    });
  });

  test("HTTP/2 frames are no HTTP/1", () => {
    expect(replay(http, readCapture("http", "nghttpd-refuses")).verdict.outcome).toBe("other");
  });
});

describe("weak proof, refusals and foreign answers", () => {
  test("a status line without a header block is weak", () => {
    expect(answer("HTTP/1.1 200 OK\r\nServer: ")).toMatchObject({ outcome: "suggested" });
    expect(answer(`HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(101)}\r\n`)).toMatchObject({ outcome: "suggested" });
    expect(answer(`HTTP/1.1 200 OK\r\nX: ${"y".repeat(20_000)}\r\n\r\n`)).toMatchObject({ outcome: "suggested" });
    expect(answer("HTTP/1.1 200 OK\r\nno field at all\r\n\r\n")).toMatchObject({ outcome: "suggested" });
  });

  test("what is no status line is not HTTP", () => {
    for (const text of [
      "HTTP/1.1 2",
      "HTTP/1.1 abc OK\r\n\r\n",
      "HTTP/2 200\r\n\r\n",
      "ICY 200 OK\r\n\r\n",
      "-ERR\r\n",
    ]) {
      expect(answer(text), text).toMatchObject({ outcome: "other" });
    }
  });

  test("silence is silence", () => {
    expect(answer("", http, "silent").outcome).toBe("silent");
    expect(answer("", http, "reset").outcome).toBe("silent");
  });

  test("an alert of TLS points to TLS", () => {
    expect(answer("\x15\x03\x01\x00\x02\x02\x46")).toMatchObject({ outcome: "other", suggests: ["tls"] });
  });

  test("a login is told with its scheme", () => {
    expect(
      factsOf(answer('HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="a, b"\r\nContent-Length: 0\r\n\r\n')),
    ).toMatchObject({ login: "Basic" });
    expect(factsOf(answer("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"))).toMatchObject({ login: true });
    expect(authenticationSchemes('Negotiate, Digest realm="x", nonce="Bearer y", Basic')).toEqual([
      "Negotiate",
      "Digest",
      "Basic",
    ]);
  });
});

describe("bodies", () => {
  const head = "HTTP/1.1 200 OK\r\n";

  test("chunks are joined, trailers skipped, and the connection is kept", () => {
    const text = `${head}Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: x\r\n\r\n`;
    expect(pageOf(answer(text))).toMatchObject({ body: "abc0123456789", keepsAlive: true });
  });

  test("broken chunks keep what came and give the connection up", () => {
    for (const rest of ["zz\r\n", "3\r\nabcX", "ffffffffffffff\r\n", "3\r\nab", "1".repeat(2000)]) {
      const page = pageOf(answer(`${head}Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n${rest}`));
      expect(page.body.startsWith("ok"), rest).toBe(true);
      expect(page.keepsAlive, rest).toBe(false);
    }
  });

  test("interim responses are skipped, but not for ever", () => {
    expect(pageOf(answer(`HTTP/1.1 103 Early Hints\r\nA: b\r\n\r\n${head}Content-Length: 2\r\n\r\nhi`))).toMatchObject({
      status: 200,
      body: "hi",
      keepsAlive: true,
    });
    expect(answer("HTTP/1.1 100 Continue\r\n\r\n".repeat(50)).outcome).toBe("other");
  });

  test("no body where there is none", () => {
    expect(pageOf(answer("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n")).keepsAlive).toBe(true);
    expect(pageOf(answer("HTTP/1.1 304 Not Modified\r\n\r\n")).keepsAlive).toBe(true);
    expect(pageOf(answer("HTTP/1.1 101 Switching Protocols\r\n\r\n")).keepsAlive).toBe(false);
    expect(pageOf(answer(`${head}Content-Length: 0\r\n\r\n`, http, "silent")).keepsAlive).toBe(true);
  });

  test("64 KiB of a body are kept and no more is waited for", () => {
    for (const fields of ["Content-Length: 99999999", "Connection: close", "Transfer-Encoding: gzip"]) {
      const page = pageOf(answer(`${head}${fields}\r\n\r\n${"x".repeat(longestBody + 9)}`, http, "silent"));
      expect(page.body, fields).toHaveLength(longestBody);
      expect(page.keepsAlive, fields).toBe(false);
    }
    const chunk = `8000\r\n${"x".repeat(0x8000)}\r\n`;
    const page = pageOf(answer(`${head}Transfer-Encoding: chunked\r\n\r\n${chunk.repeat(3)}`, http, "silent"));
    expect(page.body).toHaveLength(longestBody);
    expect(page.keepsAlive).toBe(false);
  });

  test("a body that stops short ends the page there", () => {
    expect(pageOf(answer(`${head}Content-Length: 9\r\n\r\nhalf`, http, "silent"))).toMatchObject({
      body: "half",
      keepsAlive: false,
    });
  });

  test("HTTP/1.0 keeps a connection only when it says so", () => {
    expect(pageOf(answer("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx")).keepsAlive).toBe(false);
    expect(pageOf(answer("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 1\r\n\r\nx")).keepsAlive).toBe(
      true,
    );
  });
});

describe("the cautious opening", () => {
  test("it sends neither Host nor body, and its proof is weak", () => {
    const recording = recordingOf(
      [
        [">", ""],
        ["<", "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\nContent-Length: 0\r\n\r\n"],
      ],
      { after: "ended" },
    );
    const { verdict, sent } = replay(cautious, recording);
    expect(sent.map((hex) => Buffer.from(hex, "hex").toString())).toEqual(["GET / HTTP/1.0\r\n\r\n"]);
    expect(verdict.outcome).toBe("suggested");
    expect(factsOf(verdict)).toMatchObject({ product: "nginx", version: "1.22.1" });
    expect(pageOf(verdict).status).toBe(200);
  });

  test("other protocols' answers are left", () => {
    expect(answer("-ERR unknown command 'GET'\r\n", cautious)).toMatchObject({ outcome: "other" });
    expect(answer("", cautious, "silent").outcome).toBe("silent");
  });
});

test("Server headers are read conservatively", () => {
  expect(parseServerHeader("Apache/2.4.57 (Debian) OpenSSL/3.0.11")).toEqual({
    product: "Apache",
    version: "2.4.57",
    operatingSystem: "Debian",
  });
  expect(parseServerHeader("Jetty(10.0.13)")).toEqual({ product: "Jetty", version: "10.0.13" });
  expect(parseServerHeader("SimpleHTTP/0.6 Python/3.11.2")).toEqual({ product: "SimpleHTTP", version: "0.6" });
  expect(parseServerHeader("Libpod/4.3.1 (linux)")).toMatchObject({ operatingSystem: "linux" });
  expect(parseServerHeader("Caddy")).toEqual({ product: "Caddy" });
  expect(parseServerHeader("x/1 (we run on Debian)")).toEqual({ product: "x", version: "1" });
  for (const odd of ["", "my secret server", "/1.2", "nginx/", "1.2.3", "\u001b[31mx"]) {
    expect(parseServerHeader(odd), odd).toEqual({});
  }
});

test("a title is one line, decoded and short", () => {
  expect(findTitle("<html><TITLE data-x='1'>\n a &amp; b\n&#x41;&#66; </title>")).toBe("a & b AB");
  expect(findTitle(`<title>${"x".repeat(5000)}</title>`)).toHaveLength(200);
  expect(findTitle("<title>never ends")).toBeUndefined();
  expect(findTitle("<title></title>")).toBeUndefined();
  expect(findTitle("<title>&#x110000; &constructor;</title>")).toBe("&#x110000; &constructor;");
  expect(findTitle("<title".repeat(20_000))).toBeUndefined();
});

describe("a client's first line", () => {
  const sniff = (text: string): string => http.sniff!(latin1Bytes(text), "tcp").verdict;

  test("requests match, and every shorter part of them wants more", () => {
    for (const line of ["GET / HTTP/1.1\r\n", "OPTIONS * HTTP/1.0\n", "M-SEARCH http://x/%20?a=b HTTP/1.1\r\n"]) {
      expect(sniff(`${line}Host: x\r\n\r\n`)).toBe("match");
      for (let length = 0; length < line.length; length++) expect(sniff(line.slice(0, length)), line).toBe("more");
    }
  });

  test("others are told apart at the first byte that does not fit", () => {
    const others = [
      "GET  ",
      "GET / HTTP/2",
      "SSH-2.0-x\r",
      " ",
      "\x16",
      "GET /\r",
      "A B C",
      "GET / HTTP/1.1 ",
      "GET / HTTP/1.x",
    ];
    for (const text of others) {
      expect(sniff(text), text).toBe("no");
      expect(sniff(text.slice(0, -1)), text).toBe("more");
    }
    expect(sniff("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")).toBe("no");
  });

  test("a line without end is given up at 16 KiB", () => {
    expect(sniff(`GET /${"a".repeat(16_000)}`)).toBe("more");
    expect(sniff(`GET /${"a".repeat(20_000)}`)).toBe("no");
    expect(sniff("A".repeat(16_384))).toBe("no");
  });
});
