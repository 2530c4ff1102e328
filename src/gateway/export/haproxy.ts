/**
 * @module The file of HAProxy (2.6 and later): names and paths as one ordered list of rules, the path compared as the resource that it means.
 */
import { originPattern } from "./client-fields.ts";
import { groupLimits, headComment } from "./comment-lines.ts";
import type { Exported, ExportFacts, ExportLimit, ExportRoute, ExportSecureDoor } from "./export-facts.ts";
import { writeHaproxyRelays } from "./haproxy-relays.ts";
import { haproxyForever, haproxyFormat, haproxyWord, haproxyPlace } from "./haproxy-words.ts";
import {
  isOwnMachine,
  isResolved,
  ownAuthority,
  placesOf,
  soundFacts,
  wordOf,
  type SoundFacts,
} from "./sound-facts.ts";
import { routeName } from "../route.ts";

/** Writes it. */
export function writeHaproxy(given: ExportFacts): Exported {
  const facts = soundFacts(given);
  const limits: ExportLimit[] = [...facts.limits, ...limitsOfNames(facts)];
  const relays = writeHaproxyRelays(facts.relays, limits);
  const blocks = [
    ...(hasPaths(facts)
      ? ["global\n  # For normalize-uri: a path is compared without detours.\n  expose-experimental-directives"]
      : []),
    ...(facts.routes.length === 0 ? [] : [writeDefaults(), ...writeNames(facts)]),
    ...relays,
  ];
  const about = [
    "Check it with haproxy -c -f FILE; give it to HAProxy with -f FILE, beside your own files: all its names begin with portolan.",
  ];
  const said = groupLimits(limits);
  return { text: `${[headComment("HAProxy", about, said), ...blocks].join("\n").trimEnd()}\n`, limits: said };
}

function hasPaths({ routes }: SoundFacts): boolean {
  return routes.some(({ path }) => path !== "/");
}

function limitsOfNames(facts: SoundFacts): ExportLimit[] {
  const { routes, doors } = facts;
  if (routes.length === 0) return [];
  const limits: ExportLimit[] = [
    {
      concerns: "every name",
      text: "a request in absolute form is refused (400) when its Host is another name, or when it has no path but a query; one of HTTP/1.0 reaches the server as that; fields that Connection names reach it too.",
    },
  ];
  if (hasPaths(facts))
    limits.push({
      concerns: "paths",
      text: "normalize-uri, which compares them without detours, is called experimental by HAProxy; a path that climbs above the root is compared from there.",
    });
  const { https } = doors;
  if (https !== null && https.keyPath !== https.certificatePath && https.keyPath !== `${https.certificatePath}.key`)
    limits.push({
      concerns: "HTTPS",
      text: `HAProxy looks for the key in ${https.certificatePath} itself, behind the certificate, or in ${https.certificatePath}.key; ${https.keyPath} is not named in its file.`,
    });
  for (const route of routes)
    if (isResolved(route.target.host))
      limits.push({
        concerns: routeName(route),
        text: `${route.target.host} is resolved when HAProxy starts, and then no more; without an address it answers 503.`,
      });
  return limits;
}

function writeDefaults(): string {
  return `defaults portolan-http
  mode http
  timeout connect 10s
  timeout http-request 30s
  timeout http-keep-alive 60s
  # An answer may take its time: you may be looking at a breakpoint.
  timeout client ${haproxyForever}
  timeout server ${haproxyForever}
  timeout tunnel ${haproxyForever}
  # A connection that is refused goes to the next address at once.
  retries 1
  option redispatch 1
`;
}

function writeNames(facts: SoundFacts): string[] {
  const { doors, routes } = facts;
  const words = routes.map((route, index) => wordOf(index + 1, routeName(route)));
  const binds = doors.addresses.flatMap((address) => [
    ...(doors.httpPort === null ? [] : [`  bind ${haproxyPlace(address, doors.httpPort)}`]),
    ...(doors.https === null ? [] : [`  bind ${secureBind(address, doors.https)}`]),
  ]);
  const frontend = [
    "frontend portolan_names from portolan-http",
    ...binds,
    "  # The name without its port and final dot.",
    String.raw`  http-request set-var(txn.name) "req.hdr(host),lower,regsub('\\.?(:[0-9]*)?\$','')"`,
    "  # What is asked for, in origin form or as the asterisk of OPTIONS.",
    "  http-request set-var(txn.asked) pathq",
    '  http-request set-var(txn.asked) url if { url -m str "*" }',
    '  http-request set-uri / if { url -m str "*" }',
    "  http-request set-uri /%[pathq] if !{ path -m beg / }",
    '  http-request set-var(txn.asked) pathq if !{ var(txn.asked) -m beg / } !{ var(txn.asked) -m str "*" }',
    ...(hasPaths(facts)
      ? [
          "  # The path that is meant (RFC 3986, section 6.2.2) decides; the server gets the one that was written.",
          "  http-request normalize-uri percent-decode-unreserved",
          "  http-request normalize-uri path-strip-dot",
          "  http-request normalize-uri path-strip-dotdot full",
          "  http-request set-var(txn.path) path",
        ]
      : []),
    "  http-request set-uri %[var(txn.asked)]",
    "  # WebSockets alone are passed on; everybody else's wish for another protocol is none.",
    "  http-request del-header Upgrade if !{ req.hdr(upgrade) -i websocket }",
    "  # Who asks is said here, and by nobody before.",
    `  http-request del-header '${originPattern}' -m reg`,
    "  http-request set-header X-Forwarded-For %[src]",
    "  http-request set-header X-Forwarded-Host %[req.hdr(host)]",
    "  http-request set-header X-Forwarded-Port %[dst_port]",
    "  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]",
    ...["%[src]", "[%[src]]"].map(
      (node, index) =>
        `  http-request set-header Forwarded 'for="${node}:%[src_port]";host="%[req.hdr(host)]";proto=%[ssl_fc,iif(https,http)]' if ${index === 0 ? "!" : ""}{ src -m sub : }`,
    ),
    "  # Exact names before wildcards, the longest path first.",
    ...routes.flatMap((route, index) => useLines(route, words[index]!)),
    "  default_backend portolan_nobody",
    "",
  ];
  const nobody = "backend portolan_nobody from portolan-http\n  http-request return status 404\n";
  return [frontend.join("\n"), ...routes.map((route, index) => writeBackend(route, words[index]!)), nobody];
}

function secureBind(address: string, { port, certificatePath }: ExportSecureDoor): string {
  return `${haproxyPlace(address, port)} ssl crt ${haproxyWord(certificatePath)} alpn h2,http/1.1`;
}

function useLines({ host, path }: ExportRoute, word: string): string[] {
  const name = host.startsWith("*.") ? `-m end ${haproxyWord(host.slice(1))}` : `-m str ${haproxyWord(host)}`;
  const below = host.startsWith("*.") ? ` !{ var(txn.name) -m str ${haproxyWord(host.slice(1))} }` : "";
  const use = `  use_backend ${word} if { var(txn.name) ${name} }${below}`;
  if (path === "/") return [use];
  return [
    `${use} { var(txn.path) -m str ${haproxyWord(path)} }`,
    `${use} { var(txn.path) -m beg ${haproxyWord(`${path}/`)} }`,
  ];
}

function writeBackend(route: ExportRoute, word: string): string {
  const { path, strip, ownHost, target } = route;
  const strips = strip && path !== "/";
  const places = placesOf(target);
  const lines = [
    `backend ${word} from portolan-http`,
    `  # ${routeName(route)}`,
    ...(places.length > 1 ? ["  balance first"] : []),
    ...(strips
      ? [
          `  http-request set-path /%[var(txn.path),bytes(${Buffer.byteLength(path) + 1})]`,
          `  http-request set-header X-Forwarded-Prefix ${haproxyFormat(path)}`,
        ]
      : []),
    ...(ownHost ? [`  http-request set-header Host ${haproxyFormat(ownAuthority(route))}`] : []),
    ...places.map((place, index) => `  server s${index + 1} ${place}${serverWords(route)}`),
  ];
  return `${lines.join("\n")}\n`;
}

function serverWords({ target: { host, protocol } }: ExportRoute): string {
  const late = isResolved(host) ? " init-addr last,libc,none" : "";
  if (protocol === "h2c") return ` proto h2${late}`;
  if (protocol === "http") return late;
  const name = haproxyWord(host);
  const named = /[a-z]/.test(host) && !host.includes(":") ? ` sni str(${name})` : "";
  // A development server on this machine has signed its certificate itself.
  const trust = isOwnMachine(host) ? " verify none" : ` verify required ca-file @system-ca verifyhost ${name}`;
  return ` ssl alpn http/1.1${named}${trust}${late}`;
}
