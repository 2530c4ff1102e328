/**
 * @module Exported files as their engines read them: nothing that stands in a fact becomes anything but that fact's own word.
 */
import { array, assert, boolean, constantFrom, oneof, property, record, string, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { toPort } from "../../core/index.ts";
import type { ForwardWish, ShareWish } from "../relay/relay-wish.ts";
import { exportFormats, type ExportFacts, type ExportFormat } from "./export-facts.ts";
import { exportWriters } from "./writers.ts";
import { sitesOf } from "./sites.ts";
import { soundFacts } from "./sound-facts.ts";

type ExportRoute = ExportFacts["routes"][number];

const routeOf = (host: string, path = "/", changes: Partial<ExportRoute> = {}): ExportRoute => ({
  host,
  path,
  target: { protocol: "http", host: "localhost", port: toPort(3000) },
  strip: false,
  ownHost: false,
  ...changes,
});
const doors: ExportFacts["doors"] = { addresses: ["127.0.0.1"], httpPort: 8080, https: null };
const terms = { acceptProxy: false, idleMs: null, mostConnections: 9, mostToTarget: 9 };
const target = { host: "127.0.0.1", port: toPort(22) };
const forward: ForwardWish = {
  ...terms,
  kind: "forward",
  listen: { transport: "tcp", address: "127.0.0.1", port: toPort(7000) },
  target,
  sendProxy: null,
};
const share: ShareWish = {
  ...terms,
  kind: "share",
  listen: { ...forward.listen, port: toPort(7001) },
  rules: [{ protocol: "tls", name: "app.localhost", alpn: "h2", target, sendProxy: null }],
  silent: null,
  silentMs: 100,
  fallback: null,
};

/** Words of nginx's configuration (ngx_conf_read_token): words, quotes, `;`, `{`, `}`, comments. */
function readNginx(text: string): string[] {
  const words: string[] = [];
  const token =
    /\s+|#[^\n]*|([;{}])|"((?:\\[^]|[^"\\])*)"|'((?:\\[^]|[^'\\])*)'|((?:\\[^]|\$\{|[^\s;{"'\\])(?:\\[^]|\$\{[^}]*\}|[^\s;{\\])*)/gy;
  let end = 0;
  for (const [all, sign, double, single, plain] of text.matchAll(token)) {
    end += all.length;
    const word = sign ?? double ?? single ?? plain;
    if (word !== undefined) words.push(sign ?? word.replaceAll(/\\(["'\\])/g, "$1"));
  }
  if (end !== text.length) throw new Error(`Not read: ${text.slice(end, end + 80)}`);
  return words;
}

/** Words of a line of HAProxy's configuration (section 2.2 of its manual). */
function readHaproxy(text: string): string[] {
  return text.split("\n").flatMap((line) => {
    const words: string[] = [];
    let word: string | null = null;
    for (let at = 0; at < line.length; at += 1) {
      const character = line[at]!;
      if (character === "#") break;
      if (character === " ") {
        if (word !== null) words.push(word);
        word = null;
        continue;
      }
      word ??= "";
      if (character === "'" || character === '"') {
        const end = line.indexOf(character, at + 1);
        if (end < 0) throw new Error(`Not read: ${line}`);
        const inner = line.slice(at + 1, end);
        word += character === '"' ? inner.replaceAll(/\\([\\$"])/g, "$1") : inner;
        at = end;
      } else if (character === "\\" && line[at + 1] === "x") {
        word += String.fromCharCode(Number.parseInt(line.slice(at + 2, at + 4), 16));
        at += 3;
      } else if (character === "\\") word += line[(at += 1)]!;
      else word += character;
    }
    if (word !== null) words.push(word);
    return words.length === 0 ? [] : [...words, "\n"];
  });
}

/** Tokens and line ends of a Caddyfile (caddyconfig/caddyfile/lexer.go). */
function readCaddy(text: string): string[] {
  const words: string[] = [];
  const token = /(\n)|[^\S\n]+|#[^\n]*|"((?:\\"|[^"])*)"|`([^`]*)`|(\S+)/gy;
  let end = 0;
  for (const [all, line, double, tick, plain] of text.matchAll(token)) {
    end += all.length;
    const word = line ?? tick ?? plain ?? double?.replaceAll('\\"', '"');
    if (word !== undefined) words.push(word);
  }
  if (end !== text.length) throw new Error(`Not read: ${text.slice(end, end + 80)}`);
  // An empty line, and one of comment, is none.
  return words.filter((word, index) => word !== "\n" || words[index - 1] !== "\n");
}

/** Everything that stands in a YAML file, in its order. */
function readYaml(text: string): string[] {
  const words: string[] = [];
  const walk = (part: unknown): void => {
    if (Array.isArray(part)) part.forEach(walk);
    else if (typeof part === "object" && part !== null)
      for (const [key, value] of Object.entries(part)) {
        words.push(key);
        walk(value);
      }
    else words.push(String(part));
  };
  walk(parse(text));
  return words;
}

const readers: Readonly<Record<ExportFormat, (text: string) => string[]>> = {
  nginx: readNginx,
  haproxy: readHaproxy,
  caddy: readCaddy,
  traefik: readYaml,
};

/** A text that no name, path or address can be. */
const hostile = oneof(
  string({ unit: "binary", minLength: 1 }).filter((text) => /[^\w.~!$&'()+,;=:@/-]/.test(text)),
  tuple(
    constantFrom("shop", "/api", "10.0.0.1", ""),
    constantFrom(
      "\n",
      "\r\n",
      "\u2028",
      "\0",
      " ",
      "{",
      "}",
      '"',
      "`",
      "#",
      "\\",
      "; }\nserver {",
      "%[env(HOME)]",
      "{$HOME}",
      "*/",
    ),
    constantFrom("include /etc/passwd;", "}\nhttp://:1 {\nrespond x", "\nbackend x", "`) || Host(`a", ""),
  ).map((parts) => parts.join("")),
);

const hostileFacts = record({
  routes: array(
    oneof(
      hostile.map((text) => routeOf(text)),
      hostile.map((text) => routeOf("shop.localhost", text, { strip: true })),
      hostile.map((text) =>
        routeOf("shop.localhost", "/x", { ownHost: true, target: { protocol: "https", host: text, port: toPort(1) } }),
      ),
    ),
    { maxLength: 4 },
  ),
  relays: array(
    oneof(
      hostile.map((text): ForwardWish => ({ ...forward, listen: { ...forward.listen, address: text } })),
      hostile.map((text): ForwardWish => ({ ...forward, target: { host: text, port: toPort(1) } })),
      hostile.map((text): ShareWish => ({ ...share, rules: [{ ...share.rules[0]!, name: text }] })),
      hostile.map((text): ShareWish => ({ ...share, rules: [{ ...share.rules[0]!, alpn: text }] })),
      hostile.map((text): ShareWish => ({ ...share, rules: [{ ...share.rules[0]!, protocol: text }] })),
      hostile.map((text): ShareWish => ({
        ...share,
        fallback: { target: { host: text, port: toPort(1) }, sendProxy: null },
      })),
    ),
    { maxLength: 4 },
  ),
});

describe.each(exportFormats)("%s", (format) => {
  const write = exportWriters[format];
  const read = readers[format];
  const plain: ExportFacts = {
    doors,
    routes: [routeOf("shop.localhost"), routeOf("shop.localhost", "/api")],
    relays: [forward, share],
  };

  test("what is no name, path or address is left out, and said", () => {
    const usual = write(plain);
    assert(
      property(hostileFacts, ({ routes, relays }) => {
        const { text, limits } = write({
          doors,
          routes: [...routes, ...plain.routes],
          relays: [...relays, ...plain.relays],
        });
        expect(read(text)).toEqual(read(usual.text));
        const leftOut = limits.filter((limit) => limit.text.endsWith("left out."));
        expect(leftOut.length).toBeGreaterThanOrEqual(routes.length + relays.length === 0 ? 0 : 1);
      }),
      { numRuns: 100 },
    );
  });

  test("a path that routes can have is one word, whatever its characters mean elsewhere", () => {
    const character = constantFrom(..."a b Z 0 9 _ . ~ ! $ & ' ( ) + , ; = : @ -".split(" "));
    const segment = string({ unit: character, minLength: 1, maxLength: 12 }).filter((text) => !/^\.{1,2}$/.test(text));
    const shape = (words: readonly string[]): number => words.length;
    assert(
      property(segment, boolean(), boolean(), (text, strip, ownHost) => {
        const changes = { strip, ownHost };
        const odd = read(write({ ...plain, routes: [routeOf("shop.localhost", `/${text}`, changes)] }).text);
        const usual = read(write({ ...plain, routes: [routeOf("shop.localhost", "/usual", changes)] }).text);
        // A dollar sign takes nginx a line of its own.
        if (!text.includes("$")) expect(shape(odd)).toBe(shape(usual));
        const wanted: Readonly<Record<ExportFormat, string>> = {
          nginx: `/${text}/`,
          haproxy: `/${text}/`,
          caddy: strip ? `/${text}` : "{",
          traefik: `Host(\`shop.localhost\`) && (Path(\`/${text}\`) || PathPrefix(\`/${text}/\`))`,
        };
        expect(odd).toContain(wanted[format]);
      }),
      { numRuns: 100 },
    );
  });

  test("the name of a certificate's file is one word, or HTTPS is left out and that is said", () => {
    const odd = constantFrom(...`a " \\ \` ' { } $ # ; % ( [ * ? é 💠`.split(" "), " ");
    const name = string({ unit: odd, minLength: 1, maxLength: 12 });
    const usual = read(write({ ...plain, doors: { ...doors, https: httpsOf("/etc/site.pem") } }).text);
    assert(
      property(oneof(name, hostile), (text) => {
        const path = `/etc/${text}`;
        const { text: written, limits } = write({ ...plain, doors: { ...doors, https: httpsOf(path) } });
        const words = read(written);
        const isLeftOut = limits.some(
          ({ concerns, text: said }) => concerns.includes("HTTPS") && /left out/.test(said),
        );
        const bytes = format === "haproxy" ? Buffer.from(path).toString("latin1") : path;
        // These begin a variable, and nothing takes that from them.
        if (format === "nginx" && text.includes("$")) expect(isLeftOut).toBe(true);
        if (format === "caddy" && /[{}]/.test(text)) expect(isLeftOut).toBe(true);
        if (isLeftOut) expect(words).toEqual(read(write(plain).text));
        else {
          expect(words).toHaveLength(usual.length);
          expect(words).toContain(bytes);
        }
      }),
      { numRuns: 100 },
    );
  });
});

function httpsOf(certificatePath: string): ExportFacts["doors"]["https"] {
  return { port: 8443, certificatePath, keyPath: `${certificatePath}.key` };
}

describe("the order of routes", () => {
  test("exact names before wildcards, the nearest first, the longest path first", () => {
    const routes = [
      routeOf("*.localhost"),
      routeOf("*.shop.localhost"),
      routeOf("*.shop.localhost", "/deep"),
      routeOf("shop.localhost"),
      routeOf("shop.localhost", "/api/v2"),
      routeOf("shop.localhost", "/api"),
      routeOf("*.a.shop.localhost"),
    ];
    const { routes: ordered } = soundFacts({ doors, routes, relays: [] });
    expect(ordered.map(({ host, path }) => host + path)).toEqual([
      "shop.localhost/api/v2",
      "shop.localhost/api",
      "shop.localhost/",
      "*.a.shop.localhost/",
      "*.shop.localhost/deep",
      "*.shop.localhost/",
      "*.localhost/",
    ]);
  });

  test("of two with one name and path the first is written, as the gateway takes it, and the other is told", () => {
    const other = { target: { protocol: "http", host: "localhost", port: toPort(4000) } } as const;
    const routes = [routeOf("shop.localhost", "/api"), routeOf("shop.localhost", "/api", other)];
    const { routes: written, limits } = soundFacts({ doors, routes, relays: [] });
    expect(written).toEqual([routes[0]]);
    expect(limits).toEqual([
      { concerns: "shop.localhost/api", text: "Another route has this name and path and goes before it; left out." },
    ]);
  });

  test("a name has what the wildcards above it have, but for what it has taken itself", () => {
    const routes = [
      routeOf("one.shop.localhost", "/api"),
      routeOf("*.shop.localhost", "/api/v2"),
      routeOf("*.shop.localhost", "/deep"),
      routeOf("*.localhost"),
    ];
    const sites = sitesOf(soundFacts({ doors, routes, relays: [] }).routes);
    expect(sites.map((site) => [site.host, ...site.routes.map(({ host, path }) => host + path)])).toEqual([
      ["one.shop.localhost", "*.shop.localhost/deep", "one.shop.localhost/api", "*.localhost/"],
      ["*.shop.localhost", "*.shop.localhost/api/v2", "*.shop.localhost/deep", "*.localhost/"],
      ["*.localhost", "*.localhost/"],
    ]);
  });
});
