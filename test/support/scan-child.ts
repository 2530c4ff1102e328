/**
 * @module Asks doors from wherever it is started: for tests that ask from inside a network namespace. Bundled and run as a program.
 *
 * Usage: node scan-child.cjs, with doors on standard input, a line of JSON each: `{ id, address, transport, port, name?, force?, tls? }`.
 * Prints one line of JSON a door, as it is answered, and ends with its input.
 */
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { randomBytes } from "node:crypto";
import { protocols, Talk, type Verdict } from "../../src/protocols/index.ts";
import { Channel, openSocket } from "../../src/scan/identify/channel.ts";
import { DatagramChannel } from "../../src/scan/identify/datagrams.ts";
import { identifyEndpoint, type EndpointAnswer } from "../../src/scan/index.ts";

/** A door to ask. */
export interface AskedDoor {
  /** Comes back with the answer. */
  readonly id: string;
  readonly address: string;
  readonly transport: "tcp" | "udp";
  readonly port: number;
  readonly name?: string;
  /** Ask this protocol and no other, without listening first. */
  readonly force?: string;
  /** With `force`: inside TLS. */
  readonly tls?: boolean;
}

/** One line of the output. */
export interface DoorAnswer {
  readonly door: AskedDoor;
  readonly answer: EndpointAnswer | null;
  /** With `force`. */
  readonly verdict: Verdict | null;
  /** Each connection with what was sent and received, hexadecimal. */
  readonly connections: readonly (readonly {
    readonly kind: "send" | "receive" | "startTls";
    readonly bytes: string;
  }[])[];
  readonly elapsedMs: number;
}

async function force(door: AskedDoor, id: string): Promise<Verdict> {
  const protocol = protocols.find((candidate) => candidate.id === id)!;
  const { signal } = new AbortController();
  const nowMs = (): number => performance.now();
  const context = {
    transport: door.transport,
    port: door.port,
    host: door.name ?? door.address,
    tls: null,
    page: null,
    random: (count: number) => new Uint8Array(randomBytes(count)),
  };
  if (door.transport === "udp") {
    const localPort = protocol.replyPort?.(door.port) ?? null;
    const channel = await DatagramChannel.open({ ...door, scopeId: 0, localPort }, signal);
    if (!(channel instanceof DatagramChannel)) return { outcome: "silent", evidence: channel.failed };
    const conversation = protocol.probe!(new Talk("udp"), { ...context, localAddress: channel.localAddress });
    const verdict = await channel.drive(conversation, nowMs);
    channel.close();
    return verdict;
  }
  const target = { address: door.address, scopeId: 0, port: door.port, serverName: door.name ?? null };
  const opened = await openSocket(target, 5000, signal);
  if (!opened.ok) return { outcome: "silent", evidence: opened.reason };
  const channel = new Channel(opened.socket, target, signal);
  try {
    let talk = new Talk("tcp");
    if (door.tls === true) {
      const tls = await channel.drive(talk.startTls(["h2", "http/1.1"]), nowMs);
      if ("failed" in tls) return { outcome: "silent", evidence: tls.failed };
      talk = new Talk("tcp");
    }
    const full = { ...context, localAddress: channel.localAddress, tls: channel.tls };
    return await channel.drive(protocol.probe!(talk, full), nowMs, 1500);
  } finally {
    channel.close();
  }
}

async function ask(door: AskedDoor): Promise<void> {
  if (door.force !== undefined) {
    const startedMs = performance.now();
    const verdict = await force(door, door.force);
    const line: DoorAnswer = { door, answer: null, verdict, connections: [], elapsedMs: performance.now() - startedMs };
    print(`${JSON.stringify(line, (_, value: unknown) => (value instanceof Map ? undefined : value))}\n`);
    return;
  }
  const connections: { kind: "send" | "receive" | "startTls"; bytes: string }[][] = [];
  const startedMs = performance.now();
  const answer = await identifyEndpoint(
    {
      family: door.address.includes(":") ? "ipv6" : "ipv4",
      address: door.address,
      scopeId: 0,
      name: door.name ?? null,
    },
    door.transport,
    door.port,
    {
      signal: new AbortController().signal,
      nowMs: () => performance.now(),
      observe: () => {
        const events: (typeof connections)[number] = [];
        connections.push(events);
        return {
          onSend: (bytes) => events.push({ kind: "send", bytes: Buffer.from(bytes).toString("hex") }),
          onReceive: (bytes) => events.push({ kind: "receive", bytes: Buffer.from(bytes).toString("hex") }),
          onTls: (tls) => events.push({ kind: "startTls", bytes: Buffer.from(JSON.stringify(tls)).toString("hex") }),
        };
      },
    },
  );
  const line: DoorAnswer = { door, answer, verdict: null, connections, elapsedMs: performance.now() - startedMs };
  print(`${JSON.stringify(line)}\n`);
}

function print(text: string): void {
  const bytes = Buffer.from(text);
  let done = 0;
  while (done < bytes.length) {
    try {
      done += writeSync(1, bytes, done);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    }
  }
}

async function main(): Promise<void> {
  // Each line of standard input is a door; answers come in any order.
  const asking: Promise<void>[] = [];
  for await (const line of createInterface({ input: process.stdin })) {
    if (line !== "") asking.push(ask(JSON.parse(line) as AskedDoor));
  }
  await Promise.all(asking);
}

void main();
