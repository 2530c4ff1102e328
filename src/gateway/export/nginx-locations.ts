/**
 * @module What nginx does with a name's requests: which fields servers are told, and where each path goes.
 */
import { droppedFields } from "./client-fields.ts";
import type { ExportRoute } from "./export-facts.ts";
import { nginxPattern, nginxText } from "./nginx-words.ts";
import { isOwnMachine, ownAuthority } from "./sound-facts.ts";

/** Debian's and its like; nginx does not know where a system keeps them. */
export const systemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

/** Fields that say who asks, and those in which a client could say it. */
const origins: readonly (readonly [string, string])[] = [
  ["Host", "$portolan_host"],
  ["Forwarded", '"for=\\"$portolan_node\\";host=\\"$portolan_authority\\";proto=$scheme"'],
  ["X-Forwarded-For", "$remote_addr"],
  ["X-Forwarded-Host", "$portolan_authority"],
  ["X-Forwarded-Port", "$server_port"],
  ["X-Forwarded-Proto", "$scheme"],
];
const dropped = droppedFields([...origins.map(([name]) => name.toLowerCase()), "x-forwarded-prefix"]);

/** How requests of a name are passed on, by proxy_pass or by grpc_pass. */
export function passLines(module: "proxy" | "grpc"): string[] {
  const field = module === "proxy" ? "proxy_set_header" : "grpc_set_header";
  const proxyAlone = [
    "    proxy_http_version 1.1;",
    "    # Bodies pass as they arrive.",
    "    proxy_buffering off;",
    "    proxy_request_buffering off;",
    "    proxy_redirect off;",
    "    proxy_set_header Upgrade $portolan_upgrade;",
    "    proxy_set_header Connection $portolan_connection;",
    '    proxy_set_header Keep-Alive "";',
    '    proxy_set_header Proxy-Connection "";',
    "    proxy_set_header X-Forwarded-Prefix $portolan_prefix;",
  ];
  return [
    ...(module === "proxy" ? proxyAlone : ["    grpc_set_header X-Forwarded-Prefix $portolan_prefix;"]),
    "    # An answer may take its time: you may be looking at a breakpoint.",
    `    ${module}_connect_timeout 10s;`,
    `    ${module}_read_timeout 24d;`,
    `    ${module}_send_timeout 24d;`,
    `    ${module}_socket_keepalive on;`,
    ...origins.map(([name, value]) => `    ${field} ${name} ${value};`),
    ...dropped.map((name) => `    ${field} ${name} "";`),
  ];
}

/** The path itself, and everything below it: whole segments. */
export function writeLocations(route: ExportRoute, word: string): string[] {
  const { path } = route;
  const lines = locationLines(route, word);
  const open = (how: string): string[] => [`    location ${how} {`, ...lines.map((line) => `      ${line}`), "    }"];
  if (path === "/") return open("/");
  return [...open(`= ${nginxText(path)}`), ...open(nginxText(`${path}/`))];
}

function locationLines(route: ExportRoute, word: string): string[] {
  const { path, strip, ownHost, target } = route;
  const strips = strip && path !== "/";
  const isStream = target.protocol === "h2c";
  const scheme = target.protocol === "https" ? "https" : "http";
  const pass = isStream ? `grpc_pass grpc://${word}` : `proxy_pass ${scheme}://${word}`;
  const lines = [
    ...(ownHost ? [`set $portolan_host ${nginxText(ownAuthority(route))};`] : []),
    ...(strips ? [`set $portolan_prefix ${nginxText(path).replaceAll("$", "${portolan_dollar}")};`] : []),
    ...(target.protocol === "https" ? secureLines(target.host) : []),
  ];
  if (!strips) return [...lines, `${pass};`];
  const prefix = nginxPattern(path);
  if (isStream) return [...lines, `rewrite "^${prefix}/?(.*)$" "/$1" break;`, `${pass};`];
  return [
    ...lines,
    `if ($${word}_rest) {`,
    `  ${pass}$${word}_rest;`,
    "  break;",
    "}",
    `rewrite "^${prefix}/?(.*)$" "/$1" break;`,
    `${pass};`,
  ];
}

function secureLines(host: string): string[] {
  const isName = /[a-z]/.test(host) && !host.includes(":");
  return [
    ...(isName ? ["proxy_ssl_server_name on;", `proxy_ssl_name ${nginxText(host)};`] : []),
    // A development server on this machine has signed its certificate itself.
    ...(isOwnMachine(host)
      ? ["proxy_ssl_verify off;"]
      : ["proxy_ssl_verify on;", "proxy_ssl_verify_depth 6;", `proxy_ssl_trusted_certificate ${systemAuthorities};`]),
  ];
}
