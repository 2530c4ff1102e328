/**
 * @module Who the client is, told by headers of the PROXY protocol: taken, refused and passed on; against HAProxy and nginx as they are.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { readProxyHeader, writeProxyHeader } from "../../src/protocols/index.ts";
import { RelayHub } from "../../src/gateway/relay/relay-hub.ts";
import { requireOrSkip, whyNoProgram } from "../support/netns.ts";
import { closeAll, freePort, serve, startForward, talk, whenOver } from "../support/relays.ts";

afterEach(closeAll);

const soon = { timeout: 5000 };
const endpoints = { source: { address: "192.0.2.7", port: 4711 }, destination: { address: "198.51.100.1", port: 443 } };

/** A server that keeps what it hears from each client, and says `hello` at once. */
async function hear(): Promise<{ readonly port: number; readonly heard: Buffer[] }> {
  const heard: Buffer[] = [];
  const port = await serve((socket: Socket) => {
    const index = heard.push(Buffer.alloc(0)) - 1;
    socket.write("hello");
    socket.on("data", (part) => (heard[index] = Buffer.concat([heard[index]!, part])));
    socket.once("end", () => socket.end());
  });
  return { port, heard };
}

describe("taken", () => {
  test.each([1, 2] as const)("version %i, a byte at a time, with and without what follows", async (version) => {
    const { port, heard } = await hear();
    const { port: listen, traces } = await startForward({ port }, { acceptProxy: true });
    const header = Buffer.from(writeProxyHeader(version, endpoints));
    const slow = talk(listen);
    slow.socket.setNoDelay(true);
    for (const byte of header) {
      slow.socket.write(Buffer.of(byte));
      await new Promise((resolve) => setImmediate(resolve));
    }
    // A server that speaks first is heard although nothing followed the header.
    await expect.poll(() => slow.heard, soon).toBe("hello");
    slow.socket.end("after");
    expect(await slow.over).toBe("");
    const whole = talk(listen, Buffer.concat([header, Buffer.from("at once")]));
    whole.socket.end();
    expect(await whole.over).toBe("");
    expect(heard.map(String)).toEqual(["after", "at once"]);
    await expect.poll(() => traces.map(({ client }) => client), soon).toEqual(["192.0.2.7:4711", "192.0.2.7:4711"]);
  });

  test("a proxy's own connection is its own", async () => {
    const { port, heard } = await hear();
    const { port: listen, traces } = await startForward({ port }, { acceptProxy: true });
    for (const version of [1, 2] as const) {
      const client = talk(listen, writeProxyHeader(version, null));
      const { localPort } = await new Promise<Socket>((resolve) =>
        client.socket.once("connect", () => resolve(client.socket)),
      );
      client.socket.end("x");
      expect(await client.over).toBe("");
      await expect.poll(() => traces.at(-1)?.client, soon).toBe(`127.0.0.1:${localPort}`);
    }
    expect(heard.map(String)).toEqual(["x", "x"]);
  });

  test.each([
    ["GET / HTTP/1.1\r\n\r\n", "no PROXY header"],
    ["PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "a PROXY line that cannot be read"],
    ["\r\n\r\n\0\r\nQUIT\n\x31", "a PROXY header of an unknown version"],
  ])("%j is refused", async (text, why) => {
    const { port, heard } = await hear();
    const { port: listen, traces, relay } = await startForward({ port }, { acceptProxy: true });
    expect(await talk(listen, Buffer.from(text, "latin1")).over).toBe("ECONNRESET");
    await expect.poll(() => traces[0], soon).toMatchObject({ failure: why, target: null });
    expect(relay.counts()).toMatchObject({ refused: 1, failed: 0 });
    expect(heard).toEqual([]);
  });

  test("who sends none, or half of one, is not waited for", async () => {
    const { port } = await hear();
    const hub = new RelayHub({ proxyMs: 60 });
    const { port: listen, traces } = await startForward({ port }, { acceptProxy: true, hub });
    const clients = [talk(listen), talk(listen, "PROXY TCP4 1.2")];
    for (const client of clients) expect(await client.over).toBe("ECONNRESET");
    await expect
      .poll(() => traces.map(({ failure }) => failure), soon)
      .toEqual(["no PROXY header in time", "no PROXY header in time"]);
    const half = talk(listen, "PROXY TCP4 1.2");
    half.socket.end();
    expect(await half.over).toBe("ECONNRESET");
  });
});

describe("written", () => {
  test.each([
    [1, "127.0.0.1"],
    [2, "127.0.0.1"],
    [1, "::1"],
    [2, "::1"],
  ] as const)("version %i at %s, as soon as the server is reached", async (version, address) => {
    const { port, heard } = await hear();
    const { port: listen } = await startForward({ port }, { sendProxy: version, address });
    const client = talk(listen, "", address);
    // Nothing is said.
    await expect.poll(() => heard[0]?.length ?? 0, soon).toBeGreaterThan(0);
    const { localPort } = client.socket;
    expect(readProxyHeader(heard[0]!)).toEqual({
      verdict: "header",
      version,
      length: heard[0]!.length,
      endpoints: { source: { address, port: localPort }, destination: { address, port: listen } },
    });
  });

  test("IPv4 at a socket of both families is IPv4", async () => {
    const { port, heard } = await hear();
    const { port: listen } = await startForward({ port }, { sendProxy: 1, address: "::" });
    const client = talk(listen);
    await expect.poll(() => heard[0]?.toString(), soon).toMatch(/^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 /);
    client.socket.end();
  });

  test.each([1, 2] as const)("what was told by another proxy is told on, as version %i", async (version) => {
    const { port, heard } = await hear();
    const { port: listen } = await startForward({ port }, { acceptProxy: true, sendProxy: version });
    const client = talk(listen, Buffer.concat([writeProxyHeader(2, endpoints), Buffer.from("rest")]));
    client.socket.end();
    expect(await client.over).toBe("");
    expect(heard[0]).toEqual(Buffer.concat([writeProxyHeader(version, endpoints), Buffer.from("rest")]));
  });
});

/** Starts a server in the foreground with its configuration in a file, and waits until it takes connections at the port. */
async function run(
  program: string,
  words: (file: string, folder: string) => string[],
  text: string,
  port: number,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "pfw-"));
  const file = join(folder, "configuration");
  writeFileSync(file, text.replaceAll("FOLDER", folder));
  const child = spawn(program, words(file, folder), { stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (part: string) => (said += part));
  whenOver(async () => {
    child.kill("SIGTERM");
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    rmSync(folder, { recursive: true, force: true });
  });
  for (let round = 0; round < 250; round += 1) {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${said}`);
    if (await answers(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`${program} does not listen: ${said}`);
}

function answers(port: number): Promise<boolean> {
  const socket = connect(port, "127.0.0.1");
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
  }).finally(() => socket.destroy()) as Promise<boolean>;
}

describe.skipIf(requireOrSkip("PROXY headers with HAProxy", whyNoProgram("haproxy", "haproxy")))("HAProxy", () => {
  const usual = "defaults\n mode tcp\n timeout connect 5s\n timeout client 10s\n timeout server 10s\n";
  const start = (text: string, port: number): Promise<void> =>
    run("haproxy", (file) => ["-db", "-f", file], `global\n maxconn 100\n${usual}${text}`, port);

  test.each([
    ["send-proxy", 1],
    ["send-proxy-v2", 2],
    ["send-proxy-v2-ssl-cn", 2],
  ])("its %s is taken", async (option) => {
    const { port, heard } = await hear();
    const { port: listen, traces } = await startForward({ port }, { acceptProxy: true });
    const front = await freePort();
    await start(`listen a\n bind 127.0.0.1:${front}\n server b 127.0.0.1:${listen} ${option}\n`, front);
    const client = talk(front, "through");
    await expect.poll(() => client.heard, soon).toBe("hello");
    const { localPort } = client.socket;
    client.socket.end();
    await client.over;
    await expect.poll(() => heard.map(String), soon).toContain("through");
    await expect.poll(() => traces.map((trace) => trace.client), soon).toContain(`127.0.0.1:${localPort}`);
  });

  test.each([1, 2] as const)("version %i is understood by its accept-proxy", async (version) => {
    const back = await freePort();
    // It says who it was told that the client is.
    await start(
      `frontend a\n mode http\n bind 127.0.0.1:${back} accept-proxy\n http-request return status 200 content-type text/plain lf-string "%[src] %[src_port] %[dst] %[dst_port]"\n`,
      back,
    );
    const { port: listen } = await startForward({ port: back }, { sendProxy: version });
    const client = talk(listen, "GET / HTTP/1.0\r\n\r\n");
    await once(client.socket, "end");
    expect(client.heard.split("\r\n\r\n")[1]).toBe(`127.0.0.1 ${client.socket.localPort} 127.0.0.1 ${listen}`);
    client.socket.end();
  });
});

describe.skipIf(requireOrSkip("PROXY headers with nginx", whyNoProgram("nginx", "nginx-light")))("nginx", () => {
  test.each([1, 2] as const)("understands version %i", async (version) => {
    const back = await freePort();
    await run(
      "nginx",
      (file, folder) => ["-p", folder, "-c", file, "-e", join(folder, "error.log")],
      `daemon off; master_process off; pid FOLDER/pid; error_log FOLDER/error.log;
events { worker_connections 64; }
http { access_log off; client_body_temp_path FOLDER/a; proxy_temp_path FOLDER/b; fastcgi_temp_path FOLDER/c; uwsgi_temp_path FOLDER/d; scgi_temp_path FOLDER/e;
  server { listen 127.0.0.1:${back} proxy_protocol; location / { return 200 "$proxy_protocol_addr $proxy_protocol_port"; } } }`,
      back,
    );
    const { port: listen } = await startForward({ port: back }, { sendProxy: version });
    const client = talk(listen, "GET / HTTP/1.0\r\n\r\n");
    await once(client.socket, "end");
    expect(client.heard.split("\r\n\r\n")[1]).toBe(`127.0.0.1 ${client.socket.localPort}`);
    client.socket.end();
  });
});
