/**
 * @module Fetching from real servers that do everything a server should not.
 */
import { createServer as createPlainServer, type RequestListener } from "node:http";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, describe, expect, test } from "vitest";
import { isPortolanError } from "../core/index.ts";
import { downloadText, type DownloadLimits, type DownloadOptions } from "./download.ts";

const limits: DownloadLimits = { mostBytes: 1000, deadlineMs: 5000, silenceMs: 2000, mostRedirections: 3 };
const signal = new AbortController().signal;
const running: { server: Server; sockets: Set<Socket> }[] = [];

afterEach(async () => {
  for (const { server, sockets } of running.splice(0)) {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function listen(server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  running.push({ server, sockets });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.csv`;
}

function serve(answer: RequestListener): Promise<string> {
  return listen(createPlainServer(answer));
}

/** A server that writes these bytes whatever it is asked, and then does what it is told. */
function serveRaw(text: string, then: (socket: Socket) => void): Promise<string> {
  return listen(
    createServer((socket) => {
      socket.once("data", () => socket.write(text, () => then(socket)));
    }),
  );
}

async function failureOf(
  url: string,
  options: Partial<DownloadOptions> = {},
): Promise<{ code: string; message: string }> {
  try {
    await downloadText(url, { limits, signal, ...options });
  } catch (error) {
    if (!isPortolanError(error)) throw error;
    return { code: error.code, message: error.message };
  }
  return { code: "none", message: "it was fetched" };
}

test("a text with what the server says of it, and how far it is", async () => {
  const url = await serve((request, response) => {
    expect(request.headers["accept-encoding"]).toBe("identity");
    response.writeHead(200, { etag: '"1"', "last-modified": "Fri, 13 Feb 2026 00:00:00 GMT", "content-length": 9 });
    response.end("\ufeffnaïve");
  });
  const seen: (readonly [number, number | null])[] = [];
  const download = await downloadText(url, { limits, signal, onProgress: (done, total) => seen.push([done, total]) });
  expect(download).toEqual({ text: "naïve", entityTag: '"1"', lastModified: "Fri, 13 Feb 2026 00:00:00 GMT", url });
  expect(seen[0]).toEqual([0, 9]);
  expect(seen.at(-1)).toEqual([9, 9]);
});

test("only a newer one is asked for", async () => {
  const asked: unknown[] = [];
  const url = await serve((request, response) => {
    asked.push([request.headers["if-none-match"], request.headers["if-modified-since"]]);
    response.writeHead(304).end();
  });
  const known = { entityTag: 'W/"x"', lastModified: "Fri, 13 Feb 2026 00:00:00 GMT" };
  expect((await downloadText(url, { limits, signal, known })).text).toBeNull();
  expect(asked).toEqual([['W/"x"', "Fri, 13 Feb 2026 00:00:00 GMT"]]);
  // Who did not ask whether it is newer gets no such answer.
  expect(await failureOf(url)).toMatchObject({ code: "DOWNLOAD_FAILED", message: expect.stringContaining("304") });
});

describe("redirections", () => {
  test("are followed, relative ones too, and the password is not carried along", async () => {
    const seen: unknown[] = [];
    const target = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.end("here");
    });
    const url = await serve((request, response) => {
      response.writeHead(302, { location: request.url === "/a.csv" ? "b.csv" : target }).end();
    });
    const download = await downloadText(url.replace("http://", "http://user:secret@"), { limits, signal });
    expect(download).toMatchObject({ text: "here", url: target });
    expect(seen).toEqual([undefined]);
  });

  test("have an end", async () => {
    let count = 0;
    const url = await serve((_, response) => {
      count += 1;
      response.writeHead(301, { location: "/a.csv" }).end();
    });
    expect((await failureOf(url)).message).toContain("redirected more than 3 times");
    expect(count).toBe(4);
  });

  test.each([
    ["file:///etc/passwd", "is no address"],
    ["http://[", "is no address"],
    ["gopher://127.0.0.1/", "is no address"],
  ])("to %s are refused", async (location, why) => {
    const url = await serve((_, response) => void response.writeHead(307, { location }).end());
    expect(await failureOf(url)).toMatchObject({ code: "DOWNLOAD_FAILED", message: expect.stringContaining(why) });
  });

  test("from elsewhere to this machine are refused", async () => {
    const url = await serve((request, response) => {
      // The name is this machine's by the system's own table, and none of those that always are.
      response.writeHead(302, { location: `http://127.0.0.1:${request.socket.localPort}/x` }).end();
    });
    const port = new URL(url).port;
    const download = failureOf(`http://0.0.0.0:${port}/a.csv`);
    expect(await download).toMatchObject({ code: "DOWNLOAD_FAILED", message: expect.stringContaining("this machine") });
  });
});

describe("is refused", () => {
  test.each([404, 500, 206, 204, 401, 304])("status %i", async (status) => {
    const url = await serve((_, response) => void response.writeHead(status).end());
    expect(await failureOf(url)).toMatchObject({
      code: "DOWNLOAD_FAILED",
      message: expect.stringContaining(`answered ${status}`),
    });
  });

  test.each(["ftp://127.0.0.1/a.csv", "file:///etc/passwd", "http://", "javascript://x"])("%s", async (url) => {
    expect((await failureOf(url)).code).toBe("ARGUMENT_INVALID");
  });

  test("a size that is stated and too large, before anything of it is read", async () => {
    const url = await serveRaw("HTTP/1.1 200 OK\r\ncontent-length: 1001\r\n\r\n", () => undefined);
    expect((await failureOf(url)).message).toContain("more than 1000 bytes");
  });

  test("a size that is not stated and has no end", async () => {
    const url = await serve((_, response) => {
      const more = (): void => {
        while (!response.destroyed && response.write("a".repeat(500)));
      };
      response.on("drain", more);
      more();
    });
    expect((await failureOf(url)).message).toContain("more than 1000 bytes");
  });

  test("a packed answer", async () => {
    const url = await serve((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync("a".repeat(100_000)));
    });
    expect((await failureOf(url)).message).toContain("packed");
  });

  test("a length that promises more than comes", async () => {
    const url = await serveRaw("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nhalf of it", (socket) => socket.end());
    expect(await failureOf(url)).toMatchObject({
      code: "DOWNLOAD_FAILED",
      message: expect.stringContaining("broken off"),
    });
  });

  test("a length that promises less than comes: what was promised is taken, and is the whole for the reader to judge", async () => {
    const url = await serveRaw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nhalf of it", (socket) => socket.end());
    const { text } = await downloadText(url, { limits, signal });
    expect(text).toBe("half");
  });

  test("pieces without the last one", async () => {
    const url = await serveRaw("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nhalf\r\n", (socket) =>
      socket.end(),
    );
    expect((await failureOf(url)).message).toContain("broken off");
  });

  test("a connection that is reset, before the head and within the body", async () => {
    for (const text of ["HTTP/1.1 200 OK\r\nconte", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"]) {
      const url = await serveRaw(text, (socket) => socket.resetAndDestroy());
      expect((await failureOf(url)).message).toContain("broken off");
    }
  });

  test("what is no HTTP, and a head without end", async () => {
    const strange = await serveRaw("SSH-2.0-OpenSSH_9.6\r\n", (socket) => socket.end());
    expect((await failureOf(strange)).code).toBe("DOWNLOAD_FAILED");
    const endless = await serveRaw(`HTTP/1.1 200 OK\r\nx: ${"a".repeat(100_000)}`, () => undefined);
    expect((await failureOf(endless)).code).toBe("DOWNLOAD_FAILED");
  });

  test("a server that falls silent, before the head and within the body", async () => {
    const impatient = { limits: { ...limits, silenceMs: 100 } };
    for (const text of ["HTTP", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "HTTP/1.1 200 OK\r\n\r\nhalf"]) {
      const url = await serveRaw(text, () => undefined);
      expect((await failureOf(url, impatient)).message).toContain("said nothing for 100 ms");
    }
  });

  test("a server that says one byte after the other, for ever", async () => {
    const timers: NodeJS.Timeout[] = [];
    const url = await serveRaw("HTTP/1.1 200 OK\r\n\r\n", (socket) =>
      timers.push(setInterval(() => socket.write("a"), 20)),
    );
    try {
      expect((await failureOf(url, { limits: { ...limits, deadlineMs: 300 } })).message).toContain(
        "not complete after 300 ms",
      );
    } finally {
      for (const timer of timers) clearInterval(timer);
    }
  });

  test("a port at which nobody listens", async () => {
    const url = await serve(() => undefined);
    const [one] = running.splice(0);
    await new Promise((resolve) => one?.server.close(resolve));
    expect((await failureOf(url)).message).toContain("nobody listens there");
  });
});

test("an abort ends it, whatever the server does", async () => {
  for (const text of ["HTTP", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", "HTTP/1.1 200 OK\r\n\r\nhalf"]) {
    const abort = new AbortController();
    const url = await serveRaw(text, () => abort.abort());
    expect((await failureOf(url, { signal: abort.signal })).code).toBe("ABORTED");
  }
});

test("a password is not told", async () => {
  const url = await serve((_, response) => void response.writeHead(403).end());
  const { message } = await failureOf(url.replace("http://", "http://user:secret@"));
  expect(message).toContain("403");
  expect(message).not.toContain("secret");
});
