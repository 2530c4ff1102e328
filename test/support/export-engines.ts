/**
 * @module Engines of Debian's packages with an exported file: checked by the engine itself, then run in the foreground, all their files in a
 * folder of their own.
 */
import { execFile, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";
import type { ExportFormat } from "../../src/gateway/export/index.ts";

/** An engine that runs. */
export interface RunningEngine {
  readonly name: string;
  /** What it wrote to standard error. */
  readonly said: () => string;
  close(): Promise<void>;
}

type Run = { readonly folder: string; readonly file: string };

interface Program {
  readonly program: string;
  readonly versionWords: readonly string[];
  readonly check: (run: Run) => readonly string[];
  readonly words: (run: Run) => readonly string[];
  /** The file as it is run: with the places of files that it does not name. */
  readonly placed?: (text: string, folder: string) => string;
}

/** Places that are compiled in, and would be the system's own. */
function placeNginx(text: string, folder: string): string {
  const http = `access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;`;
  return text.replace(/^http \{$/m, `http {\n${http}`);
}

const nginxWords = ({ folder, file }: Run): string[] => {
  const main = `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr;`;
  return ["-c", file, "-e", "stderr", "-g", main];
};

const programs: Readonly<Record<Exclude<ExportFormat, "traefik">, Program>> = {
  nginx: {
    program: "nginx",
    versionWords: ["-v"],
    check: (run) => ["-t", ...nginxWords(run)],
    words: nginxWords,
    placed: placeNginx,
  },
  haproxy: {
    program: "haproxy",
    versionWords: ["-v"],
    check: ({ file }) => ["-c", "-f", file],
    words: ({ file }) => ["-db", "-f", file],
  },
  caddy: {
    program: "caddy",
    versionWords: ["version"],
    check: ({ file }) => ["validate", "--adapter", "caddyfile", "--config", file],
    words: ({ file }) => ["run", "--adapter", "caddyfile", "--config", file],
  },
};

/** Engines that can be run here. */
export const runFormats = ["nginx", "haproxy", "caddy"] as const;
export type RunFormat = (typeof runFormats)[number];

/** Whether the engine is installed. @throws with PORTOLAN_REQUIRE_SERVERS=1 when it is not */
export async function hasEngine(format: RunFormat): Promise<boolean> {
  const { program, versionWords } = programs[format];
  try {
    await promisify(execFile)(program, [...versionWords]);
    return true;
  } catch (error) {
    if (process.env["PORTOLAN_REQUIRE_SERVERS"] === "1") throw error;
    console.warn(`Skipped: ${program} is not installed.`);
    return false;
  }
}

function environmentIn(folder: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"],
    HOME: folder,
    XDG_DATA_HOME: folder,
    XDG_CONFIG_HOME: folder,
    CADDY_ADMIN: `unix/${folder}/admin.sock`,
  };
}

/** What the engine's own checker says of a file; throws what it complains of. */
export async function checkExported(format: RunFormat, text: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "pex-"));
  try {
    const { program, check, placed } = programs[format];
    const run = { folder, file: join(folder, "exported") };
    writeFileSync(run.file, placed === undefined ? text : placed(text, folder));
    const { stdout, stderr } = await promisify(execFile)(program, [...check(run)], {
      env: environmentIn(folder),
      cwd: folder,
      timeout: 30_000,
    });
    return stdout + stderr;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Runs one, and waits until it listens at these ports. */
export async function runExported(format: RunFormat, text: string, ports: readonly number[]): Promise<RunningEngine> {
  const folder = mkdtempSync(join(tmpdir(), "pex-"));
  const { program, words, placed } = programs[format];
  const run = { folder, file: join(folder, "exported") };
  mkdirSync(join(folder, "data"));
  writeFileSync(run.file, placed === undefined ? text : placed(text, folder));
  const child = spawn(program, [...words(run)], {
    cwd: folder,
    env: environmentIn(folder),
    stdio: ["ignore", "ignore", "pipe"],
  });
  process.once("exit", () => child.kill("SIGKILL"));
  let said = "";
  createInterface({ input: child.stderr }).on("line", (line) => (said = `${said}${line}\n`.slice(-8000)));
  const close = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit");
      child.kill("SIGKILL");
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const port of ports) await untilListening(port, () => child.exitCode === null);
  } catch (error) {
    await close();
    throw new Error(`${program} does not listen: ${said}`, { cause: error });
  }
  return { name: format, said: () => said, close };
}

/** Ports that were free a moment ago, no two alike; none that the system gives to whoever asks for any (ip_local_port_range, from 32768 on). */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let round = 0; servers.length < count; round += 1) {
    if (round > 50 * count) throw new Error("No port is free.");
    const server = createServer().listen(randomInt(16_384, 32_768), "127.0.0.1");
    await once(server, "listening").then(
      () => servers.push(server),
      () => null,
    );
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}

async function untilListening(port: number, lives: () => boolean): Promise<void> {
  for (let round = 0; round < 400 && lives(); round += 1) {
    const socket = connect(port, "127.0.0.1");
    const taken = await once(socket, "connect").then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (taken) return;
    // No event tells that another program listens.
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`Nobody listens at ${port}.`);
}
