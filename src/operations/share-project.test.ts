/**
 * @module Shares as a project's file says them, and what is wrong with some.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readProjectFile } from "../project/index.ts";
import { readShareEntries } from "./share-project.ts";

const folder = mkdtempSync(join(tmpdir(), "pgc-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(shares: string): ReturnType<typeof readShareEntries> {
  writeFileSync(join(folder, "portolan.config.json"), `{ "shares": [\n${shares}\n] }`);
  return readShareEntries(readProjectFile(folder));
}

test("rules stay in the file's order, with all that they ask for", () => {
  const [share] =
    read(`{ "listen": "0.0.0.0:443", "wait": "1s", "sendProxy": 1, "silent": ":25", "fallback": 8080, "maxConnections": 9, "idle": "5m",
    "rules": [{ "protocol": "postgres", "to": ":5432" }, { "protocol": "tls", "name": "*.Shop.test", "alpn": "h2", "to": "nas.local:1", "sendProxy": 2 }] }`);
  const to = (host: string, port: number, sendProxy: number) => ({ target: { host, port }, sendProxy });
  expect(share).toMatchObject({
    notes: [],
    wish: {
      listen: { transport: "tcp", address: "0.0.0.0", port: 443 },
      rules: [
        { protocol: "postgresql", name: null, alpn: null, ...to("localhost", 5432, 1) },
        { protocol: "tls", name: "*.shop.test", alpn: "h2", ...to("nas.local", 1, 2) },
      ],
      silent: to("localhost", 25, 1),
      fallback: to("localhost", 8080, 1),
      silentMs: 1000,
      idleMs: 300_000,
      mostConnections: 9,
      mostToTarget: 4096,
      acceptProxy: false,
    },
  });
});

test("a rule that can never be reached is told", () => {
  const [share] = read('{ "listen": 443, "rules": [{ "protocol": "tls", "to": 1 }, { "alpn": "h2", "to": 2 }] }');
  expect(share!.notes).toEqual([
    "Rule 2 (alpn h2) can never be reached: all that it would take goes to rule 1 (tls) before.",
  ]);
});

test.each([
  ['{ "listen": 443 }', "2:1: Nothing says where its connections go."],
  ['{ "listen": "443/udp", "silent": 1 }', '2:13: "443/udp" is nothing to listen at'],
  ['{ "listen": 443, "rules": [{ "to": "http://a/" }] }', '2:36: "http://a/" is nothing to lead to'],
  [
    '{ "listen": 443, "rules": [{ "protocol": "mysql", "to": 1 }] }',
    '2:42: "mysql" has clients that say nothing first',
  ],
  [
    '{ "listen": 443, "rules": [{ "name": "a b", "to": 1 }] }',
    '2:38: name: "a b" is not accepted: it is no host name.',
  ],
  ['{ "listen": 443, "silent": 1, "wait": "soon" }', '2:39: --wait: "soon" is not a span of time.'],
  [
    '{ "listen": 443, "silent": 1 },\n{ "listen": "127.0.0.1:443", "silent": 2 }',
    "3:13: 127.0.0.1:443 is shared twice.",
  ],
])("refused: %s", (text, problem) => {
  expect(() => read(text)).toThrow(`portolan.config.json:${problem}`);
});
