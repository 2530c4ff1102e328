/**
 * @module `scan` and `identify` as their users meet them: the built command against servers of the test's own on loopback.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { IdentifyResult } from "../../src/operations/identify.ts";
import type { ScanEvent, ScanResult } from "../../src/operations/scan.ts";
import { closeServer, portOf } from "../support/listeners.ts";
import { requireOrSkip, whyNoProgram } from "../support/netns.ts";
import { commandPath, runCommand } from "../support/run-command.ts";
import { hostileText } from "../support/scan-result.ts";

const folder = mkdtempSync(join(tmpdir(), "portolan-scan-"));
const servers: Server[] = [];
const sockets = new Set<Socket>();
let sshPort: number;
let hostilePort: number;
let silentPort: number;
let closedPort: number;

/** Opens a server on an address that other tests have no servers at. */
async function serve(address: string, greet: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
    greet(socket);
  });
  server.listen(0, address);
  await once(server, "listening");
  servers.push(server);
  return portOf(server);
}

const address = "127.77.0.1";

beforeAll(async () => {
  sshPort = await serve(address, (socket) => void socket.write("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"));
  hostilePort = await serve(address, (socket) => void socket.write(`${hostileText}\n`));
  silentPort = await serve(address, () => undefined);
  closedPort = await serve(address, () => undefined);
  const closing = servers.pop();
  if (closing !== undefined) await closeServer(closing);
});

afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  await Promise.all(servers.map(closeServer));
  rmSync(folder, { recursive: true, force: true });
});

const schemaOf = (name: string): object =>
  JSON.parse(readFileSync(fileURLToPath(new URL(`../../dist/schema/${name}.json`, import.meta.url)), "utf8")) as object;

function expectSchema(name: string, value: unknown): void {
  const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(schemaOf(name));
  expect(validate(value), JSON.stringify(validate.errors)).toBe(true);
}

const ports = (): string => [sshPort, hostilePort, closedPort].join(",");

describe("scan", () => {
  test("the table tells what was proved, and each other state with its reason", async () => {
    const { stdout, stderr, status } = await runCommand(["scan", address, "-p", ports()]);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(String.raw`^${sshPort}/tcp +open +SSH proved +OpenSSH 9\.2p1`, "m"));
    expect(stdout).toContain(`tcp ${closedPort} closed: the device answered that nobody listens (connection-refused)`);
    expect(stdout).toContain("2 open of 3 ports asked on 1 device");
    // eslint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  test("JSON is one document by its schema, without events", async () => {
    const { stdout, status } = await runCommand(["scan", address, "-p", ports(), "--json"]);
    expect(status).toBe(0);
    const result = JSON.parse(stdout) as ScanResult;
    expectSchema("scan", result);
    const [host] = result.hosts;
    expect(host?.doors.map(({ port }) => port)).toEqual([sshPort, hostilePort].toSorted((a, b) => a - b));
    expect(host?.doors.find(({ port }) => port === sshPort)).toMatchObject({
      state: "open",
      reason: "syn-ack",
      title: { value: "SSH", basis: "proved" },
      product: "OpenSSH",
      identification: { connections: 1 },
    });
  });

  test("NDJSON is the doors as they are found, then the result, each by its schema", async () => {
    const { stdout } = await runCommand(["scan", address, "-p", ports(), "--ndjson"]);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(3);
    for (const line of lines.slice(0, 2)) {
      const event = JSON.parse(line) as ScanEvent;
      expectSchema("scan-event", event);
      expect([sshPort, hostilePort]).toContain(event.port);
    }
    expectSchema("scan", JSON.parse(lines[2] ?? ""));
  });

  test("CSV and XML hold the same doors", async () => {
    const csv = (await runCommand(["scan", address, "-p", ports(), "--csv"])).stdout;
    expect(csv.trimEnd().split("\r\n")).toHaveLength(3);
    expect(csv).toContain(`${address},,tcp,${sshPort},open,syn-ack,SSH,proved,OpenSSH,9.2p1`);
    const xml = (await runCommand(["scan", address, "-p", ports(), "--xml"])).stdout;
    expect(xml.match(/<port /g)).toHaveLength(2);
    expect(xml).toContain(`<port protocol="tcp" portid="${sshPort}">`);
  });

  test("--no-identify asks nothing, --open tells only what is open", async () => {
    const words = ["scan", address, "-p", ports(), "--no-identify", "--open", "--json"];
    const result = JSON.parse((await runCommand(words)).stdout) as ScanResult;
    expect(result.hosts[0]?.doors.every(({ identification }) => identification === null)).toBe(true);
    expect(result.hosts[0]?.states.map(({ state }) => state)).toEqual(["open"]);
    const none = await runCommand(["scan", address, "-p", String(closedPort), "--open", "--json"]);
    expect(none.status).toBe(0);
    expect((JSON.parse(none.stdout) as ScanResult).hosts).toEqual([]);
  });

  test("printers' ports are left out unless each is named", async () => {
    const skipped = (await runCommand(["scan", address, "-p", "9099-9108"])).stdout;
    expect(skipped).toContain("tcp 9100-9107 unscanned: left out on purpose");
    const named = (await runCommand(["scan", address, "-p", "9100", "--json"])).stdout;
    expect((JSON.parse(named) as ScanResult).hosts[0]?.states).toMatchObject([{ state: "closed", ports: "9100" }]);
  });

  test("targets come from a file and from standard input; exclusions are left out", async () => {
    const path = join(folder, "hosts.txt");
    writeFileSync(path, `# ours\n${address}, 127.77.0.2\n127.77.0.3\n`);
    const fromFile = await runCommand(["scan", "--file", path, "--exclude", "127.77.0.2", "-p", "1", "--json"]);
    expect((JSON.parse(fromFile.stdout) as ScanResult).hosts.map((host) => host.address)).toEqual([
      address,
      "127.77.0.3",
    ]);
    const child = spawn(process.execPath, [commandPath, "scan", "--file", "-", "-p", "1", "--json"], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stdin.end("127.77.0.7-9\n");
    await once(child, "close");
    expect((JSON.parse(stdout) as ScanResult).devices).toBe(3);
  });

  test.each([
    [["scan", "127.0.0.1", "-p", "0"], 2, "Port 0", "PORT_SET_INVALID"],
    [["scan", "127.0.0.1", "-p", "80-22"], 2, "22-80", "PORT_SET_INVALID"],
    [["scan", "127.0.0.1", "-p", "80", "--top", "5"], 2, "--port and --top", "ARGUMENT_INVALID"],
    [["scan", "127.0.0.1", "--json", "--csv"], 2, "--json and --csv", "ARGUMENT_INVALID"],
    [["list", "--xml"], 2, "--xml", "ARGUMENT_INVALID"],
    [["scan", "127.0.0.1:80"], 2, "--port", "TARGET_INVALID"],
    [["scan", "10.0.0.0/8"], 2, "/16", "TARGET_TOO_LARGE"],
    [["scan", "127.0.0.1", "--exclude", "127.0.0.0/8"], 2, "exclusions", "TARGET_INVALID"],
    [["scan", "--file", "/nowhere/hosts"], 2, "/nowhere/hosts", "FILE_UNREADABLE"],
    [["identify", "127.0.0.1:0"], 2, "Port 0", "ARGUMENT_INVALID"],
    [["identify", "sctp://127.0.0.1:80"], 2, "sctp", "ARGUMENT_INVALID"],
  ] as const)("portolan %j says what is wrong", async (words, status, mention, code) => {
    const outcome = await runCommand(words);
    expect(outcome.stdout).toBe("");
    const stderr = outcome.stderr.replaceAll(/\s+/g, " ");
    expect(stderr).toContain(mention);
    expect(stderr).toContain(code);
    expect(outcome.status).toBe(status);
  });

  test("a bad line of a file is named with its number", async () => {
    const path = join(folder, "bad.txt");
    writeFileSync(path, "127.0.0.1\n\n127.0.0.999\n");
    const { stderr, status } = await runCommand(["scan", "--file", path, "-p", "1"]);
    expect(stderr.replaceAll(/\s+/g, " ")).toContain(`"127.0.0.999" (line 3 of ${path})`);
    expect(status).toBe(2);
  });

  test("Ctrl-C prints what is known, says that it is not all, and ends with 130", async () => {
    // The first port is open and told at once; the others are waited for at twenty a second.
    const ports = `${silentPort}-${Math.min(silentPort + 1000, 65_535)}`;
    const words = ["scan", address, "-p", ports, "--rate", "20", "--no-identify", "--ndjson"];
    const child = spawn(process.execPath, [commandPath, ...words], { stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    const closed = once(child, "close");
    child.stdout.once("data", () => child.kill("SIGINT"));
    expect(await closed).toEqual([130, null]);
    const result = JSON.parse(stdout.trimEnd().split("\n").at(-1) ?? "") as ScanResult;
    expectSchema("scan", result);
    expect(result.complete).toBe(false);
    const [host] = result.hosts;
    expect(host?.doors.map(({ port }) => port)).toContain(silentPort);
    expect(host?.states.find(({ state }) => state === "unscanned")).toMatchObject({ reason: "not-asked" });
  });
});

describe.skipIf(requireOrSkip("the status line", whyNoProgram("script", "bsdutils")))("progress on a terminal", () => {
  /** Runs on a pseudo-terminal, `redirect` applied to the command by a shell. */
  async function onTerminal(redirect: string): Promise<string> {
    const words = `scan ${address} -p 1-60 --rate 60 --no-identify`;
    const child = spawn("script", ["-qfec", `${process.execPath} ${commandPath} ${words} ${redirect}`, "/dev/null"], {
      env: { PATH: process.env["PATH"] ?? "", TERM: "xterm", NO_COLOR: "1" },
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => (text += piece));
    await once(child, "close");
    return text;
  }

  test("one line is written over in place, and gone before the result", async () => {
    const text = await onTerminal("");
    const lines = text.split("\r\u001b[K");
    expect(lines.length).toBeGreaterThan(2);
    expect(lines[1]).toMatch(/^\d+ %.*ports asked/);
    // What is left after the last erasure is the result alone.
    expect(lines.at(-1)).toContain("0 open of 60 ports asked");
    expect(lines.at(-1)).not.toContain("identified");
  });

  test("nothing of it where standard error is no terminal", async () => {
    const text = await onTerminal("2>/dev/null");
    expect(text).not.toContain("\u001b[K");
    expect(text).toContain("0 open of 60 ports asked");
  });
});

describe("identify", () => {
  test("layers, facts with the bytes they come from, what was asked", async () => {
    const { stdout, status } = await runCommand(["identify", `${address}:${sshPort}`]);
    expect(status).toBe(0);
    expect(stdout).toContain(`${address}:${sshPort}/tcp is open: SSH proved`);
    expect(stdout).toMatch(/^ +version +9\.2p1 +from identification line$/m);
    expect(stdout).toMatch(/^ +asked .*1 connection,/m);
  });

  test("what is not recognised is shown with its first line, and the status is 1", async () => {
    const { stdout, status } = await runCommand(["identify", `${address}:${hostilePort}`]);
    expect(status).toBe(1);
    expect(stdout).toContain("not recognised");
    expect(stdout).toContain(String.raw`=1+1\x1b[31m`);
    // eslint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
  });

  test("a port that is not open is said to be so with the reason", async () => {
    const { stdout, status } = await runCommand(["identify", `${address}:${closedPort}`]);
    expect(status).toBe(1);
    expect(stdout).toContain("is closed");
    expect(stdout).toContain("connection-refused");
  });

  test("JSON matches its schema", async () => {
    for (const port of [sshPort, hostilePort, closedPort]) {
      const { stdout } = await runCommand(["identify", `${address}:${port}`, "--json"]);
      const result = JSON.parse(stdout) as IdentifyResult;
      expectSchema("identify", result);
      expect(result).toMatchObject({ address, port, transport: "tcp" });
    }
  });

  test("a bare port is this machine's, at whichever loopback address it listens", async () => {
    const port = await serve("::1", (socket) => void socket.write("SSH-2.0-OpenSSH_9.2p1\r\n"));
    const { stdout, status } = await runCommand(["identify", String(port), "--json"]);
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ address: "::1", title: { value: "SSH", basis: "proved" } });
  });
});

describe("list and who with --identify", () => {
  test("what a listener proves to be comes first, and their JSON matches the schemas", async () => {
    const list = await runCommand(["list", "--identify", String(sshPort)]);
    expect(list.stdout).toMatch(new RegExp(`^${sshPort}/tcp +SSH proved `, "m"));
    expect(list.stdout).not.toContain("named by its port number alone");
    const who = await runCommand(["who", "--identify", String(hostilePort)]);
    expect(who.stdout).toContain("not recognised");
    // eslint-disable-next-line no-control-regex
    expect(who.stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    for (const name of ["list", "who"]) {
      const { stdout } = await runCommand([name, "--identify", String(sshPort), "--json"]);
      expectSchema(name, JSON.parse(stdout));
    }
  });
});
