/**
 * @module The file of Caddy (2.6 and later): one site for every name at the port, its routes in the gateway's order.
 */
import { droppedFields, underscoredFields } from "./client-fields.ts";
import { routeName } from "../route.ts";
import { caddyPattern, caddyText, isCaddyText } from "./caddy-words.ts";
import { groupLimits, headComment } from "./comment-lines.ts";
import type { Exported, ExportFacts, ExportLimit, ExportRoute } from "./export-facts.ts";
import { isOwnMachine, ownAuthority, placesOf, relayName, soundFacts, wordOf, type SoundFacts } from "./sound-facts.ts";

/** Writes it. */
export function writeCaddy(given: ExportFacts): Exported {
  const sound = soundFacts(given);
  const limits: ExportLimit[] = [...sound.limits];
  const facts = withoutUnnamable(sound, limits);
  limits.push(...limitsOfNames(facts));
  for (const wish of facts.relays)
    limits.push({
      concerns: relayName(wish),
      text: "Caddy passes on HTTP alone: its builds have no TCP or UDP (caddy-l4 is a module of its own); left out.",
    });
  const about = [
    "Check it with caddy validate --adapter caddyfile --config FILE. To put it into a Caddyfile of your own, take over the sites,",
    "and those of the options above them that it has none of.",
  ];
  const blocks = facts.routes.length === 0 ? [] : [globalOptions, commonFields(), ...writeSites(facts)];
  const said = groupLimits(limits);
  return { text: `${[headComment("Caddy", about, said), ...blocks].join("\n").trimEnd()}\n`, limits: said };
}

const globalOptions = `{
  # Certificates are those that stand here; none is asked for anywhere.
  auto_https off
  servers {
    # gRPC without TLS as well.
    protocols h1 h2 h2c
  }
}
`;

function withoutUnnamable(facts: SoundFacts, limits: ExportLimit[]): SoundFacts {
  const { https } = facts.doors;
  if (https === null || [https.certificatePath, https.keyPath].every(isCaddyText)) return facts;
  limits.push({
    concerns: "HTTPS",
    text: "a certificate's file has characters in its name that a Caddyfile cannot hold; HTTPS is left out.",
  });
  return { ...facts, doors: { ...facts.doors, https: null } };
}

function limitsOfNames({ routes }: SoundFacts): ExportLimit[] {
  if (routes.length === 0) return [];
  const limits: ExportLimit[] = [
    {
      concerns: "every name",
      text: "a wish for another protocol reaches the server, whichever it is; WebSockets come by HTTP/1.1 alone, not as streams of HTTP/2 (before Caddy 2.9); OPTIONS * is answered by Caddy itself.",
    },
  ];
  if (routes.some(({ path }) => path !== "/"))
    limits.push({
      concerns: "paths",
      text: "to Caddy %2F is a slash, and slashes in a row are one, when it looks for the path; to portolan neither is.",
    });
  for (const route of routes)
    if (route.strip && route.path !== "/")
      limits.push({
        concerns: routeName(route),
        text: "what is left of the path keeps the escaped letters that it was written with, and begins with one slash.",
      });
  return limits;
}

function writeSites({ doors, routes }: SoundFacts): string[] {
  const sites: string[] = [];
  const ports = [
    ...(doors.httpPort === null ? [] : [{ scheme: "http", port: doors.httpPort, tls: [] as string[] }]),
    ...(doors.https === null
      ? []
      : [
          {
            scheme: "https",
            port: doors.https.port,
            tls: [`  tls ${caddyText(doors.https.certificatePath)} ${caddyText(doors.https.keyPath)}`],
          },
        ]),
  ];
  for (const { scheme, port, tls } of ports)
    sites.push(
      [
        `${scheme}://:${port} {`,
        `  bind ${doors.addresses.map((address) => (address.includes(":") ? `[${address}]` : address)).join(" ")}`,
        ...tls,
        "  # Exact names before wildcards, the longest path first.",
        "  route {",
        ...routes.flatMap((route, index) => writeRoute(route, wordOf(index + 1, routeName(route)), port)),
        "    # A name that nobody has gets no application.",
        "    respond 404",
        "  }",
        "}",
        "",
      ].join("\n"),
    );
  return sites;
}

/** Fields that are set for each route, or by Caddy itself. */
const set = [
  "forwarded",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-port",
  "x-forwarded-proto",
  "x-forwarded-prefix",
];

/** What every route's server is told, and not told. */
function commonFields(): string {
  return [
    "(portolan_fields) {",
    "  # Bodies pass as they arrive.",
    "  flush_interval -1",
    "  # Who asks is said here, and by nobody before; X-Forwarded-For, -Host and -Proto are Caddy's own affair.",
    '  header_up Forwarded `for="{remote}";host="{hostport}";proto={scheme}`',
    ...[...droppedFields(set), ...underscoredFields].map((field) => `  header_up -${field}`),
    "}",
    "",
  ].join("\n");
}

function writeRoute(route: ExportRoute, word: string, port: number): string[] {
  const { host, path, strip, ownHost, target } = route;
  const strips = strip && path !== "/";
  const name = host.startsWith("*.") ? `[^:]+${caddyPattern(host.slice(1))}` : caddyPattern(host);
  const places = placesOf(target);
  return [
    `    # ${routeName(route)}`,
    `    @${word} {`,
    `      header_regexp Host ${caddyText(String.raw`(?i)^${name}\.?(?::\d*)?$`)}`,
    ...(path === "/" ? [] : [`      path_regexp ${caddyText(`^${caddyPattern(path)}(?:/|$)`)}`]),
    "    }",
    `    handle @${word} {`,
    ...(strips ? [`      uri strip_prefix ${caddyText(path)}`] : []),
    `      reverse_proxy ${places.join(" ")} {`,
    ...(places.length > 1
      ? [
          "        # Whichever loopback address answers.",
          "        lb_policy first",
          "        lb_retries 1",
          "        fail_duration 1s",
        ]
      : []),
    ...(ownHost ? [`        header_up Host ${caddyText(ownAuthority(route))}`] : []),
    `        header_up X-Forwarded-Port ${port}`,
    strips ? `        header_up X-Forwarded-Prefix ${caddyText(path)}` : "        header_up -X-Forwarded-Prefix",
    "        import portolan_fields",
    ...transportLines(route),
    "      }",
    "    }",
  ];
}

function transportLines({ target: { host, protocol } }: ExportRoute): string[] {
  const isName = /[a-z]/.test(host) && !host.includes(":");
  const secure =
    protocol === "https"
      ? [
          "          tls",
          ...(isName ? [`          tls_server_name ${caddyText(host)}`] : []),
          // A development server on this machine has signed its certificate itself.
          ...(isOwnMachine(host) ? ["          tls_insecure_skip_verify"] : []),
        ]
      : [];
  return [
    "        transport http {",
    "          dial_timeout 10s",
    ...secure,
    // A scheme of its own, h2c://, takes not every port.
    `          versions ${protocol === "h2c" ? "h2c 2" : "1.1"}`,
    "          compression off",
    "        }",
  ];
}
