/**
 * @module Real containers of Podman: each is named, none is shown as more public than it is, and what the chart says of reach is tried
 * from the machine and from a neighbour.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DoctorResult } from "../../src/operations/doctor.ts";
import type { ListResult } from "../../src/operations/list.ts";
import type { WhoResult } from "../../src/operations/who.ts";
import {
  createNetworkNamespace,
  requireOrSkip,
  whyNoNetworkNamespaces,
  type NetworkNamespace,
} from "../support/netns.ts";
import { createPodman, whyNoContainers, type Podman } from "../support/podman.ts";
import { commandPath } from "../support/run-command.ts";

const nobody = 65_534;
const deadlineMs = 120_000;

/** Answers whether HTTP is answered at each address: `{endpoint: boolean}`. */
const knock = `
  const ask = async (endpoint) => {
    try {
      await fetch("http://" + endpoint + "/", { signal: AbortSignal.timeout(2000) });
      return [endpoint, true];
    } catch {
      return [endpoint, false];
    }
  };
  Promise.all(process.argv.slice(1).map(ask)).then((all) => console.log(JSON.stringify(Object.fromEntries(all))));
`;

type Row = ListResult["services"][number];

describe.skipIf(requireOrSkip("containers", whyNoNetworkNamespaces(), ...whyNoContainers()))("containers", () => {
  let machine: NetworkNamespace;
  let neighbour: NetworkNamespace;
  let engine: Podman;
  const folder = mkdtempSync(join(tmpdir(), "pct-"));

  beforeAll(async () => {
    neighbour = await createNetworkNamespace();
    machine = await createNetworkNamespace({
      addresses: ["10.91.7.1/24"],
      peer: neighbour,
      peerAddresses: ["10.91.7.2/24"],
    });
    engine = await createPodman(machine);
    const start = ["run", "--detach", "--name"];
    const serve = (port: number): string[] => ["busy:1", "/bin/httpd", "-f", "-h", "/www", "-p", String(port)];
    await engine.podman([...start, "onhost", "--network", "host", ...serve(8101)]);
    const labels = ["--label", "com.docker.compose.project=shop", "--label", "com.docker.compose.service=web"];
    await engine.podman([...start, "published", "--publish", "8102:80", ...labels, ...serve(80)]);
    await engine.podman([...start, "private-one", ...serve(80)]);
    await engine.podman([...start, "private-two", ...serve(80)]);
    await engine.podman([...start, "inward", "busy:1", "/bin/httpd", "-f", "-h", "/www", "-p", "127.0.0.1:8103"]);
    const infra = ["--infra-image", "busy:1", "--infra-command", "/bin/sleep 3600"];
    await engine.podman(["pod", "create", "--name", "harbour", "--publish", "8104:8080", ...infra]);
    await engine.podman([...start, "in-pod", "--pod", "harbour", ...serve(8080)]);
  }, deadlineMs);

  afterAll(async () => {
    await engine?.destroy();
    await machine?.destroy();
    await neighbour?.destroy();
    rmSync(folder, { recursive: true, force: true });
  }, deadlineMs);

  /** Runs the built command on the machine, as root or as somebody else. */
  async function portolan(
    words: readonly string[],
    options: { api?: boolean; user?: number; state?: boolean } = {},
  ): Promise<string> {
    const drop = options.user === undefined ? [] : ["setpriv", `--reuid=${options.user}`, "--clear-groups"];
    const host = options.api === true ? [`CONTAINER_HOST=unix://${engine.apiSocket}`] : [];
    const state = options.state === true ? [`PORTOLAN_STATE_HOME=${folder}`] : [];
    const command = [...drop, "env", ...host, ...state, process.execPath, commandPath, ...words];
    const { stdout } = await machine.execIn(command[0]!, command.slice(1), { timeoutMs: deadlineMs });
    return stdout;
  }

  /** Rows of the containers of this test: other namespaces of the test machine may hold anything. */
  async function list(options: { api?: boolean; user?: number } = {}): Promise<Row[]> {
    const { services } = JSON.parse(await portolan(["list", "--json"], options)) as ListResult;
    const own = new Set(await containerIds());
    return services.filter(
      ({ container, networkNamespace }) =>
        networkNamespace === null || (container !== null && own.has(container.value.id)),
    );
  }

  async function containerIds(): Promise<string[]> {
    return (await engine.podman(["ps", "--all", "--format", "{{.ID}}"])).split("\n");
  }

  const nameOf = ({ container }: Row): string | null | undefined => container?.value.name;
  const knockFrom = async (place: NetworkNamespace, endpoints: readonly string[]): Promise<Record<string, boolean>> =>
    JSON.parse((await place.execIn(process.execPath, ["-e", knock, ...endpoints])).stdout) as Record<string, boolean>;

  test("each is named, also without the engine's help, and the same port in several is as many rows", async () => {
    const rows = await list();
    expect(rows.map((row) => [row.port, nameOf(row), row.networkNamespace === null]).sort()).toEqual(
      [
        [80, "private-one", false],
        [80, "private-two", false],
        [80, "published", false],
        [8080, "in-pod", false],
        [8101, "onhost", true],
        [8102, "published", true],
        [8103, "inward", false],
        [8104, nameOf(rows.find(({ port }) => port === 8104)!), true],
      ].sort(),
    );
    for (const row of rows) expect(row.container?.value).toMatchObject({ engine: "podman", image: "localhost/busy:1" });
    const namespaces = rows.flatMap(({ networkNamespace }) => (networkNamespace === null ? [] : [networkNamespace.id]));
    expect(new Set(namespaces.map((id) => JSON.stringify(id))).size).toBe(5);
  });

  test("the engine tells pods, Compose and what is behind a published port", async () => {
    await engine.openApi();
    const rows = await list({ api: true });
    const byName = (name: string, port: number): Row => rows.find((row) => nameOf(row) === name && row.port === port)!;
    expect(byName("published", 80).container?.value).toMatchObject({ composeProject: "shop", composeService: "web" });
    expect(byName("published", 80).publishedAt).toEqual(["*:8102"]);
    expect(byName("published", 8102).behind).toMatchObject({
      port: 80,
      holders: { known: true, value: [{ name: { known: true, value: "httpd" } }] },
    });
    expect(byName("in-pod", 8080).container?.value.pod).toBe("harbour");
    expect(byName("in-pod", 8104).behind?.port).toBe(8080);
    const { ports } = JSON.parse(await portolan(["who", "8102", "--json"], { api: true })) as WhoResult;
    expect(ports[0]?.services[0]?.behind?.port).toBe(80);
    const page = await portolan(["who", "8102"], { api: true });
    expect(page).toMatch(/container\s+published \(podman/);
    expect(page).toMatch(/leads to\s+port 80 in the container: httpd \d+/);
  });

  test("a name leads to a container's published port, by the container's name or its service's", async () => {
    const add = async (name: string, target: string): Promise<string> =>
      portolan(["route", "add", name, target, "--no-start"], { api: true, state: true });
    for (const target of ["container:published", "container:web", "container:published:80"])
      expect(await add("web", target)).toMatch(/^web\.localhost leads to http:\/\/localhost:8102, /);
    for (const [target, said] of [
      ["container:private-one", /publishes no port/],
      ["container:published:81", /publishes no port 81/],
      ["container:nobody", /There is: [^]*published/],
      ["container:", /does not name a container/],
    ] as const)
      await expect(add("web", target)).rejects.toMatchObject({ stderr: expect.stringMatching(said) as string });
  });

  test("who reaches what is as the chart says: from the machine, and from a neighbour", async () => {
    const rows = await list();
    const endpointsOf = (row: Row): string[] =>
      row.reach.addresses.flatMap(({ address, endpoint, family }) =>
        family === "ipv4" && !address.startsWith("127.") ? [endpoint] : [],
      );
    for (const row of rows.filter(({ networkNamespace }) => networkNamespace !== null)) {
      expect(row.reach.scope, nameOf(row) ?? "").toBe(row.port === 8103 ? "namespace" : "machine");
      expect(row.reach.addresses.some(({ audience, family }) => family === "ipv4" && audience !== "this-machine")).toBe(
        false,
      );
      const endpoints = endpointsOf(row);
      expect(endpoints).toHaveLength(row.port === 8103 ? 0 : 1);
      const tried = await knockFrom(machine, endpoints);
      expect(Object.values(tried)).toEqual(endpoints.map(() => true));
      expect(Object.values(await knockFrom(neighbour, endpoints))).toEqual(endpoints.map(() => false));
    }
    // Loopback of another namespace has no URL here, and indeed nobody answers.
    expect(rows.find(({ port }) => port === 8103)).toMatchObject({ urls: [], localUrl: null });
    expect(await knockFrom(machine, ["127.0.0.1:8103"])).toEqual({ "127.0.0.1:8103": false });
    const open = rows.filter(({ networkNamespace }) => networkNamespace === null);
    expect(open.map(({ port, reach }) => [port, reach.scope])).toEqual([
      [8101, "everywhere"],
      [8102, "everywhere"],
      [8104, "everywhere"],
    ]);
    expect(await knockFrom(neighbour, ["10.91.7.1:8101", "10.91.7.1:8102", "10.91.7.1:8104"])).toEqual({
      "10.91.7.1:8101": true,
      "10.91.7.1:8102": true,
      "10.91.7.1:8104": true,
    });
  });

  test("a port that only containers hold is free on the machine", async () => {
    const { ports, held } = JSON.parse(
      execFileSync(
        "ip",
        ["netns", "exec", machine.name, "sh", "-c", `${process.execPath} ${commandPath} who 80 --json || true`],
        {
          encoding: "utf8",
        },
      ),
    ) as WhoResult;
    expect(held).toBe(0);
    expect(ports[0]?.free).toEqual({ tcp: true, udp: true });
    expect(ports[0]?.services.map(({ container }) => container?.value.name)).toEqual(
      expect.arrayContaining(["private-one", "private-two", "published"]),
    );
  });

  test("an ordinary user sees the same doors in the same containers", async () => {
    const rows = await list({ user: nobody });
    const seen = rows.filter(({ networkNamespace }) => networkNamespace !== null);
    expect(seen.map((row) => [row.port, nameOf(row), row.reach.scope]).sort()).toEqual(
      [
        [80, "private-one", "machine"],
        [80, "private-two", "machine"],
        [80, "published", "machine"],
        [8080, "in-pod", "machine"],
        [8103, "inward", "namespace"],
      ].sort(),
    );
    for (const row of seen) expect(row.holders).toEqual({ known: false, why: "permission" });
  });

  test("filters by container and by namespace", async () => {
    const pick = async (...words: string[]): Promise<(string | null | undefined)[]> =>
      (JSON.parse(await portolan(["list", ...words, "--json"])) as ListResult).services.map(nameOf);
    expect(await pick("--container", "private-one")).toEqual(["private-one"]);
    expect(await pick("--namespace", "own", "8101")).toEqual(["onhost"]);
    expect(await pick("--reach", "namespace", "8103")).toEqual(["inward"]);
    const [row] = (JSON.parse(await portolan(["list", "--container", "private-two", "--json"])) as ListResult).services;
    const id = row?.networkNamespace?.id;
    expect(id?.known === true && (await pick("--namespace", id.value))).toEqual(["private-two"]);
    expect(id?.known === true && (await pick("--namespace", /\d+/.exec(id.value)![0]))).toEqual(["private-two"]);
  });

  test("doctor tells a port that is not published, one published elsewhere, and one that leads to loopback inside", async () => {
    const run = ["run", "--detach", "--name"];
    const serve = (at: string): string[] => ["busy:1", "/bin/httpd", "-f", "-h", "/www", "-p", at];
    await engine.podman([...run, "lonely", ...serve("8107")]);
    await engine.podman([...run, "deaf", "--publish", "8105:8106", ...serve("127.0.0.1:8106")]);
    const diagnose = async (port: number): Promise<unknown> => {
      const words = ["doctor", `http://127.0.0.1:${port}/`, "--json", "--timeout", "1s"];
      const told = await portolan(words, { api: true }).catch((error: unknown) => (error as { stdout: string }).stdout);
      const [cause] = (JSON.parse(told) as DoctorResult).findings;
      return cause === undefined ? "healthy" : [cause.kind, cause.sure, cause.remedies[0]?.command];
    };
    expect(await diagnose(8107)).toEqual([
      "container-not-published",
      "certain",
      "podman run --publish 8107:8107 localhost/busy:1",
    ]);
    expect(await diagnose(8080)).toEqual(["container-not-published", "certain", "http://127.0.0.1:8104/"]);
    expect(await diagnose(8105)).toEqual(["container-loopback", "certain", null]);
    expect(await diagnose(8102)).toBe("healthy");
  });
});
