/**
 * @module The share, sslh and HAProxy before the same real servers and clients: the table in docs/sharing.md from a real run.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { startSplitter, type SplitterWish } from "../../support/splitter.ts";
import { shareClients, startShareServers, type ShareClient, type ShareServers } from "../share-cases.ts";
import { engineKinds, type ShareEngineKind } from "./engines.ts";

/** What stands between clients and the engine. */
interface Way {
  readonly title: string;
  readonly between: Partial<SplitterWish> | null;
  readonly silent: number;
}

const told = Buffer.from("PROXY TCP4 192.0.2.7 198.51.100.1 40000 443\r\n", "latin1");
const ways: readonly Way[] = [
  { title: "as they come", between: null, silent: 0 },
  { title: "byte by byte", between: { oneByOne: 700 }, silent: 0 },
  { title: "behind a PROXY header", between: { header: told }, silent: 0 },
  { title: "behind a PROXY header, byte by byte", between: { oneByOne: 700, header: told }, silent: 0 },
  { title: "beside 1,000 silent ones", between: null, silent: 1000 },
];

/** What a client came to, and the memory for each silent connection, bytes. */
interface Outcome {
  readonly words: readonly string[];
  readonly silentBytes: number | null;
}

const [startMark, endMark] = ["<!-- compare:share -->", "<!-- /compare:share -->"];

/** Runs everything, and writes the table. */
export async function compare(): Promise<void> {
  const servers = await startShareServers();
  let port = 5440;
  const sections: string[] = [];
  try {
    const outcomes = new Map<ShareEngineKind, readonly (Outcome | null)[]>();
    for (const kind of engineKinds) {
      const own: (Outcome | null)[] = [];
      for (const way of ways) own.push(await runWay(kind, way, servers, (port += 1)));
      outcomes.set(kind, own);
    }
    sections.push(...writeTables(outcomes));
  } finally {
    await servers.stop();
  }
  const path = fileURLToPath(new URL("../../../docs/sharing.md", import.meta.url));
  const text = readFileSync(path, "utf8");
  const [start, end] = [text.indexOf(startMark), text.indexOf(endMark)];
  if (start < 0 || end < start) throw new Error(`${path} has no marks for the table`);
  writeFileSync(path, `${text.slice(0, start + startMark.length)}\n\n${sections.join("\n")}\n\n${text.slice(end)}`);
  console.log(sections.join("\n"));
}

async function runWay(
  kind: ShareEngineKind,
  { title, between, silent }: Way,
  servers: ShareServers,
  port: number,
): Promise<Outcome | null> {
  const { address, folder } = servers;
  const started = kind.start(servers, port, between?.header !== undefined);
  if (started === null) return null;
  const engine = await started;
  const splitter = between === null ? null : await startSplitter({ address, port, ...between });
  const run = async (client: ShareClient): Promise<string> =>
    judge(client, await client.run({ address, port: splitter?.port ?? port, folder }));
  const sockets: Socket[] = [];
  try {
    const memory = (): number => engine.pids.reduce((sum, pid) => sum + residentBytes(pid), 0);
    const beforeBytes = memory();
    // Whoever waits comes before the silent ones: after its wait all of those want its server.
    const waiting = shareClients
      .filter(({ server }) => server === "smtp")
      .map((client) => [client, run(client)] as const);
    if (silent > 0) await untilTaken(port);
    const taken = await openSilent(address, port, silent, sockets);
    const silentBytes = silent === 0 ? null : (memory() - beforeBytes) / taken;
    const running = new Map<ShareClient, Promise<string>>(waiting);
    for (const client of shareClients) if (!running.has(client)) running.set(client, run(client));
    const words = await Promise.all(shareClients.map((client) => running.get(client)!));
    console.log(
      `${kind.name}, ${title}: ${words.filter((word) => word === "✓").length} of ${words.length}${silent === 0 ? "" : `, ${taken} silent`}`,
    );
    return { words, silentBytes };
  } finally {
    for (const socket of sockets) socket.destroy();
    splitter?.close();
    await engine.stop();
  }
}

/** Opens connections on which nothing is said. @returns how many the engine took within a second */
async function openSilent(host: string, port: number, count: number, sockets: Socket[]): Promise<number> {
  for (let index = 0; index < count; index += 1) {
    const socket = connect({ host, port });
    socket.on("error", () => undefined);
    sockets.push(socket);
  }
  const taken = (): number => sockets.filter(({ readyState }) => readyState === "open").length;
  for (let tries = 0; tries < 50 && taken() < count; tries += 1) await delay(20);
  return taken();
}

/** Until a connection is open at the port, as the kernel tells (Linux, Documentation/networking/proc_net_tcp.rst). */
async function untilTaken(port: number): Promise<void> {
  const established = new RegExp(
    `^ *\\d+: [0-9A-F]{8}:${port.toString(16).toUpperCase().padStart(4, "0")} [0-9A-F:]+ 01 `,
    "m",
  );
  for (let tries = 0; tries < 500; tries += 1) {
    if (established.test(readFileSync("/proc/self/net/tcp", "latin1"))) return;
    await delay(20);
  }
  throw new Error("nobody came");
}

/** `✓`, or where it came instead. */
function judge({ expected }: ShareClient, said: string): string {
  if (expected.test(said)) return "✓";
  const other = /^(http|named|http2|tls|namedTls|offered) HTTP/m.exec(said)?.[1];
  if (other !== undefined) return `to ${other}`;
  if (/wrong version number|HTTP\/0\.9|400 Bad Request/.test(said)) return "another server";
  return "failed";
}

function residentBytes(pid: number): number {
  return 1024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0);
}

function writeTables(outcomes: ReadonlyMap<ShareEngineKind, readonly (Outcome | null)[]>): string[] {
  const kinds = [...outcomes.keys()];
  const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const marks = (kind: ShareEngineKind, client: number): string => {
    const words = outcomes.get(kind)!.map((outcome) => outcome?.words[client] ?? "–");
    return new Set(words).size === 1
      ? words[0]!
      : words.map((word) => (word.length > 1 ? `(${word})` : word)).join(" ");
  };
  const total = (kind: ShareEngineKind, way: number): string => {
    const outcome = outcomes.get(kind)![way];
    if (outcome === null || outcome === undefined) return "cannot";
    return `${outcome.words.filter((word) => word === "✓").length} of ${outcome.words.length}`;
  };
  const memory = (kind: ShareEngineKind): string => {
    const bytes = outcomes.get(kind)!.at(-1)?.silentBytes ?? null;
    return bytes === null ? "–" : bytes < 100 ? "under 0.1 KiB" : `${(bytes / 1024).toFixed(1)} KiB`;
  };
  const head = [
    row(["", ...kinds.map(({ name, version }) => `${name} ${version}`)]),
    row(["---", ...kinds.map(() => "---")]),
  ];
  return [
    ...head,
    ...ways.map(({ title }, index) => row([title, ...kinds.map((kind) => total(kind, index))])),
    row(["memory for each silent connection", ...kinds.map(memory)]),
    "",
    `Each client, in that order (${ways.map(({ title }) => title).join("; ")}); ✓ is its own server:`,
    "",
    ...head,
    ...shareClients.map(({ title }, index) => row([title, ...kinds.map((kind) => marks(kind, index))])),
  ];
}
