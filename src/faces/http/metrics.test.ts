import { describe, expect, test } from "vitest";
import type { ListedService } from "../../operations/schemas.ts";
import { take, writeMetrics, type Seen } from "./metrics.ts";

function serviceOf(port: number, program: string, project: string | null): ListedService {
  return {
    transport: "tcp",
    port,
    names: [],
    reach: { scope: "host" },
    sockets: [{ inode: port }],
    holders: { known: true, value: [{ name: { known: true, value: program } }] },
    project: project === null ? null : { value: { name: project } },
  } as unknown as ListedService;
}

function seenOf(...services: ListedService[]): Seen {
  const seen: Seen = { services: new Map(), traffic: new Map(), appeared: 0, disappeared: 0 };
  for (const service of services) take(seen, { kind: "appeared", at: "", service } as never);
  return seen;
}

function listenersIn(text: string): string[] {
  return text.split("\n").filter((line) => line.startsWith("portolan_listener{"));
}

describe("counts for Prometheus", () => {
  test("a name from outside stays inside its label", () => {
    const hostile = 'a"} 1\nevil{x="\\\u001b[2J\ud83d\ude80\ud83d';
    const text = writeMetrics(seenOf(serviceOf(80, hostile, hostile)), 0, true);
    const written = String.raw`a\"} 1\nevil{x=\"\\` + "\ufffd[2J\ud83d\ude80\ufffd";
    expect(listenersIn(text)).toEqual([
      `portolan_listener{transport="tcp",port="80",service="",reach="host",process="${written}",project="${written}"} 1`,
    ]);
    expect(text).not.toMatch(/^evil/m);
  });

  test("names are for who shows a key", () => {
    const text = writeMetrics(seenOf(serviceOf(80, "secret-program", "secret-project")), 0, false);
    expect(listenersIn(text)).toHaveLength(1);
    expect(text).not.toMatch("secret");
  });

  test("a port that nobody listens at any more has no counts", () => {
    const service = serviceOf(80, "a", null);
    const seen = seenOf(service);
    const port = { transport: "tcp", port: 80, connections: 2, sentBytes: 5, receivedBytes: null };
    take(seen, { kind: "traffic", at: "", elapsedMs: 0, ports: [port] } as never);
    const during = writeMetrics(seen, 0, false);
    expect(during).toMatch(/^portolan_port_connections\{transport="tcp",port="80"\} 2$/m);
    expect(during).toMatch(/^portolan_port_sent_bytes_total\{transport="tcp",port="80"\} 5$/m);
    expect(during).not.toMatch("portolan_port_received_bytes_total");
    take(seen, { kind: "disappeared", at: "", service } as never);
    const after = writeMetrics(seen, 0, false);
    expect(after).not.toMatch("portolan_port_connections{");
    expect(after).toMatch(/^portolan_listeners_disappeared_total 1$/m);
  });
});
