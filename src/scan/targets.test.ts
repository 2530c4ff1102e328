/**
 * @module Targets as people write them.
 */
import { expect, test } from "vitest";
import { parseTargets, readTargetWords, type TargetOptions } from "./targets.ts";

const options: TargetOptions = {
  ownNetworks: [
    { address: "192.168.1.8", prefixLength: 24 },
    { address: "fd00:77::8", prefixLength: 120 },
  ],
  resolve: (name) => Promise.resolve(name === "nas.local" ? ["192.168.1.9", "fd00:77::9"] : []),
  scopeOf: (zone) => (zone === "eth0" ? 2 : 0),
  yes: false,
};

function read(words: string, changes: Partial<TargetOptions> = {}) {
  return parseTargets(
    words
      .split(" ")
      .filter((word) => word !== "")
      .map((text) => ({ text, where: null })),
    { ...options, ...changes },
  );
}

async function addresses(words: string, changes: Partial<TargetOptions> = {}): Promise<string[]> {
  const list = await read(words, changes);
  const found = [...list].map(({ address }) => address);
  expect(found).toHaveLength(list.count);
  return found;
}

test("addresses, ranges and networks, each address once and ascending", async () => {
  expect(await addresses("127.0.0.1 127.0.0.1 ::1")).toEqual(["127.0.0.1", "::1"]);
  expect(await addresses("10.0.0.254-10.0.1.1")).toEqual(["10.0.0.254", "10.0.0.255", "10.0.1.0", "10.0.1.1"]);
  expect(await addresses("10.0.0.3-5 10.0.0.4-6")).toEqual(["10.0.0.3", "10.0.0.4", "10.0.0.5", "10.0.0.6"]);
  expect(await addresses("10.0.0.9/30")).toEqual(["10.0.0.8", "10.0.0.9", "10.0.0.10", "10.0.0.11"]);
  expect(await addresses("fd00::/126")).toEqual(["fd00::", "fd00::1", "fd00::2", "fd00::3"]);
});

test("an own network leaves out its network and broadcast address, and lan stands for all of them", async () => {
  const own = await addresses("192.168.1.0/24");
  expect([own.length, own[0], own.at(-1)]).toEqual([254, "192.168.1.1", "192.168.1.254"]);
  expect(await addresses("lan")).toHaveLength(254 + 256);
  expect(await addresses("192.168.2.0/24")).toHaveLength(256);
});

test("names bring all their addresses, with the name", async () => {
  const list = await read("NAS.local 192.168.1.9");
  expect([...list]).toEqual([
    { family: "ipv4", address: "192.168.1.9", scopeId: 0, name: "nas.local" },
    { family: "ipv6", address: "fd00:77::9", scopeId: 0, name: "nas.local" },
  ]);
  expect(list.beyond).toBe(0);
});

test("zones become interface numbers", async () => {
  expect([...(await read("fe80::1%eth0"))]).toEqual([{ family: "ipv6", address: "fe80::1", scopeId: 2, name: null }]);
});

test("exclusions are taken out, in all forms", async () => {
  const exclude = ["10.0.0.2", "10.0.0.5-7", "nas.local"].map((text) => ({ text, where: null }));
  expect(await addresses("10.0.0.1-8 192.168.1.9", { exclude })).toEqual([
    "10.0.0.1",
    "10.0.0.3",
    "10.0.0.4",
    "10.0.0.8",
  ]);
  await expect(read("10.0.0.2", { exclude })).rejects.toMatchObject({ code: "TARGET_INVALID" });
});

test("what lies beyond loopback and own networks is counted", async () => {
  expect((await read("127.0.0.1 192.168.1.7 8.8.8.8 10.0.0.0/30")).beyond).toBe(5);
});

test("a list is not made before it is asked for, and large ones need a yes", async () => {
  await expect(read("10.0.0.0/15")).rejects.toMatchObject({
    code: "TARGET_TOO_LARGE",
    message: "131072 addresses are named, more than a /16 has.",
  });
  const list = await read("10.0.0.0/8", { yes: true });
  expect(list.count).toBe(16_777_216);
  expect(list[Symbol.iterator]().next().value).toMatchObject({ address: "10.0.0.0" });
  await expect(read("fd00::/64", { yes: true })).rejects.toMatchObject({ code: "TARGET_TOO_LARGE" });
  expect((await read("10.1.0.0/16")).count).toBe(65_536);
});

test.each([
  ["10.0.0", "four numbers"],
  ["10.0.0.0/33", "a number from 0 to 32"],
  ["10.0.0.0/", "a number from 0 to 32"],
  ["fd00::/129", "a number from 0 to 128"],
  ["nas/24", "before the / is not an address"],
  ["10.0.0.9-3", "backwards"],
  ["10.0.0.9-300", "a number up to 255"],
  ["10.0.0.9-fd00::1", "one family"],
  ["http://nas.local/", "a URL"],
  ["nas.local:80", "it has a port"],
  ["[::1]:80", "it has a port"],
  ["fe80::1%nowhere", "no network interface"],
  ["-rf", "no host name"],
  ["a..b", "no host name"],
  ["0.0.0.0", "write 127.0.0.1"],
  ["::", "write ::1"],
  ["224.0.0.1", "groups of devices"],
  ["223.255.255.254-224.0.0.1", "groups of devices"],
  ["255.255.255.255", "everybody's"],
  ["ff02::1%eth0", "groups of devices"],
  ["\u001b[31m", "no host name"],
])("%s is refused with the reason", async (word, reason) => {
  await expect(read(word)).rejects.toMatchObject({
    code: "TARGET_INVALID",
    message: expect.stringContaining(reason) as unknown,
  });
});

test("a name without address, and an empty list, are said to be so", async () => {
  await expect(read("nobody.example")).rejects.toMatchObject({ code: "TARGET_UNRESOLVED" });
  await expect(read("")).rejects.toMatchObject({ code: "TARGET_INVALID", message: "No target is given." });
  await expect(read("lan", { ownNetworks: [] })).rejects.toMatchObject({ code: "TARGET_INVALID" });
});

test("lists have comments, and errors name the line", async () => {
  const words = readTargetWords("# office\n10.0.0.1, 10.0.0.2 # two\r\n\n10.0.0.999\n", "hosts.txt");
  expect(words.map(({ text }) => text)).toEqual(["10.0.0.1", "10.0.0.2", "10.0.0.999"]);
  await expect(parseTargets(words, options)).rejects.toMatchObject({
    message: expect.stringContaining("line 4 of hosts.txt") as unknown,
  });
});
