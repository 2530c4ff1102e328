/**
 * @module Places and targets as people write them, and circles among them.
 */
import { describe, expect, test } from "vitest";
import { findLoop } from "./relay-loops.ts";
import {
  readListenWord,
  readRelayPairs,
  readRelayPlace,
  readRelayTarget,
  readTargetWord,
  type RelayPair,
} from "./relay-words.ts";

const usual = { transport: "tcp", bind: "127.0.0.1" } as const;
const pairs = (listen: string, target: string): string[] =>
  readRelayPairs(listen, target, usual).map(
    ({ listen: { transport, address, port }, target: to }) => `${transport} ${address} ${port} > ${to.host} ${to.port}`,
  );

test.each([
  ["8080", "5500", ["tcp 127.0.0.1 8080 > localhost 5500"]],
  [":8080", ":5500", ["tcp 127.0.0.1 8080 > localhost 5500"]],
  ["127.0.0.2:8080", "192.168.1.8:5500", ["tcp 127.0.0.2 8080 > 192.168.1.8 5500"]],
  ["localhost:8080", "Nas.Local:5500", ["tcp 127.0.0.1 8080 > nas.local 5500"]],
  ["[::]:8080", "[::1]:80", ["tcp :: 8080 > ::1 80"]],
  [":::8080", "80", ["tcp :: 8080 > localhost 80"]],
  ["*:8080", "80", ["tcp :: 8080 > localhost 80"]],
  ["[fe80::1%eth0]:1", "[fe80::2%eth0]:2", ["tcp fe80::1%eth0 1 > fe80::2%eth0 2"]],
  ["0", "80", ["tcp 127.0.0.1 0 > localhost 80"]],
  ["5353/udp", "53", ["udp 127.0.0.1 5353 > localhost 53"]],
  ["5353", "9.9.9.9:53/udp", ["udp 127.0.0.1 5353 > 9.9.9.9 53"]],
  ["udp://127.0.0.1:5353", "53", ["udp 127.0.0.1 5353 > localhost 53"]],
  ["[::1]:5353/UDP", "53", ["udp ::1 5353 > localhost 53"]],
  [
    "8000-8002",
    "80",
    ["tcp 127.0.0.1 8000 > localhost 80", "tcp 127.0.0.1 8001 > localhost 80", "tcp 127.0.0.1 8002 > localhost 80"],
  ],
  ["[::1]:8000..8001/udp", "[::1]:9000-9001", ["udp ::1 8000 > ::1 9000", "udp ::1 8001 > ::1 9001"]],
  ["7-7", "1.2.3.4:9-9", ["tcp 127.0.0.1 7 > 1.2.3.4 9"]],
])("%s to %s", (listen, target, expected) => {
  expect(pairs(listen, target)).toEqual(expected);
});

test.each([
  ["nas.local:80", "80"],
  ["", "80"],
  ["http://localhost:80", "80"],
  ["80", "http://localhost:3000"],
  ["80", "localhost:3000/path"],
  ["80", "*:3000"],
  ["80", "0"],
  ["80", "localhost"],
  ["70000", "80"],
  ["80", "1.2.3.4:70000"],
  ["80", "1.2.3.4:1-70000"],
  ["8010-8000", "80"],
  ["0-5", "80"],
  ["8000-8010", "8000-8009"],
  ["80", "8000-8009"],
  ["1-2000", "80"],
  ["80/udp", "80/tcp"],
  ["80/sctp", "80"],
  ["::1:80", "80"],
  ["80-", "80"],
])("%j to %j is refused by code", (listen, target) => {
  expect(() => pairs(listen, target)).toThrow(expect.objectContaining({ code: "RELAY_PLACE_INVALID" }));
});

test("one place and one target of TCP", () => {
  expect(readRelayTarget("22")).toEqual({ host: "localhost", port: 22 });
  expect(readRelayPlace("443", "::1")).toEqual({ transport: "tcp", address: "::1", port: 443 });
  for (const text of ["22/udp", "22-23"]) {
    expect(() => readRelayTarget(text)).toThrow(expect.objectContaining({ code: "RELAY_PLACE_INVALID" }));
    expect(() => readRelayPlace(text, "::1")).toThrow(expect.objectContaining({ code: "RELAY_PLACE_INVALID" }));
  }
  expect(readListenWord("*:1").host).toBe("*");
  expect(readTargetWord("1").host).toBe("localhost");
});

describe("circles", () => {
  const own = new Set(["192.168.1.5"]);
  const of = (...words: string[]): RelayPair[] =>
    words.flatMap((word, index) => (index % 2 === 0 ? readRelayPairs(word, words[index + 1]!, usual) : []));

  test.each([
    [["8080", "8080"]],
    [["8080", "127.0.0.1:8080"]],
    [["*:8080", "8080"]],
    [["*:8080", "192.168.1.5:8080"]],
    [["*:8080", "[::1]:8080"]],
    [["0.0.0.0:8080", "127.0.0.7:8080"]],
    [["8080", "0.0.0.0:8080"]],
    [["8080/udp", "8080"]],
    [["8080", "8081", "8081", "8080"]],
    [["1", "2", "2", "3", "3", "2"]],
    [["8000-8001", "8001"]],
  ])("%j", (words) => {
    expect(findLoop(of(...words), own)).not.toBeNull();
  });

  test.each([
    [["8080", "8081", "8081", "8082"]],
    [["8080", "192.168.1.5:8080"]],
    [["8080", "[::1]:8080"]],
    [["*:8080", "192.168.1.6:8080"]],
    [["0.0.0.0:8080", "[::1]:8080"]],
    [["8080", "8081/tcp", "8081/udp", "8080"]],
    [["8000-8001", "8002", "8002", "9"]],
  ])("none in %j", (words) => {
    expect(findLoop(of(...words), own)).toBeNull();
  });

  test("the circle is told, without the way to it", () => {
    expect(findLoop(of("1", "2", "2", "3", "3", "2"), own)?.map(({ listen }) => listen.port)).toEqual([2, 3]);
  });
});
