/**
 * @module The recorder of the built command, with real listeners: who came and went, killed at many moments, twice at once, on a damaged
 * file, on a full disk.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HistoryResult } from "../../src/operations/history.ts";
import { HistoryWriter, historyPathOf, readHistory } from "../../src/store/index.ts";
import { commandPath, runCommand } from "../support/run-command.ts";

let home: string;
const children: ChildProcess[] = [];
const servers: Server[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "portolan-history-"));
});

afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
  }
  for (const server of servers.splice(0)) server.close();
  rmSync(home, { recursive: true, force: true });
});

const environment = (): Record<string, string> => ({ PORTOLAN_STATE_HOME: home });

/** Starts `portolan record` and waits until it records. */
async function startRecorder(words: readonly string[] = []): Promise<ChildProcess> {
  const child = spawn(process.execPath, [commandPath, "record", "--json", "--interval", "40ms", ...words], {
    env: { PATH: process.env["PATH"] ?? "", ...environment() },
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  for await (const line of createInterface({ input: child.stdout! })) {
    expect(JSON.parse(line)).toMatchObject({ kind: "started" });
    break;
  }
  return child;
}

async function end(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<number | null> {
  const ended = once(child, "exit");
  child.kill(signal);
  await ended;
  return child.exitCode;
}

async function listen(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createServer();
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    close: async () => {
      const closed = once(server, "close");
      server.close();
      await closed;
    },
  };
}

async function history(words: readonly string[]): Promise<HistoryResult> {
  const { stdout } = await runCommand(["history", ...words, "--json"], { environment: environment() });
  return JSON.parse(stdout) as HistoryResult;
}

/** Reads the history until it is as wanted. */
async function until(words: readonly string[], wanted: (result: HistoryResult) => boolean): Promise<HistoryResult> {
  const endMs = Date.now() + 10_000;
  for (;;) {
    const result = await history(words);
    if (wanted(result)) return result;
    if (Date.now() > endMs) throw new Error(`the record does not say so: ${JSON.stringify(result).slice(0, 600)}`);
  }
}

describe("record and history", () => {
  test("nobody recorded: it says how to begin, and its status is 1", async () => {
    const outcome = await runCommand(["history", "3000"], { environment: environment() });
    expect([outcome.status, outcome.stdout]).toEqual([1, expect.stringMatching("portolan record begins")]);
    expect(readdirSync(home)).toEqual([]);
  });

  test("who comes and goes is written down, with its times and without its secrets", async () => {
    const before = await listen();
    const recorder = await startRecorder();
    const script = "require('net').createServer().listen(0,'127.0.0.1',function(){console.log(this.address().port)})";
    const held = spawn(process.execPath, ["-e", script, "--", "--password=hunter2", "--token", "s3cr3t"], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    children.push(held);
    const port = String((await once(held.stdout!, "data"))[0]).trim();
    const present = await until([port], ({ residences }) => residences.length === 1);
    expect(present.recorder).toMatchObject({ running: true, pid: recorder.pid });
    expect(present.residences[0]).toMatchObject({
      port: Number(port),
      pid: held.pid,
      disappearedAt: null,
      startKnown: true,
    });
    await end(held);
    const gone = await until([port], ({ residences }) => residences[0]!.disappearedAt !== null);
    const [residence] = gone.residences;
    expect(residence!.endKnown).toBe(true);
    expect(Date.parse(residence!.disappearedAt!)).toBeGreaterThanOrEqual(Date.parse(residence!.appearedAt));
    expect((await history([String(before.port)])).residences[0]).toMatchObject({
      startKnown: false,
      disappearedAt: null,
    });
    expect(await end(recorder)).toBe(0);
    const after = await history([String(before.port)]);
    expect(after.residences[0]).toMatchObject({ endKnown: false });
    expect(after.recorder).toMatchObject({ running: false, pid: null });
    expect(after.gaps).toHaveLength(1);
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(
      JSON.parse(
        readFileSync(fileURLToPath(new URL("../../dist/schema/history.json", import.meta.url)), "utf8"),
      ) as object,
    );
    expect(validate(after), JSON.stringify(validate.errors)).toBe(true);
    for (const name of readdirSync(home)) {
      const path = join(home, name);
      expect([name, statSync(path).mode & 0o777]).toEqual([name, 0o600]);
      expect(readFileSync(path, "latin1")).not.toMatch(/hunter2|s3cr3t/);
    }
    const table = await runCommand(["history", port, "--csv", "--columns", "port,pid,endKnown"], {
      environment: environment(),
    });
    expect(table.stdout).toBe(`port,pid,endKnown\r\n${port},${held.pid},true\r\n`);
  });

  test("a socket that another process joins is still the first one's, until that ends", async () => {
    const recorder = await startRecorder();
    const sharing = `
      const server = require("net").createServer().listen(0, "127.0.0.1", () => console.log(server.address().port));
      const script = "process.stdin.resume().on('end', () => process.exit())";
      process.stdin.once("data", () => {
        const other = require("child_process").spawn(process.execPath, ["-e", script], { stdio: ["pipe", "ignore", "ignore", server._handle.fd] });
        other.once("spawn", () => console.log(other.pid));
      });`;
    const first = spawn(process.execPath, ["-e", sharing], { stdio: ["pipe", "pipe", "inherit"] });
    children.push(first);
    const port = String((await once(first.stdout!, "data"))[0]).trim();
    await until([port], ({ residences }) => residences[0]?.pid === first.pid);
    first.stdin!.write("share\n");
    const otherPid = Number(String((await once(first.stdout!, "data"))[0]).trim());
    // Whoever holds a socket is looked up when sockets come or go.
    const look = await listen();
    await until([String(look.port)], ({ residences }) => residences.length === 1);
    expect((await history([port])).residences).toMatchObject([{ pid: first.pid, disappearedAt: null }]);
    process.kill(otherPid, "SIGSTOP");
    await end(first, "SIGKILL");
    const again = await listen();
    await until([String(again.port)], ({ residences }) => residences.length === 1);
    const handedOver = await until([port], ({ residences }) => residences.length === 2);
    expect(handedOver.residences).toMatchObject([
      { pid: otherPid, disappearedAt: null, startKnown: true },
      { pid: first.pid, endKnown: true },
    ]);
    process.kill(otherPid, "SIGKILL");
    await end(recorder);
  });

  test("filters", async () => {
    const recorder = await startRecorder();
    const first = await listen();
    const second = await listen();
    await until([`${first.port},${second.port}`], ({ residences }) => residences.length === 2);
    const newest = await history(["--limit", "1", `${first.port},${second.port}`]);
    expect([newest.residences.length, newest.more]).toEqual([1, true]);
    expect((await history([String(first.port), "--process", "no such program"])).residences).toEqual([]);
    expect((await history([String(first.port), "--since", "1h"])).residences).toHaveLength(1);
    expect(
      (await history([String(first.port), "--since", "2999-01-01"])).residences.map(
        ({ disappearedAt }) => disappearedAt,
      ),
    ).toEqual([null]);
    await end(recorder);
    expect((await history([String(first.port), "--since", "2999-01-01"])).residences).toEqual([]);
    for (const since of ["yesterday", "5x", ""]) {
      const wrong = await runCommand(["history", "--since", since], { environment: environment() });
      expect([since, wrong.status, wrong.stderr.includes("--since")]).toEqual([since, 2, true]);
    }
  });

  test("a second recorder says who records", async () => {
    const first = await startRecorder();
    const second = await runCommand(["record"], { environment: environment() });
    expect(second.status).toBe(1);
    expect(second.stderr).toMatch(`process ${first.pid}`);
    await end(first);
    await end(await startRecorder());
  });

  test("killed at many moments, the record stays whole and the next recorder ends what was open", async () => {
    for (let round = 0; round < 8; round += 1) {
      const recorder = await startRecorder();
      const opened = await Promise.all(Array.from({ length: 6 }, listen));
      await new Promise((resolve) => setTimeout(resolve, round * 17));
      await end(recorder, "SIGKILL");
      await Promise.all(opened.map(async (server) => server.close()));
    }
    await end(await startRecorder());
    const { residences, recorder } = await history(["--limit", "10000"]);
    expect(recorder.running).toBe(false);
    for (const { appearedAt, disappearedAt } of residences) {
      expect(disappearedAt).not.toBeNull();
      expect(Date.parse(disappearedAt!)).toBeGreaterThanOrEqual(Date.parse(appearedAt));
    }
  });

  test("a damaged record is laid aside and said", async () => {
    const path = historyPathOf(environment());
    writeFileSync(path, "this is no database, ".repeat(500), { mode: 0o600 });
    const asked = await runCommand(["history"], { environment: environment() });
    expect([asked.status, asked.stderr.includes("STORE_FAILED")]).toEqual([3, true]);
    const recorder = await startRecorder();
    await end(recorder);
    const aside = readdirSync(home).filter((name) => name.includes("damaged"));
    expect(aside).toHaveLength(1);
    expect(readFileSync(join(home, aside[0]!), "utf8")).toMatch("this is no database");
  });

  test("a folder that cannot be written is told", async () => {
    const file = join(home, "file");
    writeFileSync(file, "");
    const outcome = await runCommand(["record"], { environment: { PORTOLAN_STATE_HOME: join(file, "x") } });
    expect([outcome.status, outcome.stderr.includes("STORE_FAILED")]).toEqual([3, true]);
  });

  test.skipIf(process.getuid?.() !== 0)(
    "a full disk ends the recorder with a word, and the record can be read",
    async () => {
      const script = [
        `mount -t tmpfs -o size=300k tmpfs ${home}`,
        // Services that come and go fill it.
        `${process.execPath} -e "const net=require('net');let n=0;const next=()=>{if(n++>400)process.exit();const s=net.createServer().listen(0,'127.0.0.1',()=>setTimeout(()=>s.close(next),60))};for(let i=0;i<40;i+=1)next()" & held=$!`,
        `timeout 20 ${process.execPath} ${commandPath} record --interval 30ms; echo "status $?"`,
        `kill $held 2>/dev/null; wait $held 2>/dev/null`,
        `${process.execPath} ${commandPath} history --limit 3 --json | head -c 20`,
      ].join("\n");
      const child = spawn("unshare", ["-m", "sh", "-c", script], {
        env: { PATH: process.env["PATH"] ?? "", ...environment() },
        stdio: ["ignore", "pipe", "pipe"],
      });
      children.push(child);
      let text = "";
      child.stdout!.setEncoding("utf8").on("data", (part: string) => (text += part));
      child.stderr!.setEncoding("utf8").on("data", (part: string) => (text += part));
      await once(child, "close");
      expect(text).toMatch(/STORE_FAILED[^]*status 3\n/);
      expect(text).toMatch('{"complete":true');
    },
    60_000,
  );
});

describe("the store", () => {
  test("is bounded by number and by age, and gives room back", async () => {
    const path = join(home, "bounded.db");
    const writer = await HistoryWriter.open(path, { keepMs: 1_000_000, mostResidences: 1000 }, 0);
    const facts = JSON.stringify({ text: "x".repeat(500) });
    for (let index = 0; index < 5000; index += 1) {
      const id = writer.begin({ transport: "tcp", port: index, appearedMs: index, startKnown: true, facts });
      writer.end(id, index);
    }
    writer.prune(5000);
    const read = readHistory(path, { ports: null, sinceMs: 0 }, () => true);
    expect(read!.residences).toBe(1000);
    writer.prune(1_004_500);
    expect(readHistory(path, { ports: null, sinceMs: 0 }, () => true)!.residences).toBe(500);
    writer.close(5000);
    expect(statSync(path).size).toBeLessThan(1_500_000);
    const log = `${path}-wal`;
    expect(existsSync(log) ? statSync(log).size : 0).toBe(0);
  });
});
