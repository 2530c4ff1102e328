/**
 * @module The file for Traefik, which no package of Debian's has: checked by a schema, every name that it uses found, and its rules asked as
 * Traefik's reference says that they are, beside the gateway's own table.
 */
import { Ajv } from "ajv";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { toPort } from "../../src/core/index.ts";
import { exportWriters } from "../../src/gateway/export/writers.ts";
import { RouteTable, formatTarget, type ForwardWish, type Route, type ShareWish } from "../../src/gateway/index.ts";
import { routeOf } from "../support/gateway.ts";
import { traefikSchema, traefikStaticSchema } from "../support/traefik-schema.ts";
import { exportCases } from "./export-cases.ts";

interface Router {
  readonly rule: string;
  readonly priority: number;
  readonly entryPoints: readonly string[];
  readonly middlewares?: readonly string[];
  readonly service: string;
  readonly tls?: object;
}
type Parts<Service> = { routers: Record<string, Router>; services: Record<string, { loadBalancer: Service }> };
interface Dynamic {
  readonly http: Parts<{ servers: { url: string }[]; serversTransport?: string }> & {
    middlewares?: Record<string, object>;
    serversTransports?: Record<string, object>;
  };
  readonly tcp: Parts<{ servers: { address: string }[] }>;
  readonly udp: Parts<{ servers: { address: string }[] }>;
}

const routes: Route[] = [
  routeOf("shop", "3000"),
  routeOf("shop", "3001", { path: "/api" }),
  routeOf("shop", "3002", { path: "/api/v2", strip: true }),
  routeOf("shop", "192.168.1.8:3003", { path: "/own", ownHost: true }),
  routeOf("shop", "https://[::1]:3004", { path: "/tls", strip: true, ownHost: true }),
  routeOf("shop", "https://shop.example:3005", { path: "/a+b(c)" }),
  routeOf("shop", "h2c://localhost:3006", { path: "/q'u;o,t" }),
  routeOf("shop", "3007", { path: "/d$1" }),
  routeOf("*.shop", "3008"),
  routeOf("*.shop", "3009", { path: "/deep" }),
  routeOf("*.near.shop", "3010", { path: "/near" }),
  routeOf("docs", "3011", { path: "/guide" }),
  routeOf("one.shop", "3012", { path: "/only" }),
];
const terms = { acceptProxy: false, idleMs: 60_000, mostConnections: 100, mostToTarget: 100 };
const target = (port: number): ForwardWish["target"] => ({ host: "localhost", port: toPort(port) });
const at = (port: number, transport: "tcp" | "udp" = "tcp"): ForwardWish["listen"] => ({
  transport,
  address: "127.0.0.1",
  port: toPort(port),
});
const share: ShareWish = {
  ...terms,
  kind: "share",
  listen: at(7443),
  rules: [
    { protocol: null, name: "*.app.localhost", alpn: null, target: target(4001), sendProxy: null },
    { protocol: "tls", name: null, alpn: "h2", target: target(4002), sendProxy: 2 },
    { protocol: "tls", name: null, alpn: null, target: target(4003), sendProxy: null },
    { protocol: "ssh", name: null, alpn: null, target: target(22), sendProxy: null },
    { protocol: "http", name: null, alpn: null, target: target(80), sendProxy: null },
  ],
  silent: { target: target(25), sendProxy: null },
  silentMs: 3000,
  fallback: { target: target(9), sendProxy: null },
};
const written = exportWriters.traefik({
  doors: {
    addresses: ["127.0.0.1", "::1"],
    httpPort: 80,
    https: { port: 443, certificatePath: "/etc/site.pem", keyPath: "/etc/site.key" },
  },
  routes,
  relays: [
    { ...terms, kind: "forward", listen: at(7000), target: target(5432), sendProxy: 1, acceptProxy: true },
    { ...terms, kind: "forward", listen: at(7000, "udp"), target: target(53), sendProxy: null },
    share,
  ],
});
const dynamic = parse(written.text) as Dynamic;
const staticText = /entryPoints:\n(?:#    .*\n)+/.exec(written.text)![0].replaceAll(/^# {3}/gm, "");
const statics = parse(staticText) as { entryPoints: Record<string, object> };

test("the file and its entry points are as Traefik's reference has them", () => {
  const ajv = new Ajv({ allErrors: true });
  const check = ajv.compile(traefikSchema);
  expect(check(dynamic) ? [] : check.errors).toEqual([]);
  const checkStatic = ajv.compile(traefikStaticSchema);
  expect(checkStatic(statics) ? [] : checkStatic.errors).toEqual([]);
  // A schema that takes anything says nothing.
  expect(check({ ...dynamic, http: { ...dynamic.http, router: {} } })).toBe(false);
});

test("whatever a router names is there", () => {
  const { http, tcp, udp } = dynamic;
  const points = Object.keys(statics.entryPoints);
  for (const parts of [http, tcp, udp])
    for (const router of Object.values(parts.routers)) {
      expect(Object.keys(parts.services)).toContain(router.service);
      expect(points).toEqual(expect.arrayContaining([...router.entryPoints]));
      expect(Object.keys(http.middlewares ?? {})).toEqual(expect.arrayContaining([...(router.middlewares ?? [])]));
    }
  for (const { loadBalancer } of Object.values(http.services))
    if (loadBalancer.serversTransport !== undefined)
      expect(Object.keys(http.serversTransports ?? {})).toContain(loadBalancer.serversTransport);
});

/** `Host`, `HostRegexp`, `Path` and `PathPrefix` as Traefik's reference has them: hosts without port and final dot, in any case. */
function fits(rule: string, host: string, path: string): boolean {
  const [, kind, name = "", exact, below] =
    /^(Host|HostRegexp)\(`([^`]*)`\)(?: && \(Path\(`([^`]*)`\) \|\| PathPrefix\(`([^`]*)`\)\))?$/.exec(rule) ?? [];
  if (kind === undefined) throw new Error(`Not read: ${rule}`);
  const isHost = kind === "Host" ? name === host : new RegExp(name.replace("(?i)", ""), "i").test(host);
  return isHost && (exact === undefined || path === exact || path.startsWith(below!));
}

test("rules lead the same requests to the same servers", () => {
  const table = new RouteTable(routes);
  const routers = Object.values(dynamic.http.routers)
    .filter(({ tls }) => tls === undefined)
    .sort((one, other) => other.priority - one.priority);
  let found = 0;
  for (const { start, fields } of exportCases) {
    const [, path = "/"] = /^\S+ (\/[^ ?]*)/.exec(start) ?? [];
    const host = (/^Host: ([^:]*)/.exec(fields[0] ?? "")?.[1] ?? "").toLowerCase().replace(/\.$/, "");
    // What becomes of detours is Traefik's own affair.
    if (/%|\/\./.test(path)) continue;
    const own = table.find(host, path);
    const theirs = routers.find(({ rule }) => fits(rule, host, path));
    const url = theirs === undefined ? undefined : dynamic.http.services[theirs.service]!.loadBalancer.servers[0]!.url;
    expect(url, start).toBe(own === undefined ? undefined : formatTarget(own.route.target));
    found += 1;
  }
  expect(found).toBeGreaterThan(60);
});

test("what it cannot tell is said of what it concerns", () => {
  const said = written.limits.flatMap(({ concerns, text }) => concerns.map((one) => `${one}: ${text}`));
  const of = (pattern: RegExp): number => said.filter((line) => pattern.test(line)).length;
  expect(of(/^share 127\.0\.0\.1:7443, rule 1 \(\*\.app\.localhost\): the name is found in TLS alone/)).toBe(1);
  expect(of(/rule 4 \(ssh\): Traefik sees only that it is not TLS/)).toBe(1);
  expect(of(/rule 5 \(http\): Traefik cannot tell it/)).toBe(1);
  expect(of(/silent clients: /)).toBe(1);
  expect(of(/fallback: /)).toBe(1);
  expect(of(/^forward 127\.0\.0\.1:7000: who begins with no header/)).toBe(1);
  expect(Object.values(dynamic.tcp.routers).filter(({ tls }) => tls === undefined)).toHaveLength(2);
});
