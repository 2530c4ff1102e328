import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { askEngines, findEngineSockets, parseDockerContainers, parsePodmanContainers } from "./container-engines.ts";

const id = "745c86c667da35c59a47cff380f88de5f233e49500310b9c1562ffb4c3119b58";

// Docker cannot run here: its answers are written by hand after the Engine API's description (v1.45, ContainerList).
const dockerAnswer = JSON.stringify([
  {
    Id: id,
    Names: ["/shop-web-1"],
    Image: "nginx:1.27",
    Ports: [
      { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
      { IP: "::", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
      { IP: "127.0.0.1", PrivatePort: 53, PublicPort: 5353, Type: "udp" },
      { PrivatePort: 443, Type: "tcp" },
    ],
    Labels: { "com.docker.compose.project": "shop", "com.docker.compose.service": "web" },
  },
]);

describe("answers of engines", () => {
  test("Docker's list of containers", () => {
    expect(parseDockerContainers(dockerAnswer)).toEqual([
      {
        engine: "docker",
        id,
        name: "shop-web-1",
        image: "nginx:1.27",
        composeProject: "shop",
        composeService: "web",
        pod: null,
        owner: null,
        published: [
          { transport: "tcp", hostAddress: "", hostPort: 8080, containerPort: 80 },
          { transport: "udp", hostAddress: "127.0.0.1", hostPort: 5353, containerPort: 53 },
        ],
      },
    ]);
  });

  test("Podman's list, with a range of ports", () => {
    const answer = [
      {
        Id: id,
        Names: ["web"],
        Image: "localhost/busy:1",
        PodName: "harbour",
        Labels: null,
        Ports: [{ host_ip: "", container_port: 80, host_port: 8080, range: 2, protocol: "tcp,udp" }],
      },
    ];
    expect(parsePodmanContainers(JSON.stringify(answer))?.[0]).toMatchObject({
      engine: "podman",
      pod: "harbour",
      composeProject: null,
      published: [
        { transport: "tcp", hostPort: 8080, containerPort: 80 },
        { transport: "tcp", hostPort: 8081, containerPort: 81 },
        { transport: "udp", hostPort: 8080, containerPort: 80 },
        { transport: "udp", hostPort: 8081, containerPort: 81 },
      ],
    });
  });

  test.each([
    ["no JSON", "<html>"],
    ["no list", "{}"],
    ["null", "null"],
    ["a number", "7"],
  ])("%s is no list of containers", (_, text) => {
    expect(parseDockerContainers(text)).toBeUndefined();
    expect(parsePodmanContainers(text)).toBeUndefined();
  });

  test("entries of wrong types are passed over and ports out of range are no ports", () => {
    const entries = [
      null,
      7,
      "x",
      [],
      { Id: 7 },
      { Id: "../../etc" },
      { Id: id, Names: 7, Image: {}, Ports: "x", Labels: [1] },
      {
        Id: id,
        Names: [null],
        Ports: [
          { PublicPort: 70_000, PrivatePort: -1, Type: "tcp" },
          { host_port: 1e9, range: 1e9 },
        ],
      },
    ];
    for (const parse of [parseDockerContainers, parsePodmanContainers]) {
      const parsed = parse(JSON.stringify(entries));
      expect(parsed).toHaveLength(2);
      for (const one of parsed ?? []) expect(one).toMatchObject({ name: null, image: null, published: [] });
    }
  });
});

test("a short answer cannot ask for many ports", () => {
  const port = {
    container_port: 1,
    host_port: 1,
    range: 65_535,
    protocol: Array.from({ length: 300 }, () => "tcp").join(","),
  };
  const answer = Array.from({ length: 200 }, () => ({ Id: id, Ports: Array.from({ length: 50 }, () => port) }));
  const containers = parsePodmanContainers(JSON.stringify(answer)) ?? [];
  expect(containers).toHaveLength(200);
  const published = containers.map((container) => container.published.length);
  expect(Math.max(...published)).toBeLessThanOrEqual(1024);
  expect(published.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(50_000);
});

describe("sockets of engines", () => {
  let folder: string;
  let server: Server | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "portolan-engine-"));
  });
  afterEach(async () => {
    server?.closeAllConnections();
    await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
    server = undefined;
    rmSync(folder, { recursive: true });
  });

  /** A stand-in for an engine, which cannot run here. */
  async function serve(answer: (url: string) => string | null): Promise<string> {
    const path = join(folder, "engine.sock");
    server = createServer((request, response) => {
      const text = answer(request.url ?? "");
      if (text !== null) response.end(text);
    });
    await new Promise<void>((resolve) => server!.listen(path, resolve));
    return path;
  }

  test("are found by the environment, each once", () => {
    expect(findEngineSockets({ DOCKER_HOST: `unix://${folder}`, CONTAINER_HOST: `unix://${folder}` })).toContain(
      folder,
    );
    expect(
      findEngineSockets({ DOCKER_HOST: `unix://${folder}`, CONTAINER_HOST: `unix://${folder}` }).filter(
        (path) => path === folder,
      ),
    ).toHaveLength(1);
    expect(findEngineSockets({ DOCKER_HOST: "tcp://127.0.0.1:2375" })).not.toContain("127.0.0.1:2375");
    expect(findEngineSockets({ DOCKER_HOST: `unix://${folder}/none` })).not.toContain(`${folder}/none`);
  });

  test("are asked once", async () => {
    const asked: string[] = [];
    const path = await serve((url) => {
      asked.push(url);
      return dockerAnswer;
    });
    const [answer] = await askEngines([path], new AbortController().signal);
    expect(answer).toMatchObject({ failure: null, containers: [{ name: "shop-web-1" }] });
    expect(asked).toEqual(["/containers/json"]);
  });

  test("that say nothing, too much or nonsense do not hold anything up", async () => {
    const silent = await serve(() => null);
    const startedAt = performance.now();
    expect(await askEngines([silent], new AbortController().signal)).toMatchObject([
      { failure: "silent", containers: [] },
    ]);
    expect(performance.now() - startedAt).toBeLessThan(3000);
    server!.removeAllListeners("request").on("request", (_request, response) => {
      response.end("x".repeat(20 << 20));
    });
    expect(await askEngines([silent], new AbortController().signal)).toMatchObject([{ failure: "silent" }]);
    server!.removeAllListeners("request").on("request", (_request, response) => response.end("no list"));
    expect(await askEngines([silent], new AbortController().signal)).toMatchObject([{ failure: "malformed" }]);
    expect(await askEngines([join(folder, "gone.sock")], new AbortController().signal)).toMatchObject([
      { failure: "silent" },
    ]);
  });
});
