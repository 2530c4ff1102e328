/**
 * @module The file of nginx (1.22 and later): a server for each name, its paths as locations, and a server for everybody else.
 */
import { routeName } from "../route.ts";
import { groupLimits, headComment } from "./comment-lines.ts";
import type { ExportDoors, Exported, ExportFacts, ExportLimit, ExportRoute } from "./export-facts.ts";
import { passLines, systemAuthorities, writeLocations } from "./nginx-locations.ts";
import { writeNginxStreams } from "./nginx-stream.ts";
import { nginxDollar, nginxPattern, nginxText, nginxPlace } from "./nginx-words.ts";
import { sitesOf, type Site } from "./sites.ts";
import { isOwnMachine, isResolved, placesOf, soundFacts, wordOf, type SoundFacts } from "./sound-facts.ts";

/** A route with the names of what belongs to it. */
interface NamedRoute {
  readonly route: ExportRoute;
  readonly word: string;
}

/** Writes it. */
export function writeNginx(given: ExportFacts): Exported {
  const sound = soundFacts(given);
  const limits: ExportLimit[] = [...sound.limits];
  const facts = withoutUnnamable(sound, limits);
  limits.push(...limitsOfNames(facts));
  const streams = writeNginxStreams(facts.relays, limits);
  const about = [
    "Check it with nginx -t -c FILE. To put it into a configuration of your own, take over what is within http and stream, and as many connections as stand in events.",
  ];
  const blocks = [
    // A module that Debian loads from there, and other builds have in them.
    ...(streams.length === 0 ? [] : ["include /etc/nginx/modules-enabled/*.conf;\n"]),
    writeEvents(facts.relays, limits),
    ...(facts.routes.length === 0 ? [] : [writeHttp(facts)]),
    ...(streams.length === 0 ? [] : [["stream {", ...streams, "}", ""].join("\n")]),
  ];
  const said = groupLimits(limits);
  return { text: `${[headComment("nginx", about, said), ...blocks].join("\n").trimEnd()}\n`, limits: said };
}

/** Most connections of one of nginx's processes, which takes memory for them when it starts (some 20 MiB for these). */
const mostConnections = 65_536;

/** Its own default is 512, listeners and both ends of each connection together; with more listeners it does not start. */
function writeEvents(relays: SoundFacts["relays"], limits: ExportLimit[]): string {
  const wanted = relays.reduce((sum, wish) => sum + 1 + 2 * wish.mostConnections, 4096);
  const given = Math.min(wanted, mostConnections);
  if (given < wanted)
    limits.push({
      concerns: "every forward and share",
      text: `nginx has ${given} connections for all of them together, two for each.`,
    });
  return `worker_rlimit_nofile ${given + 1024};\nevents {\n  worker_connections ${given};\n}\n`;
}

/** A certificate's name is read as text with variables, and nothing there stands for `$`. */
function withoutUnnamable(facts: SoundFacts, limits: ExportLimit[]): SoundFacts {
  const { https } = facts.doors;
  if (https === null || !`${https.certificatePath}${https.keyPath}`.includes("$")) return facts;
  limits.push({
    concerns: "HTTPS",
    text: "nginx takes a $ in a certificate's name for a variable; HTTPS is left out.",
  });
  return { ...facts, doors: { ...facts.doors, https: null } };
}

function limitsOfNames({ routes, doors }: SoundFacts): ExportLimit[] {
  if (routes.length === 0) return [];
  const limits: ExportLimit[] = [
    {
      concerns: "every name",
      text: "fields with _ in their name are dropped, those that Connection names reach the server; WebSockets come by HTTP/1.1 alone, not as streams of HTTP/2; trailers of requests are not passed on; OPTIONS * is refused (400).",
    },
  ];
  if (doors.httpPort !== null)
    limits.push({
      concerns: "HTTP",
      text: "HTTP/2 without TLS is not spoken at the port of HTTP (before nginx 1.25.1).",
    });
  if (routes.some(({ path }) => path !== "/"))
    limits.push({
      concerns: "paths",
      text: "%2F is a slash to nginx when it looks for the path; to portolan it is none.",
    });
  for (const { host, path, target, strip } of routes) {
    const concerns = routeName({ host, path });
    if (strip && path !== "/")
      limits.push({
        concerns,
        text: "a path that is written with detours or escaped letters reaches the server as nginx escapes it: %2F as a slash.",
      });
    if (target.protocol === "h2c")
      limits.push({
        concerns,
        text: "nginx speaks HTTP/2 to servers by grpc_pass alone: gRPC works, and answers to other requests do; WebSockets do not.",
      });
    if (target.protocol === "https" && !isOwnMachine(target.host))
      limits.push({
        concerns,
        text: `nginx knows no authorities of the system; they are looked for in ${systemAuthorities}, and an address in place of a name is not verified against a certificate.`,
      });
    if (isResolved(target.host))
      limits.push({ concerns, text: `${target.host} is resolved when nginx starts, which fails without an address.` });
  }
  return limits;
}

function writeHttp(facts: SoundFacts): string {
  const { doors, routes } = facts;
  const named = routes.map((route, index): NamedRoute => ({ route, word: wordOf(index + 1, routeName(route)) }));
  const stripped = named.filter(({ route }) => route.strip && route.path !== "/");
  const lines = [
    "http {",
    "  # Long names fit.",
    "  server_names_hash_max_size 4096;",
    "  server_names_hash_bucket_size 512;",
    "  variables_hash_bucket_size 256;",
    // Two of each path that is taken off.
    ...(stripped.length > 200 ? [`  variables_hash_max_size ${1024 + 8 * stripped.length};`] : []),
    "  map_hash_bucket_size 512;",
    "",
    ...commonMaps,
    ...(named.some(({ route }) => route.path.includes("$") && route.strip) ? [nginxDollar, ""] : []),
    ...stripped.flatMap(writeRestMap),
    ...named.flatMap(writeUpstream),
    ...writeNobody(doors),
    ...sitesOf(routes).flatMap((site) => writeServer(site, named, doors)),
    "}",
    "",
  ];
  return lines.join("\n");
}

const commonMaps = [
  "  # WebSockets alone are passed on; everybody else's wish for another protocol is none.",
  "  map $http_upgrade $portolan_upgrade {",
  '    default "";',
  "    ~*^websocket$ websocket;",
  "  }",
  "  map $portolan_upgrade $portolan_connection {",
  '    default "upgrade";',
  '    "" "";',
  "  }",
  "  # Whom the request is for: an absolute target outranks Host (RFC 9112, section 3.2.2).",
  "  map $request $portolan_asked {",
  '    "~*^[A-Z]+ https?://(?<portolan_authority_of_target>[^/? ]+)" $portolan_authority_of_target;',
  "    default $http_host;",
  "  }",
  "  map $portolan_asked $portolan_authority {",
  String.raw`    "~^[A-Za-z0-9._-]+(?::\d{0,5})?$" $portolan_asked;`,
  "    default $host;",
  "  }",
  "  map $remote_addr $portolan_node {",
  '    ~: "[$remote_addr]:$remote_port";',
  '    default "$remote_addr:$remote_port";',
  "  }",
  "",
];

/** An escaped letter, digit, `-`, `.`, `_` or `~`, or a segment that begins with a dot: what a plain path has none of (RFC 3986, section 6.2.2). */
const notPlain = String.raw`(?![^?]*(?:/\.|%(?:2[deDE]|3\d|[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|7[eE])))`;

/** What is left of a plain path, as it was written, query included; empty when nginx has to make it plain first. */
function writeRestMap({ route, word }: NamedRoute): string[] {
  const prefix = nginxPattern(route.path);
  return [
    `  map $request_uri $${word}_rest {`,
    '    default "";',
    `    "~^${prefix}${notPlain}(?<${captureOf(word)}>/.*)$" $${captureOf(word)};`,
    String.raw`    "~^${prefix}(?<${captureOf(word)}>\?.*)?$" /$${captureOf(word)};`,
    "  }",
  ];
}

/** Names of captures are short (PCRE: 32 characters). */
function captureOf(word: string): string {
  return `${/^portolan_\d+/.exec(word)![0]}_cut`;
}

function writeUpstream({ route, word }: NamedRoute): string[] {
  const places = placesOf(route.target);
  return [
    `  # ${routeName(route)}`,
    `  upstream ${word} {`,
    ...places.map((place, index) => `    server ${place} max_fails=0${index > 0 ? " backup" : ""};`),
    "    keepalive 16;",
    "  }",
  ];
}

function listenLines({ addresses, httpPort, https }: ExportDoors, isDefault: boolean): string[] {
  const words = isDefault ? " default_server" : "";
  return addresses.flatMap((address) => [
    ...(httpPort === null ? [] : [`    listen ${nginxPlace(address, httpPort)}${words};`]),
    ...(https === null ? [] : [`    listen ${nginxPlace(address, https.port)} ssl http2${words};`]),
  ]);
}

function certificateLines({ https }: ExportDoors): string[] {
  if (https === null) return [];
  return [
    `    ssl_certificate ${nginxText(https.certificatePath)};`,
    `    ssl_certificate_key ${nginxText(https.keyPath)};`,
  ];
}

/** How a head is read, before anybody knows whose it is: the default server's own words count, and the others' for who comes by TLS with a name. */
const headLines = [
  "    # Slashes in a row are not one.",
  "    merge_slashes off;",
  "    client_header_timeout 30s;",
  "    large_client_header_buffers 4 64k;",
];

function writeNobody(doors: ExportDoors): string[] {
  return [
    "  # A name that nobody has gets no application.",
    "  server {",
    ...listenLines(doors, true),
    '    server_name "";',
    ...certificateLines(doors),
    ...headLines,
    "    return 404;",
    "  }",
  ];
}

function writeServer(site: Site, named: readonly NamedRoute[], doors: ExportDoors): string[] {
  const hasRoot = site.routes.some(({ path }) => path === "/");
  return [
    "  server {",
    ...listenLines(doors, false),
    `    server_name ${nginxText(site.host)};`,
    ...certificateLines(doors),
    ...headLines,
    "    client_max_body_size 0;",
    "    keepalive_timeout 60s;",
    ...passLines("proxy"),
    ...(site.routes.some(({ target }) => target.protocol === "h2c") ? passLines("grpc") : []),
    "    set $portolan_host $portolan_authority;",
    '    set $portolan_prefix "";',
    ...site.routes.flatMap((route) => {
      const { word } = named.find((one) => one.route === route)!;
      return writeLocations(route, word);
    }),
    ...(hasRoot ? [] : ["    location / {", "      return 404;", "    }"]),
    "  }",
  ];
}
