/**
 * @module `wait` on real servers that come, go, and are not ready yet.
 */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer, type Server } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { createHost, pickPort, releasePorts, wait, waitFor, type WaitEvent } from "../../src/index.ts";
import { createUnsupportedHost } from "../../src/host/unsupported.ts";
import { makeCertificate } from "../servers/certificate.ts";
import { createNetworkNamespace, requireOrSkip, whyNoNetworkNamespaces } from "../support/netns.ts";
import { bundleSource } from "../support/bundle.ts";

const servers: { close(done?: () => void): unknown }[] = [];

afterEach(async () => {
  releasePorts();
  for (const server of servers.splice(0)) await new Promise<void>((resolve) => void server.close(() => resolve()));
});

async function listen(port: number, host: string, options: { ipv6Only?: boolean } = {}): Promise<Server> {
  const server = createServer((socket) => socket.on("error", () => undefined));
  server.listen({ port, host, ...options });
  await once(server, "listening");
  servers.push(server);
  return server;
}

function takePort(): Promise<number> {
  return pickPort({ within: "16000-16899" });
}

describe.skipIf(process.platform !== "linux")("wait on this machine", () => {
  test("ends soon after the listener is there, without connecting to it", async () => {
    const port = await takePort();
    const waiting = waitFor({ endpoints: [String(port)], timeout: "20s" });
    const server = await listen(port, "127.0.0.1");
    let connections = 0;
    server.on("connection", () => (connections += 1));
    const result = await waiting;
    expect(result).toMatchObject({
      complete: true,
      ready: true,
      endpoints: [{ ready: true, how: "table", reason: null }],
    });
    expect(connections).toBe(0);
    // The kernel has seen no connection either.
    const { sockets } = await createHost().snapshot({ states: "all", ports: [port], holders: "none" });
    expect(sockets.map(({ state }) => state)).toEqual(["LISTEN"]);
  });

  test("takes it at once when it is there already, and --gone when it is not", async () => {
    const port = await takePort();
    expect(await waitFor({ endpoints: [String(port)], gone: true })).toMatchObject({ ready: true });
    await listen(port, "0.0.0.0");
    for (const endpoint of [String(port), `:${port}`, `127.0.0.1:${port}`, `localhost:${port}`, `0.0.0.0:${port}`]) {
      expect(await waitFor({ endpoints: [endpoint] }), endpoint).toMatchObject({ ready: true });
    }
  });

  test("--gone ends when the listener does, and names who stays", async () => {
    const port = await takePort();
    const server = await listen(port, "127.0.0.1");
    const stays = await waitFor({ endpoints: [String(port)], gone: true, timeout: "50ms" });
    expect(stays).toMatchObject({ complete: true, ready: false });
    expect(stays.endpoints[0]?.reason).toContain(`(pid ${process.pid})`);
    const waiting = waitFor({ endpoints: [String(port)], gone: true, timeout: "20s" });
    server.close();
    expect(await waiting).toMatchObject({ ready: true });
    servers.splice(0);
  });

  test("an address that the listener does not take is not enough, and the reason says so", async () => {
    const port = await takePort();
    await listen(port, "::", { ipv6Only: true });
    const result = await waitFor({ endpoints: [`127.0.0.1:${port}`], timeout: "60ms" });
    expect(result.ready).toBe(false);
    expect(result.endpoints[0]?.reason).toContain(`[::]:${port} only`);
    expect(await waitFor({ endpoints: [`[::1]:${port}`] })).toMatchObject({ ready: true });
    const other = await takePort();
    await listen(other, "::");
    expect(await waitFor({ endpoints: [`127.0.0.1:${other}`] })).toMatchObject({ ready: true });
  });

  test("all of several by default, one of them with --any, each told as it comes", async () => {
    const [first, second] = [await takePort(), await takePort()];
    await listen(first, "127.0.0.1");
    const some = await waitFor({ endpoints: [String(first), String(second)], timeout: "60ms" });
    expect(some.endpoints.map(({ ready }) => ready)).toEqual([true, false]);
    expect(some.ready).toBe(false);
    expect(await waitFor({ endpoints: [String(first), String(second)], any: true })).toMatchObject({ ready: true });
    const events: WaitEvent[] = [];
    const waiting = wait({ endpoints: [String(first), String(second)], timeout: "20s" });
    for (;;) {
      const step = await waiting.next();
      if (step.done === true) break;
      events.push(step.value);
      if (events.length === 1) await listen(second, "127.0.0.1");
    }
    expect(events.map(({ endpoint }) => endpoint)).toEqual([`:${first}`, `:${second}`]);
  });

  test("UDP", async () => {
    const port = await takePort();
    const waiting = waitFor({ endpoints: [`udp:${port}`], timeout: "20s" });
    const socket = createSocket("udp4");
    servers.push(socket);
    socket.bind(port, "127.0.0.1");
    expect(await waiting).toMatchObject({ ready: true, endpoints: [{ how: "table" }] });
    expect(await waitFor({ endpoints: [String(port)], timeout: "30ms" })).toMatchObject({ ready: false });
  });

  test("HTTP: until the status is accepted", async () => {
    const port = await takePort();
    let answers = 0;
    const server = createHttpServer((request, response) => {
      answers += 1;
      response.statusCode = request.url === "/health" && answers > 2 ? 204 : 503;
      response.end();
    });
    servers.push(server);
    server.listen(port, "127.0.0.1");
    const result = await waitFor({ endpoints: [`http://localhost:${port}/health`], timeout: "20s" });
    expect(result).toMatchObject({ ready: true, endpoints: [{ how: "http", status: 204 }] });
    expect(answers).toBe(3);
    const never = await waitFor({ endpoints: [String(port)], http: "/other", timeout: "100ms" });
    expect(never).toMatchObject({ ready: false, endpoints: [{ status: 503 }] });
    expect(never.endpoints[0]?.reason).toContain("GET /other with 503");
    expect(await waitFor({ endpoints: [String(port)], http: "/other", status: "500-599" })).toMatchObject({
      ready: true,
    });
  });

  test("HTTPS with a certificate that nobody has signed; and each spoken where the other is expected", async () => {
    const [secure, plain] = [await takePort(), await takePort()];
    const { key, certificate } = await makeCertificate();
    const server = createHttpsServer({ key, cert: certificate }, (_request, response) => void response.end());
    server.on("tlsClientError", () => undefined);
    servers.push(server);
    server.listen(secure, "127.0.0.1");
    await once(server, "listening");
    expect(await waitFor({ endpoints: [`https://localhost:${secure}/`], timeout: "20s" })).toMatchObject({
      ready: true,
    });
    const wrong = await waitFor({ endpoints: [`http://127.0.0.1:${secure}/`], timeout: "100ms" });
    expect(wrong.endpoints[0]?.reason).toContain("may expect TLS");
    const http = createHttpServer((_request, response) => void response.end());
    servers.push(http);
    http.listen(plain, "127.0.0.1");
    const other = await waitFor({ endpoints: [`https://127.0.0.1:${plain}/`], timeout: "100ms" });
    expect(other.endpoints[0]?.reason).toContain("does not speak TLS");
  });

  test("an abort ends it with what there is", async () => {
    const port = await takePort();
    const result = await waitFor({ endpoints: [String(port)], timeout: "0" }, { signal: AbortSignal.timeout(40) });
    expect(result).toMatchObject({ complete: false, ready: false });
  });

  test("a name without address is tried again until the time is over", async () => {
    const result = await waitFor({ endpoints: ["nobody.invalid:80"], timeout: "150ms" });
    expect(result.endpoints[0]?.reason).toContain("has no address");
  });

  test("a system that cannot be read is asked by connecting", async () => {
    const port = await takePort();
    const server = await listen(port, "127.0.0.1");
    const result = await waitFor(
      { endpoints: [`127.0.0.1:${port}`], timeout: "20s" },
      { host: createUnsupportedHost("plan9") },
    );
    expect(result).toMatchObject({ ready: true, endpoints: [{ how: "connection" }] });
    server.close();
    servers.splice(0);
    expect(
      await waitFor(
        { endpoints: [`127.0.0.1:${port}`], gone: true, timeout: "20s" },
        { host: createUnsupportedHost("plan9") },
      ),
    ).toMatchObject({ ready: true });
  });

  test.each([
    [["0"], {}, "ARGUMENT_INVALID"],
    [["99999"], {}, "PORT_INVALID|ENDPOINT_INVALID"],
    [["udp://192.0.2.1:53"], {}, "ARGUMENT_INVALID"],
    [["3000"], { gone: true, http: "/" }, "ARGUMENT_INVALID"],
    [["3000"], { http: "health" }, "ARGUMENT_INVALID"],
    [["3000"], { status: "99" }, "ARGUMENT_INVALID"],
    [["3000"], { timeout: "soon" }, "ARGUMENT_INVALID"],
    [["no-such-service"], {}, "SERVICE_UNKNOWN"],
  ])("%j with %j is refused", async (endpoints, more, codes) => {
    const failure: unknown = await waitFor({ endpoints, ...more }).catch((error: unknown) => error);
    expect(codes.split("|")).toContain((failure as { code?: string }).code);
  });
});

describe.skipIf(requireOrSkip("wait for another device", whyNoNetworkNamespaces()))("wait for another device", () => {
  test("by connecting, refused at first, then taken, then gone", async () => {
    const far = await createNetworkNamespace();
    const near = await createNetworkNamespace({
      addresses: ["10.77.31.1/24"],
      peer: far,
      peerAddresses: ["10.77.31.2/24"],
    });
    const bundle = await bundleSource({ portolan: "src/command.ts" });
    try {
      const portolan = (words: readonly string[]) =>
        near
          .execIn(process.execPath, [bundle.pathOf("portolan"), "wait", "10.77.31.2:8000", ...words], {
            environment: {},
          })
          .then(
            ({ stdout }) => ({ code: 0, stdout }),
            (error: { code: number; stdout: string }) => error,
          );
      const refused = await portolan(["--timeout", "300ms"]);
      expect(refused.code).toBe(1);
      expect(refused.stdout).toContain("refuses connections on port 8000");
      const waiting = portolan(["--timeout", "15s"]);
      const server = far.spawnIn("python3", ["-u", "-m", "http.server", "8000", "--bind", "10.77.31.2"], {
        stdio: ["ignore", "pipe", "ignore"],
      });
      await once(server.stdout!, "data");
      expect((await waiting).stdout).toContain("takes connections");
      const ended = once(server, "exit");
      server.kill();
      await ended;
      expect(await portolan(["--gone", "--timeout", "15s"])).toMatchObject({ code: 0 });
    } finally {
      bundle.remove();
      await near.destroy();
      await far.destroy();
    }
  });
});
